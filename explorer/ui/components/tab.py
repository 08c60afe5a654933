"""The part of a page that outlives its server: it asks for the page when the connection is back (see tab.js)."""

from __future__ import annotations

from pathlib import Path
from time import monotonic_ns

import streamlit as st

from explorer.ui.components.publishing import loader, module

_component = st.components.v2.component(
    "gate_tab",
    html="<span></span>",
    js=loader(module(Path(__file__).with_name("tab.js"))),
    isolate_styles=False,
)


def tab() -> str | None:
    """The last part of a page: what it has answered is known by then.

    Returns what a tab says whose connection is back: "stayed", or "moved" if it has another address since.
    """
    with st.container(key="tab"):
        return _component(key="gate_tab", data={"run": str(monotonic_ns())}, on_back_change=lambda: None).back
