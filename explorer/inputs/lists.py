"""A list of numbers as it is typed or pasted: commas, semicolons, blanks and new lines lie between them, and commas,
points, and blanks within them, where that can be told."""

from __future__ import annotations

import re

import numpy as np

from explorer.inputs.cells import DATE, MARKS, MISSING, TEXT, kinds, shown, values
from explorer.inputs.unreadable import Unreadable

BETWEEN = r";\s*|,(?=\s)\s*|,$|[\n\r\t]\s*"  # lies between numbers, whatever else does
SPLITS = {
    "comma": re.compile(rf"\s*(?:{BETWEEN}|,\s*|\s)\s*"),
    "space": re.compile(rf"\s*(?:{BETWEEN}|[ \f\v]+)\s*"),
    "none": re.compile(rf"\s*(?:{BETWEEN})\s*"),
}
OTHERS = {"semicolon": "none", "tab": "none", "bar": "none"}


def is_list(text: str) -> bool:
    """Whether there is nothing in a text but numbers, or a single line, whatever it holds."""
    pieces = [piece for piece in SPLITS["comma"].split(text.strip()) if piece]
    if "\t" in text and len({line.count("\t") for line in text.strip().splitlines() if line.strip()}) == 1:
        return len(text.strip().splitlines()) == 1
    return "\n" not in text.strip() or not (kinds(pieces or [""]) & (DATE | TEXT)).any()


def listed(text: str, separator: str, decimal: str) -> tuple[list[str], str, str]:
    """The pieces of a list, what lies between them, and their decimal mark; the last two as in Reading.

    Raises Unreadable for a question: "comma" or "separator" with the piece in doubt; for a piece that is no number,
    "bad"; for none, "none".
    """
    text = text.strip()
    splits = [OTHERS.get(separator, separator)] if separator != "auto" else list(SPLITS)
    marks = [decimal] if decimal != "auto" else ["point", "comma"]
    found, bad = {}, None
    for split in splits:
        pieces = [piece for piece in SPLITS[split].split(text) if piece]
        for mark in marks:
            kind = kinds(pieces or [""])
            wrong = ((kind & MARKS[mark]) == 0) & (kind != MISSING)
            if wrong.any():
                bad = bad or (int(wrong.argmax()) + 1, pieces[int(wrong.argmax())])
            else:
                found[split, mark] = pieces, values(pieces, kind, mark)
    if not text or (not any(len(pieces) for pieces, _ in found.values()) and not bad):
        raise Unreadable("none", "expected numbers such as 0.5, -1, 2, but there are none")
    if not found:
        place, piece = bad
        message = f"expected numbers, but number {place} is {shown(piece, 20)!r}: correct or drop it"
        raise Unreadable("bad", message, place=place, piece=shown(piece, 20), row=place, cell=shown(piece, 20))
    (split, mark), (pieces, numbers) = next(iter(found.items()))
    for (_, _), (other, others) in found.items():
        if not _same(numbers, others) and not _as_likely_a_list(other):
            raise _question(pieces, other)
    return pieces, split, mark


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return np.array_equal(first, second, equal_nan=True)


def _as_likely_a_list(pieces: list[str]) -> bool:
    """100,200,300 and nothing else; 1 2 3."""
    return False


def _question(pieces: list[str], other: list[str]) -> Unreadable:
    piece = next((piece for piece in other if piece not in pieces), other[0])
    piece = shown(piece.lstrip("+-−"), 20)
    message = f"expected numbers such as 1000.5, but {piece!r} may be one number or several"
    return Unreadable("comma", message, piece=piece)
