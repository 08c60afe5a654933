"""Bad input is answered at the door, in one sentence: what was expected, what came, what to do."""

from collections.abc import Callable, Iterable

import numpy as np


class UnknownName(KeyError, ValueError):
    """A name that is not among those that exist."""

    def __str__(self) -> str:  # KeyError would print the repr of the sentence
        return self.args[0]


def known(name, names: Iterable[str], what: str):
    """Return `name` if it is one of `names`, else answer with the names that exist."""
    names = tuple(names)
    if name not in names:
        raise UnknownName(f"unknown {what} {name!r}: expected one of {', '.join(map(str, names))}")
    return name


def shaped(array, shape: tuple, what: str, hint: Callable[[tuple], str] = lambda shape: "") -> np.ndarray:
    """Return `array` as an ndarray if it has `shape`; a string in `shape` stands for any length.

    hint   what another shape shows, "" for nothing (see `explorer.habits`)
    """
    array = as_array(array, what)
    fits = array.shape == shape or (
        array.ndim == len(shape) and all(isinstance(want, str) or want == got for want, got in zip(shape, array.shape))
    )
    if not fits:
        wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
        shows = f": {shown}" if (shown := hint(array.shape)) else ""
        raise ValueError(f"{what} must have shape {wanted}, but has shape {array.shape}{shows}")
    return array


def as_array(rows, what: str) -> np.ndarray:
    """Return `rows` as an ndarray; refuses rows of different lengths, and a mask."""
    if is_masked(rows):
        raise ValueError(f"{what} is a masked array, whose missing values are unknown: fill them in or drop them first")
    try:
        return np.asarray(rows)
    except ValueError as fault:
        raise ValueError(f"{what} must be an array, but its rows differ in length: {fault}") from None


def is_masked(rows) -> bool:
    """Whether it is a masked array, or a list that holds one: as a plain array it would show what the mask hides."""
    if isinstance(rows, list | tuple):
        return any(map(is_masked, rows))
    return isinstance(rows, np.ma.MaskedArray)


def real(array, dtype, what: str) -> np.ndarray:
    """Return `array` as `dtype`; only real numbers are accepted."""
    array = as_array(array, what)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{what} must hold real numbers, but its dtype is {array.dtype}")
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and `finite` says where
        return array.astype(dtype)


def whole(number, low: int, high: int, what: str) -> int:
    """Return `number` as an int if it is a whole number from `low` to `high`."""
    fits = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not fits or not low <= number <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high}, but is {number!r}")
    return int(number)


def finite(array: np.ndarray, what: str) -> np.ndarray:
    """Return `array` if every number in it is finite, else say where the first other one is."""
    fine = np.isfinite(array)
    if np.count_nonzero(fine) < fine.size:  # a third of the time of all()
        where = tuple(int(i) for i in np.argwhere(~fine)[0])
        index = ", ".join(map(str, where))
        raise ValueError(f"{what} must be finite, but {what}[{index}] is {array[where]}: replace or drop it")
    return array
