"""The encoder–decoder: one stack reads symbols, a second one starts from its last states and writes symbols.

    without attention   the last states are all that the decoder knows of the source
    additive            Bahdanau et al. 2015: before each step it looks where h_{t-1} points; what it sees enters the
                        step beside the symbol
    dot                 Luong et al. 2015: after each step it looks where h_t points; h̃_t = tanh(W [h_t; seen]) is read

What enters a step of the decoder is the true symbol before (teacher forcing) or the one that it wrote itself, which
may be chosen for each sequence and step. No gradient goes through that choice, as it has no slope.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from explorer.check import known, shaped
from explorer.forms import FORMS, Form
from explorer.training import parts
from explorer.training.models import Stack, packed, uniform

ATTENTION = ("none", "additive", "dot")


@dataclass(frozen=True, eq=False)
class Said:
    """What an encoder–decoder wrote, R steps of K symbols for a source of S steps.

    logits    (R, B, K)
    symbols   (R, B), the likeliest ones
    shares    (R, B, S), where it looked; None without attention
    encoder   the Memory of the encoder
    entered   (R, B, …), what went into the decoder's stack: run over it from `encoder.last`, it is the same decoder
    back      ∂L/∂logits (R, B, K) -> ({name: gradient}, Reached of the encoder)
    """

    logits: np.ndarray
    symbols: np.ndarray
    shares: np.ndarray | None
    encoder: parts.Memory
    entered: np.ndarray
    back: Callable


@dataclass(frozen=True)
class EncoderDecoder:
    """Sizes and parts; the weights are elsewhere, one vector.

    cell, H, layers, options   of both stacks
    S, K        symbols that are read, symbols that are written; the decoder's start sign is symbol K of its own table
    E           numbers a symbol is embedded in
    attention   "none", "additive" or "dot"
    """

    cell: str
    S: int
    K: int
    E: int
    H: int
    layers: int = 1
    attention: str = "none"
    options: Mapping = field(default_factory=dict)

    def __post_init__(self):
        known(self.attention, ATTENTION, "attention")

    @property
    def form(self) -> Form:
        return FORMS["encoder_decoder"]

    @cached_property
    def encoder(self) -> Stack:
        return Stack(self.cell, self.E, self.H, self.layers, self.options, "encoder.")

    @cached_property
    def decoder(self) -> Stack:
        seen = self.H if self.attention == "additive" else 0
        return Stack(self.cell, self.E + seen, self.H, self.layers, self.options, "decoder.")

    @cached_property
    def shapes(self) -> dict[str, tuple]:
        H = self.H
        own = {"source.weight": (self.S, self.E), "target.weight": (self.K + 1, self.E)}
        looking = {
            "none": {},
            "additive": {"query.weight": (H, H), "key.weight": (H, H), "key.bias": (H,), "score.weight": (H,)},
            "dot": {"join.weight": (H, 2 * H), "join.bias": (H,)},
        }[self.attention]
        reading = {"readout.weight": (self.K, H), "readout.bias": (self.K,)}
        return own | self.encoder.shapes | self.decoder.shapes | looking | reading

    def draw(self, seed: int, dtype="float64", **how) -> np.ndarray:
        """All weights in one vector; `how` as for `Stack.draw`. Embeddings are drawn from N(0, 1)."""
        rng = np.random.default_rng([seed, 1])
        stacks = self.encoder.draw(seed, **how) | self.decoder.draw(seed + 1, **how)
        arrays = {
            name: rng.standard_normal(shape)
            if name in ("source.weight", "target.weight")
            else uniform(rng, shape, self.H)
            for name, shape in self.shapes.items()
            if name not in stacks
        }
        return packed(arrays | stacks, self.shapes, dtype)

    def __call__(self, weights: Mapping, source, real, target, teacher) -> Said:
        """Read and write.

        source    (S, B) symbols; the end of each sequence is the last step, so a shorter one is filled up before it
        real      (S, B) bool, False where it is filled up: nothing looks there
        target    (R, B), the true symbols
        teacher   (R, B) bool, True where the symbol before that enters is the true one, else its own
        """
        source = _symbols(source, ("S", "B"), self.S, "source")
        target = _symbols(target, ("R", source.shape[1]), self.K, "target")
        teacher = shaped(teacher, target.shape, "teacher")
        real = shaped(real, source.shape, "real")
        if not real.any(axis=0).all():
            raise ValueError("every source needs at least one real step")
        return _Writing(self, weights).write(source, real, target, teacher)


def _symbols(array, shape, most: int, what: str) -> np.ndarray:
    array = shaped(array, shape, what)
    if not array.size or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= most:
        raise ValueError(f"{what} must hold symbols from 0 to {most - 1}, at least one")
    return array


def forced(rng, shape: tuple, share: float) -> np.ndarray:
    """Where the true symbol enters, bool: with this share from 0 (never) to 1 (always), drawn for each step."""
    if not 0 <= share <= 1:
        raise ValueError(f"the share of teacher forcing must lie from 0 to 1, but is {share}")
    return rng.random(shape) < share


class _Writing:
    """One pass of an encoder–decoder, and what it takes to go back through it."""

    def __init__(self, model: EncoderDecoder, weights: Mapping):
        self.model, self.w, self.gradient = model, weights, defaultdict(float)

    def write(self, source, real, target, teacher) -> Said:
        model, w = self.model, self.w
        x, back_source = parts.embedding(source, w["source.weight"])
        memory, back_encoder = model.encoder(w, x)
        values, state = np.ascontiguousarray(memory.h), memory.last
        keys, back_keys = None, None
        if model.attention == "additive":
            keys, back_keys = parts.linear(values, w["key.weight"], w["key.bias"])

        symbol = np.full(source.shape[1], model.K)  # the start sign
        steps = []
        for true, by_teacher in zip(target, np.roll(teacher, -1, axis=0)):
            steps.append(_Step(self, values, keys, real, symbol, state))
            symbol, state = np.where(by_teacher, true, steps[-1].logits.argmax(axis=1)), steps[-1].state

        def back(dlogits):
            self.gradient = defaultdict(float)
            dvalues, dkeys, later = np.zeros_like(values), np.zeros_like(values), None
            for step, dlogit in zip(reversed(steps), dlogits[::-1]):
                later = step.back(dlogit, later, dvalues, dkeys)
            if back_keys:
                dlinear, weight, bias = back_keys(dkeys)
                dvalues += dlinear
                self.add({"key.weight": weight, "key.bias": bias})
            reached = back_encoder(dvalues, later)
            self.add(model.encoder.named(reached.layers) | {"source.weight": back_source(reached.x)})
            return dict(self.gradient), reached

        logits = np.stack([step.logits for step in steps])
        shares = None if model.attention == "none" else np.stack([step.shares for step in steps])
        entered = np.concatenate([step.entered for step in steps])
        return Said(logits, logits.argmax(axis=2), shares, memory, entered, back)

    def add(self, gradient: Mapping) -> None:
        for name, array in gradient.items():
            self.gradient[name] = self.gradient[name] + array


class _Step:
    """One step of the decoder: symbol (B,) and state in; logits (B, K), state, shares out."""

    def __init__(self, writing: _Writing, values, keys, real, symbol, state):
        model, w = writing.model, writing.w
        self.writing, self.shares = writing, None
        x, self.back_symbol = parts.embedding(symbol, w["target.weight"])
        if model.attention == "additive":
            (context, self.shares), self.back_look = parts.additive_attention(
                state[-1]["h"], values, keys, real, w["query.weight"], w["score.weight"]
            )
            x = np.concatenate([x, context], axis=1)
        self.entered = x[None]
        memory, self.back_stack = model.decoder(w, self.entered, state)
        h, self.state = memory.h[0], memory.last
        if model.attention == "dot":
            (context, self.shares), self.back_look = parts.dot_attention(h, values, real)
            joined, self.back_join = parts.linear(
                np.concatenate([h, context], axis=1), w["join.weight"], w["join.bias"]
            )
            h = self.bent = np.tanh(joined)
        self.logits, self.back_readout = parts.linear(h, w["readout.weight"], w["readout.bias"])

    def back(self, dlogit, later, dvalues, dkeys):
        """-> the gradient of the state that the step started from; adds to dvalues, dkeys and the weights' gradient."""
        model, add = self.writing.model, self.writing.add
        dh, weight, bias = self.back_readout(dlogit)
        add({"readout.weight": weight, "readout.bias": bias})
        if model.attention == "dot":
            djoined, weight, bias = self.back_join(dh * (1 - self.bent * self.bent))
            add({"join.weight": weight, "join.bias": bias})
            dquery, seen = self.back_look(djoined[:, model.H :])
            dvalues += seen
            dh = djoined[:, : model.H] + dquery
        reached = self.back_stack(dh[None], later)
        add(model.decoder.named(reached.layers))
        add({"target.weight": self.back_symbol(reached.x[0, :, : model.E])})
        before = [dict(layer) for layer in reached.state]
        if model.attention == "additive":
            dquery, seen, dkey, weight, v = self.back_look(reached.x[0, :, model.E :])
            add({"query.weight": weight, "score.weight": v})
            dvalues += seen
            dkeys += dkey
            before[-1]["h"] = before[-1]["h"] + dquery
        return before
