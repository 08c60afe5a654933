"""Runs and finished figures, each made once and shared by all visitors; the caches are bounded.

What they hold is read-only or text, and an Experiment is its own key, so nothing has to be hashed or copied. The bounds
are in bytes, because runs differ a thousandfold in size.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Lock

import streamlit as st
from cachetools import LRUCache, cached

from explorer.experiment import Experiment
from explorer.i18n import table
from explorer.naming import letters, listed
from explorer.performing import Performance, perform
from explorer.ui import proving, state
from explorer.ui.components.chart import chart
from explorer.ui.components.packing import pack
from explorer.ui.components.stage import Piece, stage, staged
from explorer.ui.language import current, say, speaker

MEGABYTE = 2**20


def _bytes_of_run(performance: Performance) -> int:
    """What a run holds, near enough: every array of every layer."""
    run = zip(performance.trace.layers, performance.grads.layers)
    return sum(2 * trace.tape.nbytes + 2 * sum(g.nbytes for g in grads.pre.values()) for trace, grads in run)


@cached(LRUCache(96 * MEGABYTE, _bytes_of_run), lock=Lock())
def performed(experiment: Experiment) -> Performance:
    """The experiment's run. All that it holds is read-only."""
    return perform(experiment)


def network_name(experiment: Experiment) -> str:
    """What the network is called beside others: an RNN by its activation, too."""
    e = experiment
    return say(f"network.{e.cell}_{e.activation}" if e.cell == "rnn" else f"network.{e.cell}")


@cached(LRUCache(96 * MEGABYTE, lambda drawn: len(drawn[0])), key=lambda make, *key: key, lock=Lock())
def _drawn(make: Callable[[], dict], name: str, language: str, experiment: Experiment, details: tuple):
    """The figure packed, its height, and how many names its legend has."""
    figure = make()
    layout = figure["layout"]
    named = sum(trace.get("showlegend", True) for trace in figure["data"]) if layout.get("showlegend") else 0
    return pack(figure), layout["height"], named


@cached(LRUCache(96 * MEGABYTE, len), key=lambda experiment, label: (experiment, label), lock=Lock())
def _staged(experiment: Experiment, label: str) -> bytes:
    """The experiment's run as the stage takes it, packed."""

    def piece(performance: Performance) -> Piece:
        drawn = performance.input
        return Piece(performance.trace, performance.grads, performance.direct, drawn.steps, drawn.channels)

    loss = [step + 1 for step in experiment.steps_with_loss]
    surgery = {}
    if experiment.surgery:
        operated = [(one.first, one.last or experiment.T) for one in experiment.surgery]
        surgery = {"original": piece(performed(experiment.original)), "operated": operated}
    return pack(staged([piece(performed(experiment))], label, loss, **surgery))


def show_stage(title: str, note: str) -> None:
    """Put the experiment's run on the stage.

    title, note   what stands above it, which a replay takes along: the question, the input and what was done to it
    """
    experiment = state.experiment()
    put_on_stage(
        _staged(experiment, say(f"cell.{experiment.cell}")),
        state.view(),
        key="stage",
        file_name=file_name("stage", experiment),
        title=title,
        note=f"{note} {say('stage.replay_note')}",
        on_prove=prove,
        proof=proving.answer(experiment, experiment.original, performed),
    )


def put_on_stage(run: bytes, view: state.View, **more) -> None:
    """Put a run of the experiment's kind of cell on the stage; where the hand rests, there page and URL follow.

    view   the cursor, inside the run
    more   what else `stage` takes
    """
    texts, cell = table(current()), state.experiment().cell
    stage(
        run,
        cursor={name: getattr(view, name) for name in STAGE_CURSOR},
        words={key.removeprefix("stage."): words for key, words in texts.items() if key.startswith("stage.")},
        language=current(),
        names={"letters": letters(view.names), "order": listed(cell, view.names)},
        on_rest=placed,
        **more,
    )


def placed(cursor: dict) -> None:
    """Take the page's cursor where the stage's is."""
    state.look(**{name: cursor[name] for name in STAGE_CURSOR})


def prove(cursor: dict, number: dict) -> None:
    """The stage has been asked for the proof of a number."""
    placed(cursor)
    proving.ask(number)


STAGE_CURSOR = ("step", "unit", "level", "quantity", "back")


def show(
    name: str,
    make: Callable[[], dict],
    alt: str,
    *,
    title: str = "",
    caption: bool = True,
    details: tuple = (),
    on_click: Callable[[int, int | None], None] | None = None,
    on_zoom: Callable[[int, int], None] | None = None,
    on_drag: Callable[[float], None] | None = None,
    cursor: bool | tuple[int, int] = True,
    file: str = "",
    row: int | None = None,
) -> None:
    """Draw a figure of the current experiment, or take it from the cache.

    name     of the figure, also of its downloads
    make     () -> the figure
    alt      one true sentence made from its numbers; it stands below the figure if `caption`
    details  what else than experiment and language the figure depends on
    cursor   whether it marks the cursor, or the (step, unit) to mark where they are not those of the experiment
    on_click (step, unit or None) -> None
    on_zoom  (first step, last step) -> None
    file     the name of its downloads, if the experiment's does not say what is in them
    on_drag  (value) -> None, for a figure with a handle
    row      the row of the cursor in its pictures; the chosen unit if not given
    """
    experiment, view = state.experiment(), state.view()
    figure, height, named = _drawn(make, name, current(), experiment, details)
    key = f"chart_{name}"

    def clicked():
        if click := st.session_state[key].get("click"):
            on_click(click["step"], click["unit"])

    def zoomed():
        if zoom := st.session_state[key].get("zoom"):
            on_zoom(zoom["first"], zoom["last"])

    def dragged():
        if drag := st.session_state[key].get("drag"):
            on_drag(drag["value"])

    chart(
        figure,
        key=key,
        alt=plain(alt),
        title=plain(title),
        caption=caption,
        file_name=file or file_name(name, experiment),
        words=speaker(),
        height=height,
        named=named,
        cursor=(view.step, row or view.unit) if cursor is True else cursor or None,
        on_click=clicked if on_click else None,
        on_zoom=zoomed if on_zoom else None,
        on_drag=dragged if on_drag else None,
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
    return f"{name}_{e.cell}_{e.input}_T{e.T}_H{e.H}_seed{e.seed}" + ("_operated" if e.surgery else "")


def input_sentence() -> str:
    """What runs through the network, and which layer of a stack is shown."""
    e, drawn = state.experiment(), performed(state.experiment()).input
    values = {
        "prices": {"companies": ", ".join(drawn.channels)},
        "clue": {"symbol": drawn.steps[0]},
        "own": {"count": len(e.numbers), "rows": len(e.numbers) // e.D, "D": e.D},
    }
    several = "_rows" if e.input == "own" and e.D > 1 else ""
    sentence = say(f"input.{e.input}{several}", **values.get(e.input, {}))
    if e.input == "prices" and e.T > 105:
        sentence += " " + say("input.prices_next")
    if drawn.given < e.T and e.input != "impulse":  # which is silent by its name
        sentence += " " + say("input.silent", step=drawn.given + 1)
    if e.layers > 1:
        sentence += " " + say("input.stack", layers=e.layers)
    return sentence
