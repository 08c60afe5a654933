"""A Plotly figure that changes in place: `Plotly.react`, a toolbar, a shared cursor, clicks.

The browser loads the plotly.js that the plotly package ships, once, from our own server.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

from explorer.figures.theme import IN_THE_DARK

HERE = Path(__file__).parent
STATIC = Path(__file__).resolve().parents[4] / "static"
TOOLS = ("reset", "svg", "png", "csv", "full")

_component = st.components.v2.component(
    "gate_chart",
    html='<div class="gate-chart"></div>',
    css=(HERE / "chart.css").read_text(encoding="utf-8"),
    js=f"const DARK = {json.dumps(IN_THE_DARK)};\n" + (HERE / "chart.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


@st.cache_resource(show_spinner=False)
def plotly_js() -> str:
    """The URL of plotly.js on our own server, copied there from the package once a version."""
    name = f"plotly-{version('plotly')}.min.js"
    target = STATIC / name
    if not target.exists():
        source = Path(find_spec("plotly").submodule_search_locations[0]) / "package_data" / "plotly.min.js"
        STATIC.mkdir(exist_ok=True)
        partial = STATIC / f".{name}.{os.getpid()}"
        shutil.copyfile(source, partial)
        partial.replace(target)
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{'/' + base if base else ''}/app/static/{name}"


def chart(
    figure: str,
    *,
    key: str,
    alt: str,
    file_name: str,
    words: Callable[..., str],
    height: int,
    cursor: tuple[int, int] | None = None,
    on_click: Callable[[], None] | None = None,
    scale: float = 1.0,
) -> None:
    """Show a figure, given as JSON.

    alt        one true sentence made from the figure's numbers; the label for screen readers
    file_name  of the downloads, without ending
    cursor     (step, unit) to mark, both counted from 1
    on_click   called after a click has put {"step", "unit" or None} into `st.session_state[key].click`
    scale      of text, 1.5 on a projector
    """
    data = {
        "figure": figure,
        "alt": alt,
        "file": file_name,
        "height": height,
        "scale": scale,
        "cursor": {"step": cursor[0], "unit": cursor[1]} if cursor else None,
        "clickable": on_click is not None,
        "words": {tool: words(f"toolbar.{tool}") for tool in (*TOOLS, "failed")},
        "plotly": plotly_js(),
    }
    _component(key=key, data=data, on_click_change=on_click or _ignore, height="content")


def _ignore() -> None:
    """Nothing listens to this chart's clicks."""
