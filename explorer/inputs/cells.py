"""The one grammar of numbers as people write them: what a cell may be, and which number it is.

What a cell is depends on its shape alone, the cell with a 9 for every digit, and a table has few shapes: each is looked
up once. The one thing that a digit decides is left to the end: 0,123 has no thousands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import numpy as np

POINT, COMMA = 1, 2  # a number, if that is the decimal mark
MISSING, DATE, TEXT = 4, 8, 16
COMMAS, POINTS = 32, 64  # a number under both marks, but not the same: 1,234 and 1.234
NUMBER = POINT | COMMA
MARKS = {"point": POINT, "comma": COMMA}
Cell = str | float | bool | date | datetime | time | timedelta | None  # None is a missing one

ABSENT = {"", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none", "nil", "missing"}
ABSENT |= {"-", "--", "---", "–", "—", "−", ".", "..", "...", "?", "*", "_", "결측", "없음"}
SPACES = " \u00a0\u2009\u202f"
BEFORE, AFTER = "₩￦$€£¥￥\\", "₩￦$€£¥￥원円元"  # a CP949 has ₩ where others have \
MINUSES = "−–－"
BETWEEN = "\0"  # stands in no text that is read: cells are joined by it to be treated together
CACHE, LONGEST = 50_000, 80  # shapes that are remembered; letters of what may be a number or a date

SHAPE = str.maketrans("0123456789", "9" * 10)
_WRITTEN = dict.fromkeys(map(ord, f"{SPACES}'’{BEFORE}{AFTER}"), "") | dict.fromkeys(map(ord, MINUSES), "-")
_WRITTEN |= {ord("∞"): "inf"}
WRITTEN = {"point": _WRITTEN | {ord(","): ""}, "comma": _WRITTEN | {ord("."): "", ord(","): "."}}


def _number(mark: str, other: str, end: str) -> re.Pattern:
    """The shapes of numbers with this decimal mark and the other one between thousands. Groups of two are India's."""
    sign, before, after = rf"[-+{MINUSES}]?", rf"(?:[{re.escape(BEFORE)}]\s?)", rf"(?:\s?[{AFTER}])?"
    whole = rf"9{{1,3}}(?:{other}9{{3}})+|9{{1,2}}(?:{other}99)+{other}9{{3}}"
    whole += rf"|9{{1,3}}(?P<gap>[{SPACES}'’])9{{3}}(?:(?P=gap)9{{3}})*"
    plain = rf"(?:9+(?:{mark}{end})?|{mark}9+)(?:[eE][-+]?9+)?"
    return re.compile(
        rf"(?:{sign}{before}?|{before}{sign})(?:(?:{whole})(?:{mark}{end})?|{plain}|(?i:inf|infinity|∞)){after}"
    )


NUMBERS = {POINT: _number(r"\.", ",", "9*"), COMMA: _number(",", r"\.", "9+")}
CLOCK = r"9{1,2}:99(?::99(?:[.,]9+)?)?(?:\s?[aApP][mM])?"
DAYS = (
    r"9999([-/.])9{1,2}\1 ?9{1,2}\.?",
    r"9{1,2}([-/.])9{1,2}\2(?:9999|99)",
    r"9999[-/]9{1,2}",
    r"9999\. ?9{1,2}\. ?9{1,2}\.?",
    r"9999년 ?9{1,2}월(?: ?9{1,2}일)?",
    r"9{1,2}[- ][A-Za-z]{3,9}[- ,]+(?:9999|99)",
    r"[A-Za-z]{3,9}\.? 9{1,2},? 9999",
)
DATES = re.compile(rf"(?:{'|'.join(DAYS)})(?:[T ]\s?{CLOCK}(?:Z| ?[-+]99:?99| UTC)?)?|{CLOCK}|9999[- ]?Q9")


def _meaning(shape: str) -> int:
    if shape.lower() in ABSENT:
        return MISSING
    found = sum(mark for mark, pattern in NUMBERS.items() if pattern.fullmatch(shape))
    if found == NUMBER:
        return found | (COMMAS if "," in shape else POINTS if "." in shape else 0)
    return found or (DATE if DATES.fullmatch(shape) else TEXT)


class _Meanings(dict):
    def __missing__(self, shape: str) -> int:
        if len(self) > CACHE:
            self.clear()
        found = self[shape] = _meaning(shape.strip()) if len(shape) <= LONGEST else TEXT
        return found


_MEANINGS = _Meanings()


def kinds(cells: Sequence[Cell]) -> np.ndarray:
    """What each cell is, as a sum of the bits above, uint8."""
    if set(map(type, cells)) != {str}:
        return np.fromiter(map(_kind, cells), np.uint8, len(cells))
    shapes = BETWEEN.join(cells).translate(SHAPE).split(BETWEEN)
    found = np.fromiter(map(_MEANINGS.__getitem__, shapes), np.uint8, len(cells))
    for at in np.flatnonzero(found & (COMMAS | POINTS)).tolist():
        if next(filter(str.isdecimal, cells[at])) == "0":  # no thousands begin with it
            found[at] = COMMA if found[at] & COMMAS else POINT
    return found


def _kind(cell: Cell) -> int:
    if isinstance(cell, str):
        return int(kinds([cell])[0])
    if cell is None or cell != cell:
        return MISSING
    if isinstance(cell, bool):
        return TEXT
    return NUMBER if isinstance(cell, int | float) else DATE


def values(cells: Sequence[Cell], found: np.ndarray, decimal: str) -> np.ndarray:
    """The numbers of cells of these kinds, NaN for what is none with this decimal mark, float64."""
    numbers = np.full(len(cells), np.nan)
    at = np.flatnonzero(found & MARKS[decimal])
    chosen = [cells[i] for i in at.tolist()]
    if set(map(type, chosen)) == {str}:
        numbers[at] = _values(chosen, decimal)
    else:
        numbers[at] = [_value(cell, decimal) for cell in chosen]
    return numbers


def _values(cells: list[str], decimal: str) -> np.ndarray:
    written = BETWEEN.join(cells).translate(WRITTEN[decimal]).split(BETWEEN)
    return np.fromiter(map(float, written), float, len(written))


def _value(cell: Cell, decimal: str) -> float:
    try:
        return float(_values([cell], decimal)[0]) if isinstance(cell, str) else float(cell)
    except OverflowError:  # a whole number beyond floats
        return float("inf") if cell > 0 else float("-inf")


def shown(cell: Cell, most: int = 40) -> str:
    """A cell as text, on one line."""
    if cell is None:
        return ""
    text = " ".join(str(cell).split()) if len(str(cell)) < 1000 else str(cell)[:1000]
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= most else text[: most - 1] + "…"
