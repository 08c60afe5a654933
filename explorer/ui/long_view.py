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
from explorer.inputs.tables import LARGEST, MOST_BYTES, MOST_ROWS, Unreadable, take
from explorer.jobs import Job, Task
from explorer.long_run import METHODS, Cost, Long, cost, work
from explorer.long_series import SERIES, needle, series
from explorer.numerals import magnitude, text
from explorer.ui import settings, state, waiting
from explorer.ui.drawing import network_name, plain, show
from explorer.ui.language import current, literal, say, speaker

SLOT, AT_ONCE = "long", 8  # seconds up to which a run is not worth a question
MOST = 1_000_000  # steps
LENGTHS = [mantissa * 10**power for power in (3, 4, 5) for mantissa in (1, 2, 5)] + [MOST]
LEVELS = {"lstm": "fio", "gru": "zr", "rnn": "h"}
GRADIENTS = {"lstm": ("dh", "dc"), "gru": ("dh",), "rnn": ("dh",)}

DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Asked:
    """What is run. `own` are the numbers of the visitor's file as float64, b"" for any other input."""

    experiment: Experiment
    long: Long
    own: bytes = b""

    @cached_property
    def numbers(self) -> np.ndarray | None:
        return np.frombuffer(self.own) if self.own else None

    @property
    def task(self) -> Task:
        return Task(work, (self.experiment, self.long, self.own), bounded=self.long.method != "cuda")

    def x(self) -> np.ndarray:
        """The input (T,), without a run."""
        T = self.long.length
        return series(self.long.series, T, seed=self.experiment.input_seed, own=self.numbers)(0, T)[:, 0, 0]


# what is asked


def ask() -> Asked:
    """The controls of length, input and method, and what they ask for."""
    e, own = state.experiment().original, b""
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
    if long.series == "own":
        own = _uploaded()
        long = long if own else Long(long.length, "prices", long.method)
    if find_spec("torch") is None:
        st.caption(say("long.no_torch"))
    return Asked(e, long, own)


def _bound(key: str, name: str) -> dict:
    return state.controlled(key, getattr(state.long(), name), lambda new: state.change_long(**{name: new}))


def methods(e: Experiment) -> list[str]:
    """Those that this machine has and this cell allows."""
    torch = find_spec("torch")  # without loading it
    if torch is None or (e.cell == "gru" and not e.reset_after):
        return ["auto", "numpy"]
    on_gpu = DRIVER.exists() and (Path(torch.origin).parent / "lib" / "libtorch_cuda.so").exists()
    return [m for m in METHODS if m != "cuda" or on_gpu]


def _uploaded() -> bytes:
    """The numbers of the visitor's file, b"" if there is none; what is wrong with it, in one sentence.

    They stay with the visitor, so that a run can be left and come back to.
    """
    most = {"type": ["csv", "txt", "tsv"], "max_upload_size": MOST_BYTES >> 20}
    st.file_uploader(say("long.file"), key="long_file", on_change=_take, **most)
    numbers, wrong = st.session_state.get("series", (b"", None))
    if wrong:
        key, details = wrong
        st.warning(say(key, **{"rows": f"{MOST_ROWS:,}", "largest": text(LARGEST)} | details))
    elif not numbers:
        st.info(say("long.no_file"))
    return numbers


def _take() -> None:
    """Read the file that was chosen, or forget the one that was taken back."""
    state.touch()
    file = st.session_state["long_file"]
    try:
        st.session_state["series"] = (take(file.getvalue()).tobytes() if file else b"", None)
    except Unreadable as error:
        details = {name: f"“{literal(d)}”" if isinstance(d, str) else d for name, d in error.details.items()}
        st.session_state["series"] = (b"", (f"long.file_{error.reason}", details))


def input_sentence(asked: Asked) -> str:
    """What runs through the network."""
    T, name = asked.long.length, asked.long.series
    words = {"companies": ", ".join(table()[1]), "weeks": len(chain()[0]), "T": f"{T:,}"}
    given = words["weeks"] if asked.numbers is None else len(asked.numbers)
    if name == "own" and given >= T:
        name = "own_cut"
    return say(f"long.input_{name}", count=f"{given:,}", times=f"{T / given:,.1f}".removesuffix(".0"), **words)


# what becomes of it


def watch(asked: Asked) -> None:
    """The picture: of a run, as it grows; of the input alone where the server refuses, and why."""
    needed = cost(asked.experiment, asked.long)
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
        details=(long, hashlib.sha1(asked.own).hexdigest() if asked.own else "", where, stands),
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
        return {"x": {"x": asked.x()}}
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
        return {name: np.load(folder / f"{file}.npy", mmap_mode="r")[:, 0] for name, file in names.items()}
    except (FileNotFoundError, EOFError, ValueError):
        return {}


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
