"""An impulse of 1 at the first step, then silence: what is left of it is memory alone."""

import numpy as np

from explorer.datasets.base import Dataset, padded


def draw(T, D, seed, numbers):
    return padded(np.ones((1, D)), ["1"], [f"x{k + 1}" for k in range(D)], T)


DATASET = Dataset("impulse", widths=(1, 16, 1), draw=draw)
