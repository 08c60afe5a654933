"""The user's own numbers, row by row; after the last one, silence."""

import numpy as np

from explorer.datasets.base import Dataset, padded

MOST, LARGEST = 500, 1e6


class NotNumbers(ValueError):
    """Why a text is not taken: `reason` is "none", "many" or "bad", `details` its numbers and pieces."""

    def __init__(self, reason: str, message: str, **details):
        super().__init__(message)
        self.reason, self.details = reason, details


def read_numbers(text: str, largest: float = LARGEST) -> tuple[float, ...]:
    """The numbers in a text, separated by commas, semicolons, spaces or new lines.

    Raises NotNumbers, a ValueError in one sentence, for anything else, for none, for more than 500, and beyond
    ±`largest`.
    """
    pieces = text.replace("−", "-").replace(",", " ").replace(";", " ").split()
    if not pieces:
        raise NotNumbers("none", "expected numbers such as 0.5, -1, 2, but there are none")
    if len(pieces) > MOST:
        message = f"expected at most {MOST} numbers, but there are {len(pieces)}"
        raise NotNumbers("many", message, most=MOST, count=len(pieces))
    numbers = []
    for place, piece in enumerate(pieces, start=1):
        try:
            number = float(piece)
        except ValueError:
            number = float("nan")
        if not abs(number) <= largest:
            piece = piece[:20]
            bound = f"{largest:.15g}"
            message = f"expected numbers between -{bound} and {bound}, but number {place} is {piece!r}"
            raise NotNumbers("bad", message, place=place, piece=piece)
        numbers.append(number)
    return tuple(numbers)


def draw(T, D, seed, numbers):
    """`numbers` are rows of D, one after the other; zeros fill up a last row that is short of some."""
    rows = np.zeros((-(-len(numbers) // D), D))
    rows.flat[: len(numbers)] = numbers
    return padded(rows, [""] * len(rows), ["x"] if D == 1 else [f"x{k}" for k in range(1, D + 1)], T)


DATASET = Dataset("own", widths=(1, 16, 1), draw=draw)
