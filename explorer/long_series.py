"""Inputs of up to a hundred million steps, as functions (start, stop) -> (n, B, D) that give any part of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.check import known
from explorer.datasets.prices import chain

SERIES = ("prices", "noise", "needle", "own")
BLOCK = 4096  # steps drawn at a time, so that a step's number does not depend on how the sequence is cut
FAINT, PEAK = 0.1, 5.0  # of the needle: the width of the noise around it, and its height
Part = Callable[[int, int], np.ndarray]


def series(name: str, T: int, *, seed: int = 1, B: int = 1, D: int = 1, own: np.ndarray | None = None) -> Part:
    """An input of T steps.

    prices   weekly share prices of six companies, one after the other (630 weeks), repeated; D = 1
    noise    standard normal numbers
    needle   normal numbers of width 0.1, and 5 at one step, drawn with the seed
    own      the numbers of `own`, (n,) or (n, D), each column from its mean and in units of its standard deviation;
             repeated if they are few
    """
    known(name, SERIES, "series")
    if name in ("prices", "own"):
        values = standardised(own) if name == "own" else chain()[1][:, 0]
        values = values.reshape(len(values), -1)
        if values.shape[1] != D:
            inputs = "one input" if values.shape[1] == 1 else f"{values.shape[1]} inputs"
            raise ValueError(f"{name} has {inputs} a step, but D is {D}")
        return lambda start, stop: np.tile(values[np.arange(start, stop) % len(values), None], (1, B, 1))
    noise = normal(seed, B, D)
    if name == "noise":
        return noise
    at = needle(T, seed)

    def part(start, stop):
        rows = noise(start, stop) * FAINT
        if start <= at < stop:
            rows[at - start] = PEAK
        return rows

    return part


def needle(T: int, seed: int) -> int:
    """The step, as an array index, at which the needle is: somewhere in the middle three fifths."""
    return int(np.random.default_rng((seed, T)).integers(T // 5, 4 * T // 5))


def normal(seed: int, B: int, D: int) -> Part:
    def part(start, stop):
        pieces = []
        for block in range(start // BLOCK, (stop - 1) // BLOCK + 1):
            rows = np.random.default_rng((seed, block)).standard_normal((BLOCK, B, D), np.float32)
            pieces.append(rows[max(start - block * BLOCK, 0) : stop - block * BLOCK])
        return np.concatenate(pieces)

    return part


def standardised(values: np.ndarray) -> np.ndarray:
    """Each column (n,) or (n, D) from its mean, in units of its standard deviation; zeros if all are the same.

    Always in float64: of a series near 1.7·10⁹ with changes of 0.5, float32 would leave nothing. What is large is
    divided before it is squared.
    """
    values = np.asarray(values, float)
    same = (values == values[0]).all(0)
    values = values - values.mean(0)
    values = values / np.where(same, 1, np.abs(values).max(0))
    return np.where(same, 0, values / np.where(same, 1, values.std(0)))
