"""How far does each step reach? ∂h_t/∂h_k for all pairs; a click opens one of them."""

import numpy as np
import streamlit as st

from explorer.figures.reach import matrix, reach, spectrum
from explorer.numerals import magnitude
from explorer.ui import state
from explorer.ui.drawing import show
from explorer.ui.laboratory import numbers
from explorer.ui.language import say, speaker

LISTED = 4  # factors of a product that are listed at either end


def draw() -> None:
    """The map, and the chosen pair in full."""
    experiment, view = state.experiment(), state.view()
    every, logs = numbers.pairs(experiment)
    k, t = sorted((view.step, view.later))
    sentence = say("lab.reach_sentence", cell=say(f"cell.{experiment.cell}"), alive=_reach(logs, every))
    if every > 1:
        sentence += " " + say("lab.reach_thinned", every=every)
    show(
        "reach",
        lambda: reach(logs, every, speaker()),
        sentence,
        title=say("lab.reach_figure"),
        on_click=_choose,
        row=t,
    )
    jacobian, singular = numbers.one_pair(experiment, t, k)
    largest = float(np.max(jacobian.log10))
    left, right = st.columns(2)
    with left:
        show(
            "jacobian",
            lambda: matrix(jacobian, speaker()),
            say("lab.matrix_sentence", t=t, k=k, largest=magnitude(largest), back=t - k),
            title=say("lab.matrix_figure", t=t, k=k),
            details=(t, k),
        )
    with right:
        show(
            "spectrum",
            lambda: spectrum(singular, speaker()),
            say(
                "lab.spectrum_sentence",
                largest=magnitude(singular[0]),
                smallest=magnitude(singular[-1]),
                H=experiment.H,
            ),
            title=say("lab.spectrum_figure"),
            details=(t, k),
        )
    _factors(experiment, t, k)


def _choose(step: int, row: int | None) -> None:
    state.look(step=step, **({"later": max(step, row)} if row else {}))


def _reach(logs: np.ndarray, every: int) -> int:
    """Over how many steps the median ∂h_t/∂h_k stays above 10⁻⁶, of the t that were taken and have as many before."""
    T = len(logs) - 1
    taken = logs[T - (T - 1) // every * every :: every]
    ends = range(T - (T - 1) // every * every, T + 1, every)
    for back in range(1, T):
        row = [line[t - back] for line, t in zip(taken, ends) if t - back >= 1]
        if row and np.median(row) <= -6:
            return back - 1
    return T - 1


def _factors(experiment, t: int, k: int) -> None:
    """The product, and the sizes of its factors."""
    st.markdown(f"#### {say('lab.list_figure')}")
    if t == k:
        st.markdown(say("lab.list_identity", t=t))
        return
    steps = list(range(t, k, -1))
    shown = steps if len(steps) <= 2 * LISTED else [*steps[:LISTED], *steps[-LISTED:]]
    names = [f"J<sub>{step}</sub>" for step in shown]
    if len(shown) < len(steps):
        names.insert(LISTED, "…")
    st.html(f"<p>∂h<sub>{t}</sub>/∂h<sub>{k}</sub> = {' · '.join(names)}</p>")
    sizes = numbers.step_sizes(experiment, tuple(shown))
    rows = {
        say("lab.list_factor"): [f"J({step})" for step in shown],
        say("lab.list_largest"): [magnitude(largest) for largest, _ in sizes],
        say("lab.list_norm"): [magnitude(size) for _, size in sizes],
    }
    st.table(rows)
    note = say(f"lab.list_{experiment.cell}")
    if len(shown) < len(steps):
        note += " " + say("lab.list_left_out", n=len(steps) - len(shown))
    st.caption(note)
