"""Models: a recurrent stack with what it needs before and after it, all weights in one vector.

The weights have PyTorch's names: `weight_ih_l0` …, `readout.weight`, `embedding.weight`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np

from explorer.cells import CELLS
from explorer.check import known
from explorer.forms import FORMS
from explorer.initialise import init_params
from explorer.training import parts
from explorer.unroll import PARAMS, conventions


def views(vector: np.ndarray, shapes: Mapping[str, tuple]) -> dict[str, np.ndarray]:
    """Cut one vector into arrays with names: to change one is to change the other."""
    arrays, start = {}, 0
    for name, shape in shapes.items():
        arrays[name] = vector[start : start + prod(shape)].reshape(shape)
        start += prod(shape)
    return arrays


def packed(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple], dtype) -> np.ndarray:
    """The arrays one after the other in one vector."""
    return np.concatenate([arrays[name].reshape(-1) for name in shapes], dtype=dtype)


@dataclass(frozen=True)
class Stack:
    """A recurrent stack: cell, inputs a step, units, layers, conventions, a prefix of its weights' names."""

    cell: str
    D: int
    H: int
    layers: int = 1
    options: Mapping = field(default_factory=dict)
    prefix: str = ""

    def __post_init__(self):
        object.__setattr__(self, "options", conventions(CELLS[self.cell], self.options))

    @cached_property
    def shapes(self) -> dict[str, tuple]:
        G, H = len(CELLS[self.cell].gates), self.H
        return {
            self.name(kind, layer): shape
            for layer in range(self.layers)
            for kind, shape in zip(PARAMS, ((G * H, self.H if layer else self.D), (G * H, H), (G * H,), (G * H,)))
        }

    def name(self, kind: str, layer: int) -> str:
        return f"{self.prefix}{kind}_l{layer}"

    def draw(self, seed: int, **how) -> dict[str, np.ndarray]:
        """Its weights as `init_params` draws them; `how` is scheme=, gain=, forget_bias=, chrono=."""
        drawn = init_params(self.cell, self.D, self.H, seed=seed, layers=self.layers, **how, **self.options)
        return self.named(drawn if self.layers > 1 else [drawn])

    def named(self, layers) -> dict[str, np.ndarray]:
        """One mapping a layer -> one mapping with the names of the model."""
        return {self.name(kind, layer): params[kind] for layer, params in enumerate(layers) for kind in PARAMS}

    def __call__(self, weights: Mapping, x, state=None, truncate=0):
        """As `parts.recurrent`, with the weights of the model."""
        layers = [{kind: weights[self.name(kind, layer)] for kind in PARAMS} for layer in range(self.layers)]
        return parts.recurrent(self.cell, layers, x, state, truncate=truncate, **self.options)


def uniform(rng, shape: tuple, fan: int) -> np.ndarray:
    """Uniform in ±1/√fan, as PyTorch draws a linear layer."""
    return rng.uniform(-(fan**-0.5), fan**-0.5, shape)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model said.

    answers   (N, K), in the order of `scored`
    memory    what its recurrent stack did
    direct    ∂L/∂answers (N, K) -> the direct ∂L/∂h_t of its last layer (T, B, H)
    back      ∂L/∂answers (N, K) -> ({name: gradient}, Reached)
    """

    answers: np.ndarray
    memory: parts.Memory
    direct: Callable
    back: Callable


@dataclass(frozen=True)
class Reader:
    """A stack that reads one sequence, and a linear layer on h at the steps that are scored.

    K   numbers an answer

    It covers the three forms of one stage: see `through`.
    """

    stack: Stack
    K: int

    @cached_property
    def shapes(self) -> dict[str, tuple]:
        return self.stack.shapes | {"readout.weight": (self.K, self.stack.H), "readout.bias": (self.K,)}

    def draw(self, seed: int, dtype="float64", **how) -> np.ndarray:
        """All weights in one vector; `how` as for `Stack.draw`."""
        rng, H = np.random.default_rng([seed, 1]), self.stack.H  # a stream of its own, beside that of the stack
        arrays = self.stack.draw(seed, **how)
        arrays |= {name: uniform(rng, self.shapes[name], H) for name in ("readout.weight", "readout.bias")}
        return packed(arrays, self.shapes, dtype)

    def through(self, weights: Mapping, form: str, inputs, T: int | None = None) -> Answer:
        """Answer in one of the forms: inputs (T, B, D), or (B, D) and the T steps of what comes of them."""
        (stage,) = FORMS[known(form, [name for name in FORMS if len(FORMS[name].stages) == 1], "form")].stages
        x = stage.fed(inputs, T)
        return self(weights, x, np.repeat(stage.counting(len(x))[:, None], x.shape[1], axis=1))

    def __call__(self, weights: Mapping, x, scored, truncate=0) -> Answer:
        """weights as `views` gives them, x (T, B, D), scored (T, B) bool with at least one True."""
        memory, back_stack = self.stack(weights, x, truncate=truncate)
        seen, back_pick = parts.picked(memory.h, np.nonzero(scored))
        answers, back_readout = parts.linear(seen, weights["readout.weight"], weights["readout.bias"])

        def back(danswers):
            dseen, weight, bias = back_readout(danswers)
            reached = back_stack(back_pick(dseen))
            return self.stack.named(reached.layers) | {"readout.weight": weight, "readout.bias": bias}, reached

        return Answer(answers, memory, lambda danswers: back_pick(back_readout(danswers)[0]), back)
