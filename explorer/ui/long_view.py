"""The page of long sequences: what is asked, what it would cost, the picture as it grows, and how it came about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st

from explorer.datasets.prices import chain, table
from explorer.experiment import Experiment
from explorer.figures.long_lines import long_lines
from explorer.inputs.tables import MOST_TAKEN
from explorer.jobs import Job, Task
from explorer.long_run import METHODS, Cost, Long, cost, work
from explorer.long_series import SERIES, needle, series
from explorer.numerals import magnitude, text
from explorer.ui import settings, state, table_view, tables, waiting
from explorer.ui.drawing import network_name, plain, show
from explorer.ui.language import current, say, speaker

SLOT, AT_ONCE = "long", 8  # seconds up to which a run is not worth a question
MOST = 1_000_000  # steps
LENGTHS = [mantissa * 10**power for power in (3, 4, 5) for mantissa in (1, 2, 5)] + [MOST]
LEVELS = {"lstm": "fio", "gru": "zr", "rnn": "h"}
GRADIENTS = {"lstm": ("dh", "dc"), "gru": ("dh",), "rnn": ("dh",)}

OWN = tables.Place("long", MOST_TAKEN)
SHOWN = 3  # inputs that can be told apart
DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Asked:
    """What is run.

    own            the numbers of the visitor's file, row by row in float64; b"" for any other input
    file, columns  its name, and the names of what was taken from it
    """

    experiment: Experiment
    long: Long
    own: bytes = b""
    file: str = ""
    columns: tuple[str, ...] = ("",)

    @property
    def D(self) -> int:
        return len(self.columns)

    @property
    def numbers(self) -> np.ndarray | None:
        return np.frombuffer(self.own).reshape(-1, self.D) if self.own else None

    @property
    def task(self) -> Task:
        return Task(work, (self.experiment, self.long, self.own, self.D), bounded=self.long.method != "cuda")

    @cached_property
    def key(self) -> str:
        """What tells one file's numbers from another's."""
        return hashlib.sha1(self.own).hexdigest() if self.own else ""

    def x(self) -> np.ndarray:
        """The input (T, D), without a run."""
        T = self.long.length
        return series(self.long.series, T, seed=self.experiment.input_seed, D=self.D, own=self.numbers)(0, T)[:, 0]


# what is asked


def ask() -> Asked | None:
    """The controls of length, input and method, and what they ask for; None while the visitor's file is being read."""
    e = state.experiment().original
    available = methods(e)
    if state.long().method not in available:
        state.change_long(method="auto")
    first, second, third, fourth = st.columns([3, 2, 2, 2])
    with first:
        length = state.long().length
        lengths = sorted({n for n in LENGTHS if n <= waiting.office().limits.steps} | {length})
        bound = _bound(f"length_{length}", "length")
        st.select_slider(say("long.length"), lengths, format_func=lambda n: f"{n:,}", **bound)
    for column, name, options in ((second, "series", SERIES), (third, "method", available)):
        with column:
            words = {"format_func": lambda option, name=name: say(f"choice.{name}.{option}")}
            st.selectbox(say(f"long.{name}"), options, **words, **_bound(f"{name}_{current()}", name))
    long = state.long()
    if long.series in ("noise", "needle"):
        with fourth:
            settings.control("input_seed")
    if find_spec("torch") is None:
        st.caption(say("long.no_torch"))
    if long.series != "own":
        return Asked(e, long)
    read = tables.upload(OWN, say("table.file"))
    if read is None and tables.brought(OWN):
        return None
    if read and read.numbers:
        return Asked(e, long, read.numbers, read.name, read.table.taken)
    st.info(say("long.no_numbers" if read else "long.no_file"))
    return Asked(e, Long(long.length, "prices", long.method))


def _bound(key: str, name: str) -> dict:
    return state.controlled(key, getattr(state.long(), name), lambda new: state.change_long(**{name: new}))


def methods(e: Experiment) -> list[str]:
    """Those that this machine has and this cell allows."""
    torch = find_spec("torch")  # without loading it
    if torch is None or (e.cell == "gru" and not e.reset_after):
        return ["auto", "numpy"]
    on_gpu = DRIVER.exists() and (Path(torch.origin).parent / "lib" / "libtorch_cuda.so").exists()
    return [m for m in METHODS if m != "cuda" or on_gpu]


def input_sentence(asked: Asked) -> str:
    """What runs through the network."""
    T, name = asked.long.length, asked.long.series
    words = {"companies": ", ".join(table()[1]), "weeks": len(chain()[0]), "T": f"{T:,}"}
    given = words["weeks"] if asked.numbers is None else len(asked.numbers)
    if name == "own":
        several = "s" if asked.D > 1 else ""
        names = ", ".join(map(table_view.quoted, asked.columns))
        words |= {"file": table_view.quoted(asked.file), "columns": names, "D": asked.D}
        name = f"own{several}_cut" if given >= T else f"own{several}"
    times = f"{T / given:,.1f}".removesuffix(".0")
    said = [say(f"long.input_{name}", count=f"{given:,}", times=times, **words)]
    return " ".join([*said, *([say("long.shown", count=SHOWN)] if asked.D > SHOWN else [])])


# what becomes of it


