"""Step through the network: what the cell does at one step, with one unit's numbers."""

import streamlit as st

from explorer.equations import equations, live
from explorer.figures.theme import text_colour
from explorer.figures.unrolled import unrolled
from explorer.numerals import text
from explorer.ui import frame, state
from explorer.ui.drawing import input_sentence, performed, show
from explorer.ui.language import say, speaker

frame.enter(__file__)

experiment, view = state.experiment(), state.view()
run = performed(experiment)
trace, t, u = run.trace, view.step, view.unit


def number(quantity: str, before: bool = False) -> float:
    """A quantity of the chosen step and unit, or its state before the step."""
    source = trace.previous if before else trace
    return float(source[quantity][t - 1, 0, u - 1])


def sentence() -> str:
    """What the unit does at this step."""
    values = {"t": t, "unit": u, "h": text(number("h"))}
    if trace.cell.name == "lstm":
        values |= {"keep": f"{100 * number('f'):.0f} %", "before": text(number("c", before=True))}
        values |= {"add": text(number("i") * number("g")), "after": text(number("c"))}
    elif trace.cell.name == "gru":
        keep = number("z") if experiment.z_keeps else 1 - number("z")
        values |= {"keep": f"{100 * keep:.0f} %", "take": f"{100 * (1 - keep):.0f} %"}
        values |= {"n": text(number("n")), "before": text(number("h", before=True))}
    else:
        values["before"] = text(number("h", before=True))
    return say(f"unrolled.sentence_{trace.cell.name}", **values)


st.title(say("unrolled.question", cell=say(f"cell.{experiment.cell}"), t=t))
frame.notes()
st.markdown(input_sentence())

show(
    "unrolled",
    lambda: unrolled(trace, t, u, run.input.steps, speaker()),
    sentence(),
    details=(t, u),
    cursor=False,
    caption=False,
)

with st.container(horizontal=True, vertical_alignment="bottom"):
    st.button(
        "◀",
        help=say("unrolled.previous"),
        shortcut="Left",
        disabled=t == 1,
        on_click=lambda: state.look(step=t - 1),
    )
    bound = state.controlled_slider(f"step_{experiment.T}", t, lambda new: state.look(step=new))
    st.slider(say("setting.step"), 1, experiment.T, width="stretch", **bound)
    st.button(
        "▶",
        help=say("unrolled.following"),
        shortcut="Right",
        disabled=t == experiment.T,
        on_click=lambda: state.look(step=t + 1),
    )
if experiment.H > 1:
    bound = state.controlled_slider(f"unit_{experiment.H}", u, lambda new: state.look(unit=new))
    st.slider(say("setting.unit"), 1, experiment.H, **bound)

st.markdown(f"**{sentence()}**")
st.subheader(say("unrolled.equations", unit=u))
for quantity in equations(trace):
    with st.container(border=True):
        st.latex(live(quantity, trace, t, u - 1, text_colour))

with st.expander(say("unrolled.table", unit=u)):
    rows = {say("unrolled.before"): number("h", before=True)}
    rows |= {name: number(name) for name in trace.values}
    st.table({name: text(value) for name, value in rows.items()})
    st.markdown(say("unrolled.inputs"))
    st.table({name: text(value) for name, value in zip(run.input.channels, trace.x[t - 1, 0])})
