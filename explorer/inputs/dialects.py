"""How a text is written: every separator is tried on the whole of it, and those that fit are weighed.

A separator fits if all rows have the same number of cells. It is worse than another if its cells still hold that one,
or if names stand above the columns of the other and not above its own. If two are left that give different numbers,
there is a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.inputs import layout
from explorer.inputs.cells import ABSENT, COMMA, MISSING, NUMBER, POINT, TEXT, kinds, shown
from explorer.inputs.grids import Grid, grid, rows_of
from explorer.inputs.unreadable import Unreadable

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "bar": "|", "none": ""}
SAMPLE = 2**18  # letters, on which most separators that do not fit are found out
NAMED = re.compile(r'"?sep=(.)"?\s*', re.I)  # the first line of what Excel wrote


@dataclass(frozen=True)
class Asked:
    """What of a Reading decides how a table is understood."""

    separator: str = "auto"
    decimal: str = "auto"
    header: str = "auto"
    columns: tuple[str, ...] = ()


@dataclass(eq=False)
class Understood:
    """One way to read a table.

    header, vouched   lines of names, and whether they have one for each column
    names, kinds      of its columns
    taken             the columns, counted from 0, whose numbers are wanted
    ragged            the refusal of a row of another length
    refusal           what keeps numbers from being taken
    """

    grid: Grid
    separator: str
    header: int
    vouched: bool
    names: list[str]
    kinds: list[str]
    taken: list[int]
    decimal: str
    ragged: Unreadable | None
    refusal: Unreadable | None

    @property
    def numbers(self) -> np.ndarray:
        """What is taken, (rows, columns), NaN where there is no number."""
        return self.grid.numbers(self.taken, self.decimal, self.header)


def nothing() -> Unreadable:
    return Unreadable("none", "expected a column of numbers, but there is none")


def understand(found: Grid, asked: Asked, separator: str = "", names: Sequence[str] = ()) -> Understood:
    """A grid as a table; `names` are for columns whose header has none."""
    header = layout.header(found, asked.header)
    columns = layout.kinds_of_columns(found.kinds[header.lines :])
    named = layout.names(found, header.lines, names)
    taken, unknown = _taken(named, columns, asked.columns)
    decimal, question = layout.decimal(found, header.lines, columns, taken, separator, asked.decimal)
    ragged = _ragged(found, header.lines, asked.header != "auto")
    refusal = ragged or header.question or unknown or question
    return Understood(found, separator, header.lines, header.vouched, named, columns, taken, decimal, ragged, refusal)


def _taken(names: list[str], columns: list[str], wanted: tuple[str, ...]) -> tuple[list[int], Unreadable | None]:
    if unknown := [name for name in wanted if name not in names]:
        known = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        message = f"expected one of the columns {known}, but got {unknown[0]!r}"
        return [], Unreadable("column", message, name=unknown[0], names=tuple(names[:20]))
    if wanted:
        return [names.index(name) for name in dict.fromkeys(wanted)], None
    last = [place for place, column in enumerate(columns) if column == "number"][-1:]
    return last, None if last else nothing()


def _ragged(found: Grid, header: int, given: bool) -> Unreadable | None:
    """The first row of another length than most; the first after the names, if it is they that have another."""
    expected, lengths = found.width, {line: length for length, line in found.short.items()}
    lengths |= dict([found.long] if found.long else [])
    above = set(found.lines[:header].tolist())
    lengths = {line: length for line, length in lengths.items() if not given or line not in above}
    if not lengths:
        return None
    row = min(lengths)
    count = lengths[row]
    if row in above:
        expected, row, count = count, int(found.lines[header]), expected
    message = f"expected {expected} cells in each row, but row {row} has {count}: correct it, or choose the separator"
    return Unreadable("row", message, row=row, count=count, expected=expected)


def understood(text: str, asked: Asked) -> Understood:
    """The one way to read a text, or the best of several with the question that is left."""
    first, named, comment = _before(text)
    given = asked.separator if asked.separator != "auto" else named
    sample = text if len(text) <= SAMPLE else text[: text.rfind("\n", 0, SAMPLE) + 1] or text
    ways = _ways(sample, first, [given] if given else list(SEPARATORS), asked, comment)
    if sample is not text:
        ways = _ways(text, first, list(dict.fromkeys(way.separator for way in ways)), asked, comment)
    best = ways[0]
    if given:
        return best
    if len(ways) == 1:
        best.refusal = best.ragged or _joined(best) or best.refusal
        return best
    numbers = [None if way.refusal else way.numbers for way in ways]
    if any(n is None or not np.array_equal(n, numbers[0], equal_nan=True) for n in numbers):
        best.refusal = _question(ways)
    return best


def _before(text: str) -> tuple[int, str, str]:
    """What stands before the table: how many lines, the separator that they name, and the last comment."""
    first, named, comment, at = 0, "", "", 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end].strip(" \r\n")
        if not first and (found := NAMED.fullmatch(line)):
            named = next((name for name, mark in SEPARATORS.items() if mark == found[1]), "")
        elif line.startswith("#") and re.split("[,;\t|]", line.lower())[0].strip() not in ABSENT | {"#div/0!"}:
            comment = line.lstrip("# ")
        elif line:
            break
        first, at = first + 1, end
    return first, named, comment


def _ways(text: str, first: int, separators: list[str], asked: Asked, comment: str) -> list[Understood]:
    """The readings that no other is better than; where none fits, the one that comes closest."""
    tried, refusals = [], []
    for name in separators:
        mark = SEPARATORS[name]
        for tight in (True, False) if name == "space" else (True,):
            if mark and mark not in text and len(separators) > 1:
                continue
            try:
                found = grid(rows_of(text, mark, first, tight))
            except Unreadable as error:
                refusals.append(error)
                continue
            names = [cell.strip() for cell in comment.split(mark or None)] if comment else ()
            tried.append(understand(found, asked, name, names))
            if not tried[-1].ragged:
                break
    if not tried:
        raise refusals[0]
    if not len(tried[0].grid.lines):
        raise Unreadable("none", "expected a column of numbers, but there is nothing in it")
    if len(separators) == 1:
        return [min(tried, key=lambda way: way.ragged is not None)]
    lines = [way for way in tried if way.separator == "none"]
    several = [way for way in tried if way.grid.width > 1 and not way.ragged]
    several = [way for way in several if "number" in way.kinds] or several
    several = [way for way in several if not any(_holds(way, other) for other in several if other is not way)]
    alone = [way for way in lines if "number" in way.kinds]
    if any(way.vouched and way.separator != "space" for way in several):
        alone = []
    if alone and not alone[0].header and _nearly(alone[0], tried):
        several = several or [way for way in tried if way.separator == "comma"]
    if several or alone:
        return several + alone
    ragged = [way for way in tried if way.grid.width > 1]
    return [max(ragged or lines or tried, key=lambda way: ("number" in way.kinds, way.grid.whole))]


def _holds(way: Understood, other: Understood) -> bool:
    """Whether a column of texts of one reading has the other's separator in all of its cells. A blank is no separator
    between words."""
    mark = SEPARATORS[other.separator]
    rows = way.grid.head[way.header :]
    for column, kind in enumerate(way.kinds):
        cells = [row[column] for row in rows if column < len(row)]
        if kind == "text" and all(
            mark in cell and (mark != " " or not (kinds(cell.split()) & (TEXT | MISSING)).any()) for cell in cells
        ):
            return True
    return False


def _nearly(alone: Understood, tried: list[Understood]) -> bool:
    """Whether lines without a header that are numbers with a comma are two columns in most rows."""
    commas = next((way for way in tried if way.separator == "comma"), None)
    return commas is not None and commas.grid.width == 2 and commas.grid.whole >= 0.5


def _joined(way: Understood) -> Unreadable | None:
    """The question whether two columns without names, with commas between them, are one: 70,100 as thousands, or,
    after a date or another label, 1,5 as a decimal fraction."""
    if way.separator != "comma" or way.vouched or way.grid.width < 2:
        return None
    rows = way.grid.head[way.header :]
    if not way.grid.tight:
        return None
    width, last = way.grid.width, way.grid.width - 2
    labels = all(kind in ("date", "text") for kind in way.kinds[:last])
    for column in range(width - 1):
        marks = POINT | (COMMA if column == last and labels else 0)

        def is_one(row, column=column, marks=marks):
            pair = ",".join(shown(cell).strip() for cell in row[column : column + 2])
            return kinds([pair])[0] & marks

        if rows and all(map(is_one, rows)) and all(is_one(row) for line, row in way.grid.after(way.header)):
            piece = ",".join(map(shown, rows[0][column : column + 2]))
            return _separator(piece, int(way.grid.lines[way.header]))
    return None


def _question(ways: list[Understood]) -> Unreadable:
    way = min(ways, key=lambda way: way.grid.width)
    cells = [cell for cell in way.grid.row(way.header) if kinds([cell])[0] & NUMBER]
    piece = next((cell for cell in cells if any(SEPARATORS[w.separator] in cell for w in ways if w is not way)), "")
    return _separator(shown(piece or (cells or way.grid.row(way.header))[0]), int(way.grid.lines[way.header]))


def _separator(piece: str, row: int) -> Unreadable:
    message = f"{piece!r} in row {row} may be one number or several: say what separates the columns"
    return Unreadable("separator", message, piece=piece, row=row)
