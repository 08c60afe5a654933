"""A clue at the first step, one of D − 1 symbols, then noise of width 0.5 on the last input.

The task behind it: name the symbol at the end (Hochreiter & Schmidhuber 1997, experiment 2).
"""

import numpy as np

from explorer.datasets.base import Dataset, padded


def draw(T, D, seed, numbers):
    rng = np.random.default_rng(seed)
    symbols = "ABCDEFGHIJKLMNO"[: D - 1]
    clue = rng.integers(D - 1)
    values = np.zeros((T, D))
    values[0, clue] = 1
    values[1:, -1] = rng.normal(0, 0.5, T - 1)
    return padded(values, [symbols[clue], *[""] * (T - 1)], [*symbols, "noise"], T)


DATASET = Dataset("clue", widths=(2, 16, 5), draw=draw, drawn=True)
