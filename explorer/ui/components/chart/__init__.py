"""A Plotly figure that changes in place: `Plotly.react`, a toolbar, a shared cursor, clicks.

The browser loads the plotly.js that the plotly package ships, once, from our own server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

from explorer.figures.theme import IN_THE_DARK
from explorer.ui.components import packing
from explorer.ui.components.publishing import loader, module, published
from explorer.ui.language import current

HERE = Path(__file__).parent
TOOLS = ("reset", "svg", "png", "csv", "full")


@cache
def plotly_js() -> str:
    """The URL of the plotly.js that the plotly package ships."""
    package = Path(find_spec("plotly").submodule_search_locations[0])
    return published("plotly.min.js", (package / "package_data" / "plotly.min.js").read_bytes())


_component = st.components.v2.component(
    "gate_chart",
    html='<div class="gate-chart"></div>',
    css=(HERE / "chart.css").read_text(encoding="utf-8"),
    js=loader(module(HERE / "chart.js", DARK=IN_THE_DARK)),
    isolate_styles=False,
)


def chart(
    figure: bytes,
    *,
    key: str,
    alt: str,
    file_name: str,
    title: str = "",
    caption: bool = True,
    words: Callable[..., str],
    height: int,
    named: int = 0,
    cursor: tuple[int, int] | None = None,
    on_click: Callable[[], None] | None = None,
    on_zoom: Callable[[], None] | None = None,
    on_drag: Callable[[], None] | None = None,
    scale: float = 1.0,
) -> None:
    """Show a figure, given packed.

    alt        one true sentence made from the figure's numbers; the label for screen readers
    file_name  of the downloads, without ending
    title      above the figure
    named      how many names its legend has: on a phone each has a line of its own
    caption    whether the sentence also stands below it
    cursor     (step, unit) to mark, both counted from 1
    on_click   called after a click has put {"step", "unit" or None} into `st.session_state[key].click`
    on_zoom    called after the time axis has changed: {"first", "last"} is then in `st.session_state[key].zoom`
    on_drag    the same for {"value"} in `st.session_state[key].drag`, where the figure has a handle
    scale      of text, 1.5 on a projector
    """
    about = {
        "figure": figure,
        "alt": alt,
        "title": title,
        "caption": caption,
        "file": file_name,
        "height": height,
        "named": named,
        "scale": scale,
        "cursor": {"step": cursor[0], "unit": cursor[1]} if cursor else None,
        "clickable": on_click is not None,
        "language": current(),
        "words": {tool: words(f"toolbar.{tool}") for tool in (*TOOLS, "failed")},
        "plotly": plotly_js(),
    }
    listeners = {
        "on_click_change": on_click or _ignore,
        "on_zoom_change": on_zoom or _ignore,
        "on_drag_change": on_drag or _ignore,
    }
    _component(key=key, data=packing.pack(about), height="content", **listeners)


def _ignore() -> None:
    """Nothing listens to this chart."""
