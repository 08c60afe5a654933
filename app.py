"""The frame of the explorer: `streamlit run app.py`."""

import streamlit as st

from explorer.ui import frame, language, state
from explorer.ui.components.tab import tab
from explorer.ui.language import say

with frame.turn():
    state.arrive()
    state.restore()
    language.choose(state.view().lang)
    st.set_page_config(
        page_title=say("title"),
        page_icon="🧠",
        layout="wide",
        initial_sidebar_state="collapsed" if state.view().projector else "auto",
    )
    frame.settle()
    page = frame.navigation()
    frame.dress()
    frame.sidebar(page.url_path or frame.HOME)
    page.run()
    state.settle(tab())
    state.publish()
