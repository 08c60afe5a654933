"""Presets as questions: each is a plain link to an experiment and a place on the stage where the answer shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from explorer.experiment import Experiment
from explorer.ui import frame, state
from explorer.ui.language import say


@dataclass(frozen=True)
class Question:
    """An experiment, and how the stage looks at it."""

    experiment: Experiment
    place: dict = field(default_factory=dict)


CLUE = {"input": "clue", "T": 51}
AT_THE_CLUE = {"step": 1, "back": True, "quantity": "dh"}
QUESTIONS = {  # in the order of the menu
    "start": Question(Experiment()),
    "recall": Question(Experiment(cell="lstm", forget_bias=5, **CLUE), AT_THE_CLUE),
    "half_open": Question(Experiment(cell="lstm", forget_bias=0, **CLUE), AT_THE_CLUE),
    "two_gates": Question(Experiment(cell="gru", forget_bias=5, **CLUE), AT_THE_CLUE),
    "no_gates": Question(Experiment(cell="rnn", **CLUE), AT_THE_CLUE),
    "explode": Question(Experiment(cell="rnn", activation="relu", gain=2.5, T=50), AT_THE_CLUE),
    "relabel": Question(Experiment(cell="gru", z_keeps=False), {"quantity": "h", "level": 2}),
}


def asked() -> str | None:
    """The question whose experiment is shown, None for an experiment of the visitor's own."""
    return next((name for name, asks in QUESTIONS.items() if asks.experiment == state.experiment()), None)


def title() -> str:
    """The question that the page asks."""
    name = asked()
    return say(f"question.{name}") if name else say("unrolled.question", cell=say(f"cell.{state.experiment().cell}"))


def look() -> str:
    """What to look for, "" where the experiment is his own."""
    return say(f"look.{asked()}") if asked() else ""


def menu() -> None:
    """All questions as links, in the visitor's language."""
    with st.popover(say("question.menu"), key="questions"):
        for name, asks in QUESTIONS.items():
            there = state.address_of(asks.experiment, asks.place)
            st.page_link(frame.pages()["unrolled"], label=say(f"question.{name}"), query_params=there)
