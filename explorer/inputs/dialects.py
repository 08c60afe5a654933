"""How a text is written: every separator is tried on the whole of it, and those that fit are weighed.

A separator fits if all rows have the same number of cells. It is worse than another if its cells still hold that one,
or if names stand above the columns of the other and not above its own. If two are left that give different numbers,
there is a question.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.inputs import layout
from explorer.inputs.cells import COMMA, COMMAS, DATE, MARKS, MISSING, NUMBER, POINT, TEXT, kinds
from explorer.inputs.grids import Grid, grid, lines_of, rows_of
from explorer.inputs.unreadable import Unreadable

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "bar": "|", "none": ""}
SAMPLE = 2**18  # letters, on which most separators that do not fit are found out
ERROR = re.compile(r"#(N/?A|DIV/0!|VALUE!|REF!|NAME\?|NUM!|NULL!)", re.I)  # Excel's, and no comment
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
    expected, lengths = found.width, {line: length for length, lines in found.others.items() for line in lines}
    above = found.lines[:header].tolist()
    titles = above if given else [line for line in above[:-1] if lengths.get(line) == 1]
    lengths = {line: length for line, length in lengths.items() if line not in titles}
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
    tried = [given] if given else list(SEPARATORS)
    cut = text.rfind("\n", 0, SAMPLE) + 1
    if len(text) > SAMPLE and cut and not given:
        tried = [way.separator for way in _ways(text[:cut], first, tried, asked, comment, whole=False)]
    ways = _ways(text, first, list(dict.fromkeys(tried)), asked, comment)
    best = ways[0]
    if given or best.ragged:
        return best
    if len(ways) == 1:
        best.refusal = _joined(best, text, asked.decimal) or best.refusal
        return best
    numbers = [None if way.refusal else way.numbers for way in ways]
    if any(n is None or not np.array_equal(n, numbers[0], equal_nan=True) for n in numbers):
        best.refusal = _question(ways)
    return best


def _before(text: str) -> tuple[int, str, str]:
    """What stands before the table: how many lines, the separator that they name, and the last comment."""
    first, named, comment = 0, "", ""
    for line in map(str.strip, io.StringIO(text, newline=None)):
        if not first and (found := NAMED.fullmatch(line)):
            named = next((name for name, mark in SEPARATORS.items() if mark == found[1]), "")
        elif line.startswith("#") and not ERROR.match(line):
            comment = line.lstrip("# ")
        elif line:
            break
        first += 1
    return first, named, comment


def _ways(text: str, first: int, names: list[str], asked: Asked, comment: str, whole: bool = True) -> list[Understood]:
    """The readings that no other is better than; where none fits, the one that comes closest."""
    tried, refusals = [], []
    for name in names:
        mark = SEPARATORS[name]
        for tight in (True, False) if name == "space" else (True,):
            if mark and mark not in text and len(names) > 1:
                continue
            try:
                found = grid(rows_of(text, mark, first, tight, whole), lambda: lines_of(text))
            except Unreadable as error:
                refusals.append(error)
                continue
            named = comment.split(mark or None) if comment else ()
            tried.append(understand(found, asked, name, named))
            if not tried[-1].ragged:
                break
    if not tried:
        raise refusals[0]
    if not len(tried[0].grid.lines):
        raise Unreadable("none", "expected a column of numbers, but there is nothing in it")
    if len(names) == 1:
        return [min(tried, key=lambda way: way.ragged is not None)]
    best = _best(tried, asked)
    if refusals and "number" not in best[0].kinds:
        raise refusals[0]
    return best


def _best(tried: list[Understood], asked: Asked) -> list[Understood]:
    """Those of several readings that are no worse than another."""
    numeric = [way for way in tried if "number" in way.kinds]
    if asked.columns:
        numeric = [way for way in numeric if {*asked.columns} <= {*way.names}] or numeric
    fitting = [way for way in numeric if way.grid.width > 1 and not way.ragged]
    fitting = [way for way in fitting if not any(_holds(way, other) for other in fitting if other is not way)]
    lines = [way for way in numeric if way.separator == "none" and _has_numbers(way, asked.decimal)]
    lines = [way for way in lines if not fitting or not (way.grid.kinds[way.header :] & (TEXT | DATE)).any()]
    if asked.decimal == "comma":  # then it lies between columns only where cells with one are quoted
        fitting = [way for way in fitting if way.separator != "comma" or _has_commas(way)] if lines else fitting
    if lines and (any(way.vouched and way.separator != "space" for way in fitting) or _named(lines[0], tried)):
        lines = []
    elif lines and not fitting and not lines[0].header and asked.decimal == "auto":
        fitting = [way for way in numeric if way.separator == "comma" and way.grid.width == 2 and way.grid.whole >= 0.5]
        if fitting:  # 1,5 in most lines, and no name above them: one column, or two and a row that lacks something
            fitting[0].ragged = None
    if fitting or lines:
        return fitting + lines
    ragged = [way for way in numeric if way.ragged]
    return [max(ragged, key=lambda way: way.grid.whole)] if ragged else [_plainest(tried)]


def _plainest(tried: list[Understood]) -> Understood:
    """Of readings without numbers: one that fits, or lines as they are."""
    return max(tried, key=lambda way: (not way.ragged, way.grid.width))


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


def _named(lines: Understood, tried: list[Understood]) -> bool:
    """Whether the line of names holds a separator by which most rows have as many cells as it has."""
    header = lines.grid.head[lines.header - 1][0] if lines.header else ""
    for way in tried:
        mark = SEPARATORS[way.separator]
        if mark.strip() and mark in header and len(way.grid.head[lines.header - 1]) == way.grid.width > 1:
            return True
    return False


def _has_numbers(way: Understood, decimal: str) -> bool:
    """Whether what a reading takes has a number with the decimal mark that was asked for."""
    mark = MARKS.get(decimal, NUMBER)
    return bool((way.grid.kinds[way.header :, way.taken] & mark).any())


def _has_commas(way: Understood) -> bool:
    found = way.grid.kinds[way.header :]
    return bool(((found & NUMBER == COMMA) | (found & COMMAS > 0)).any())


def _joined(way: Understood, text: str, decimal: str) -> Unreadable | None:
    """The question whether two columns without names, with commas between them, are one: 70,100 as thousands, or,
    after a date or another label, 1,5 as a decimal fraction."""
    if way.separator != "comma" or way.vouched or re.search(r"\d, ", text[:SAMPLE]):
        return None
    rows = way.grid.head[way.header :]
    last = way.grid.width - 2
    labels = all(kind in ("date", "text") for kind in way.kinds[: max(last, 0)])
    for column in range(last + 1):
        marks = (POINT | (COMMA if column == last and labels else 0)) & MARKS.get(decimal, NUMBER)

        def are_one(rows, column=column, marks=marks):
            return (kinds([",".join(row[column : column + 2]) for row in rows]) & marks).all()

        if are_one(rows) and all(are_one(block) for block in way.grid.blocks(way.header)):
            return _separator(",".join(rows[0][column : column + 2]), int(way.grid.lines[way.header]))
    return None


def _question(ways: list[Understood]) -> Unreadable:
    """What of the reading with the fewest columns the others would cut."""
    way = min(ways, key=lambda way: way.grid.width)
    marks = [SEPARATORS[other.separator] for other in ways if other is not way]
    pieces = [
        (cell, int(way.grid.lines[at]))
        for at, row in enumerate(way.grid.head[way.header :], start=way.header)
        for cell in row
        if any(mark in cell for mark in marks)
    ]
    numbers = [(cell, row) for cell, row in pieces if kinds([cell])[0] & NUMBER]
    return _separator(*(numbers + pieces + [(way.grid.head[way.header][0], int(way.grid.lines[way.header]))])[0])


def _separator(piece: str, row: int) -> Unreadable:
    message = f"{piece!r} in row {row} may be one number or several: say what separates the columns"
    return Unreadable("separator", message, piece=piece, row=row)
