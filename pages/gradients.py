"""Does the gradient vanish? All networks side by side on the same input."""

import streamlit as st

from explorer.figures.gradients import gradients
from explorer.measures import DEAD, EXPLODING, depth, norm, overflow
from explorer.numerals import power_of_ten
from explorer.performing import rivals
from explorer.ui import frame, settings, state
from explorer.ui.drawing import input_sentence, move_cursor, performed, show
from explorer.ui.language import say, speaker

frame.enter(__file__)

experiment = state.experiment()
runs = {name: performed(rival) for name, rival in rivals(experiment).items()}
curves = {name: norm(run.grads.state["h"])[:, 0] for name, run in runs.items()}
curves["lstm_c"] = norm(runs["lstm"].grads.state["c"])[:, 0]


def reach(name: str) -> str:
    """How far the gradient of one network goes, in words."""
    curve = curves[name]
    if name in runs and overflow(runs[name].trace):
        return say("gradients.reaches_overflow")
    if curve[0] >= EXPLODING:
        return say("gradients.reaches_exploding", value=power_of_ten(curve[0]))
    steps = depth(curve[: experiment.steps_with_loss[-1] + 1], DEAD)
    if steps is None:
        return say("gradients.reaches_alive", value=power_of_ten(curve[0]))
    return say("gradients.reaches_dead", steps=steps)


st.title(say("gradients.question"))
frame.notes()
where = experiment.loss if experiment.loss in ("last", "all") else "step"
at = say(f"gradients.loss_{where}", step=experiment.loss)
st.markdown(say("gradients.lead", H=experiment.H, loss=at) + " " + input_sentence())

for draw, column in zip((lambda: settings.control("T"), settings.gain, settings.forget_bias), st.columns(3)):
    with column:
        draw()

sentence = (
    "; ".join(say("gradients.sentence", network=say(f"network.{name}"), reach=reach(name)) for name in curves) + "."
)
show(
    "gradients",
    lambda: gradients(curves, experiment.steps_with_loss, speaker(), height=520),
    sentence,
    on_click=move_cursor,
)
st.markdown(say("gradients.why_tanh"))
