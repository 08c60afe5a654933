"""Two units, one plane: memory as an attractor."""

import numpy as np
import streamlit as st

from explorer.figures.plane import LISTED, eigenvalues, plane
from explorer.measures import overflow
from explorer.numerals import text
from explorer.ui import state
from explorer.ui.drawing import move_cursor, performed, show
from explorer.ui.laboratory import numbers
from explorer.ui.language import say, speaker

SPECTRA = 6  # fixed points whose eigenvalues are drawn: as many as can be told apart


def draw() -> None:
    """The plane of states at the chosen step, and the eigenvalues of its fixed points."""
    experiment, t = state.experiment(), state.view().step
    trace = performed(experiment).trace
    if len(trace.cell.states) * trace.H < 2:
        st.info(say("lab.plane_too_small", cell=say(f"cell.{experiment.cell}")))
        return
    if step := overflow(trace):
        st.info(say("lab.plane_overflow", step=step))
        return
    st.slider(
        say("setting.step"),
        1,
        experiment.T,
        **state.controlled_slider(f"step_{experiment.T}", t, lambda new: state.look(step=new)),
    )
    found = numbers.portrait(experiment, t)
    points = found.points
    attracting = sum(point.attracts for point in points)
    words = {"t": t, "n": len(points), "attracting": attracting, "others": len(points) - attracting}
    words |= {"cell": say(f"cell.{experiment.cell}"), "seen": text(100 * found.plane.seen)}
    sentence = say("lab.plane_sentence" if points else "lab.plane_none", **words)
    if points:
        nearest = min(points, key=lambda point: np.linalg.norm(point.state - found.states[t - 1]))
        rate = float(abs(nearest.eigenvalues[0]))
        key = "lab.plane_holds" if rate < 1 else "lab.plane_leaves"
        half = text(float(np.log(0.5) / np.log(rate))) if 0 < rate < 1 else "0"
        sentence += " " + say(key, t=t, rate=text(rate), half=half)
    kind = "exact" if found.plane.whole else "lstm" if found.plane.names[0] == "h_1" else "slice"
    left, right = st.columns([5, 4])
    with left:
        show(
            "plane",
            lambda: plane(found.plane, found.limit, found.states, t, found.flow, points, speaker()),
            sentence + " " + say(f"lab.plane_{kind}", **words),
            title=say("lab.plane_figure"),
            details=(t,),
            cursor=False,
            on_click=move_cursor,
        )
    with right:
        show(
            "eigenvalues",
            lambda: eigenvalues(points[:SPECTRA], speaker()),
            say("lab.eigen_sentence", n=min(len(points), SPECTRA), all=len(points)),
            title=say("lab.eigen_figure"),
            details=(t,),
            cursor=False,
        )
    if points:
        _table(points)


def _table(points) -> None:
    """Each fixed point with what proves it: the residual of one more step, and the largest eigenvalue."""
    shown = points[:LISTED]
    st.table(
        {
            say("lab.table_point"): [str(n + 1) for n in range(len(shown))],
            say("lab.table_kind"): [say("plane.attractor" if p.attracts else "plane.other") for p in shown],
            say("lab.table_eigen"): [text(float(abs(p.eigenvalues[0]))) for p in shown],
            say("lab.table_residual"): [text(p.residual) for p in shown],
        }
    )
    if len(shown) < len(points):
        st.caption(say("lab.table_left_out", n=len(points) - len(shown)))
