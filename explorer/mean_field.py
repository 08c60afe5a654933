"""What theory says of a random network's gradient, to be drawn beside what a network does.

A wide tanh network whose weights are drawn independently and whose inputs are noise: the variance q of a
pre-activation settles where q = σ_w² E[tanh²(√q z)] + σ_x², with z standard normal and σ_x² the variance that input and
biases bring; a step then multiplies the gradient's squared norm by χ = σ_w² E[tanh′²(√q z)] on average. Order and chaos
meet at χ = 1, which without input is σ_w = 1 (Sompolinsky, Crisanti & Sommers 1988; Poole et al. 2016; Schoenholz et
al. 2017). It holds for H → ∞, for weights that are independent, and where the course of the states does not depend on
them; a network of 32 units scatters around it.
"""

from __future__ import annotations

import numpy as np

from explorer.experiment import Experiment
from explorer.performing import perform

POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def variance(width: float, other: float) -> float:
    """q, the variance of a pre-activation, for σ_w = width and σ_x² = other."""
    low, high = other, other + width**2
    for _ in range(60):
        q = (low + high) / 2
        grows = width**2 * float(WEIGHTS @ np.tanh(np.sqrt(q) * POINTS) ** 2) + other > q
        low, high = (q, high) if grows else (low, q)
    return high


def chi(width: float, other: float) -> float:
    """The mean factor of the gradient's squared norm at a step."""
    slope = 1 - np.tanh(np.sqrt(variance(width, other)) * POINTS) ** 2
    return float(width**2 * (WEIGHTS @ slope**2))


def edge(other: float) -> float:
    """σ_w where order and chaos meet: 1 without input, more with it."""
    low, high = 0.5, 1.0
    while chi(high, other) < 1:
        high *= 2
        if high > 1e6:
            return np.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if chi(middle, other) < 1 else (low, middle)
    return (low + high) / 2


def drive(e: Experiment) -> tuple[float, float]:
    """(σ_w of gain 1, σ_x²) of an experiment's own weights and input, measured."""
    layer = perform(e.replace(gain=1.0, layers=1)).trace
    weight = layer.params["weight_hh"]
    fed = layer.x[:, 0] @ layer.params["weight_ih"].T + layer.params["bias_ih"] + layer.params["bias_hh"]
    return float(np.sqrt((weight**2).mean() * weight.shape[1])), float((fed**2).mean())
