"""The parts of a model. Each returns its value and `back`, which turns the gradient of the value into those of its
inputs, in their order: a model is these parts in a row, and its gradient the same row backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.trace import Gradients, Trace
from explorer.unroll import PARAMS, backprop, run


def linear(x, weight, bias):
    """x (…, M), weight (K, M), bias (K,) -> (…, K)."""

    def back(dy):
        flat_dy, flat_x = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])
        return dy @ weight, flat_dy.T @ flat_x, flat_dy.sum(axis=0)

    return x @ weight.T + bias, back


def embedding(symbols, weight):
    """symbols (…) whole numbers, weight (S, D) -> (…, D); back returns the gradient of the weight."""

    def back(dx):
        table = np.zeros_like(weight)
        np.add.at(table, symbols.reshape(-1), dx.reshape(-1, dx.shape[-1]))
        return table

    return weight[symbols], back


def picked(rows, places):
    """rows (T, B, H), places two index arrays (N,) -> (N, H)."""

    def back(dy):
        drows = np.zeros((rows.shape[0], rows.shape[2], rows.shape[1]), rows.dtype).transpose(0, 2, 1)
        drows[places] = dy
        return drows

    return rows[places], back


@dataclass(frozen=True, eq=False)
class Memory:
    """What a recurrent stack did: its Traces, one for each piece of time, and the last states, a mapping a layer."""

    traces: tuple[Trace, ...]
    last: tuple[dict, ...]

    @property
    def h(self) -> np.ndarray:
        """The outputs of the last layer, (T, B, H)."""
        return _joined([trace["h"] for trace in self.traces])


@dataclass(frozen=True, eq=False)
class Reached:
    """What a gradient has become on its way back through a recurrent stack.

    grads    one Gradients for each piece of time
    x        (T, B, D)
    state    ∂L/∂ of the states at the start, one mapping a layer
    layers   ∂L/∂ of the weights, one mapping a layer
    """

    grads: tuple[Gradients, ...]
    x: np.ndarray
    state: tuple[dict, ...]
    layers: tuple[dict, ...]

    def total(self, name: str) -> np.ndarray:
        """The total gradient of the last layer's state, (T, B, H)."""
        return _joined([grads.state[name] for grads in self.grads])


def recurrent(cell: str, layers: Sequence, x, state=None, *, truncate: int = 0, **options):
    """A stack of layers over x (T, B, D), from `state`, one mapping a layer -> Memory.

    truncate  backpropagation: every so many steps the gradient, not the state, is cut off; 0 never is

    back(dh (T, B, H), later=None) -> Reached; `later`, one mapping a layer, is the gradient of the states at the end.
    """
    traces, now = [], state
    for start in range(0, len(x), truncate or len(x)):
        traces.append(run(cell, layers, x[start : start + (truncate or len(x))], now, **options))
        now = tuple({q: layer[q][-1] for q in layer.cell.states} for layer in traces[-1].layers)

    def back(dh, later=None) -> Reached:
        grads, stop = [], len(x)
        for trace in reversed(traces):
            grads.insert(0, backprop(trace, dh[stop - trace.T : stop], None if grads else later))
            stop -= trace.T
        depth = range(len(layers))
        return Reached(
            grads=tuple(grads),
            x=_joined([piece.layers[0].x for piece in grads]),
            state=tuple(dict(layer.initial) for layer in grads[0].layers),
            layers=tuple(
                {name: sum(piece.layers[k].params[name] for piece in grads) for name in PARAMS} for k in depth
            ),
        )

    return Memory(tuple(traces), now), back


def _joined(pieces):
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def weighted(scores, values, real):
    """Attend: scores (B, S) through a softmax over the real steps, values (S, B, H), real (S, B) bool.

    -> (context (B, H), shares (B, S)); back(dcontext) -> ∂scores, ∂values
    """
    shares = softmax(np.where(real.T, scores, -np.inf))

    def back(dcontext):
        dshares = np.einsum("bh,sbh->bs", dcontext, values)
        dscores = shares * (dshares - (shares * dshares).sum(axis=1, keepdims=True))
        return dscores, shares.T[:, :, None] * dcontext

    return (np.einsum("bs,sbh->bh", shares, values), shares), back


def dot_attention(query, values, real):
    """Luong et al. 2015: the score of a step is query · value.

    query (B, H), values (S, B, H) -> (context, shares); back(dcontext) -> ∂query, ∂values
    """
    attended, back_weighted = weighted(np.einsum("bh,sbh->bs", query, values), values, real)

    def back(dcontext):
        dscores, dvalues = back_weighted(dcontext)
        dquery = np.einsum("bs,sbh->bh", dscores, values)
        return dquery, dvalues + dscores.T[:, :, None] * query

    return attended, back


def additive_attention(query, values, keys, real, weight, v):
    """Bahdanau et al. 2015: the score of a step is v · tanh(weight @ query + key).

    query (B, H), values and keys (S, B, H), weight (H, H), v (H,) -> (context, shares)
    back(dcontext) -> ∂query, ∂values, ∂keys, ∂weight, ∂v
    """
    bent = np.tanh(query @ weight.T + keys)
    attended, back_weighted = weighted((bent @ v).T, values, real)

    def back(dcontext):
        dscores, dvalues = back_weighted(dcontext)
        dkeys = dscores.T[:, :, None] * v * (1 - bent * bent)
        dsum = dkeys.sum(axis=0)
        return dsum @ weight, dvalues, dkeys, dsum.T @ query, np.einsum("bs,sbh->h", dscores, bent)

    return attended, back
