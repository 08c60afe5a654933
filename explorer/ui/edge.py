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
from explorer.sweep import Mean, Sweep, work
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


def _settings(e: Experiment) -> Sweep:
    """What is swept, and over how many seeds; of the visitor, not of the address: the map is of the experiment."""
    axes = ("gain", "forget_bias") if CELLS[e.cell].keep is not None and not e.chrono else ("gain",)
    chosen = st.session_state.setdefault("sweep", {"axis": "gain", "seeds": 8})
    if chosen["axis"] not in axes:
        chosen["axis"] = axes[0]

    def change(name):
        return lambda new: (state.touch(), chosen.update({name: new}))

    first, second = st.columns(2)
    with first:
        st.selectbox(
            say("edge.axis"),
            axes,
            format_func=lambda axis: say(f"setting.{axis}"),
            **state.controlled(f"sweep_axis_{e.cell}_{current()}", chosen["axis"], change("axis")),
        )
    with second:
        bound = state.controlled_slider("sweep_seeds", chosen["seeds"], change("seeds"))
        st.slider(say("edge.seeds"), 1, 32, **bound)
    low, high = RANGES[chosen["axis"]]
    return Sweep(chosen["axis"], low, high, 41, chosen["seeds"])


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
    name = say(f"setting.{sweep.axis}")
    if not (mean.count == sweep.seeds).all():
        return say("edge.alt", setting=name, seeds=sweep.seeds, T=e.T)
    alive = mean.map[:, -1] >= np.log10(DEAD)
    key = "edge.sentence_none"
    if alive.any():
        key = "edge.sentence_all" if alive.all() else "edge.sentence"
    first = sweep.values[int(alive.argmax())]
    said = say(key, setting=name, value=f"{first:g}", steps=int(mean.lags[-1]), seeds=sweep.seeds)
    return said + (" " + say("edge.meeting", value=f"{meeting:.2f}") if meeting is not None else "")
