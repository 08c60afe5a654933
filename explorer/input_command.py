"""What `--input` names on the command line: a series of the explorer's, or a table and how it is read."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path

import numpy as np

from explorer.inputs.tables import MOST_BYTES, Reading, Table, Unreadable, look
from explorer.long_series import SERIES
from explorer.settings import Names

NAMED = tuple(name for name in SERIES if name != "own")
KINDS = {field.name: field.metadata["kind"] for field in fields(Reading)}
OPTIONS = {"columns": "--column", "separator": "--separator", "decimal": "--decimal", "header": "--header"}
OPTIONS |= {"missing": "--missing"}
ANSWERS = {  # a question, and the option that answers it
    "separator": "separator",
    "decimal": "decimal",
    "header": "header",
    "row": "separator",
    "column": "columns",
    "bad": "columns",
    "missing": "missing",
    "nothing_before": "missing",
}
WORDS = {
    "separator": "what lies between columns",
    "decimal": "the decimal mark, if it cannot be found",
    "header": "lines before the first row",
    "missing": "what becomes of rows without a value: refuse them, drop them, or carry the last value forward",
}


def add(group) -> None:
    """The options of `--input`, for a group of arguments."""
    named = ", ".join(NAMED)
    what = f"{named}, or a table: CSV, TSV, XLSX, Parquet, NPY (default: noise)"
    group.add_argument("--input", metavar="NAME", help=what)
    group.add_argument(
        "--column",
        action="append",
        metavar="NAME",
        help="a column of the table, or several with commas between them (default: the last one of numbers)",
    )
    for name, words in WORDS.items():
        group.add_argument(OPTIONS[name], choices=KINDS[name].options, help=words)


def of_table(chosen) -> dict:
    """The settings of a Reading that are given."""
    given = {name: value for name in WORDS if (value := getattr(chosen, name)) is not None}
    if chosen.column:
        columns = Names("col", KINDS["columns"].most, longest=80)
        given["columns"] = columns.read([name for part in chosen.column for name in next(csv.reader([part]), [])])
    return given


def unused(given: dict) -> ValueError:
    """What to say of settings of a Reading where nothing is read."""
    option = OPTIONS[next(iter(given))]
    return ValueError(f"{option} says how a table is read: name its file with --input, and give --length")


def source(chosen) -> tuple[str, np.ndarray | None]:
    """The name of the series and, if it is a table's, its numbers (n, D); says which those are.

    Raises ValueError in one sentence that names the option which answers it.
    """
    given = of_table(chosen)
    if chosen.input is None or chosen.input in NAMED:
        if given:
            raise unused(given)
        return chosen.input or "noise", None
    path = Path(chosen.input)
    if not path.suffix and not path.exists():
        raise ValueError(f"--input must be {', '.join(NAMED)} or a table, but is {chosen.input!r}")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    try:
        table = look(data, Reading(**given))
        if table.refusal:
            raise table.refusal
    except Unreadable as error:
        answer = ANSWERS.get(error.reason)
        raise ValueError(f"{path}: {error}{f' ({OPTIONS[answer]})' if answer else ''}") from None
    print(sentence(path, table))
    return "own", table.numbers


def sentence(path: Path, table: Table) -> str:
    """Which numbers were taken."""
    count = len(table.numbers)
    names = [column.name for column in table.columns]
    taken = ", ".join(table.taken)
    said = [f"{path}: {count:,} {'row' if count == 1 else 'rows'} of {taken}"]
    if len(names) > 1:
        said.append(f"of the columns {', '.join(names[:12])}{', …' if len(names) > 12 else ''}")
    if table.header:
        said.append("after one line of names" if table.header == 1 else f"after {table.header} lines of names")
    if table.sheet:
        said.append(f"sheet {table.sheet}")
    if table.mended:
        rows = table.rows - count
        said.append(f"dropped without a value: {rows:,}" if rows else f"missing and carried forward: {table.mended:,}")
    return ", ".join(said)
