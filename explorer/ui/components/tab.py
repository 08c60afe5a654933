"""The part of a page that outlives its server: it asks for the page when the connection is back (see tab.js)."""

from __future__ import annotations

from pathlib import Path
from time import monotonic_ns

import streamlit as st

from explorer.links import LONGEST, MOST
from explorer.ui import state
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
    data = {"run": str(monotonic_ns()), "most": MOST, "longest": LONGEST}
    with st.container(key="tab"):
        return _component(key="gate_tab", data=data, on_back_change=_came_back, on_long_change=_long).back


def _came_back() -> None:
    """The session knows the tab: there is nothing to be done but to show it its page."""


def _long() -> None:
    if isinstance(parts := st.session_state["gate_tab"].get("long"), int):
        state.left_out(parts)
