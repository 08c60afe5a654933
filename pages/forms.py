"""One network, four forms: trained networks that answer what the visitor makes up."""

import streamlit as st

from explorer.trained.answers import Refused
from explorer.ui import forms_view, frame, state
from explorer.ui.language import current, say

frame.enter(__file__)

asked, cell = state.asked(), state.experiment().cell

st.title(say("forms.question"))
frame.notes("else")
forms_view.choose_form()
forms_view.controls(asked)
try:
    found = forms_view.answered(asked, cell, current())
except Refused as error:
    st.warning(forms_view.refusal(error, asked))
else:
    st.markdown(forms_view.sentence(asked, found))
    st.caption(forms_view.scores(asked, cell))
    forms_view.pictures(asked, cell, found)
