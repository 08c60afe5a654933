"""The gradient laboratory: where the gradient goes, why it vanishes, and what helps."""

from functools import partial

import streamlit as st

from explorer.ui import frame, settings, state
from explorer.ui.drawing import input_sentence
from explorer.ui.laboratory import DRAW, idle
from explorer.ui.language import current, say

frame.enter(__file__)

experiment, ask = state.experiment(), state.view().ask

st.title(say("gradients.question"))
frame.notes()
st.pills(
    say("lab.questions"),
    list(DRAW),
    format_func=lambda name: say(f"ask.{name}"),
    required=True,
    label_visibility="collapsed",
    **state.controlled(f"ask_{current()}", ask, lambda new: state.look(ask=new)),
)
lead = [say(f"lead.{ask}")]
if ask in ("vanish", "why", "travel", "help"):  # the others take losses of their own, or none
    where = experiment.loss if experiment.loss in ("last", "all") else "step"
    lead.append(say("gradients.loss", loss=say(f"gradients.loss_{where}", step=experiment.loss)))
st.markdown(" ".join([*lead, input_sentence()]))

controls = {"gain": settings.gain, "forget_bias": settings.forget_bias}
for name, column in zip(("T", "gain", "forget_bias", "activation"), st.columns([4, 4, 4, 6])):
    with column:
        controls.get(name, partial(settings.control, name))(disabled=name in idle(ask))

DRAW[ask]()

lesson = st.expander(say("lab.lesson"), key="lesson", on_change="rerun")
if lesson.open:  # what nobody sees costs nothing
    with lesson:
        st.markdown(say(f"lesson.{ask}"))
