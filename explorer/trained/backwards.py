"""The way back through an answer: the gradient of L = Σ h / √H, summed over the steps that count.

With dot attention what is read is h̃, so that L = Σ h̃ / √H. The direct gradient of a step is all that reaches its h
from elsewhere than the next step: from the loss, and with attention from every look at it or by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explorer.trace import Gradients, Trace
from explorer.training.parts import additive_attention, dot_attention, linear
from explorer.training.translators import EncoderDecoder, Said
from explorer.unroll import backprop


@dataclass(frozen=True, eq=False)
class Back:
    """What came back through one network over time: its run, its Gradients, and the direct ∂L/∂h_t (T, B, H)."""

    trace: Trace
    grads: Gradients
    direct: np.ndarray


def back_through(trace: Trace, counting: np.ndarray) -> Back:
    """Through one network; counting (T,) bool, the steps that count."""
    direct = np.zeros((trace.T, trace.B, trace.H), trace.dtype)
    direct[counting] = trace.H**-0.5
    return Back(trace, backprop(trace, direct), direct)


def back_through_pair(
    model: EncoderDecoder, weights: Mapping, said: Said, real: np.ndarray, encoder: Trace, decoder: Trace
) -> tuple[Back, Back]:
    """Through a decoder, of which all steps count, and its encoder.

    said      what the pair did; real (S, B) bool, where the source is not filled up
    encoder   the encoder's run over the source, or over its last steps
    decoder   the decoder's run over `said.entered`, or over its first steps
    """
    direct = np.full((decoder.T, decoder.B, decoder.H), decoder.H**-0.5, decoder.dtype)
    looked_at = np.zeros_like(said.encoder.h)
    if model.attention != "none":
        {"additive": _additive, "dot": _dot}[model.attention](model, weights, said, real, decoder, direct, looked_at)
    grads = backprop(decoder, direct)
    later = [layer.initial for layer in grads.layers]
    looked_at = looked_at[-encoder.T :]
    return Back(encoder, backprop(encoder, looked_at, later), looked_at), Back(decoder, grads, direct)


def _dot(model, weights, said, real, decoder, direct, looked_at) -> None:
    """Each step looks by its own h, and h̃ is made of both."""
    values = said.encoder.h
    for t, h in enumerate(decoder["h"]):
        (context, _), back_look = dot_attention(h, values, real)
        joined, back_join = linear(np.concatenate([h, context], axis=1), weights["join.weight"], weights["join.bias"])
        djoined, _, _ = back_join(direct[t] * (1 - np.tanh(joined) ** 2))
        dquery, dvalues = back_look(djoined[:, model.H :])
        direct[t] = djoined[:, : model.H] + dquery
        looked_at += dvalues


def _additive(model, weights, said, real, decoder, direct, looked_at) -> None:
    """Each step looks by the h before it, and what it sees enters it: so one step goes after the other."""
    values, later = said.encoder.h, None
    keys, back_keys = linear(values, weights["key.weight"], weights["key.bias"])
    dkeys = np.zeros_like(keys)
    for t in reversed(range(decoder.T)):
        state = [{q: layer.previous[q][t] for q in layer.cell.states} for layer in decoder.layers]
        _, back_step = model.decoder(weights, said.entered[t : t + 1], state)
        reached = back_step(direct[t : t + 1], later)
        _, back_look = additive_attention(
            decoder.previous["h"][t], values, keys, real, weights["query.weight"], weights["score.weight"]
        )
        dquery, dvalues, dkey, *_ = back_look(reached.x[0, :, model.E :])
        (direct[t - 1] if t else looked_at[-1])[:] += dquery
        looked_at += dvalues
        dkeys += dkey
        later = reached.state
    looked_at += back_keys(dkeys)[0]
