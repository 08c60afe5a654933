"""A small canvas to draw a digit on, with a mouse, a pen or a finger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from explorer.ui.components.publishing import loader, module

HERE = Path(__file__).parent
SIDE = 32  # the drawing is on or off in so many pixels a side

_component = st.components.v2.component(
    "gate_sketch",
    html='<div class="gate-sketch"><canvas width="192" height="192" role="img"></canvas>'
    '<button type="button"></button></div>',
    css=(HERE / "sketch.css").read_text(encoding="utf-8"),
    js=loader(module(HERE / "sketch.js", SIDE=SIDE)),
    isolate_styles=False,
)


def sketch(*, key: str, label: str, erase: str, drawn: str, on_drawn: Callable[[np.ndarray], None]) -> None:
    """Show the canvas.

    drawn      what the page shows of a drawing, "" for none: then the canvas is wiped
    on_drawn   called with a bitmap (32, 32) of bool when a stroke has ended, all False when it was erased
    """

    def ended():
        if said := st.session_state[key].get("drawn"):
            on_drawn(read(said))

    data = {"label": label, "erase": erase, "empty": not drawn}
    _component(key=key, data=data, on_drawn_change=ended, height="content")


def read(said) -> np.ndarray:
    """What the browser says, "0" and "1" row by row; anything else is an empty drawing."""
    fits = isinstance(said, str) and len(said) == SIDE * SIDE and set(said) <= {"0", "1"}
    return np.array([letter == "1" for letter in said] if fits else [False] * SIDE**2).reshape(SIDE, SIDE)
