"""Numbers that the user typed or pasted; after the last one, silence."""

import numpy as np

from explorer.datasets.base import Dataset, padded

MOST, LARGEST = 500, 1e6


class NotNumbers(ValueError):
    """Why a text is not taken: `reason` is "none", "many" or "bad", `details` its numbers and pieces."""

    def __init__(self, reason: str, message: str, **details):
        super().__init__(message)
        self.reason, self.details = reason, details


def read_numbers(text: str) -> tuple[float, ...]:
    """The numbers in a text, separated by commas, semicolons, spaces or new lines.

    Raises NotNumbers, a ValueError in one sentence, for anything else, for none, for more than 500, and beyond ±10⁶.
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
        if not abs(number) <= LARGEST:
            piece = piece[:20]
            message = f"expected numbers between -1000000 and 1000000, but number {place} is {piece!r}"
            raise NotNumbers("bad", message, place=place, piece=piece)
        numbers.append(number)
    return tuple(numbers)


def draw(T, D, seed, numbers):
    return padded(np.array(numbers, float)[:, None], [""] * len(numbers), ["x"], T)


DATASET = Dataset("own", widths=(1, 1, 1), draw=draw)
