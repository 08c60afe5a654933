"""Who still remembers the beginning? One picture, one slider."""

import streamlit as st

import explorer.ui  # noqa: F401  (first: see there)
from explorer.figures.gradients import gradients
from explorer.measures import dies
from explorer.numerals import ten_to, typeset
from explorer.performing import rivals
from explorer.ui import frame, settings, state
from explorer.ui.drawing import input_sentence, show
from explorer.ui.laboratory.numbers import curve
from explorer.ui.language import say, speaker

frame.enter(__file__)

experiment = state.experiment()
networks = rivals(experiment)
shown = {name: networks[name] for name in ("rnn_tanh", "gru", "lstm")}
curves = {name: curve(rival) for name, rival in shown.items()}
last = experiment.steps_with_loss[-1]
back = min(60, last)
there = {name: ten_to(logs[last - back]) for name, logs in curves.items()}
bias = say("home.chrono") if experiment.chrono else typeset(experiment.forget_bias, 6)
given = bias if experiment.chrono else say("home.bias", bias=bias)
opened = experiment.chrono or experiment.forget_bias > 0
where = experiment.loss if experiment.loss in ("last", "all") else "step"
loss = say(f"gradients.loss_{where}", step=experiment.loss)

st.title(say("home.question"))
frame.notes()
st.markdown(say("home.lead", H=experiment.H, T=experiment.T, loss=loss) + " " + input_sentence())

sentence = say(
    "home.sentence_all" if where == "all" else "home.sentence" if back else "home.sentence_none",
    back=back,
    rnn=there["rnn_tanh"],
    gru=there["gru"],
    lstm=there["lstm"],
)
dead = {name: dies(logs[: last + 1]) for name, logs in curves.items()}
if dead["lstm"]:
    ending = "home.sentence_shut" if dead["rnn_tanh"] and not opened else "home.sentence_dead"
    sentence += " " + say(ending, bias=given, dead=dead["lstm"])
elif dead["rnn_tanh"]:
    ending = "home.sentence_open" if opened else "home.sentence_alive"
    sentence += " " + say(ending, bias=given, dead=dead["rnn_tanh"])

picture, beside = st.columns([3, 1])
with picture:
    show(
        "memory",
        lambda: gradients(curves, experiment.steps_with_loss, speaker()),
        sentence,
        cursor=False,
    )
with beside:
    settings.forget_bias()
    alive = opened and not dead["lstm"]
    st.caption(say("home.try_chrono" if experiment.chrono else "home.try" if alive else "home.try_open"))
    scheme = "home.settings" if (experiment.scheme, experiment.gain) == ("pytorch", 1) else "home.settings_other"
    st.caption(
        say(
            scheme,
            seed=experiment.seed,
            bias=bias,
            scheme=say(f"choice.scheme.{experiment.scheme}"),
            gain=f"{experiment.gain:g}",
        )
    )

st.subheader(say("home.next"))
cards = [page for page in frame.PAGES if page != frame.HOME]
for first in range(0, len(cards), 3):
    for page, column in zip(cards[first : first + 3], st.columns(3)):
        with column, st.container(border=True, height="stretch"):
            st.page_link(frame.pages()[page], label=f"**{say(f'page.{page}')}**", query_params=state.address())
            st.markdown(say(f"home.{page}"))
