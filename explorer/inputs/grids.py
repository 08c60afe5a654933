"""Rows of cells, whatever they come from: what each cell is, and the numbers of a column when they are wanted.

A text is read anew for each, so that millions of cells are never held as objects; a sheet of Excel is.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from explorer.inputs.cells import MISSING, Cell, kinds, values
from explorer.inputs.unreadable import Unreadable, no_table

HEAD, BLOCK = 24, 4096  # rows that are kept as they are, for names and for a look; rows that are treated together
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 10**6, 4096, 2**25
Numbered = tuple[int, list[Cell]]  # the number of its line in the file, from 1, and a row


@dataclass(eq=False)
class Grid:
    """A table before anything is decided.

    again   gives its rows from the first, each with the number of its line in the file
    kinds   (rows, columns) what each cell is, uint8, see `cells`
    lines   (rows,) the number of each row's line
    head    the first rows
    others  number of cells -> the first lines of so many, where it is not that of the columns
    whole   the share of rows that have as many cells as there are columns
    """

    again: object
    kinds: np.ndarray
    lines: np.ndarray
    head: list[list[Cell]]
    others: dict[int, list[int]] = field(default_factory=dict)
    whole: float = 1.0

    @property
    def width(self) -> int:
        return self.kinds.shape[1]

    def row(self, at: int) -> list[Cell]:
        """One row, filled up."""
        row = self.head[at] if at < len(self.head) else next(islice(self.again(), at, None))[1]
        return row + [None] * (self.width - len(row))

    def blocks(self, start: int) -> Iterator[list[list[Cell]]]:
        """The rows from this one, many at a time."""
        rows = (row for _, row in islice(self.again(), start, None))
        while block := list(islice(rows, BLOCK)):
            yield block

    def numbers(self, columns: list[int], decimal: str, start: int) -> np.ndarray:
        """(rows from `start`, columns) in float64, NaN where a cell is no number with this decimal mark."""
        made = np.full((len(self.lines) - start, len(columns)), np.nan)
        at = 0
        for block in self.blocks(start):
            for place, column in enumerate(columns):
                cells = [row[column] if column < len(row) else None for row in block]
                found = self.kinds[start + at : start + at + len(block), column]
                made[at : at + len(block), place] = values(cells, found, decimal)
            at += len(block)
        return made


def grid(again, count=int) -> Grid:
    """The grid of these rows. Raises Unreadable for too many rows or columns, and for what `again` cannot read.

    count   says how many there are, where there are too many
    """
    width = _width(islice(again(), BLOCK))
    if width > MOST_COLUMNS:
        raise wide(width)
    rows, blocks, lines, head, others, whole = again(), [], [], [], {}, 0
    while block := list(islice(rows, BLOCK)):
        if len(lines) * BLOCK + len(block) > MOST_ROWS + HEAD:
            raise many(count())
        numbers, cells = zip(*block)
        head.extend(cells[: HEAD - len(head)] if len(head) < HEAD else ())
        lengths = list(map(len, cells))
        if set(lengths) != {width}:
            cells = list(cells)
            for at, (line, length) in enumerate(zip(numbers, lengths)):
                if length < width or (length > width and (kinds(cells[at][width:]) != MISSING).any()):
                    if len(first := others.setdefault(length, [])) < HEAD:
                        first.append(line)
                    cells[at] = cells[at] + [None] * (width - length)
        whole += lengths.count(width)
        found = np.empty((len(block), width), np.uint8)
        for column, several in enumerate(islice(zip(*cells), width)):
            found[:, column] = kinds(several)
        blocks.append(found)
        lines.append(np.array(numbers))
    made = np.concatenate(blocks) if blocks else np.empty((0, width), np.uint8)
    lines = np.concatenate(lines) if lines else np.empty(0, int)
    used = (made != MISSING).any(0)
    kept = width - int(used[::-1].argmax()) if used.any() else min(width, 1)
    others = {length: first for length, first in others.items() if not kept <= length <= width}
    return Grid(again, made[:, :kept], lines, [list(row) for row in head], others, whole / max(1, len(lines)))


def _width(rows: Iterable[Numbered]) -> int:
    """The number of cells that most rows have."""
    counted = Counter(len(row) for _, row in rows)
    return max(counted, key=lambda length: (counted[length], length), default=0)


def wide(count: int) -> Unreadable:
    message = f"expected at most {MOST_COLUMNS} columns, but there are {count}: keep a part of them"
    return Unreadable("wide", message, most=MOST_COLUMNS, count=count)


def many(count: int) -> Unreadable:
    message = f"expected at most {MOST_ROWS} rows, but there are {count}: keep a part of them"
    return Unreadable("many", message, most=MOST_ROWS, count=count)


def lines_of(text: str) -> int:
    """How many lines have anything on them."""
    return sum(not line.isspace() for line in io.StringIO(text, newline=None))


def rows_of(text: str, separator: str, first: int = 0, tight: bool = True, whole: bool = True):
    """The rows of a text, as a function that gives them anew; the first lines are passed over, and blank rows.

    separator   "" if every line is one cell
    tight       whether two separators have a cell between them, and one at the beginning a cell before it
    whole       whether the text is all there is, so that a quotation mark is closed in it
    """

    def again() -> Iterator[Numbered]:
        lines = io.StringIO(text, newline="")
        for _ in range(first):
            lines.readline()
        apart = separator if separator and separator in text else ""
        how = {"skipinitialspace": bool(apart) and not (apart == " " and tight), "strict": True}
        reader = csv.reader(lines, delimiter=apart or "\x1f", **how)
        line = first + 1
        try:
            for row in reader:
                if row and not (len(row) == 1 and (row[0].isspace() or (apart and not row[0]))):
                    yield line, row
                line = first + reader.line_num + 1
        except csv.Error:
            if whole and '"' not in text:
                raise no_table() from None
            if whole:
                message = f"a quotation mark in row {line} is not followed by a separator, or never closed: correct it"
                raise Unreadable("quote", message, row=line) from None

    return again
