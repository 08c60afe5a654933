"""A long row of numbers at the resolution of a screen, without losing its peaks."""

from __future__ import annotations

import numpy as np


def envelope(rows: np.ndarray, first: int, last: int, buckets: int) -> np.ndarray:
    """The steps (array indices, in order) from `first` up to `last` that show `rows` (T,) in `buckets` columns.

    Of each column its smallest and its largest number, at the steps where they are, so that every point drawn is one
    of the row and no peak is lost; all steps if there are few. Numbers that are not finite are left out.
    """
    part = np.asarray(rows[first:last])
    if len(part) <= 2 * buckets:
        return first + np.flatnonzero(np.isfinite(part))
    size = -(-len(part) // buckets)
    padded = np.full(-(-len(part) // size) * size, np.nan)
    padded[: len(part)] = part
    columns = padded.reshape(-1, size)
    finite = np.isfinite(columns)
    low = np.where(finite, columns, np.inf).argmin(axis=1)
    high = np.where(finite, columns, -np.inf).argmax(axis=1)
    starts = np.arange(len(columns)) * size
    chosen = np.unique(np.concatenate([starts + low, starts + high]))
    return first + chosen[finite.ravel()[chosen]]
