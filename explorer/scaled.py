"""Numbers far beyond the range of floats: a mantissa in float64 and a power of two, mantissa · 2^exponent.

A gradient of 10^-20000 is nothing unusual after 100,000 steps; float64 ends at 10^-324.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOG10_2 = float(np.log10(2))


@dataclass(frozen=True, eq=False)
class Scaled:
    """The array mantissa · 2^exponent; float(…) of an entry may be 0 or infinite, its logarithm is not."""

    mantissa: np.ndarray
    exponent: int

    def __post_init__(self):
        self.mantissa.flags.writeable = False

    @property
    def log10(self) -> np.ndarray:
        """log₁₀ of the sizes of all entries, −inf for 0 alone."""
        with np.errstate(divide="ignore"):
            return np.log10(np.abs(self.mantissa)) + self.exponent * LOG10_2

    @property
    def values(self) -> np.ndarray:
        """As plain floats: 0 or infinite where float64 ends."""
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(self.mantissa, self.exponent)


def log10_norm(mantissa: np.ndarray, exponent=0, axes: int = 1) -> np.ndarray:
    """log₁₀ of the Euclidean norm of mantissa · 2^exponent over the last `axes` axes; −inf for 0 alone.

    exponent   a number, or an array of the shape that remains
    """
    rows = mantissa.reshape(*mantissa.shape[: mantissa.ndim - axes], -1)
    power = np.clip(exponent_of(rows), -1000, 1000)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        small = rows * np.ldexp(1.0, -power)[..., None]
        return 0.5 * np.log10(np.einsum("...u,...u->...", small, small)) + (power + exponent) * LOG10_2


def exponent_of(rows: np.ndarray) -> np.ndarray:
    """The power of two just above the largest finite entry of each row, (…, H) -> (…) of int; 0 if there is none."""
    largest = np.abs(rows).max(axis=-1)
    if not np.isfinite(largest).all():
        largest = np.abs(rows).max(axis=-1, initial=0, where=np.isfinite(rows))
    return np.frexp(largest)[1]


def spectra(matrices: np.ndarray) -> np.ndarray:
    """The singular values of matrices (n, M, N), the largest first; NaN where an entry is no finite number."""
    sound = np.isfinite(matrices).all(axis=(1, 2))
    values = np.full((len(matrices), min(matrices.shape[1:])), np.nan)
    values[sound] = np.linalg.svd(matrices[sound], compute_uv=False)
    return values
