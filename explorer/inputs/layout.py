"""What the lines of a table are: how many are its header, what each column holds, what its decimal mark is.

Where the cells leave two answers that give different numbers, there is a question, and no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.inputs.cells import COMMA, COMMAS, DATE, MISSING, NUMBER, POINT, POINTS, TEXT, shown
from explorer.inputs.grids import Grid
from explorer.inputs.unreadable import Unreadable

DEEPEST, LONGEST_NAME = 9, 64


@dataclass(frozen=True)
class Header:
    """lines    how many
    vouched  whether they have a cell above each column, so that the columns are no accident
    question  what cannot be told, None if it can"""

    lines: int
    vouched: bool = False
    question: Unreadable | None = None


def kinds_of_columns(kinds: np.ndarray) -> list[str]:
    """What the columns hold that have these cells, without texts above their first number or date."""
    first = kinds[: DEEPEST + 1]
    begun = np.logical_or.accumulate((first & (NUMBER | DATE)) > 0, axis=0)
    above = ((first & TEXT) > 0) & ~begun
    number, date, text = (np.count_nonzero(kinds & what, axis=0) for what in (NUMBER, DATE, TEXT))
    left = text - above.sum(0) * begun.any(0)
    return [
        "number" if n and n >= t + d else "date" if d and d >= t else "text" if text_here else "empty"
        for n, d, t, text_here in zip(number, date, left, text)
    ]


def header(grid: Grid, given: str) -> Header:
    """The header of a grid; `given` as in Reading."""
    kinds = grid.kinds
    if given != "auto":
        return Header(min(int(given), len(kinds)), vouched=given != "0")
    columns = np.array(kinds_of_columns(kinds))
    number, date = columns == "number", columns == "date"
    lines = 0
    for at in range(min(DEEPEST, len(kinds) - 1)):
        line = kinds[at]
        like = (number & ((line & NUMBER) > 0)) | (date & ((line & DATE) > 0))
        unlike = (number | date) & (line != MISSING) & ~like
        if unlike.any() and not like.any():
            lines = at + 1
        elif unlike.any() and not lines:  # numbers as names, 005930 or 2024, or a text among the first numbers
            if not unlike[0]:
                return Header(0, question=_question(grid, 0))
            lines = 1
        elif (corner := at == lines and _corner(grid, at)) == "header":
            lines = at + 1
        elif corner == "question" or (lines > 1 and line[0] == TEXT and (line[1:] == MISSING).all()):
            return Header(
                lines, question=_question(grid, at)
            )  # the latter: pandas' name of an index of texts, or a row
        elif at and all(cell is None for cell in grid.head[at]):  # of a sheet, between a title or two and a header
            lines = max(lines, at + 1) if lines > 1 else lines
        else:
            break
    if lines:
        return Header(lines, len(grid.head[lines - 1]) >= grid.width)
    return Header(0, question=_question(grid, 0) if _names_are_numbers(grid, columns) else None)


def _corner(grid: Grid, line: int) -> str:
    """Whether this line is what pandas writes above an index without a name: an empty cell, and names."""
    kinds, index = grid.kinds[line], grid.kinds[line + 1 :, 0]
    if line and grid.kinds[line - 1, 0] != MISSING:
        return ""  # the names above have one there
    if len(kinds) < 2 or kinds[0] != MISSING or not (kinds[1:] & NUMBER).all() or (index == MISSING).any():
        return ""
    if (index & (TEXT | DATE)).all():
        return "header"
    if not (index & NUMBER).all():
        return "question"
    counts = (np.diff(grid.numbers([0], "point", line + 1)[:, 0]) == 1).all()
    return "header" if counts and _count(_plain(grid.head[line][1:])) else "question"


def _names_are_numbers(grid: Grid, columns: np.ndarray) -> bool:
    """Whether the first line may be names that are numbers: 0, 1, 2 as pandas has it, years, or codes like 005930."""
    number = columns == "number"
    if len(grid.kinds) < 2 or not number.any() or ((grid.kinds[0] & DATE) > 0).any():
        return False
    first, second = (_plain(cell for cell, chosen in zip(grid.row(row), number) if chosen) for row in range(2))
    if _count(first):
        return True
    several = len(columns) > 1
    return several and any(are(first) and not are(second) for are in (_years, _codes))


def _plain(names: Iterable) -> list[str]:
    """Names as they stand, without the fraction that Excel may give a whole number."""
    return [str(name).removesuffix(".0") if isinstance(name, float) else shown(name).strip() for name in names]


def _count(names: list[str]) -> bool:
    return names == list(map(str, range(len(names))))


def _years(names: list[str]) -> bool:
    return all(len(name) == 4 and name.isdecimal() and "1800" <= name <= "2200" for name in names)


def _codes(names: list[str]) -> bool:
    return all(len(name) > 1 and name.isdecimal() and name[0] == "0" for name in names)


def _question(grid: Grid, line: int) -> Unreadable:
    piece = ", ".join(map(shown, grid.head[line][:4]))[:40]
    row = int(grid.lines[line])
    message = f"expected names or numbers, but row {row} ({piece}) may be either: say how many lines are the header"
    return Unreadable("header", message, piece=piece, row=row)


def names(grid: Grid, lines: int, others: Sequence[str] = ()) -> list[str]:
    """The names of the columns, no two the same: those of the header, or `others`, or numbers from 1."""
    rows = [list(map(shown, row)) for row in grid.head[:lines]]
    if not lines and len(others) == grid.width:
        rows = [list(map(shown, others))]
    found = []
    for column in range(grid.width):
        parts = dict.fromkeys(row[column].strip() for row in rows if column < len(row))
        found.append(" / ".join(filter(None, parts))[:LONGEST_NAME].strip())
    given, copies, unique = {*found}, Counter(), {}
    for place, name in enumerate(found):
        first = free = name or str(place + 1)
        while free in unique or (not name and free in given):
            copies[first] += 1
            free = f"{first[: LONGEST_NAME - 8]} ({copies[first] + 1})"
        unique[free] = place
    return list(unique)


def decimal(grid: Grid, lines: int, columns: list[str], taken: list[int], separator: str, given: str):
    """The decimal mark, and what cannot be told about it, or None; `given` as in Reading."""
    if given != "auto":
        return given, None
    numeric = [place for place, column in enumerate(columns) if column == "number"]
    everywhere, here = ({b: _has(grid, lines, which, b) for b in (POINT, COMMA)} for which in (numeric, taken))
    point, comma = everywhere[POINT], everywhere[COMMA]
    body = grid.kinds[lines:]
    commas, points = (any((body[:, column] & b).any() for column in taken) for b in (COMMAS, POINTS))
    if here[POINT] != here[COMMA]:  # what is taken settles it for itself
        return ("point" if here[POINT] > here[COMMA] else "comma"), None
    if not commas and not points:
        return ("comma" if comma > point else "point"), None
    if bool(point) != bool(comma):
        return ("point" if point else "comma"), None
    if points and not commas and not comma and separator != "semicolon":
        return "point", None
    for column in taken:
        if len(at := np.flatnonzero(body[:, column] & (COMMAS | POINTS))):
            piece = shown(grid.row(lines + int(at[0]))[column])
            row = int(grid.lines[lines + int(at[0])])
            mark = "," if "," in piece else "."
            message = (
                f"{piece!r} in row {row} may be thousands or a decimal fraction: say whether {mark} is a decimal mark"
            )
            return "point", Unreadable("decimal", message, piece=piece, row=row)
    return "point", None


def _has(grid: Grid, lines: int, columns: list[int], mark: int) -> int:
    """How many cells of these columns are numbers with this decimal mark only."""
    return sum(int(((grid.kinds[lines:, column] & NUMBER) == mark).sum()) for column in columns)
