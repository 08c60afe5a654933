"""A visitor's training under way: started, watched, paused, taken up again, stopped, rewound.

The networks are trained by jobs (`explorer.training.racing`), each from a state to an update. What the visitor has of
them, the news and the last state put away, is kept here, so that a page can be left and come back to.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic, sleep

import streamlit as st
from cachetools import LRUCache, cached

from explorer.jobs import Full, Job, Task
from explorer.training import Training, TrainingRun, load
from explorer.training.racing import Course, Picture, courses, entered, entries_of, picture, race, stopped
from explorer.training.specification import VOLUME
from explorer.ui import state
from explorer.ui.waiting import office, visitor

SLOT = "training"
LATE = 2.0  # seconds that a pause waits for news which have been sent already


@dataclass
class Study:
    """What the visitor has of one training.

    entries   (name, settings as JSON) of each network: what it is a study of
    parts     all that was told until the state `saved`, or during the job that is under way
    saved     where each network stood before the job; none is at birth
    kept      how many of the parts belong to that state
    until     the update up to which the last job went or goes
    task      the job, None if nothing is under way
    ended     it was stopped: it can be looked at, and started anew
    problem   what went wrong with the last one: "full", "lost" or a `Job.problem`
    """

    entries: tuple[tuple[str, str], ...]
    parts: tuple = ()
    saved: tuple[bytes, ...] = ()
    kept: int = 0
    until: int = 0
    task: Task | None = None
    ended: bool = False
    problem: tuple[str, str] = ("", "")

    @property
    def trainings(self) -> dict[str, Training]:
        return {name: Training.from_json(text)[0] for name, text in self.entries}

    @property
    def courses(self) -> dict[str, Course]:
        return courses({name: birth(text) for name, text in self.entries}, self.parts)

    @property
    def made(self) -> int:
        """Updates made by the network that has gone furthest."""
        if not self.parts:
            return 0
        return max(piece.last for piece in self.parts[-1].values())

    @property
    def finished(self) -> bool:
        """All updates are made, or every network has exploded."""
        planned = next(iter(self.trainings.values())).updates
        return self.made >= planned or (bool(self.parts) and all(p.exploded for p in self.parts[-1].values()))

    @property
    def stands(self) -> tuple:
        """What tells this study, as it was put away, from any other."""
        return self.entries, *(hashlib.sha1(data).hexdigest() for data in self.saved)

    def runs(self) -> dict[str, TrainingRun]:
        """The networks as they stood when they were put away; at birth, if they never were."""
        if not self.saved:
            return {name: TrainingRun(training) for name, training in self.trainings.items()}
        return {name: load(data) for (name, _), data in zip(self.entries, self.saved)}


@cached(LRUCache(512), lock=Lock())
def birth(settings: str) -> Picture | None:
    """A network before its first update, its score from more sequences: with 8 a guess may look clever."""
    run = TrainingRun(Training.from_json(settings)[0])
    seen, a_sequence = picture(run), run.task.steps(run.distance) * run.training.H * run.training.layers
    return seen and replace(seen, score=run.score(run.distance, max(8, min(256, VOLUME // a_sequence))))


def room() -> int:
    """The most that T · B · H · layers may be: a setting of the server, EXPLORER_VOLUME.

    Raises ValueError, in one sentence, for what is no whole number in its bounds.
    """
    given = os.environ.get("EXPLORER_VOLUME", str(VOLUME))
    if not given.isdecimal() or not 1 <= int(given) <= VOLUME:
        raise ValueError(f"EXPLORER_VOLUME must be a whole number from 1 to {VOLUME}, but is {given!r}")
    return int(given)


def study() -> Study:
    """The study of the settings that are chosen; other settings begin another one."""
    entries = entries_of(entered(state.training(), state.entrants()))
    kept = st.session_state.get("study")
    if kept is None or kept.entries != entries:
        if kept is not None:
            office().cancel(visitor(), SLOT)
        kept = st.session_state["study"] = Study(entries)
    return kept


def watch(study: Study) -> Job | None:
    """Hear the news; how the job stands, None if nothing is under way."""
    if study.task is None:
        return None
    job = office().look(study.task, visitor(), SLOT)
    if job is None:  # the server has taken us for gone
        _back(study, ("lost", ""))
        return None
    study.parts = study.parts[: study.kept] + job.parts
    if job.state == "failed":
        office().forget(study.task)  # so that it can be tried again
        _back(study, job.problem)
    elif job.state == "done":
        _, study.saved = stopped(job.folder)
        study.kept, study.task = len(study.parts), None
    return job


def start(study: Study, until: int) -> None:
    """Train on up to an update; what was stopped, from the beginning."""
    if study.ended:
        rewind(study)
    state.touch()
    study.problem = ("", "")
    study.kept, study.until = len(study.parts), until
    task = Task(race, (study.entries, study.saved, until))
    try:
        office().start(task, visitor(), SLOT)
    except Full:
        study.problem = ("full", "")
    else:
        study.task = task


def pause(study: Study) -> None:
    """End the job and keep what it has put away last, with the news up to there."""
    state.touch()
    job = watch(study)
    if job is None or study.task is None:
        return
    number, saved = stopped(job.folder)
    end = monotonic() + LATE
    while job is not None and len(job.parts) < number and monotonic() < end:
        sleep(0.01)
        job = office().look(study.task, visitor(), SLOT)
    heard = job.parts[:number] if job else ()
    office().cancel(visitor(), SLOT)
    study.parts = study.parts[: study.kept] + heard
    study.saved, study.kept, study.task = saved or study.saved, len(study.parts), None


def stop(study: Study) -> None:
    """End it where it is."""
    pause(study)
    study.ended = study.made > 0 and not study.finished


def rewind(study: Study) -> None:
    """Back to the weights it started from."""
    state.touch()
    office().cancel(visitor(), SLOT)
    study.parts, study.saved, study.kept, study.task, study.ended, study.problem = (), (), 0, None, False, ("", "")


def _back(study: Study, problem: tuple[str, str]) -> None:
    """To where the job began."""
    study.parts, study.task, study.problem = study.parts[: study.kept], None, problem
