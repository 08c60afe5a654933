"""A list of numbers as it is typed or pasted: commas, semicolons, blanks and new lines lie between them, and commas,
points and blanks within them, where that can be told."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from explorer.inputs.cells import COMMAS, DATE, MARKS, MISSING, NUMBER, POINT, POINTS, TEXT, kinds, shown, values
from explorer.inputs.unreadable import Unreadable

ALWAYS = r";|,(?=\s)|,$|[\n\r\t]"  # lies between numbers, whatever else does
SPLITS = {  # what else does
    "comma": re.compile(rf"\s*(?:{ALWAYS}|,|\s)\s*"),
    "space": re.compile(rf"[ \f\v]*(?:{ALWAYS}|[ \f\v])\s*"),
    "none": re.compile(rf"[ \f\v]*(?:{ALWAYS})\s*"),
}
OTHERS = {"semicolon": "none", "tab": "none", "bar": "none"}


def is_list(text: str) -> bool:
    """Whether a text is a list, and no table: a single line, or lines of numbers that no tabs set in columns."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return True
    tabs = {line.count("\t") for line in lines}
    return (tabs == {0} or len(tabs) > 1) and not (kinds(_split("comma", text) or [""]) & (DATE | TEXT)).any()


def listed(text: str, separator: str, decimal: str) -> tuple[list[list[str]], str, str]:
    """The rows of a list, what lies between its numbers, and their decimal mark; the last two as in Reading.

    Several lines of as many numbers each are rows of these; a list is a column otherwise.

    Raises Unreadable for the question "comma", with the piece in doubt; "bad" for what is no number; "none".
    """
    splits = [OTHERS.get(separator, separator)] if separator != "auto" else list(SPLITS)
    marks = [decimal] if decimal != "auto" else list(MARKS)
    if not _split("comma", text):
        raise Unreadable("none", "expected numbers such as 0.5, -1, 2, but there are none")
    found = {(split, mark): _numbers(_split(split, text), mark) for split in splits for mark in marks}
    read = {
        how: numbers for how, numbers in found.items() if numbers is not None and _likely(*how, decimal != "auto", text)
    }
    if not read:
        raise _bad(_split(splits[0], text), marks[0])
    how, numbers = next(iter(read.items()))
    others = [other for other, o in read.items() if not _same(numbers, o)]
    if others and all(_split(other[0], text) == _split(how[0], text) for other in others):
        piece = next(p for p in _split(how[0], text) if kinds([p])[0] & (COMMAS | POINTS))
        message = f"{piece!r} may be thousands or a decimal fraction: say what the decimal mark is"
        raise Unreadable("decimal", message, piece=shown(piece, 20), row=1)
    doubts = [_piece_in_doubt(how[0], other[0], text) for other in others]
    if doubts := doubts or (_local_doubts(text) if separator == "auto" and how[0] == "comma" else []):
        piece = shown(doubts[0].lstrip("+-−"), 20)
        message = f"expected numbers such as 1000.5, but {piece!r} may be one number or several"
        raise Unreadable("comma", message, piece=piece)
    rows = [row for line in text.splitlines() if (row := _split(how[0], line))]
    if len(rows) < 2 or len({len(row) for row in rows}) > 1:
        rows = [[piece] for row in rows for piece in row]
    return rows, *how


def _split(how: str, text: str) -> list[str]:
    return [piece for piece in SPLITS[how].split(text.strip()) if piece]


def _numbers(pieces: list[str], mark: str) -> np.ndarray | None:
    """NaN where one is missing; None if others are no numbers."""
    found = kinds(pieces)
    return values(pieces, found, mark) if (found & (MARKS[mark] | MISSING)).all() else None


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return np.array_equal(first, second, equal_nan=True)


def _likely(split: str, mark: str, given: bool, text: str) -> bool:
    """Whether anybody would write so: a decimal comma where there is one and it lies not between numbers; blanks
    between thousands where something else lies between numbers; and 100,200,300 are three."""
    pieces = _split(split, text)
    commas = "," in text
    if mark == "comma" and ((commas and split == "comma") or not (commas or given)):
        return False
    if split == "comma" or len(pieces) > 1:
        return True
    return not re.search(r"\d \d", text) and not re.fullmatch(r"\d{3}(,\d{3}){2,}", pieces[0])


def _piece_in_doubt(how: str, other: str, text: str) -> str:
    """The first piece of another way to split that this one splits further."""
    pieces, others = _split(how, text), _split(other, text)
    return next((piece for piece in others if piece not in pieces), others[0])


def _local_doubts(text: str) -> list[str]:
    """Commas that lie between two numbers, if commas do, but hardly: in 1,000 and 2,100.5."""
    pairs = [pair for piece in _split("space", text) for pair in pairwise(piece.split(","))]
    return [
        f"{first},{second}"
        for first, second in pairs
        if re.match(r"0\d", second) or ("." in second and kinds([f"{first},{second}"])[0] & NUMBER == POINT)
    ]


def _bad(pieces: list[str], mark: str) -> Unreadable:
    found = kinds(pieces)
    place = int(((found & (MARKS[mark] | MISSING)) == 0).argmax())
    piece = shown(pieces[place], 20)
    message = f"expected numbers, but number {place + 1} is {piece!r}: correct or drop it"
    return Unreadable("bad", message, place=place + 1, piece=piece, row=place + 1, cell=piece, column="1")
