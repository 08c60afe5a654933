"""A sine of period 10π ≈ 31.4 steps; several inputs are spread evenly over its phase."""

import numpy as np

from explorer.datasets.base import Dataset, padded


def draw(T, D, seed, numbers):
    t = np.arange(T)[:, None]
    phase = 2 * np.pi * np.arange(D) / D
    channels = [f"sin(t/5 + {k}·2π/{D})" if k else "sin(t/5)" for k in range(D)]
    return padded(np.sin(t / 5 + phase), [""] * T, channels, T)


DATASET = Dataset("sine", widths=(1, 16, 1), draw=draw)
