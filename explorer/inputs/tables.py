"""The one reader of tables: what people bring as a file or paste, as columns of numbers.

CSV and its relatives, Excel, Parquet and NPY. How a text is written (encoding, separator, decimal mark, header) is
found out: every way of reading it that fits the whole text is a candidate, and where two that are left give different
numbers, nothing is guessed: `Table.refusal` asks, and a `Reading` answers. pandas is imported here only, and late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from explorer.inputs.archives import excel, npy, parquet
from explorer.inputs.cells import MARKS, MISSING, shown
from explorer.inputs.decoding import decoded, format_of
from explorer.inputs.dialects import SEPARATORS, Asked, Understood, nothing, understand, understood
from explorer.inputs.grids import MOST_ROWS, grid, many
from explorer.inputs.lists import is_list, listed
from explorer.inputs.unreadable import Unreadable
from explorer.settings import Choice, Names, setting

MOST_BYTES = 2**25
MOST_NUMBERS = 2**22  # rows times columns that are taken
MOST_TAKEN = 16  # columns
MOST_LISTED, FIRST = 256, 8  # columns, rows that are shown
LARGEST = 1e30
DECIMALS = {"point": ".", "comma": ","}


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
    sheet      of Excel, its name and which of how many it is: "Sheet1 (1/3)"; else ""
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
    sheet: str = ""


def look(data: bytes, reading: Reading = AS_IT_COMES) -> Table:
    """Read a file. Raises Unreadable where there is no table to be seen; what keeps numbers from being taken out of
    one that is there is its `refusal`."""
    _pandas()
    if len(data) > MOST_BYTES:
        most, size = MOST_BYTES >> 20, -(-len(data) >> 20)
        raise Unreadable("large", f"expected a file of at most {most} MiB, but it has {size}", most=most, size=size)
    found = format_of(data)
    if found == "text":
        text, encoding = decoded(data)
        return replace(_look_at_text(text, reading), encoding=encoding)
    if found == "zip":
        rows, sheet = excel(data)
        return replace(_table("excel", understand(rows, _asked(reading)), reading), separator="", sheet=sheet)
    rows, names = {"parquet": parquet, "npy": npy}[found](data)
    chosen = understand(rows, replace(_asked(reading), header="0"), names=names)
    return replace(_table(found, chosen, reading), separator="", decimal="")


def pasted(text: str, reading: Reading = AS_IT_COMES) -> Table:
    """The same for what was typed or pasted by hand: numbers, or a table.

    Several lines of as many numbers each are columns, and all of them are taken unless the reading names others; any
    other numbers are one column."""
    _pandas()
    if not is_list(text):
        return _look_at_text(text, reading)
    rows, separator, decimal = listed(text, reading.separator, reading.decimal)
    chosen = understand(grid(lambda: enumerate(rows, start=1)), replace(_asked(reading), decimal=decimal, header="0"))
    if not reading.columns and 1 < len(chosen.names) <= MOST_TAKEN:
        chosen.taken = list(range(len(chosen.names)))
    return replace(_table("text", chosen, reading), separator=separator)


def take(data: bytes, reading: Reading = AS_IT_COMES) -> np.ndarray:
    """The numbers of a file, (rows, columns taken). Raises Unreadable, a ValueError in one sentence."""
    table = look(data, reading)
    if table.refusal:
        raise table.refusal
    return table.numbers


def work(report, data: bytes, reading: Reading) -> Table | Unreadable:
    """The job: `look`, with the numbers in the job's folder as numbers.npy and None in their place."""
    try:
        table = look(data, reading)
    except Unreadable as error:
        return error
    if table.numbers is not None:
        np.save(report.folder / "numbers.npy", table.numbers)
    return replace(table, numbers=None)


def _pandas():
    try:
        import pandas
    except ImportError:
        message = "reading tables needs pandas, which is not installed: pip install pandas openpyxl pyarrow"
        raise Unreadable("pandas", message) from None
    return pandas


def _look_at_text(text: str, reading: Reading) -> Table:
    return _table("text", understood(text, _asked(reading)), reading)


