"""What becomes of the gradient over a million steps? One network, one long input, run in the background."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st

from explorer.datasets.prices import chain, table
from explorer.figures.long_lines import long_lines
from explorer.jobs import Job, Task
from explorer.long_run import METHODS, Long, cost, work
from explorer.long_series import LARGEST, MOST_BYTES, MOST_ROWS, SERIES, Unreadable, needle, read_csv, series
from explorer.numerals import ten_to, text
from explorer.ui import frame, settings, state, waiting
from explorer.ui.drawing import plain, show
from explorer.ui.language import current, literal, say, speaker

frame.enter(__file__)

SLOT, AT_ONCE = "long", 8  # seconds up to which a run is not worth a question
LENGTHS = [mantissa * 10**power for power in (3, 4, 5) for mantissa in (1, 2, 5)] + [10**6]
LEVELS = {"lstm": "fio", "gru": "zr", "rnn": "h"}

experiment, long = state.experiment(), state.long()
limits = waiting.office().limits


def methods() -> list[str]:
    """Those that this machine has."""
    if find_spec("torch") is None:
        return ["auto", "numpy"]
    return [m for m in METHODS if m != "cuda" or Path("/proc/driver/nvidia/version").exists()]


def controls() -> None:
    """Length, input and method."""
    lengths = sorted({n for n in LENGTHS if n <= limits.steps} | {long.length})
    changed = lambda name: lambda new: state.change_long(**{name: new})  # noqa: E731
    first, second, third, fourth = st.columns([3, 2, 2, 2])
    with first:
        bound = state.controlled(f"length_{long.length}", long.length, changed("length"))
        st.select_slider(say("long.length"), lengths, format_func=lambda n: f"{n:,}", **bound)
    with second:
        bound = state.controlled(f"series_{current()}", long.series, changed("series"))
        st.selectbox(say("long.series"), SERIES, format_func=lambda name: say(f"choice.series.{name}"), **bound)
    with third:
        if long.method not in methods():
            state.change_long(method="auto")
        bound = state.controlled(f"method_{current()}", state.long().method, changed("method"))
        st.selectbox(say("long.method"), methods(), format_func=lambda name: say(f"choice.method.{name}"), **bound)
    with fourth:
        if long.series in ("noise", "needle"):
            settings.control("input_seed")


def uploaded() -> bytes:
    """The numbers of the visitor's file as float32, b"" if there is none; what is wrong with it, in one sentence."""
    if long.series != "own":
        return b""
    file = st.file_uploader(say("long.file"), type=["csv", "txt", "tsv"], max_upload_size=MOST_BYTES >> 20)
    if file is None:
        st.info(say("long.no_file"))
        return b""
    kept = st.session_state.get("series")
    if kept is None or kept[0] != file.file_id:
        try:
            kept = (file.file_id, read_csv(file.getvalue()).tobytes(), None)
        except Unreadable as error:
            details = {name: f"“{literal(d)}”" if isinstance(d, str) else d for name, d in error.details.items()}
            kept = (file.file_id, b"", (f"long.file_{error.reason}", details))
        st.session_state["series"] = kept
    if kept[2]:
        key, details = kept[2]
        st.warning(say(key, rows=f"{MOST_ROWS:,}", largest=text(LARGEST), **details))
    return kept[1]


st.title(say("long.question"))
frame.notes()
st.markdown(say("long.lead"))
controls()
own = uploaded()
long = state.long()
if long.series == "own" and not own:
    long = Long(long.length, "prices", long.method)
numbers = np.frombuffer(own, np.float32) if own else None
needed = cost(experiment, long)
task = Task(work, (experiment, long, own), bounded=long.method != "cuda")


def input_sentence() -> str:
    """What runs through the network, as said below the settings."""
    T = long.length
    companies, weeks = ", ".join(table()[1]), len(chain()[0])
    given = weeks if long.series == "prices" else 0 if numbers is None else len(numbers)
    times = f"{max(1.0, T / given):,.0f}" if given else ""
    key = f"long.input_{long.series}" + ("_cut" if long.series == "own" and given > T else "")
    return say(key, companies=companies, weeks=weeks, times=times, count=f"{given:,}", T=f"{T:,}")


def too_much() -> str:
    """Why this server does not run it, "" if it does."""
    if long.length > limits.steps:
        return say("long.too_long", steps=f"{limits.steps:,}")
    if needed.memory > limits.memory:
        return say("long.too_large", memory=needed.memory, most=limits.memory)
    if needed.seconds > limits.seconds:
        return say("long.too_slow", time=waiting.duration(needed.seconds), most=waiting.duration(limits.seconds))
    return ""


