"""Does it vanish? All networks side by side."""

from collections.abc import Iterable

import numpy as np
import streamlit as st

from explorer.experiment import Experiment
from explorer.figures.gradients import gradients
from explorer.measures import DEAD, EXPLODING, dies, overflow
from explorer.numerals import magnitude
from explorer.performing import FAIR, SEEDS, parameter_count
from explorer.ui import state
from explorer.ui.drawing import move_cursor, performed, show
from explorer.ui.laboratory import numbers
from explorer.ui.language import current, say, speaker


def draw() -> None:
    """The five networks, compared in one of three ways."""
    experiment, fair = state.experiment(), state.view().fair
    st.segmented_control(
        say("lab.fair"),
        FAIR,
        format_func=lambda by: say(f"fair.{by}"),
        required=True,
        **state.controlled(f"fair_{current()}", fair, lambda new: state.look(fair=new)),
    )
    found = numbers.compared(experiment, fair)
    show(
        "gradients",
        lambda: gradients(found.curves, experiment.steps_with_loss, speaker(), height=520, spread=found.spread),
        f"{by_what(experiment, found, fair)} {reaches(experiment, found)}",
        title=say("lab.vanish_figure"),
        details=(fair,),
        on_click=move_cursor,
    )


def by_what(experiment: Experiment, found: numbers.Comparison, fair: str) -> str:
    """In what respect the comparison is fair, with its numbers."""
    if fair == "parameters":
        sizes = (
            say(
                "lab.one_size",
                network=say(f"network.{name}"),
                H=group[0].H,
                count=f"{parameter_count(group[0]):,}",
            )
            for name, group in found.rivals.items()
        )
        return say("lab.by_parameters", sizes="; ".join(sizes))
    first = found.rivals["lstm"][0].seed
    return say(f"lab.by_{fair}", H=experiment.H, seed=experiment.seed, first=first, last=first + SEEDS - 1, n=SEEDS)


def reaches(experiment: Experiment, found: numbers.Comparison) -> str:
    """How far each gradient goes, in words."""
    names = {name: say(f"network.{name}") for name in found.curves}
    said = (say("lab.network", network=names[name], reach=reach(experiment, found, name)) for name in names)
    helps = " " + say("lab.overflow_helps") if any(map(overflows, found.rivals.values())) else ""
    return "; ".join(said) + "." + helps


def overflows(group: Iterable[Experiment]) -> list[int]:
    """The step, counted from 1, at which each of the experiments overflows that do."""
    return [step for e in group if (step := overflow(performed(e).trace))]


def reach(experiment: Experiment, found: numbers.Comparison, name: str) -> str:
    """How far the gradient of one network goes, in words."""
    curve = found.curves[name][: experiment.steps_with_loss[-1] + 1]
    group = found.rivals.get(name, ())
    if steps := overflows(group):
        key = "lab.reaches_overflow" if len(group) == 1 else "lab.reaches_overflow_seeds"
        return say(key, step=min(steps), count=len(steps), n=len(group))
    if curve[0] >= np.log10(EXPLODING):
        return say("lab.reaches_exploding", value=magnitude(curve[0]))
    steps = dies(curve, DEAD)
    if steps is None:
        return say("lab.reaches_alive", value=magnitude(curve[0]))
    return say("lab.reaches_dead", steps=steps, value=magnitude(curve[0]))
