"""Step through the network: from all its steps down to one multiplication, forwards and backwards."""

import streamlit as st

from explorer.numerals import text
from explorer.ui import frame, state
from explorer.ui.drawing import input_sentence, performed, show_stage
from explorer.ui.language import say

frame.enter(__file__)

experiment, view = state.experiment(), state.view()
run = performed(experiment)
trace, t, u = run.trace, view.step, view.unit


def number(quantity: str, before: bool = False) -> float:
    """A quantity of the chosen step and unit, or its state before the step."""
    source = trace.previous if before else trace
    return float(source[quantity][t - 1, 0, u - 1])


st.title(say("unrolled.question", cell=say(f"cell.{experiment.cell}")))
frame.notes()
st.markdown(input_sentence())
show_stage()

with st.expander(say("unrolled.table", unit=u, t=t)):
    rows = {say("unrolled.before"): number("h", before=True)}
    rows |= {name: number(name) for name in trace.values}
    st.table({name: text(value) for name, value in rows.items()})
    st.markdown(say("unrolled.inputs"))
    st.table({name: text(value) for name, value in zip(run.input.channels, trace.x[t - 1, 0])})
