"""Inputs of up to a hundred million steps, as functions (start, stop) -> (n, B, D) that give any part of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.check import known
from explorer.datasets.prices import chain

SERIES = ("prices", "noise", "needle", "own")
BLOCK = 4096  # steps drawn at a time, so that a step's number does not depend on how the sequence is cut
MOST_ROWS, MOST_BYTES, LARGEST = 10**6, 2**25, 1e30
FAINT, PEAK = 0.1, 5.0  # of the needle: the width of the noise around it, and its height
Part = Callable[[int, int], np.ndarray]


class Unreadable(ValueError):
    """Why a file is no series: `reason` is "large", "text", "none", "many", "bad" or "infinite", and its `details`."""

    def __init__(self, reason: str, message: str, **details):
        super().__init__(message)
        self.reason, self.details = reason, details


def series(name: str, T: int, *, seed: int = 1, B: int = 1, D: int = 1, own: np.ndarray | None = None) -> Part:
    """An input of T steps.

    prices   weekly share prices of six companies, one after the other (630 weeks), repeated; D = 1
    noise    standard normal numbers
    needle   normal numbers of width 0.1, and 5 at one step, drawn with the seed
    own      the numbers of `own`, from its mean and in units of its standard deviation; repeated if they are few; D = 1
    """
    known(name, SERIES, "series")
    if name in ("prices", "own"):
        values = chain()[1][:, 0] if name == "prices" else standardised(own)
        if D != 1:
            raise ValueError(f"{name} has one input a step, but D is {D}")
        return lambda start, stop: np.tile(values[np.arange(start, stop) % len(values), None, None], (1, B, 1))
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
    """From the mean, in units of the standard deviation; zeros if all are the same."""
    values = np.asarray(values, float)
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1)


def read_csv(data: bytes) -> np.ndarray:
    """The last column of a CSV file as float32, (rows,). A first row without a number there is taken as its head.

    Raises Unreadable, a ValueError in one sentence, for anything else.
    """
    if len(data) > MOST_BYTES:
        most, size = MOST_BYTES >> 20, -(-len(data) >> 20)
        raise Unreadable("large", f"expected a file of at most {most} MiB, but it has {size}", most=most, size=size)
    try:
        lines = data.decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError:
        raise Unreadable("text", "expected a CSV file in UTF-8, but this is no text") from None
    separator = next((mark for mark in "\t;," if lines and mark in lines[0]), ",")
    cells = [line.rpartition(separator)[2] for line in lines]
    head = 1 if cells and not is_number(cells[0]) else 0
    cells = cells[head:]
    if not cells:
        raise Unreadable("none", "expected a number in the last column of each row, but there are none")
    if len(cells) > MOST_ROWS:
        message = f"expected at most {MOST_ROWS} rows, but there are {len(cells)}: keep a part of them"
        raise Unreadable("many", message, most=MOST_ROWS, count=len(cells))
    try:
        values = np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        row = next(row for row, cell in enumerate(cells) if not is_number(cell))
        details = {"row": row + 1 + head, "cell": cells[row].strip()[:20]}
        message = f"expected a number in the last column of each row, but row {details['row']} has {details['cell']!r}"
        raise Unreadable("bad", message, **details) from None
    wrong = ~(np.abs(values) <= LARGEST)
    if wrong.any():
        row = int(wrong.argmax())
        details = {"row": row + 1 + head, "cell": cells[row].strip()[:20]}
        message = f"expected finite numbers, but row {details['row']} has {details['cell']!r}: replace or drop it"
        raise Unreadable("infinite", message, **details)
    return values.astype(np.float32)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
