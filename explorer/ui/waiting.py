"""A job on a page: asked for, waited for, watched, stopped. The engine of it is `explorer.jobs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.jobs import Full, Job, Jobs, Limits, Task
from explorer.ui import language, state
from explorer.ui.language import literal, say

PAUSES = {"waiting": 2.0, "running": 1.0}  # seconds between two looks


@cache
def office() -> Jobs:
    """The jobs of this server. A visitor is there as long as the tab is open, on whatever page."""
    return Jobs(Limits.of_server(), here=_is_there)


def _is_there(visitor: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(visitor)


def visitor() -> str:
    """This tab."""
    return get_script_run_ctx().session_id


def look(task: Task, slot: str) -> Job | None:
    """How a task stands, None if this tab has not asked for it and nobody has finished it."""
    return office().look(task, visitor(), slot)


def watch(
    task: Task,
    slot: str,
    offer: str,
    draw: Callable[[Job | None], None],
    *,
    at_once: bool = False,
    pauses: Mapping[str, float] = PAUSES,
) -> None:
    """What the task means, and one line on how it stands, with what can be done about it; below it what `draw` makes
    of it, again and again until it is over.

    slot     of the page: a tab has one unfinished job a slot
    offer    what starting it would mean, in words
    at_once  whether to start it without being asked; never again after a cancel
    pauses   seconds between two looks, by the state of the job
    """
    st.markdown(offer)
    if at_once and look(task, slot) is None and st.session_state.get(f"stopped_{slot}") != task:
        _ask(task, slot)
    now = look(task, slot)
    state_drawn = now and now.state

    @st.fragment(run_every=pauses.get(state_drawn))
    def live():
        language.choose(state.view().lang)
        job = look(task, slot)
        if (job and job.state) != state_drawn:
            st.rerun()
        with st.container(key=f"job_{slot}", horizontal=True, vertical_alignment="center"):
            _line(job, task, slot)
        draw(job)
        state.publish()  # what was changed in the picture: a fragment runs without the frame

    live()


def _line(job: Job | None, task: Task, slot: str) -> None:
    press = {}
    if job is None:
        if st.session_state.pop(f"full_{slot}", None):
            st.warning(say("job.full"))
        press = {"label": say("job.start"), "on_click": _start, "type": "primary"}
    elif job.state == "failed":
        st.warning(problem(job))
        press = {"label": say("job.again"), "on_click": _again, "type": "primary"}
    elif job.state == "done":
        st.markdown(say("job.done", seconds=duration(job.seconds)))
    else:
        said = say("job.waiting", place=job.place) if job.state == "waiting" else progress(job)
        st.progress(job.share, said)
        press = {"label": say("job.cancel"), "on_click": _stop}
    if press:
        st.button(press.pop("label"), key=f"press_{slot}", args=(task, slot), **press)


def _start(task: Task, slot: str) -> None:
    state.touch()
    _ask(task, slot)


def _ask(task: Task, slot: str) -> None:
    try:
        office().start(task, visitor(), slot)
    except Full:
        st.session_state[f"full_{slot}"] = True


def _stop(task: Task, slot: str) -> None:
    state.touch()
    st.session_state[f"stopped_{slot}"] = task
    office().cancel(visitor(), slot)


def _again(task: Task, slot: str) -> None:
    office().forget(task)
    _start(task, slot)


def progress(job: Job) -> str:
    """How far a running job is, in words."""
    share = f"{100 * job.share:.0f}"
    if job.left is None:
        return say("job.running", share=share)
    return say("job.running_left", share=share, left=duration(job.left))


def problem(job: Job) -> str:
    """Why a job failed, in a sentence."""
    kind, details = job.problem
    limits = office().limits
    return say(f"job.{kind}", details=literal(details), memory=limits.memory, time=duration(limits.seconds))


def duration(seconds: float) -> str:
    """A time to wait, in words: 12 s, 3 min."""
    if seconds < 90:
        return say("job.seconds", count=max(1, round(seconds)))
    return say("job.minutes", count=round(seconds / 60))