def watch(asked: Asked) -> None:
    """The picture: of a run, as it grows; of the input alone where the server refuses, and why."""
    needed = cost(asked.experiment, asked.long, asked.D)
    if refusal := too_much(asked.long, needed):
        st.warning(refusal)
        draw(asked, None)
        return
    offer = say("long.offer", time=waiting.duration(needed.seconds), memory=needed.memory, disk=needed.disk)
    at_once = needed.seconds <= AT_ONCE
    waiting.watch(asked.task, SLOT, offer, lambda job: draw(asked, job), at_once=at_once)


def too_much(long: Long, needed: Cost) -> str:
    """Why this server does not run it, "" if it does."""
    limits = waiting.office().limits
    if long.length > limits.steps:
        return say("long.too_long", steps=f"{limits.steps:,}")
    for name in ("memory", "disk"):
        if getattr(needed, name) > getattr(limits, name):
            return say(f"long.too_much_{name}", needed=getattr(needed, name), most=getattr(limits, name))
    if needed.seconds > limits.seconds:
        return say("long.too_slow", time=waiting.duration(needed.seconds), most=waiting.duration(limits.seconds))
    return ""


def draw(asked: Asked, job: Job | None) -> None:
    """The picture as far as it goes, and how it came about."""
    e, long = asked.experiment, asked.long
    stands = None if job is None or not job.parts else round(20 * job.share) if not job.over else job.state
    where, empty = seen(long.length), plain(say("long.empty"))
    show(
        "long",
        lambda: long_lines(panels(asked, job), long.length, speaker(), seen=where, empty=empty),
        sentence(asked, job),
        details=(long, asked.key, asked.columns, where, stands),
        on_zoom=lambda first, last: state.look(first=max(1, first), last=last if last < long.length else MOST),
        cursor=False,
        file=f"long_{e.cell}_{long.series}_T{long.length}_H{e.H}_seed{e.seed}",
    )
    if job is not None and job.state == "done":
        if step := job.result["overflow"]:
            st.warning(say("note.overflow", network=network_name(e), step=f"{step:,}"))
        st.caption(" ".join(way(direction, job.result[direction]) for direction in ("forward", "backward")))
    if where:
        st.caption(say("long.zoomed", first=f"{where[0]:,}", last=f"{where[1]:,}"))
    if long.series == "needle":
        step = needle(long.length, e.input_seed) + 1
        if where is None:
            st.caption(say("long.find"))
        elif where[0] <= step <= where[1]:
            st.caption(say("long.found", step=f"{step:,}"))


def seen(T: int) -> tuple[int, int] | None:
    """The steps that are looked at, None for all."""
    first, last = sorted(min(T, step) for step in (state.view().first, state.view().last))
    return (first, last) if first < last and (first, last) != (1, T) else None


def panels(asked: Asked, job: Job | None) -> dict:
    """The numbers of the panels as far as they are there: files of the job, and the input without one."""
    if job is None or not job.parts:
        return {"x": inputs(asked.x())}
    e = asked.experiment
    top = f"layer{e.layers}." if e.layers > 1 else ""
    wanted = {
        "x": {"x": "x"},
        "level": {name: top + name for name in LEVELS[e.cell]},
        "log10": {name: f"{top}log10_{name}" for name in GRADIENTS[e.cell]},
    }
    return {panel: _mapped(job.folder, names) for panel, names in wanted.items()}


def _mapped(folder: Path, names: dict[str, str]) -> dict[str, np.ndarray]:
    """Arrays (T,) by name, from their files; none as long as one is not there, or only just being made."""
    try:
        found = {name: np.load(folder / f"{file}.npy", mmap_mode="r") for name, file in names.items()}
    except (FileNotFoundError, EOFError, ValueError):
        return {}
    return inputs(found["x"]) if "x" in found else {name: rows[:, 0] for name, rows in found.items()}


def inputs(x: np.ndarray) -> dict[str, np.ndarray]:
    """The first inputs (T, D) by name, as many as can be told apart."""
    return {"x": x[:, 0]} if x.shape[1] == 1 else {f"x{k + 1}": x[:, k] for k in range(min(SHOWN, x.shape[1]))}


def sentence(asked: Asked, job: Job | None) -> str:
    """What the picture shows."""
    if job is None or job.state != "done":
        return say("long.alt", cell=say(f"cell.{asked.experiment.cell}"), T=f"{asked.long.length:,}")
    found = job.result
    if "low" not in found:
        return say("long.all_unknown" if found["unknown"] else "long.all_zero")
    words = {end: magnitude(found[end]) for end in ("low", "high")}
    steps = {f"{end}_at": f"{found[f'{end}_at']:,}" for end in ("low", "high")}
    less = [say(f"long.{what}", count=f"{found[what]:,}") for what in ("lost", "zero", "unknown") if found[what]]
    return " ".join([say("long.sentence", **words, **steps), *less])


def way(direction: str, taken: dict) -> str:
    """Which way was taken forward or backward, and what certifies it."""
    where = say(f"long.{direction}")
    reason = say(f"long.reason.{taken['reason']}") if taken["reason"] else ""
    if not taken["together"]:
        return say("long.step_by_step_because" if reason else "long.step_by_step", where=where, reason=reason)
    share = f"{100 * taken['together'] / taken['steps']:.0f}"
    said = [say(f"long.together_{direction}", share=share)]
    said.append(say(f"long.certificate_{direction}", seam=text(taken["seam"]), mismatch=text(taken["mismatch"])))
    if share != "100" and reason:
        said.append(say("long.rest", reason=reason))
    return " ".join(said)
