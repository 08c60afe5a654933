"""A table that a visitor brought, as the page shows it: how it was read, its first rows, what keeps it from being
taken, and the controls that read it differently. What stands in it is text, never markup."""

from __future__ import annotations

from collections.abc import Callable, Collection
from html import escape

import streamlit as st

from explorer.inputs.tables import DECIMALS, SEPARATORS, Reading, Table, Unreadable
from explorer.ui import state
from explorer.ui.language import current, literal, say
from explorer.ui.state import kinds

COLUMNS, CELL, NAME = 8, 20, 24  # columns and letters of the preview
NARROW = 4  # its rows where there is little room
OPTIONS = 500  # columns that a list offers
ENCODINGS = {"utf-8-sig": "UTF-8", "cp949": "CP949", "euc-kr": "EUC-KR", "latin-1": "Latin-1", "iso8859-1": "Latin-1"}
PLAIN = ("what", "shape", "dtype")  # details that are no piece of what was brought
Change = Callable[..., None]


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(text: str) -> str:
    """A visitor's own text within a sentence."""
    return f"“{literal(cut(text, NAME))}”"


def refusal(error: Unreadable) -> str:
    """Why it is not taken, in a sentence."""
    return say(f"table.refused_{error.reason}", **{name: _said(name, value) for name, value in error.details.items()})


def _said(name: str, value) -> str:
    if isinstance(value, tuple):
        return ", ".join(_said(name, one) for one in value[:10])
    if isinstance(value, int):
        return f"{value:,}"
    return literal(cut(str(value), CELL)) if name in PLAIN else quoted(str(value))


def facts(name: str, table: Table) -> str:
    """How it was read, in a line."""
    said = [literal(cut(name, 2 * NAME))] if name else []
    if table.format == "text":
        code = table.encoding.lower().replace("_", "-")
        said += [ENCODINGS.get(code, code.upper())] if name else []
        ways = {"separator": table.separator, "decimal": f"decimal_{table.decimal}"}
        ways.pop(table.refusal.reason if table.refusal else "", None)  # that is the question
        said += [say(f"table.written_{way}") for way in ways.values() if way in WRITTEN]
    else:
        said.append(say(f"table.format_{table.format}"))
        said += [literal(cut(table.sheet, 2 * NAME))] if table.sheet else []
    if table.format in ("text", "excel"):
        said.append(say("table.headers", count=table.header) if table.header else say("table.no_header"))
    said.append(say("table.rows", count=f"{table.rows:,}"))
    return " · ".join(said)


WRITTEN = {*(name for name in SEPARATORS if name != "none"), *(f"decimal_{name}" for name in DECIMALS)}


def as_written(table: Table, row: int, column: int) -> str:
    """A number that was taken, as it stands in the table where that is known."""
    place = [one.name for one in table.columns].index(table.taken[column])
    return table.first[row][place] if row < len(table.first) and not table.mended else ""


def gaps(table: Table, missing: str) -> list[str]:
    """Which taken columns have gaps and where, and what became of them."""
    said = [say(f"table.mended_{missing}", count=f"{table.mended:,}")] if table.mended else []
    for column in table.columns:
        if column.missing and column.name in table.taken:
            rows = ", ".join(f"{row:,}" for row in column.gaps) + (" …" if column.missing > len(column.gaps) else "")
            said.append(say("table.gaps", name=quoted(column.name), count=f"{column.missing:,}", rows=rows))
    return said


def look(
    slot: str, table: Table, reading: Reading, change: Change, most: int, asked: Collection[str], *, narrow: bool
) -> None:
    """The first rows, and what reads them differently beside them, or below where there is no room."""
    left, right = (st.container(), st.container()) if narrow else st.columns([3, 2])
    with left:
        preview(table, NARROW if narrow else len(table.first))
    with right:
        controls(slot, table, reading, change, most, asked)


def preview(table: Table, rows: int) -> None:
    """The first rows: names and kinds of the columns, those that are taken marked."""
    shown = [k for k, column in enumerate(table.columns) if column.name in table.taken][:COLUMNS]
    shown = sorted({*shown, *[k for k in range(len(table.columns)) if k not in shown][: COLUMNS - len(shown)]})

    def cell(k: int, text: str, tag: str = "td", more: str = "") -> str:
        mark = " class='taken'" if table.columns[k].name in table.taken else ""
        return f"<{tag}{mark}>{escape(cut(text, CELL))}{more}</{tag}>"

    head = [
        cell(k, table.columns[k].name, "th", f"<small>{escape(say(f'table.kind_{table.columns[k].kind}'))}</small>")
        for k in shown
    ]
    lines = ["".join(cell(k, row[k] if k < len(row) else "") for k in shown) for row in table.first[:rows]]
    body = "".join(f"<tr>{line}</tr>" for line in ["".join(head), *lines])
    st.html(f"<div class='preview' tabindex='0'><table>{body}</table></div>")
    if len(table.columns) > len(shown):
        st.caption(say("table.more_columns", count=f"{len(table.columns) - len(shown):,}"))


# what reads it differently


def controls(slot: str, table: Table, reading: Reading, change: Change, most: int, asked: Collection[str]) -> None:
    """The settings that mean something for this table; those that are not `asked` for are folded away."""
    offered = ["columns"]
    if any(c.missing and c.name in table.taken for c in table.columns) or reading.missing != "refuse":
        offered.append("missing")
    if table.format == "text":
        offered.append("separator")
    if table.format in ("text", "excel"):
        offered += ["decimal", "header"]
    offered += [name for name in ("missing", "decimal") if name in asked and name not in offered]
    first = [name for name in offered if name in asked or name in ("columns", "missing")]
    rest = [name for name in offered if name not in first]
    for name in first:
        control(slot, name, table, reading, change, most)
    if rest:
        with st.expander(say("table.differently")):
            for name in rest:
                control(slot, name, table, reading, change, most)


def control(slot: str, name: str, table: Table, reading: Reading, change: Change, most: int = 1) -> None:
    """The widget of one of them."""
    if name == "columns":
        _columns(slot, table, change, most)
        return
    found = "" if table.refusal and table.refusal.reason == name else str(getattr(table, name, ""))

    def words(option: str) -> str:
        if option == "auto":
            return say("table.auto", found=words(found)) if found else say("table.choose")
        return option if name == "header" else say(f"choice.{name}.{option}")

    st.selectbox(
        say(f"table.{name}"),
        kinds(Reading)[name].options,
        format_func=words,
        **state.controlled(f"{slot}_{name}_{current()}", getattr(reading, name), lambda new: change(**{name: new})),
    )


def _columns(slot: str, table: Table, change: Change, most: int) -> None:
    """Which columns are taken: one from a list, or several."""
    taken = [name for name in table.taken if any(column.name == name for column in table.columns)]
    options = [column.name for column in table.columns if column.kind == "number" or column.name in taken][:OPTIONS]
    options += [name for name in taken if name not in options]
    if len(options) < 2 and taken:
        return
    key = f"{slot}_columns_{current()}"
    if most == 1:
        bound = state.controlled(key, taken[0] if taken else None, lambda new: change(columns=(new,) if new else ()))
        unchosen = {} if taken else {"index": None, "placeholder": say("table.choose")}
        st.selectbox(say("table.column"), options, **unchosen, **bound)
    else:
        bound = state.controlled(key, taken, lambda new: change(columns=tuple(new)))
        st.multiselect(say("table.columns"), options, max_selections=most, placeholder=say("table.choose"), **bound)
