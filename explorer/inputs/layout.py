"""What the lines of a table are: how many are its header, what each column holds, what its decimal mark is.

Where the cells leave two answers that give different numbers, there is a question, and no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    columns = kinds_of_columns(kinds)
    number, date = (np.array([column == kind for column in columns]) for kind in ("number", "date"))
    lines = 0
    while lines < min(DEEPEST, len(kinds) - 1):
        line = kinds[lines]
        like = (number & ((line & NUMBER) > 0)) | (date & ((line & DATE) > 0))
        unlike = (number | date) & (line != MISSING) & ~like
        if unlike.any() and not like.any():
            lines += 1
        elif lines > 1 and (line == MISSING).all():
            lines += 1  # Excel's, under names of several lines
        elif (corner := _corner(grid, lines)) == "header":
            lines += 1
        elif corner == "question":
            return Header(lines, question=_question(grid, lines))
        else:
            break
    if lines:
        return Header(lines, all(len(row) >= grid.width for row in grid.head[:lines]))
    return Header(0, question=_question(grid, 0) if _names_that_count(grid, number, date) else None)


def _corner(grid: Grid, line: int) -> str:
    """Whether this line is what pandas writes above an index without a name: an empty cell, and names."""
    kinds, index = grid.kinds[line], grid.kinds[line + 1 :, 0]
    if len(kinds) < 2 or kinds[0] != MISSING or not (kinds[1:] & NUMBER).all() or (index == MISSING).any():
        return ""
    if (index & (TEXT | DATE)).all():
        return "header"
    if not (index & NUMBER).all():
        return "question"
    counts = (np.diff(grid.numbers([0], "point", line + 1)[:, 0]) == 1).all()
    return "header" if counts and _count(grid.head[line][1:]) else "question"


def _names_that_count(grid: Grid, number: np.ndarray, date: np.ndarray) -> bool:
    """Whether the first line may be names that are numbers: 0, 1, 2 as pandas has it, or years."""
    line = grid.kinds[0] if len(grid.kinds) > 1 else np.empty(0, np.uint8)
    if not number.any() or not len(line) or ((line & DATE) > 0).any() or (line[number] == MISSING).any():
        return False
    names = [cell for cell, counts in zip(grid.head[0], number) if counts]
    return _count(names) or (len(names) > 1 and _count(names, 1800))


def _count(names: Sequence, least: int = 0) -> bool:
    """Whether these are 0, 1, 2 and so on, or years that follow each other from `least` on."""
    names = [shown(name).removesuffix(".0") if isinstance(name, float) else shown(name) for name in names]
    if not all(name.isdecimal() and len(name) < 5 for name in names):
        return False
    first = int(names[0])
    return (least <= first <= 2100 if least else first == 0) and all(
        int(name) == first + place for place, name in enumerate(names)
    )


def _question(grid: Grid, line: int) -> Unreadable:
    piece = ", ".join(map(shown, grid.head[line][:4]))[:40]
    row = int(grid.lines[line])
    message = f"expected names or numbers, but row {row} ({piece}) may be either: say how many lines are the header"
    return Unreadable("header", message, piece=piece, row=row)


def names(grid: Grid, lines: int, comment: Sequence[str] = ()) -> list[str]:
    """The names of the columns, no two the same: their numbers where the header has none."""
    rows = [list(map(shown, row)) for row in grid.head[:lines]]
    if not lines and len(comment) == grid.width:
        rows = [list(comment)]
    found: list[str] = []
    for column in range(grid.width):
        parts = dict.fromkeys(row[column] for row in rows if column < len(row))
        name = " / ".join(filter(None, parts))[:LONGEST_NAME].strip() or str(column + 1)
        copy, unique = 1, name
        while unique in found:
            copy += 1
            unique = f"{name[: LONGEST_NAME - 8]} ({copy})"
        found.append(unique)
    return found


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
