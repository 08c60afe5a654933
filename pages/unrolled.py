"""Step through the network: from all its steps down to one multiplication, forwards and backwards."""

import streamlit as st

import explorer.ui  # noqa: F401  (first: see there)
from explorer.naming import in_order, letter, listed
from explorer.numerals import text
from explorer.ui import frame, operating, questions, settings, state
from explorer.ui.drawing import input_sentence, performed, show_stage
from explorer.ui.language import say

frame.enter(__file__)

experiment, view = state.experiment(), state.view()

with st.container(horizontal=True, vertical_alignment="center", key="question"):
    st.title(questions.title())
    questions.menu()
frame.notes()
about = input_sentence()
st.markdown(f"{questions.look()} {about}".strip())
settings.conventions()
operating.panel()
show_stage(questions.title(), f"{about} {operating.told()}".strip())
operating.show_difference()


def numbers() -> None:
    """All that the chosen step holds for the chosen unit."""
    run, t, u = performed(experiment), view.step - 1, view.unit - 1
    rows = {say("unrolled.before"): run.trace.previous["h"][t, 0, u]}
    gates = listed(experiment.cell, view.names)
    names = in_order(in_order(run.trace.values, gates), tuple(f"a_{gate}" for gate in gates))
    rows |= {letter(name, view.names): run.trace[name][t, 0, u] for name in names}
    st.table({name: text(value) for name, value in rows.items()})
    st.markdown(say("unrolled.inputs"))
    st.table({name: text(value) for name, value in zip(run.input.channels, run.trace.layers[0].x[t, 0])})


table = st.expander(say("unrolled.table", unit=view.unit, t=view.step), key="table", on_change="rerun")
if table.open:  # what nobody sees costs nothing
    with table:
        numbers()
