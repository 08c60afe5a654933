"""What a visitor brings: a file that a job reads, or numbers typed or pasted into a field.

How a file is read stands in the address; how a pasted text is read is an answer about that text and goes with it.
A place of a page says how many columns it takes and what becomes of the numbers. The file stays with the visitor, so
that another column of it can be taken; of its numbers there is one copy, and none where they are in the address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import streamlit as st

from explorer.datasets.own import MOST
from explorer.inputs import tables
from explorer.inputs.tables import DECIMALS, MOST_BYTES, SEPARATORS, Reading, Table, Unreadable
from explorer.jobs import SHORT, Job, Task
from explorer.settings import shortest
from explorer.ui import state, table_view, waiting
from explorer.ui.language import current, literal, say

FILES = ["csv", "txt", "tsv", "xlsx", "parquet", "npy"]
LONGEST = 12_000  # letters of a text
# which setting answers a question
ANSWERS = {name: name for name in ("separator", "decimal", "header", "missing")}
ANSWERS |= {"row": "separator", "nothing_before": "missing"}
QUESTIONS = ("comma", "separator", "decimal")  # that the numbers of each way answer
PAUSES = {"waiting": 1.0, "running": 0.25}  # seconds between two looks at the reading of a file
MEANT, SHOWN = 5, 6  # readings of a text that are offered, and numbers shown of each


class Refused(Exception):
    """Why a place does not take numbers: the key of a sentence and its values."""

    def __init__(self, key: str, **details):
        super().__init__(key)
        self.key, self.details = key, details


@dataclass(frozen=True)
class Place:
    """Where numbers are wanted.

    slot    its name
    most    columns that it takes
    words   what a list of numbers lacks here, "none", "many" or "bad": the keys of the sentences
    narrow  whether it is in the sidebar
    accept  (numbers (n, D), table) -> None, where they are for the address; raises Refused. Without it they are kept.
    """

    slot: str
    most: int = 1
    words: Mapping[str, str] = field(default_factory=dict)
    accept: Callable[[np.ndarray, Table], None] | None = None
    narrow: bool = False

    def take(self, numbers: np.ndarray, table: Table) -> Refused | None:
        """Hand them over."""
        try:
            self.accept(numbers, table)
        except Refused as error:
            return error
        return None


@dataclass(frozen=True, eq=False)
class File:
    """A file as it came."""

    name: str
    data: bytes


@dataclass(frozen=True, eq=False)
class Read:
    """What became of a file or a text, read in one way.

    source    None of a text too long to be kept
    table     without its numbers; None where there is none to be seen
    numbers   (rows, columns) row by row in float64, b"" where the address has them or there are none
    refusal   why nothing was taken
    ways      of a text that can be read in several: each with the numbers (n, D) that it gives
    """

    source: File | str | None
    reading: Reading
    table: Table | None
    numbers: bytes = b""
    refusal: Unreadable | Refused | None = None
    ways: tuple[tuple[Reading, np.ndarray], ...] = ()

    @property
    def name(self) -> str:
        return self.source.name if isinstance(self.source, File) else ""


# a file


def upload(place: Place, label: str) -> Read | None:
    """The field for a file, what it was read as, and how else it can be read; None without one that is read.

    While it is read another way, what was read before stands.
    """
    slot = place.slot
    limits = {"type": FILES, "max_upload_size": MOST_BYTES >> 20}
    st.file_uploader(label, key=f"file_{slot}", on_change=_bring, args=(slot,), **limits)
    file = st.session_state.get(f"brought_{slot}")
    if file is None:
        return None
    read = st.session_state.get(f"read_{slot}")
    if read and st.session_state.get("reading_of") != slot:
        state.read(**vars(read.reading))  # on another page another file may have been read in another way
    st.session_state["reading_of"] = slot
    reading = state.reading()
    wanted = replace(reading, columns=reading.columns[: place.most])
    if read is None or (read.source, read.reading) != (file, wanted):
        read = _read(place, file, wanted) or (read if read and read.source is file else None)
    if read is not None:
        show(place, read, state.read)
    return read


def brought(place: Place) -> bool:
    """Whether there is a file, be it read or not."""
    return f"brought_{place.slot}" in st.session_state


def _bring(slot: str) -> None:
    """Take the file that was chosen, or forget the one that was taken back."""
    state.touch()
    forget(slot)
    if file := st.session_state[f"file_{slot}"]:
        st.session_state[f"brought_{slot}"] = File(file.name, file.getvalue())


def forget(slot: str) -> None:
    """Nothing was brought."""
    for what in ("brought", "read", "typed", "asked_file", "asked_text", "stopped_table"):
        st.session_state.pop(f"{what}_{slot}", None)


def _read(place: Place, file: File, reading: Reading) -> Read | None:
    """Read a file as a job, and take over what came of it; until then a line says how it stands."""
    task, slot = Task(tables.work, (file.data, reading), short=True), f"table_{place.slot}"
    job = waiting.look(task, slot)
    if job is None or not job.over:
        name = literal(table_view.cut(file.name, 40))
        offer = say("table.reading", name=name)
        waiting.watch(task, slot, offer, lambda job: None, at_once=True, pauses=PAUSES)
        return None
    read = _taken_over(place, file, reading, job)
    waiting.office().forget(task)
    st.session_state[f"read_{place.slot}"] = read
    if read.refusal is None and place.accept:
        st.rerun()  # what is in the address now stands above, too
    return read


def _taken_over(place: Place, file: File, reading: Reading, job: Job) -> Read:
    """The result of a job, its numbers taken or kept."""
    if job.state == "failed":
        kind, details = job.problem
        return Read(file, reading, None, refusal=Unreadable(f"job_{kind}", details))
    if isinstance(job.result, Unreadable):
        return Read(file, reading, None, refusal=job.result)
    if job.result.refusal:
        return Read(file, reading, job.result, refusal=job.result.refusal)
    numbers = np.load(job.folder / "numbers.npy")
    if place.accept:
        return Read(file, reading, job.result, refusal=place.take(numbers, job.result))
    return Read(file, reading, job.result, numbers.tobytes())


# a text


def text_field(place: Place, label: str, now: str, **more) -> None:
    """A field for numbers, which shows those that are taken now, or what was typed and could not be."""
    slot = place.slot
    typed = st.session_state.get(f"typed_{slot}")
    if typed and st.session_state.setdefault(f"beside_{slot}", now) != now:
        typed = st.session_state[f"typed_{slot}"] = None  # others have come from elsewhere
    shown = typed.source if typed and typed.refusal and typed.source is not None else now
    bound = state.controlled(f"text_{slot}_{current()}", shown, lambda new: _type(place, new, tables.AS_IT_COMES))
    st.text_area(label, **bound, **more)
    if typed:
        show(place, typed, lambda **settings: _type(place, typed.source, replace(typed.reading, **settings)))


def written(numbers: np.ndarray) -> str:
    """Numbers (n, D) as a field shows them, a row on a line where there are several in it; read again, the same."""
    within, between = ("\t", "\n") if numbers.shape[1] > 1 else (", ", ", ")
    return between.join(within.join(map(shortest, row)) for row in numbers.tolist())


def typed(place: Place, text: str) -> Read:
    """What comes of a text that somebody else brings, a link: as if it had been typed."""
    known = st.session_state.get(f"typed_{place.slot}")
    if known is None or known.source != text:
        _type(place, text, tables.AS_IT_COMES)
    return st.session_state[f"typed_{place.slot}"]


def _type(place: Place, text: str, reading: Reading) -> None:
    """Read what was typed or pasted, and hand it over."""
    state.touch()
    slot = place.slot
    st.session_state.pop(f"beside_{slot}", None)
    if reading == tables.AS_IT_COMES:
        st.session_state.pop(f"asked_text_{slot}", None)
    read = _pasted(place, text, reading)
    if read.refusal is None:
        refused = place.take(read.table.numbers, read.table)
        read = replace(read, table=replace(read.table, numbers=None), refusal=refused)
    elif isinstance(read.refusal, Unreadable) and read.refusal.reason in QUESTIONS:
        read = replace(read, ways=meant(place, text, reading))
    st.session_state[f"typed_{slot}"] = read


def _pasted(place: Place, text: str, reading: Reading) -> Read:
    """A text as a table; one of several columns of numbers without names is taken whole."""
    if len(text) > LONGEST:
        return Read(None, reading, None, refusal=_too_long(place, text))
    try:
        table = tables.pasted(text, reading)
        names = [column.name for column in table.columns]
        whole = table.header == 0 and all(column.kind == "number" for column in table.columns)
        if not reading.columns and len(names) > 1 and whole:
            table = tables.pasted(text, replace(reading, columns=tuple(names)[-place.most :]))
    except Unreadable as error:
        return Read(text, reading, None, refusal=_of_a_list(place, error))
    return Read(text, reading, table, refusal=table.refusal and _of_a_list(place, table.refusal))


def _too_long(place: Place, text: str) -> Refused | Unreadable:
    count = len(text.replace(",", " ").split())
    if count > MOST:
        return Refused(place.words["many"], most=MOST, count=count)
    return Unreadable("long", "", most=LONGEST, count=len(text))


def _of_a_list(place: Place, error: Unreadable) -> Refused | Unreadable:
    """What is wrong with a list, in the words of its place."""
    if error.reason == "none":
        return Refused(place.words["none"])
    if error.reason == "bad" and "place" in error.details:
        piece = literal(error.details["piece"])
        return Refused(place.words["bad"], place=error.details["place"], piece=piece)
    return error


def meant(place: Place, text: str, reading: Reading) -> tuple[tuple[Reading, np.ndarray], ...]:
    """The ways of reading a text that give numbers, one for each that they give."""
    found = {}
    for separator, decimal in product(("auto", *SEPARATORS), DECIMALS):
        read = _pasted(place, text, replace(reading, separator=separator, decimal=decimal))
        if read.refusal is None:
            numbers = read.table.numbers
            found.setdefault((numbers.shape, numbers.tobytes()), (read.reading, numbers))
    return tuple(found.values())[:MEANT]


# both


def show(place: Place, read: Read, change: table_view.Change) -> None:
    """What was read, why it was not taken, and how else it can be read."""
    table, refused, is_file = read.table, read.refusal, isinstance(read.source, File)
    slot = f"{'file' if is_file else 'text'}_{place.slot}"
    asked = st.session_state.setdefault(f"asked_{slot}", set(_chosen(read.reading)))
    if isinstance(refused, Refused):
        st.warning(say(refused.key, **refused.details))
    elif refused is not None:
        asked.add(ANSWERS.get(refused.reason, "columns"))
        st.warning(_sentence(refused))
        if read.ways:
            _which(place, read)
            return
    if table is None:
        return
    if is_file or len(table.columns) > 1:
        said = [table_view.facts(read.name, table), *table_view.gaps(table, read.reading.missing)]
        st.caption("  \n".join([said[0], " ".join(said[1:])]))
        table_view.look(slot, table, read.reading, change, place.most, asked, narrow=place.narrow)
    elif "missing" in asked:  # of a list
        table_view.control(slot, "missing", table, read.reading, change)


def _chosen(reading: Reading) -> list[str]:
    return [name for name in state.kinds(Reading) if getattr(reading, name) != getattr(tables.AS_IT_COMES, name)]


def _sentence(refused: Unreadable) -> str:
    if not refused.reason.startswith("job_"):
        return table_view.refusal(refused)
    limits = waiting.office().limits
    return say(f"table.{refused.reason}", details=literal(str(refused)), memory=limits.memory, seconds=SHORT)


def _which(place: Place, read: Read) -> None:
    """Where a text can be read in several ways: the numbers that each would give, to choose from."""
    ways = read.ways

    def words(k: int) -> str:
        rows = ways[k][1]
        cells = [", ".join(map(shortest, row)) for row in rows[:SHOWN].tolist()]
        cells = [f"({row})" for row in cells] if rows.shape[1] > 1 else cells
        return literal("  ·  ".join(cells) + ("  …" if len(rows) > SHOWN else ""))

    def choose() -> None:
        if (k := st.session_state[key]) is not None:
            _type(place, read.source, ways[k][0])

    key = f"which_{place.slot}_{current()}"
    st.radio(say("table.which"), range(len(ways)), index=None, format_func=words, key=key, on_change=choose)
