"""Numbers that the user typed or pasted; after the last one, silence."""

import numpy as np

from explorer.datasets.base import Dataset, padded

MOST, LARGEST = 500, 1e6


def read_numbers(text: str) -> tuple[float, ...]:
    """The numbers in a text, separated by commas, semicolons, spaces or new lines.

    Raises ValueError, in one sentence, for anything else, for none, for more than 500, and beyond ±10⁶.
    """
    pieces = text.replace("−", "-").replace(",", " ").replace(";", " ").split()
    if not pieces:
        raise ValueError("expected numbers such as 0.5, -1, 2, but there are none")
    if len(pieces) > MOST:
        raise ValueError(f"expected at most {MOST} numbers, but there are {len(pieces)}")
    numbers = []
    for place, piece in enumerate(pieces, start=1):
        try:
            number = float(piece)
        except ValueError:
            number = float("nan")
        if not abs(number) <= LARGEST:
            raise ValueError(
                f"expected numbers between -1000000 and 1000000, but number {place} is {piece[:20]!r}"
            )
        numbers.append(number)
    return tuple(numbers)


def draw(T, D, seed, numbers):
    return padded(np.array(numbers, float)[:, None], [""] * len(numbers), ["x"], T)


DATASET = Dataset("own", widths=(1, 1, 1), draw=draw)
