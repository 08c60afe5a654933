"""The one reader of tables: what people bring as a file or paste, as columns of numbers.

CSV and its relatives, Excel, Parquet and NPY. How a text is written (encoding, separator, decimal mark, header) is
found out: every way of reading it that fits the whole text is a candidate, and where two that are left give different
numbers, nothing is guessed: `Table.refusal` asks, and a `Reading` answers. pandas is imported here only, and late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.settings import Choice, Names, setting

MOST_ROWS, MOST_BYTES = 10**6, 2**25
MOST_NUMBERS = 2**22  # rows times columns that are taken
MOST_TAKEN = 16  # columns
LARGEST = 1e30
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "bar": "|", "none": ""}
DECIMALS = {"point": ".", "comma": ","}


class Unreadable(ValueError):
    """Why a table, or what was asked of it, cannot be had: `reason` names the sentence, with its `details`."""

    def __init__(self, reason: str, message: str, **details):
        super().__init__(message)
        self.reason, self.details = reason, details

    def __reduce__(self):
        return _unreadable, (self.reason, str(self), self.details)


def _unreadable(reason: str, message: str, details: dict) -> Unreadable:
    return Unreadable(reason, message, **details)


@dataclass(frozen=True)
class Reading:
    """How a table is read; plain settings, so that they can stand in a link.

    columns    names of those that are taken, each an input; none is the last column of numbers
    separator  "auto", or one of SEPARATORS
    decimal    "auto", or one of DECIMALS; the other mark then stands between thousands
    header     lines before the first row, "auto" or "0" to "9"
    missing    what becomes of a row in which a taken column has no value: "refuse", "drop" it, or "carry" the last
               value forward
    """

    columns: tuple[str, ...] = setting((), Names("col", MOST_TAKEN))
    separator: str = setting("auto", Choice("sep", ("auto", *SEPARATORS)))
    decimal: str = setting("auto", Choice("dec", ("auto", *DECIMALS)))
    header: str = setting("auto", Choice("head", ("auto", *map(str, range(10)))))
    missing: str = setting("refuse", Choice("na", ("refuse", "drop", "carry")))


AS_IT_COMES = Reading()


@dataclass(frozen=True)
class Column:
    """One column of a table.

    name     the header's, several lines joined; without one its number, counted from 1. No two are the same.
    kind     "number", "date", "text" or "empty"
    missing  how many of its values are missing
    gaps     the first ten rows, by their number in the file, counted from 1, in which it is
    """

    name: str
    kind: str
    missing: int
    gaps: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """What a file or a text was read as, and the numbers that were taken from it.

    format     "text", "excel", "parquet" or "npy"
    encoding   of a text, in Python's name, else ""
    separator, decimal   of a text, as in Reading, never "auto"; else ""
    header     lines before the first row
    rows       how many there are
    columns    all of them, in their order
    first      the first eight rows as they are written, one text a column
    taken      the names of the columns that are taken
    numbers    (rows left, columns taken) in float64; None where `refusal` says why
    mended     rows that were dropped, or values that were carried forward, as `Reading.missing` says
    refusal    why no numbers are taken, None if they are
    """

    format: str
    encoding: str
    separator: str
    decimal: str
    header: int
    rows: int
    columns: tuple[Column, ...]
    first: tuple[tuple[str, ...], ...]
    taken: tuple[str, ...]
    numbers: np.ndarray | None
    mended: int = 0
    refusal: Unreadable | None = None


def look(data: bytes, reading: Reading = AS_IT_COMES) -> Table:
    """Read a file. Raises Unreadable where there is no table to be seen; what keeps numbers from being taken out of
    one that is there is its `refusal`."""
    raise NotImplementedError


def pasted(text: str, reading: Reading = AS_IT_COMES) -> Table:
    """The same for what was typed or pasted by hand: a list of numbers on a line, or a table."""
    raise NotImplementedError


def take(data: bytes, reading: Reading = AS_IT_COMES) -> np.ndarray:
    """The numbers of a file, (rows, columns taken). Raises Unreadable, a ValueError in one sentence."""
    table = look(data, reading)
    if table.refusal:
        raise table.refusal
    return table.numbers


def work(report, data: bytes, reading: Reading) -> Table | Unreadable:
    """The job: `look`, with the numbers in the job's folder as numbers.npy and None in their place."""
    raise NotImplementedError
