"""Optimisers, clipping, schedules: from a gradient to the next weights, as PyTorch takes the same step.

All weights of a model are one vector. An optimiser is a frozen rule; what it remembers from step to step lies in
vectors beside the weights, so that a training can be put away and taken up again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class SGD:
    """w ← w − rate · v,  v ← momentum · v + g.  Nesterov looks ahead: w ← w − rate · (g + momentum · v)."""

    momentum: float = 0.0
    nesterov: bool = False
    remembers: ClassVar = ("v",)

    def step(self, weights, gradient, memory, rate: float, count: int) -> None:
        v = memory["v"]
        v *= self.momentum
        v += gradient
        weights -= rate * (gradient + self.momentum * v if self.nesterov else v)


@dataclass(frozen=True)
class RMSProp:
    """w ← w − rate · g / (√s + eps),  s ← alpha · s + (1 − alpha) · g²."""

    alpha: float = 0.99
    eps: float = 1e-8
    remembers: ClassVar = ("s",)

    def step(self, weights, gradient, memory, rate: float, count: int) -> None:
        s = memory["s"]
        s *= self.alpha
        s += (1 - self.alpha) * (gradient * gradient)
        weights -= rate * gradient / (np.sqrt(s) + self.eps)


@dataclass(frozen=True)
class Adam:
    """w ← w − rate · m̂ / (√ŝ + eps), the running means of g and g² freed of their start at 0 (Kingma & Ba 2015)."""

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    remembers: ClassVar = ("m", "s")

    def step(self, weights, gradient, memory, rate: float, count: int) -> None:
        m, s = memory["m"], memory["s"]
        m *= self.beta1
        m += (1 - self.beta1) * gradient
        s *= self.beta2
        s += (1 - self.beta2) * (gradient * gradient)
        root = np.sqrt(s)
        root /= (1 - self.beta2**count) ** 0.5
        root += self.eps
        np.divide(m, root, out=root)
        root *= rate / (1 - self.beta1**count)
        weights -= root


Optimiser = SGD | RMSProp | Adam

OPTIMISERS: MappingProxyType[str, Callable[[float], Optimiser]] = MappingProxyType(
    {
        "sgd": lambda momentum: SGD(),
        "momentum": lambda momentum: SGD(momentum),
        "nesterov": lambda momentum: SGD(momentum, nesterov=True),
        "rmsprop": lambda momentum: RMSProp(),
        "adam": lambda momentum: Adam(),
    }
)


def blank_memory(optimiser: Optimiser, weights: np.ndarray) -> dict[str, np.ndarray]:
    """What an optimiser remembers before its first step."""
    return {name: np.zeros_like(weights) for name in optimiser.remembers}


def clip_by_norm(gradient: np.ndarray, most: float) -> float:
    """Shorten `gradient`, in place, to the norm `most` if it is longer; returns its norm before.

    The factor is most / (norm + 1e-6), as in torch.nn.utils.clip_grad_norm_.
    """
    norm = float(np.linalg.norm(gradient))
    if norm + 1e-6 > most:
        gradient *= most / (norm + 1e-6)
    return norm


def clip_by_value(gradient: np.ndarray, most: float) -> float:
    """Bring every number of `gradient`, in place, into ±most; returns its norm before."""
    norm = float(np.linalg.norm(gradient))
    np.clip(gradient, -most, most, out=gradient)
    return norm


def unclipped(gradient: np.ndarray, most: float) -> float:
    """Leave `gradient` as it is; returns its norm."""
    return float(np.linalg.norm(gradient))


CLIPPING = MappingProxyType({"norm": clip_by_norm, "value": clip_by_value, "none": unclipped})

# (updates made, updates planned) -> the share of the learning rate that the next update takes
SCHEDULES: MappingProxyType[str, Callable[[int, int], float]] = MappingProxyType(
    {
        "constant": lambda made, planned: 1.0,
        "steps": lambda made, planned: 0.5 ** (made // max(1, planned // 4)),
        "exponential": lambda made, planned: 0.01 ** (made / planned),
        "cosine": lambda made, planned: 0.5 * (1 + np.cos(np.pi * min(1, made / planned))),
        "warmup": lambda made, planned: min(1.0, (made + 1) / max(1, planned // 10)),
    }
)
