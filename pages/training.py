"""Who learns to remember? Networks train side by side on a task whose memory is known."""

import streamlit as st

from explorer.ui import counting, frame, language, state, training_controls, training_view, trainings
from explorer.ui.language import say
from explorer.ui.training_times import Times

frame.enter(__file__)

training, study = state.training(), trainings.study()
EVERY = 0.5  # seconds from one look to the next while a training is under way

st.title(say(f"training.{training.task}_question", distance=training.distance))
frame.notes("training")
about, menu = st.columns([4, 1], vertical_alignment="center")
with about:
    guess = training_view.percent(training.of.guess(training.distance))
    st.markdown(say(f"training.{training.task}_about", distance=training.distance, guess=guess))
with menu:
    training_controls.questions("training")
training_controls.controls()


def both(one, other) -> None:
    """Two charts beside one another."""
    for draw, column in zip((one, other), st.columns(2)):
        with column:
            draw()


trainings.watch(study)
under_way = study.task is not None


@st.fragment(run_every=EVERY if under_way else None)
def live() -> None:
    language.choose(state.view().lang)  # a fragment runs without the frame
    job = trainings.watch(study)
    if (study.task is not None) != under_way:
        st.rerun()
    found = study.courses
    training_view.bar(study, job, training)
    times = Times(found, training)
    both(lambda: training_view.score(found, training), times.gradient_steps)
    times.sliders()
    if times.gates_of:
        both(times.gradient_map, times.gate_map)
        both(times.gradient_updates, times.gate_updates)
        both(lambda: training_view.loss(found, training), times.gate_steps)
    else:
        both(times.gradient_map, times.gradient_updates)
        training_view.loss(found, training)
    state.publish()


live()
if training.task in counting.COUNTED:
    counting.find(study, training)
