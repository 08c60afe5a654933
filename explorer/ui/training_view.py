"""A training to look at: how far it is and what can be done about it, its curves, its maps, and both times scrubbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st

from explorer.figures.training_lines import over_steps, over_updates
from explorer.figures.training_maps import maps
from explorer.jobs import Job
from explorer.numerals import ten_to, text
from explorer.training import Training
from explorer.training.racing import Course, spacing
from explorer.training.runs import WINDOW
from explorer.ui import state, trainings, waiting
from explorer.ui.components.chart import chart
from explorer.ui.components.packing import pack
from explorer.ui.drawing import plain
from explorer.ui.language import current, say, speaker
from explorer.ui.trainings import Study

NEWEST = 20_000  # the greatest update that a view may ask for


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
    under_way = study.task is not None
    words, *places = st.columns([5, 2, 2, 2], vertical_alignment="center")
    with words, st.container(key="training_progress"):
        st.progress(*_progress(study, job, training))
    large = training.volume > trainings.room()
    with places[0]:
        if under_way:
            label = "leave" if job is not None and job.state == "waiting" else "pause"
            press = {"on_click": trainings.pause, "args": (study,)}
        else:
            label = "resume" if study.made else "start"
            press = {"on_click": trainings.start, "args": (study, training.updates), "type": "primary"}
            press["disabled"] = study.finished or large
        st.button(say(f"training.{label}"), key="training_go", width="stretch", help=say("help.pause"), **press)
    with places[1]:
        st.button(
            say("training.step"),
            key="training_step",
            width="stretch",
            on_click=trainings.start,
            args=(study, study.made + 1),
            disabled=under_way or study.finished or large,
        )
    with places[2]:
        st.button(
            say("training.rewind"),
            key="training_rewind",
            width="stretch",
            on_click=trainings.rewind,
            args=(study,),
            disabled=not (study.parts or under_way),
            help=say("help.rewind"),
        )
    with st.container():  # always there, so that what follows keeps its place
        if large:
            st.warning(say("training.too_large", size=training.volume, most=trainings.room()))
        elif study.problem[0]:
            st.warning(_problem(study.problem))


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
        said = say("training.paused" if study.made else "training.untrained", **made)
    return min(1.0, study.made / training.updates), said


def _problem(problem: tuple[str, str]) -> str:
    if problem[0] in ("full", "lost"):
        return say("job.full") if problem[0] == "full" else say("training.lost")
    return waiting.problem(Job("failed", problem=problem))


def curves(found: Mapping[str, Course], training: Training) -> None:
    """Score and loss over the updates."""
    task, planned = training.of, training.updates
    scores = {name: _over(course, running_mean(course.score), "score") for name, course in found.items()}
    losses = {name: _over(course, course.loss, "loss") for name, course in found.items()}
    guess = {"guess": task.guess_loss(training.distance)}
    levels = {"guess": task.guess(training.distance), "goal": task.goal}
    one, other = st.columns(2)
    with one:
        figure = over_updates(scores, planned, "score", speaker(), levels=levels)
        exhibit("score", figure, how_well(found, training), training, title=say("training.score"))
    with other:
        figure = over_updates(losses, planned, "loss", speaker(), levels=guess)
        alt = say("training.loss_sentence", guess=text(guess["guess"]), losses=_listed(losses))
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
    return say("training.guessing", guess=percent(training.of.guess(training.distance))) + " " + "; ".join(
        say("training.one", network=say(f"network.{name}"), what=_how_one(course)) for name, course in found.items()
    ) + "."  # fmt: skip


def _how_one(course: Course) -> str:
    if course.exploded:
        return say("training.exploded", update=len(course))
    if not len(course):
        return percent(course.pictures[0].score) if course.pictures else say("training.exploded", update=0)
    score = percent(running_mean(course.score)[-1])
    return say("training.learnt", score=score, update=course.learnt) if course.learnt else score


def _listed(lines: Mapping[str, tuple[np.ndarray, np.ndarray]], write=text) -> str:
    """What each network has at last."""
    return "; ".join(
        say("training.one", network=say(f"network.{name}"), what=text(y[-1]))
        for name, (_, y) in lines.items()
        if len(y)
    )


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


class Scrub:
    """Where both times stand: the step t, and the update; the newest one, as long as nobody has gone back."""

    def __init__(self, training: Training):
        self.training, self.every = training, spacing(training)
        self.last = -(-training.updates // self.every) * self.every
        view = state.view(training.T)
        self.t = view.step
        self.update = min(view.update, self.last)

    def go(self, step: int, update: int | None = None) -> None:
        new = self.update if update is None else update
        state.look(step=step, update=NEWEST if new >= self.last else new)


def scrubbers(scrub: Scrub) -> None:
    """One slider for each time."""
    one, other = st.columns(2)
    with one:
        bound = state.controlled_slider(
            f"scrub_update_{scrub.last}", scrub.update, lambda new: scrub.go(scrub.t, new)
        )  # fmt: skip
        st.slider(say("training.scrub_update"), 0, scrub.last, step=scrub.every, **bound)
    with other:
        bound = state.controlled_slider(f"scrub_step_{scrub.training.T}", scrub.t, lambda new: scrub.go(new))
        st.slider(say("training.scrub_step"), 1, scrub.training.T, **bound)


def times(found: Mapping[str, Course], training: Training) -> None:
    """The maps of training time and sequence time, and a cut through each."""
    scrub = Scrub(training)
    gated = [name for name, course in found.items() if course.pictures and course.pictures[0].gates]
    shown = _chosen_gates(gated)
    scrubbers(scrub)
    now = {name: course.picture(scrub.update) for name, course in found.items()}
    now = {name: seen for name, seen in now.items() if seen}
    sides = st.columns(2) if shown else [st.container()]
    with sides[0]:
        _gradients(found, now, scrub)
    if shown:
        with sides[1]:
            _gates(found[shown], now.get(shown), shown, scrub)


def _chosen_gates(gated: list[str]) -> str | None:
    """The network whose gates are shown; the last one, unless another is chosen."""
    if not gated:
        return None
    chosen = st.session_state.get("gates_of")
    chosen = st.session_state["gates_of"] = chosen if chosen in gated else gated[-1]
    if len(gated) > 1:

        def change(name):
            st.session_state["gates_of"] = name
            state.touch()

        bound = state.controlled(f"gates_of_{current()}_{'_'.join(gated)}", chosen, change)
        st.segmented_control(
            say("training.gates_of"), gated, format_func=lambda name: say(f"network.{name}"), required=True, **bound
        )
    return chosen


def _gradients(found, now, scrub: Scrub) -> None:
    t, training = scrub.t, scrub.training
    rows = {name: [(seen.after, seen.reach["h"]) for seen in course.pictures] for name, course in found.items()}
    figure = maps(rows, training.T, training.updates, scrub.every, speaker())
    alt = say("training.map_alt", names=", ".join(say(f"network.{name}") for name in rows), T=training.T)
    cursor = (t, _row(scrub))
    title = say("training.gradient_map")
    exhibit("gradient_map", figure, alt, training, title=title, caption=False, cursor=cursor, on_click=scrub.go)

    births = {name: course.pictures[0].reach["h"] for name, course in found.items() if course.pictures}
    reaches = {name: seen.reach["h"] for name, seen in now.items()}
    figure = over_steps(reaches, training.T, "gradient_log", speaker(), births=births)
    listed = "; ".join(
        say("training.one_reach", network=say(f"network.{name}"), birth=_power(births[name], t), now=_power(row, t))
        for name, row in reaches.items()
    )
    after = max((seen.after for seen in now.values()), default=0)
    exhibit(
        "gradient_steps",
        figure,
        say("training.reach_sentence", t=t, update=after, reaches=listed),
        training,
        title=say("training.gradient_steps", update=after),
        cursor=(t, 1),
        on_click=lambda step, _: scrub.go(step),
    )
    lines = {name: _at_step(course, "reach", "h", t) for name, course in found.items()}
    figure = over_updates(lines, training.updates, "gradient_log", speaker(), now=scrub.update)
    ends = _listed(lines, ten_to)
    exhibit(
        "gradient_updates",
        figure,
        say("training.updates_sentence", t=t, ends=ends),
        training,
        title=say("training.gradient_updates", t=t),
    )


def _gates(course: Course, seen, name: str, scrub: Scrub) -> None:
    t, training, network = scrub.t, scrub.training, say(f"network.{name}")
    gates = list(course.pictures[0].gates)
    rows = {gate: [(picture.after, picture.gates[gate]) for picture in course.pictures] for gate in gates}
    figure = maps(rows, training.T, training.updates, scrub.every, speaker())
    symbols = ", ".join(plain(say(f"symbol.{gate}")) for gate in gates)
    alt = say("training.gate_map_alt", names=symbols, network=network, T=training.T)
    title = say("training.gate_map", network=network)
    cursor = (t, _row(scrub))
    exhibit("gate_map", figure, alt, training, title=title, caption=False, cursor=cursor, on_click=scrub.go)

    seen = seen or course.pictures[0]
    figure = over_steps(seen.gates, training.T, "gate", speaker(), births=course.pictures[0].gates)
    values = ", ".join(f"{plain(say(f'symbol.{gate}'))} = {_value(seen.gates[gate], t)}" for gate in gates)
    exhibit(
        "gate_steps",
        figure,
        say("training.gates_sentence", network=network, t=t, update=seen.after, values=values),
        training,
        title=say("training.gate_steps", update=seen.after),
        cursor=(t, 1),
        on_click=lambda step, _: scrub.go(step),
    )
    lines = {gate: _at_step(course, "gates", gate, t) for gate in gates}
    figure = over_updates(lines, training.updates, "gate", speaker(), now=scrub.update)
    ends = ", ".join(f"{plain(say(f'symbol.{gate}'))} = {text(y[-1])}" for gate, (_, y) in lines.items() if len(y))
    exhibit(
        "gate_updates",
        figure,
        say("training.updates_sentence", t=t, ends=ends),
        training,
        title=say("training.gate_updates", t=t),
    )


def _row(scrub: Scrub) -> int:
    return -(-scrub.update // scrub.every) * scrub.every


def _at_step(course: Course, what: str, name: str, t: int) -> tuple[np.ndarray, np.ndarray]:
    """(updates, values) of one step of the pictures, as far as their sequences reach it."""
    rows = [(seen.after, getattr(seen, what)[name]) for seen in course.pictures]
    found = [(after, row[t - 1]) for after, row in rows if t <= len(row)]
    return np.array([after for after, _ in found]), np.array([value for _, value in found])


def _power(row: np.ndarray, t: int) -> str:
    return ten_to(row[t - 1]) if t <= len(row) else "–"


def _value(row: np.ndarray, t: int) -> str:
    return text(row[t - 1]) if t <= len(row) else "–"
