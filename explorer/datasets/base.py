"""What an input is: numbers over time, a name for every step and every channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Input:
    """One drawn input.

    x         (T, 1, D)
    steps     T labels, "" where a step has no name of its own
    channels  D labels
    given     the steps that carry the input; after them it is silent (zeros)
    """

    x: np.ndarray
    steps: tuple[str, ...]
    channels: tuple[str, ...]
    given: int


@dataclass(frozen=True)
class Dataset:
    """A source of inputs.

    name      its name in code, URLs and files
    widths    the fewest, the most and the usual number of inputs a step, D
    draw      (T, D, seed, numbers) -> Input
    drawn     whether the seed matters
    """

    name: str
    widths: tuple[int, int, int]
    draw: Callable[[int, int, int, tuple[float, ...]], Input]
    drawn: bool = False


def padded(values: np.ndarray, steps, channels, T: int) -> Input:
    """The first T of the given steps (n, D); zeros after them if there are fewer."""
    given = min(T, len(values))
    x = np.zeros((T, 1, values.shape[1]))
    x[:given, 0] = values[:given]
    labels = (*steps[:given], *[""] * (T - given))
    return Input(x, tuple(labels), tuple(channels), given)
