"""Networks that are trained side by side on the same batches, as a job that streams what happens.

A job goes from a state to an update. It is paused by ending it: each piece of news is sent after the state that
belongs to it has been put away in the job's folder, and from there another job goes on bit by bit.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import MappingProxyType

import numpy as np

from explorer.measures import norm
from explorer.replacing import patiently, put_in_place
from explorer.settings import Several, setting
from explorer.training.models import views
from explorer.training.runs import QUIET, Exploded, TrainingRun, look
from explorer.training.saving import load, save
from explorer.training.specification import Training

PICTURES, COLUMNS = 128, 20_000  # of a whole training, evenly spread; steps that all of them may have together
NEWS, SLOWER = 0.4, 0.02  # seconds from one piece of news to the next; of the time since the start, if that is more
PLACE = "state"
LEAST = -324.0  # log₁₀ of what is below the range of floats

ENTRANTS: Mapping[str, Mapping] = MappingProxyType(
    {
        "rnn_tanh": {"cell": "rnn", "activation": "tanh"},
        "rnn_relu": {"cell": "rnn", "activation": "relu"},
        "rnn_sigmoid": {"cell": "rnn", "activation": "sigmoid"},
        "gru": {"cell": "gru", "activation": "tanh"},
        "lstm": {"cell": "lstm", "activation": "tanh"},
        "lstm_shut": {"cell": "lstm", "activation": "tanh", "forget_bias": 0.0, "chrono": False},
        "lstm_chrono": {"cell": "lstm", "activation": "tanh", "forget_bias": 0.0, "chrono": True},
    }
)


@dataclass(frozen=True)
class Entrants:
    """The networks that are trained side by side."""

    names: tuple[str, ...] = setting(("rnn_tanh", "gru", "lstm"), Several("nets", tuple(ENTRANTS)))


def entered(training: Training, names: Iterable[str]) -> dict[str, Training]:
    """The same task, batches, sizes and seed for some of the ENTRANTS, {name: training}."""
    return {name: training.replace(**ENTRANTS[name]) for name in names}


def entries_of(trainings: Mapping[str, Training]) -> tuple[tuple[str, str], ...]:
    """What `race` takes: (name, settings as JSON) each."""
    return tuple((name, training.to_json()) for name, training in trainings.items())


@dataclass(frozen=True, eq=False)
class Picture:
    """A network after some updates, seen on the same few sequences each time.

    after   updates made; 0 is at birth
    loss, score   of these sequences
    reach   state -> (T,), log₁₀ of the norm of the total ∂L/∂ of the last layer's state at each step
    gates   gate -> (T,), how far it stands open at each step, averaged over units and sequences
    """

    after: int
    loss: float
    score: float
    reach: Mapping[str, np.ndarray]
    gates: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Piece:
    """What one network has done since the piece before.

    numbers   loss and score of the updates first, first + 1, … (from 1), (2, updates)
    """

    first: int
    numbers: np.ndarray
    pictures: tuple[Picture, ...]
    learnt: int | None
    exploded: bool

    @property
    def last(self) -> int:
        """The last update that was made."""
        return self.first - 1 + self.numbers.shape[1]


@dataclass(frozen=True, eq=False)
class Course:
    """All that is known of one network's training so far.

    loss, score   of every update, (updates,)
    pictures      the first is at birth
    learnt        the update after which the task counts as learnt, or None
    exploded      a number was no longer finite; the update that did it is the last one
    """

    loss: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    score: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    pictures: tuple[Picture, ...] = ()
    learnt: int | None = None
    exploded: bool = False

    def __len__(self) -> int:
        return len(self.loss)

    def picture(self, after: int) -> Picture | None:
        """The last one that is not later than so many updates."""
        return next((seen for seen in reversed(self.pictures) if seen.after <= after), None)


def courses(births: Mapping[str, Picture | None], parts: Sequence[Mapping[str, Piece]]) -> dict[str, Course]:
    """The pieces put together, {name: course}; a number that nobody sent is NaN."""
    return {name: _course(birth, [part[name] for part in parts if name in part]) for name, birth in births.items()}


def _course(birth: Picture | None, pieces: Sequence[Piece]) -> Course:
    first = () if birth is None else (birth,)
    if not pieces:
        return Course(pictures=first)
    last = pieces[-1]
    numbers = np.full((2, last.last), np.nan, np.float32)
    for piece in pieces:
        numbers[:, piece.first - 1 : piece.last] = piece.numbers
    pictures = tuple(seen for piece in pieces for seen in piece.pictures)
    return Course(*numbers, pictures=first + pictures, learnt=last.learnt, exploded=last.exploded)


def spacing(training: Training) -> int:
    """Updates from one picture to the next: of a long sequence there are fewer."""
    return -(-training.updates // min(PICTURES, COLUMNS // training.T))


def picture(run: TrainingRun) -> Picture | None:
    """The network as it is now, on sequences that it is never trained on; None where its numbers are not finite."""
    probe = run.probe(run.distance)
    try:
        with np.errstate(**QUIET):
            seen = look(run.model, views(run.vector.astype(float), run.model.shapes), run.task, probe)
    except Exploded:
        return None
    [trace], [grads] = seen.memory.traces, seen.reached.grads
    with np.errstate(divide="ignore", **QUIET):
        reach = {q: np.log10(np.linalg.norm(norm(grads.state[q]), axis=1)) for q in grads.state}
    if not all(np.all(row < np.inf) for row in reach.values()):
        return None
    ranges = trace.cell.ranges(trace.options)
    gates = [q for q in trace.cell.gates if q not in trace.cell.states and ranges[q] == (0, 1)]
    return Picture(
        run.count,
        seen.loss,
        seen.score,
        {q: np.maximum(row, LEAST).astype(np.float32) for q, row in reach.items()},
        {q: trace[q].mean(axis=(1, 2)).astype(np.float32) for q in gates},
    )


class _Journal:
    """What one network does between two pieces of news."""

    def __init__(self, run: TrainingRun):
        self.run, self.every = run, spacing(run.training)
        self.records, self.pictures, self.first = [], [], run.count + 1

    def step(self) -> None:
        self.records.append(self.run.step())
        self.run.history.pictures.clear()  # they travel as news, not with the state
        if self.run.count % self.every == 0 or self.run.finished:
            self.pictures += [seen for seen in [picture(self.run)] if seen]

    def told(self) -> Piece:
        """All since the last time."""
        run, numbers = self.run, np.array([(r.loss, r.score) for r in self.records], np.float32).reshape(-1, 2).T
        piece = Piece(self.first, numbers, tuple(self.pictures), run.learnt, run.exploded)
        self.records, self.pictures, self.first = [], [], run.count + 1
        return piece


def race(report, entries: Sequence[tuple[str, str]], saved: Sequence[bytes], until: int) -> int:
    """Train side by side, one update of each in turn, up to an update; a job for `explorer.jobs`.

    report    a `worker.Report`; a part is {name: Piece}, and before it is sent the folder holds what `stopped` reads
    entries   (name, a Training as JSON) each
    saved     where each stood, as `TrainingRun`s put away; none is from the start

    Returns how many parts it has sent. Raises ValueError for what is no training.
    """
    runs = {name: TrainingRun(Training.from_json(text)[0]) for name, text in entries}
    if saved:
        runs = {name: load(data) for name, data in zip(runs, saved, strict=True)}
    journals = {name: _Journal(run) for name, run in runs.items()}
    planned = sum(max(0, until - run.count) for run in runs.values())
    made, sent, started = 0, 0, monotonic()
    next_news = started

    def tell() -> int:
        _put_away(report.folder / PLACE, sent + 1, runs)
        report.part({name: journal.told() for name, journal in journals.items()})
        return sent + 1

    while going := [j for j in journals.values() if j.run.count < until and not j.run.finished]:
        for journal in going:
            journal.step()
        made += len(going)
        report.done(made / planned)
        if monotonic() >= next_news:
            began = monotonic()
            sent = tell()
            now = monotonic()
            next_news = now + max(NEWS, 10 * (now - began), SLOWER * (now - started))
    return tell()


def _put_away(place: Path, number: int, runs: Mapping[str, TrainingRun]) -> None:
    """Write the state that belongs to a part; who reads meanwhile finds the one before, whole."""
    new = place.with_suffix(".new")
    new.write_bytes(pickle.dumps((number, tuple(save(run) for run in runs.values())), protocol=5))
    put_in_place(new, place)


def stopped(folder: Path) -> tuple[int, tuple[bytes, ...]]:
    """(parts sent until then, where each network stood) of a race, even of one that is under way; (0, ()) before."""
    try:
        return pickle.loads(patiently((folder / PLACE).read_bytes))
    except FileNotFoundError:
        return 0, ()
