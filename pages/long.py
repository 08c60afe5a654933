"""What becomes of the gradient over a million steps? One network, one long input, run in the background."""

import streamlit as st

from explorer.ui import frame, long_view
from explorer.ui.language import say

frame.enter(__file__)

st.title(say("long.question"))
frame.notes("else")
st.markdown(say("long.lead"))
if asked := long_view.ask():
    st.markdown(long_view.input_sentence(asked))
    long_view.watch(asked)
