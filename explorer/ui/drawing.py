"""Runs and finished figures, each made once and shared by all visitors; the caches are bounded.

What they hold is read-only or text, and an Experiment is its own key: Python's own cache does, at a tenth of the time
that Streamlit's takes to hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import streamlit as st

from explorer.experiment import Experiment
from explorer.figures.theme import to_json
from explorer.performing import Performance, perform
from explorer.ui import state
from explorer.ui.components.chart import chart
from explorer.ui.language import current, say, speaker


@lru_cache(maxsize=8)
def performed(experiment: Experiment) -> Performance:
    """The experiment's run. All that it holds is read-only."""
    return perform(experiment)


@lru_cache(maxsize=400)
def _slot(name: str, language: str, experiment: Experiment, details: tuple) -> dict:
    """The place of one finished figure: empty at first, the oldest of 400 given up for a new one."""
    return {}


def _drawn(make: Callable[[], dict], *key) -> tuple[str, int]:
    """The figure as JSON, and its height."""
    slot = _slot(*key)
    if not slot:
        figure = make()
        slot["drawn"] = to_json(figure), figure["layout"]["height"]
    return slot["drawn"]


def show(
    name: str,
    make: Callable[[], dict],
    alt: str,
    *,
    details: tuple = (),
    on_click: Callable[[int, int | None], None] | None = None,
    cursor: bool = True,
) -> None:
    """Draw a figure of the current experiment, or take it from the cache, with its sentence below.

    name     of the figure, also of its downloads
    make     () -> the figure
    details  what else than experiment and language the figure depends on
    on_click (step, unit or None) -> None
    """
    experiment, view = state.experiment(), state.view()
    figure, height = _drawn(make, name, current(), experiment, details)
    key = f"chart_{name}"

    def clicked():
        if click := st.session_state[key].get("click"):
            on_click(click["step"], click["unit"])

    chart(
        figure,
        key=key,
        alt=plain(alt),
        file_name=file_name(name, experiment),
        words=speaker(),
        height=height,
        cursor=(view.step, view.unit) if cursor else None,
        on_click=clicked if on_click else None,
        scale=1.5 if view.projector else 1.0,
    )


def move_cursor(step: int, unit: int | None) -> None:
    """Take the cursor where somebody clicked."""
    state.look(step=step, **({"unit": unit} if unit else {}))


def plain(text: str) -> str:
    """Words without markup; an index t goes with its <sub>."""
    return re.sub(r"<sub>.*?</sub>|<[^>]*>", "", text)


def file_name(name: str, experiment: Experiment) -> str:
    """A name that says what is in the file: gates_lstm_prices_T100_H32_seed1."""
    e = experiment
    return f"{name}_{e.cell}_{e.input}_T{e.T}_H{e.H}_seed{e.seed}"


def input_sentence() -> str:
    """What runs through the network."""
    e, drawn = state.experiment(), performed(state.experiment()).input
    values = {
        "prices": {"companies": ", ".join(drawn.channels)},
        "clue": {"symbol": drawn.steps[0]},
        "own": {"count": len(e.numbers)},
    }
    sentence = say(f"input.{e.input}", **values.get(e.input, {}))
    if e.input == "prices" and e.T > 105:
        sentence += " " + say("input.prices_next")
    if drawn.given < e.T:
        sentence += " " + say("input.silent", step=drawn.given + 1)
    return sentence
