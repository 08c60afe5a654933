"""A Plotly figure that changes in place: `Plotly.react`, a toolbar, a shared cursor, clicks.

The browser loads the plotly.js that the plotly package ships, once, from our own server.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

from explorer.figures.theme import IN_THE_DARK

HERE = Path(__file__).parent
STATIC = Path(__file__).resolve().parents[4] / "static"
TOOLS = ("reset", "svg", "png", "csv", "full")


def published(name: str, content: bytes) -> str:
    """The URL of a file on our own server: written to static/ once, under a name that changes with its content."""
    stem, _, ending = name.partition(".")
    target = STATIC / f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
    if not target.exists():
        STATIC.mkdir(exist_ok=True)
        partial = STATIC / f".{target.name}.{os.getpid()}"
        partial.write_bytes(content)
        partial.replace(target)
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{'/' + base if base else ''}/app/static/{target.name}"


@cache
def plotly_js() -> str:
    """The URL of the plotly.js that the plotly package ships."""
    package = Path(find_spec("plotly").submodule_search_locations[0])
    return published("plotly.min.js", (package / "package_data" / "plotly.min.js").read_bytes())


def _script() -> str:
    """Our own script as a module of two lines, so that it does not travel with every chart."""
    code = f"const DARK = {json.dumps(IN_THE_DARK)};\n" + (HERE / "chart.js").read_text(encoding="utf-8")
    url = json.dumps(published("chart.js", code.encode()))
    return (
        f"const loaded = import(new URL({url}, location.origin));\n"
        "export default (chart) => {\n"
        "  const stop = loaded.then((module) => module.default(chart));\n"
        "  return () => stop.then((end) => end?.());\n"
        "};\n"
    )


_component = st.components.v2.component(
    "gate_chart",
    html='<div class="gate-chart"></div>',
    css=(HERE / "chart.css").read_text(encoding="utf-8"),
    js=_script(),
    isolate_styles=False,
)


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
    about = {
        "alt": alt,
        "file": file_name,
        "height": height,
        "scale": scale,
        "cursor": {"step": cursor[0], "unit": cursor[1]} if cursor else None,
        "clickable": on_click is not None,
        "words": {tool: words(f"toolbar.{tool}") for tool in (*TOOLS, "failed")},
        "plotly": plotly_js(),
    }
    data = {"figure": figure, "about": json.dumps(about)}  # two values: each costs Streamlit an inspection
    _component(key=key, data=data, on_click_change=on_click or _ignore, height="content")


def _ignore() -> None:
    """Nothing listens to this chart's clicks."""