def loaded(job: Job | None) -> dict:
    """The panels' numbers as far as they are there: files of the job, and the input without one."""
    x = None
    if job and job.parts:
        top = f"layer{experiment.layers}." if experiment.layers > 1 else ""
        files = {"x": "x"} | {name: top + name for name in LEVELS[experiment.cell]}
        files |= {f"d{q}": f"{top}log10_d{q}" for q in ("h", "c") if experiment.cell == "lstm" or q == "h"}
        found = {name: _mapped(job.folder / f"{file}.npy") for name, file in files.items()}
        x = found["x"]
        if all(rows is not None for rows in found.values()):
            level = {name: found[name] for name in LEVELS[experiment.cell]}
            return {"x": {"x": x}, "level": level, "log10": {q: found[q] for q in found if q in ("dh", "dc")}}
    if x is None:
        x = series(long.series, long.length, seed=experiment.input_seed, own=numbers)(0, long.length)[:, 0, 0]
    return {"x": {"x": x}}


def _mapped(path: Path):
    try:
        return np.load(path, mmap_mode="r")[:, 0]
    except (FileNotFoundError, EOFError, ValueError):  # not there yet, or only just being made
        return None


def sentence(job: Job | None) -> str:
    """What the picture shows."""
    if job is None or job.state != "done":
        return say("long.alt", cell=say(f"cell.{experiment.cell}"), T=f"{long.length:,}")
    found = job.result
    if "low" not in found:
        return say("long.all_zero")
    keys = {end: text(10 ** found[end]) if abs(found[end]) < 300 else ten_to(found[end]) for end in ("low", "high")}
    steps = {f"{end}_at": f"{found[f'{end}_at']:,}" for end in ("low", "high")}
    said = say("long.sentence", **keys, **steps)
    if found["lost"]:
        said += " " + say("long.lost", count=f"{found['lost']:,}")
    if found["zero"]:
        said += " " + say("long.zero", count=f"{found['zero']:,}")
    return said


def way(job: Job) -> str:
    """Which way was taken, and what certifies it."""
    return " ".join(_way(direction, job.result[direction]) for direction in ("forward", "backward"))


def _way(direction: str, taken: dict) -> str:
    share = f"{100 * taken['together'] / max(1, taken['steps']):.0f}"
    reason = next((name for mark, name in REASONS.items() if mark in taken["reason"]), "other")
    reason = say(f"long.reason.{reason}") if taken["reason"] else ""
    where = say(f"long.{direction}")
    if not taken["together"]:
        return say("long.step_by_step_because" if reason else "long.step_by_step", where=where, reason=reason)
    certificate = say(f"long.certificate_{direction}", seam=text(taken["seam"]), mismatch=text(taken["mismatch"]))
    said = say("long.together", where=where, share=share) + " " + certificate
    return said + (" " + say("long.rest", reason=reason) if share != "100" and reason else "")


REASONS = {"leaves": "gap", "join": "memory", "fade": "fading", "loops": "conventions", "too long": "memory"}


def seen() -> tuple[int, int] | None:
    """The steps that are looked at, None for all."""
    zoom = st.session_state.get("zoom")
    if zoom is None or zoom[0] != long.length:
        return None
    first, last = max(1, zoom[1]), min(long.length, zoom[2])
    return (first, last) if first < last and (first, last) != (1, long.length) else None


def remember(first: int, last: int) -> None:
    st.session_state["zoom"] = (long.length, first, last)


def draw(job: Job | None) -> None:
    """The picture as far as it goes, and how it came about."""
    stands = None if job is None or not job.parts else round(20 * job.share) if not job.over else job.state
    where = seen()
    empty = say("long.empty")
    show(
        "long",
        lambda: long_lines(loaded(job), long.length, speaker(), seen=where, empty=plain(empty)),
        sentence(job),
        details=(long, hashlib.sha1(own).hexdigest() if own else "", where, stands),
        on_zoom=remember,
        cursor=False,
        file=f"long_{experiment.cell}_{long.series}_T{long.length}_H{experiment.H}_seed{experiment.seed}",
    )
    if job is not None and job.state == "done":
        st.caption(way(job))
    if where:
        st.caption(say("long.zoomed", first=f"{where[0]:,}", last=f"{where[1]:,}"))
    if long.series == "needle" and where is None:
        st.caption(say("long.find"))
    elif long.series == "needle" and where[0] <= needle(long.length, experiment.input_seed) + 1 <= where[1]:
        st.caption(say("long.found", step=f"{needle(long.length, experiment.input_seed) + 1:,}"))


st.markdown(input_sentence())
if "torch" not in methods():
    st.caption(say("long.no_torch"))
if refusal := too_much():
    st.warning(refusal)
    draw(None)
else:
    offer = say("long.offer", time=waiting.duration(needed.seconds), memory=needed.memory, disk=needed.disk)
    waiting.watch(task, SLOT, offer, draw, at_once=needed.seconds <= AT_ONCE)
