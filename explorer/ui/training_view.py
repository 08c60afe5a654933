"""A training to look at: how far it is, what can be done about it, how well the networks do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st

from explorer.figures.training_lines import over_updates
from explorer.jobs import Job
from explorer.numerals import text
from explorer.training import Training
from explorer.training.racing import Course
from explorer.training.runs import WINDOW
from explorer.ui import state, trainings, waiting
from explorer.ui.components.chart import chart
from explorer.ui.components.packing import pack
from explorer.ui.drawing import plain
from explorer.ui.language import say, speaker
from explorer.ui.trainings import Study


def exhibit(
    name: str,
    figure: dict,
    alt: str,
    training: Training,
    *,
    title: str = "",
    caption: bool = True,
    cursor: tuple[int, int] | None = None,
    on_click: Callable[[int, int | None], None] | None = None,
) -> None:
    """Draw a figure that is of this training alone: it is not kept for others."""
    key = f"chart_{name}"

    def clicked():
        if click := st.session_state[key].get("click"):
            on_click(click["step"], click["unit"])

    t = training
    chart(
        pack(figure),
        key=key,
        alt=plain(alt),
        title=plain(title),
        caption=caption,
        file_name=f"{name}_{t.task}_distance{t.distance}_H{t.H}_seed{t.seed}",
        words=speaker(),
        height=figure["layout"]["height"],
        cursor=cursor,
        on_click=clicked if on_click else None,
        scale=1.5 if state.view().projector else 1.0,
    )


def bar(study: Study, job: Job | None, training: Training) -> None:
    """How far it is, and the buttons."""
    with st.container(key="training_bar"):
        words, *places = st.columns([5, 2, 2, 2, 2], vertical_alignment="center")
    with words, st.container(key="training_progress"):
        st.progress(*_progress(study, job, training))
    large = training.volume > trainings.room()
    for place, button in zip(places, _buttons(study, job, training, large)):
        with place:
            st.button(width="stretch", **button)
    with st.container():  # always there, so that what follows keeps its place
        if large:
            st.warning(say("training.too_large", size=training.volume, most=trainings.room()))
        elif study.problem[0]:
            st.warning(_problem(study.problem))


def _buttons(study: Study, job: Job | None, training: Training, large: bool) -> list[dict]:
    """Start or pause, one update, stop, rewind."""
    under_way, over = study.task is not None, study.finished or study.ended

    def button(name, act, *arguments, **more):
        return {"label": say(f"training.{name}"), "on_click": act, "args": (study, *arguments), **more}

    if under_way:
        label = "leave" if job is not None and job.state == "waiting" else "pause"
        go = button(label, trainings.pause)
    else:
        label = "resume" if study.made and not study.ended else "start"
        go = button(label, trainings.start, training.updates, type="primary", disabled=study.finished or large)
    step = button("step", trainings.start, study.made + 1, disabled=under_way or over or large)
    stop = button("stop", trainings.stop, disabled=not under_way and (over or not study.made), help=say("help.stop"))
    rewind = button("rewind", trainings.rewind, disabled=not (study.parts or under_way), help=say("help.rewind"))
    return [
        go | {"key": "training_go", "help": say("help.pause")},
        step | {"key": "training_step"},
        stop | {"key": "training_stop"},
        rewind | {"key": "training_rewind"},
    ]


def _progress(study: Study, job: Job | None, training: Training) -> tuple[float, str]:
    made = {"made": study.made, "planned": training.updates}
    if study.task is not None and job is not None and job.state == "waiting":
        return study.made / training.updates, say("training.waiting", place=job.place)
    if study.task is not None and job is not None and job.left is not None:
        said = say("training.running_left", left=waiting.duration(job.left), **made)
    elif study.task is not None:
        said = say("training.running", **made)
    elif study.finished:
        said = say("training.done", **made)
    else:
        stands = "untrained" if not study.made else "stopped" if study.ended else "paused"
        said = say(f"training.{stands}", **made)
    return min(1.0, study.made / training.updates), said


def _problem(problem: tuple[str, str]) -> str:
    if problem[0] in ("full", "lost"):
        return say("job.full") if problem[0] == "full" else say("training.lost")
    return waiting.problem(Job("failed", problem=problem))


def score(found: Mapping[str, Course], training: Training) -> None:
    """How often each network is right, over the updates."""
    levels = {"guess": training.of.guess(training.distance), "goal": training.of.goal}
    lines = {name: _over(course, running_mean(course.score), "score") for name, course in found.items()}
    figure = over_updates(lines, training.updates, "score", speaker(), levels=levels)
    exhibit("score", figure, how_well(found, training), training, title=say("training.score"))


def loss(found: Mapping[str, Course], training: Training) -> None:
    """What its answers cost, over the updates."""
    guess = training.of.guess_loss(training.distance)
    lines = {name: _over(course, course.loss, "loss") for name, course in found.items()}
    figure = over_updates(lines, training.updates, "loss", speaker(), levels={"guess": guess})
    alt = say("training.loss_sentence", guess=text(guess), losses=listed(lines))
    exhibit("loss", figure, alt, training, title=say("training.loss"))


def running_mean(values: np.ndarray) -> np.ndarray:
    """At each place the mean of the last WINDOW values, or of as many as there are."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=float)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - WINDOW)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _over(course: Course, values: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(updates, values); before the first update, what the network at birth has on sequences never trained on."""
    if len(course):
        return np.arange(1, len(course) + 1), values
    return np.zeros(len(course.pictures)), np.array([getattr(seen, kind) for seen in course.pictures])


def how_well(found: Mapping[str, Course], training: Training) -> str:
    """What each network scores now, and since when it counts as learnt."""
    said = say("training.guessing", guess=percent(training.of.guess(training.distance))) + " " + "; ".join(
        say("training.one", network=say(f"network.{name}"), what=_how_one(course)) for name, course in found.items()
    ) + "."  # fmt: skip
    exploded = any(course.exploded for course in found.values())
    return f"{said} {say('training.exploded_helps')}" if exploded else said


def _how_one(course: Course) -> str:
    if course.exploded:
        return say("training.exploded", update=len(course))
    if not len(course):
        at_birth = [say("training.birth_score", score=percent(seen.score)) for seen in course.pictures]
        return at_birth[0] if at_birth else say("training.exploded", update=0)
    score = percent(running_mean(course.score)[-1])
    return say("training.learnt", score=score, update=course.learnt) if course.learnt else score


def listed(lines: Mapping[str, tuple[np.ndarray, np.ndarray]], write=text) -> str:
    """What each network has at last."""
    return "; ".join(
        say("training.one", network=say(f"network.{name}"), what=write(y[-1]))
        for name, (_, y) in lines.items()
        if len(y)
    )


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"
