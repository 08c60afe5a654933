"""Where is the edge of chaos? A sweep that runs in the background, its map as it grows, and the theory."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import streamlit as st

from explorer.cells import CELLS
from explorer.experiment import Experiment
from explorer.figures.edge import edge_map
from explorer.jobs import Job, Task
from explorer.long_run import a_step
from explorer.mean_field import chi, drive, edge
from explorer.measures import DEAD
from explorer.sweep import AXES, Mean, Sweep, first_overflow, work
from explorer.ui import state, waiting
from explorer.ui.drawing import show
from explorer.ui.language import current, say, speaker

SLOT, AT_ONCE = "edge", 6  # seconds up to which a sweep is not worth a question
RANGES = {"gain": (0.0, 4.0), "forget_bias": (-2.0, 6.0)}


def draw() -> None:
    """The settings of the sweep, how it stands, and the map."""
    experiment = state.experiment()
    sweep = _settings(experiment)
    task = Task(work, (experiment.replace(loss="last"), sweep))
    ahead, back = a_step(experiment.replace(T=100, loss="all", input="sine"))
    seconds = 1.5 * (ahead + back) * experiment.T * sweep.points * sweep.seeds
    offer = say("edge.offer", runs=sweep.points * sweep.seeds, time=waiting.duration(seconds))
    waiting.watch(task, SLOT, offer, lambda job: _draw(job, experiment, sweep), at_once=seconds <= AT_ONCE)


def axes(e: Experiment) -> tuple[str, ...]:
    """What can be swept of a network."""
    return AXES if CELLS[e.cell].keep is not None and not e.chrono else ("gain",)


def swept(e: Experiment) -> str:
    """What is swept: the visitor's choice, where the network has it."""
    return state.view().axis if state.view().axis in axes(e) else "gain"


def _settings(e: Experiment) -> Sweep:
    """What is swept, and over how many seeds."""
    axis, seeds, choices = swept(e), state.view().seeds, axes(e)
    first, second = st.columns(2)
    with first:
        st.segmented_control(
            say("edge.axis"),
            choices,
            format_func=lambda axis: say(f"edge.axis_{axis}"),
            required=True,
            **state.controlled(f"sweep_{len(choices)}_{current()}", axis, lambda new: state.look(axis=new)),
        )
    with second:
        bound = state.controlled_slider("sweep_seeds", seeds, lambda new: state.look(seeds=new))
        st.slider(say("edge.seeds"), 1, 32, **bound)
    low, high = RANGES[axis]
    return Sweep(axis, low, high, 41, seeds)


def _draw(job: Job | None, e: Experiment, sweep: Sweep) -> None:
    parts = job.parts if job else ()
    mean = Mean(sweep, e.T)
    for number, found in parts:
        mean.add(number, found)
    meeting, reach = theory(e, sweep)
    show(
        "edge",
        lambda: edge_map(mean.lags, sweep.values, mean.map, speaker(), axis=sweep.axis, edge=meeting, reach=reach),
        sentence(mean, sweep, e, meeting),
        title=say("edge.figure"),
        details=(sweep, len(parts)),
        cursor=False,
    )
    st.caption(say(f"edge.holds_{_kind(e, sweep)}"))


def _kind(e: Experiment, sweep: Sweep) -> str:
    """Which theory there is."""
    if sweep.axis == "forget_bias":
        return "keep"
    return "tanh" if (e.cell, e.activation) == ("rnn", "tanh") and e.scheme != "identity" else "none"


@lru_cache(64)
def theory(e: Experiment, sweep: Sweep) -> tuple[float | None, np.ndarray | None]:
    """(the value where order and chaos meet, for each value the distance back where 10⁻⁶ is left)."""
    kind = _kind(e, sweep)
    if kind == "none":
        return None, None
    if kind == "keep":
        factors = [-np.logaddexp(0, -value) / np.log(10) for value in sweep.values]  # log₁₀ σ(bias)
        return None, np.array([np.log10(DEAD) / factor for factor in factors])
    width, other = drive(e)
    factors = [0.5 * np.log10(max(chi(value * width, other), 1e-300)) for value in sweep.values]
    return edge(other) / width, np.array([np.log10(DEAD) / factor if factor < 0 else np.inf for factor in factors])


def sentence(mean: Mean, sweep: Sweep, e: Experiment, meeting: float | None) -> str:
    """What the map shows."""
    name = say(f"edge.axis_{sweep.axis}")
    if not (mean.count == sweep.seeds).all():
        return say("edge.alt", setting=name, seeds=sweep.seeds, T=e.T)
    left = np.flatnonzero(mean.map[:, -1] > np.log10(DEAD))
    values = {"count": len(left), "points": sweep.points, "setting": name}
    if len(left):
        values |= {"first": f"{sweep.values[left[0]]:g}", "last": f"{sweep.values[left[-1]]:g}"}
    which = "some" if len(left) and mean.overflown else _which(left, sweep)
    said = say(f"edge.sentence_{which}", steps=int(mean.lags[-1]), seeds=sweep.seeds, **values)
    if found := first_overflow(sweep, e, mean):
        value, seed, step = found
        lost = {"count": len(mean.overflown), "value": f"{value:g}", "seed": seed, "step": step}
        said += " " + say("edge.overflow", setting=name, **lost)
    return said + (" " + say("edge.meeting", value=f"{meeting:.2f}") if meeting is not None else "")


def _which(left: np.ndarray, sweep: Sweep) -> str:
    """At how many of the values something is left: "none", "all", from one "on", or at "some"."""
    if len(left) in (0, sweep.points):
        return "all" if len(left) else "none"
    return "on" if left[-1] - left[0] + 1 == len(left) and left[-1] == sweep.points - 1 else "some"
