"""Which gates stand open, and when? Every gate and state of the layer, units × time."""

import numpy as np
import streamlit as st

import explorer.ui  # noqa: F401  (first: see there)
from explorer.figures.half_life import half_life
from explorer.figures.heatmaps import heatmaps
from explorer.figures.saturation import saturation
from explorer.figures.unit_lines import unit_lines
from explorer.measures import half_life as half_lives
from explorer.measures import saturation as saturated
from explorer.numerals import text
from explorer.ui import frame, state
from explorer.ui.drawing import input_sentence, move_cursor, performed, plain, show
from explorer.ui.language import say, speaker

frame.enter(__file__)

experiment, view = state.experiment(), state.view()
trace = performed(experiment).trace
gated = trace.cell.keep is not None
gates = [q for q in trace.cell.equations(trace.options) if q not in trace.cell.states]
states = [q for q in ("c", "h") if q in trace.cell.states]
t, u = view.step, view.unit


def numbers(quantities) -> str:
    """The quantities of the chosen step and unit, as text."""
    return ", ".join(f"{plain(say(f'symbol.{q}'))} = {text(trace[q][t - 1, 0, u - 1])}" for q in quantities)


st.title(say("gates.question" if gated else "gates.question_rnn"))
frame.notes()
st.markdown(input_sentence() + " " + say("gates.click"))
common = {"T": experiment.T, "H": experiment.H, "t": t, "unit": u}

names = ", ".join(plain(say(f"symbol.{q}")) for q in gates + states)
alt = say("gates.alt_heatmaps", names=names, numbers=numbers(gates + states), **common)
show("gates", lambda: heatmaps(trace, gates + states, speaker()), alt, caption=False, on_click=move_cursor)

sentence = say("gates.alt_lines", numbers=numbers(gates + states), **common)
show(
    "unit",
    lambda: unit_lines(trace, gates + states, u, speaker()),
    sentence,
    title=say("gates.lines", unit=u),
    details=(u,),
    on_click=move_cursor,
)

if gated:
    squashed = [q for q in gates if trace.cell.ranges(trace.options)[q][0] == 0]
    shares = {q: saturated(trace[q][t - 1, 0]) for q in squashed}
    listed = ", ".join(
        say(
            "gates.one_saturation",
            gate=plain(say(f"symbol.{q}")),
            open=f"{100 * opened:.0f}",
            shut=f"{100 * shut:.0f}",
        )
        for q, (shut, opened) in shares.items()
    )
    sentence = say("gates.alt_saturation", numbers=listed, **common)
    show(
        "saturation",
        lambda: saturation(trace, squashed, speaker()),
        sentence,
        title=say("gates.saturation"),
        on_click=move_cursor,
    )
    lives = half_lives(trace)[t - 1, 0]
    sentence = say("gates.alt_half_life", life=text(lives[u - 1]), median=text(np.median(lives)), **common)
    show(
        "half_life",
        lambda: half_life(trace, u, speaker()),
        sentence,
        title=say("gates.half_life"),
        details=(u,),
        on_click=move_cursor,
    )
else:
    st.markdown(say("gates.no_half_life"))
