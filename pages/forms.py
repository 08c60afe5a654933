"""One network, four forms: trained networks that answer what the visitor makes up."""

import streamlit as st

import explorer.ui  # noqa: F401  (first: see there)
from explorer.trained.answers import Refused
from explorer.ui import frame, state
from explorer.ui.forms import asking, showing, telling
from explorer.ui.language import current, say

frame.enter(__file__)

asked, cell = state.asked(), state.experiment().cell

st.title(say("forms.question"))
frame.notes("else")
asking.choose_form()
if asked := asking.controls(asked):
    try:
        found = showing.answered(asked, cell, current())
    except Refused as error:
        st.warning(asking.refusal(error, asked))
    else:
        st.markdown(telling.sentence(asked, found, showing.cursor(found).step))
        st.caption(telling.scores(asked, cell))
        showing.on_stage(asked, cell, found)
        showing.pictures(asked, cell, found)
