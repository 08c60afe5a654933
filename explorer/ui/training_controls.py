"""What is trained: task, distance, networks, and the questions that are worth asking."""

from __future__ import annotations

import streamlit as st

from explorer.training.racing import ENTRANTS
from explorer.training.studies import STUDIES
from explorer.ui import frame, settings, state, trainings
from explorer.ui.language import current, say

FOLDED = ("updates", "B", "data_seed", "optimiser", "rate", "schedule", "clip", "truncate", "dtype")


def questions(page: str) -> None:
    """A menu of links, each with all its settings."""
    with st.popover(say("training.questions"), width="stretch"):
        for name, (training, entrants) in STUDIES.items():
            st.page_link(
                frame.pages()[page],
                label=say(f"study.{name}"),
                query_params=state.address_to_train(training, entrants),
            )


def controls() -> None:
    """The few settings in sight, and the rest folded."""
    task, distance, harder, bias = st.columns([4, 5, 4, 5], vertical_alignment="bottom")
    with task:
        settings.control("task")
    with distance:
        low, _, _ = state.training().of.distances
        most = max(state.training().farthest(trainings.room()), state.training().distance, low + 1)
        settings.control("distance", bounds=(low, most))
    with harder:
        settings.control("harder")
    with bias:
        settings.forget_bias()
    _networks()
    more = st.expander(say("training.more"), key="training_more", on_change="rerun")
    if more.open:
        with more:
            _folded()


def _networks() -> None:
    def chosen(names):
        if names:  # at least one stays
            state.change(names=tuple(name for name in ENTRANTS if name in names))
        else:
            state.touch()

    st.pills(
        say("training.networks"),
        list(ENTRANTS),
        selection_mode="multi",
        format_func=lambda name: say(f"network.{name}"),
        **state.controlled(f"entrants_{current()}", list(state.entrants()), chosen),
    )


def _folded() -> None:
    training = state.training()
    names = list(FOLDED)
    if training.optimiser in ("momentum", "nesterov"):
        names.insert(names.index("rate") + 1, "momentum")
    if training.clip != "none":
        names.insert(names.index("clip") + 1, "clip_at")
    columns = st.columns(3)
    for k, name in enumerate(names):
        with columns[k % 3]:
            settings.control(name)