def _asked(reading: Reading) -> Asked:
    return Asked(reading.separator, reading.decimal, reading.header, reading.columns)


def _table(form: str, chosen: Understood, reading: Reading) -> Table:
    """What was understood, with its numbers."""
    grid, header = chosen.grid, chosen.header
    body, lines = grid.kinds[header:], grid.lines[header:]
    if len(body) > MOST_ROWS:
        raise many(len(body))
    listed = sorted({*range(min(grid.width, MOST_LISTED)), *chosen.taken})
    columns = []
    for place in listed:
        absent = body[:, place] == MISSING
        gaps = tuple(lines[np.flatnonzero(absent)[:10]].tolist())
        columns.append(Column(chosen.names[place], chosen.kinds[place], int(absent.sum()), gaps))
    first = tuple(
        tuple(shown(row[place]) if place < len(row) else "" for place in listed)
        for row in grid.head[header : header + FIRST]
    )
    table = Table(
        form,
        encoding="",
        separator=chosen.separator,
        decimal=chosen.decimal,
        header=header,
        rows=len(body),
        columns=tuple(columns),
        first=first,
        taken=tuple(chosen.names[place] for place in chosen.taken),
        numbers=None,
        refusal=chosen.refusal,
    )
    if table.refusal:
        return table
    try:
        numbers, mended = _mended(*_numbers(chosen), reading.missing)
    except Unreadable as error:
        return replace(table, refusal=error)
    return replace(table, numbers=numbers, mended=mended)


def _numbers(chosen: Understood):
    """The numbers that are taken, NaN where they are missing, and the rows they are from."""
    grid, header, taken = chosen.grid, chosen.header, chosen.taken
    lines = grid.lines[header:]
    if len(lines) * len(taken) > MOST_NUMBERS:
        message = f"expected at most {MOST_NUMBERS} numbers, but {len(taken)} columns have {len(lines) * len(taken)}"
        raise Unreadable("numbers", message, most=MOST_NUMBERS, count=len(lines) * len(taken))
    numbers, cells = chosen.numbers, grid.kinds[header:][:, taken]
    for wrong, reason, expected, advice in (
        (((cells & MARKS[chosen.decimal]) == 0) & (cells != MISSING), "bad", "a number", "correct or drop it"),
        (
            ~(np.abs(np.nan_to_num(numbers)) <= LARGEST),
            "infinite",
            f"finite numbers within ±{LARGEST:.0e}",
            "replace or drop it",
        ),
    ):
        if wrong.any():
            at, place = (int(i) for i in np.argwhere(wrong)[0])
            cell = shown(grid.row(header + at)[taken[place]], 20)
            name, row = chosen.names[taken[place]], int(lines[at])
            message = f"expected {expected} in column {name!r}, but row {row} has {cell!r}: {advice}"
            raise Unreadable(reason, message, row=row, cell=cell, column=name)
    return numbers, lines


def _mended(numbers: np.ndarray, lines: np.ndarray, missing: str) -> tuple[np.ndarray, int]:
    """The numbers without gaps, and how many rows were dropped or values carried forward."""
    frame = _pandas().DataFrame(numbers)
    gaps = np.isnan(numbers)
    if not gaps.any():
        return numbers, 0
    if missing == "drop":
        kept = frame.dropna().to_numpy()
        if not len(kept):
            raise nothing()
        return kept, len(numbers) - len(kept)
    if missing == "carry":
        if gaps[0].any():
            row = int(lines[0])
            message = f"expected a value to carry forward, but row {row} has none and nothing comes before it: drop it"
            raise Unreadable("nothing_before", message, row=row)
        return frame.ffill().to_numpy(), int(gaps.sum())
    rows = lines[gaps.any(1)]
    first = tuple(rows[:10].tolist())
    named = ", ".join(map(str, first[:5])) + (" …" if len(rows) > 5 else "")
    count = int(gaps.sum())
    missing = "one is missing" if count == 1 else f"{count} are missing"
    message = f"expected a number in every row, but {missing}, in row {named}: drop such rows or carry the last on"
    raise Unreadable("missing", message, count=count, rows=first)
