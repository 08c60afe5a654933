"""Networks side by side as a job: nothing lost on the way, paused and taken up again bit by bit, bounded."""

import pickle
from itertools import pairwise

import numpy as np
import pytest

from explorer.measures import norm
from explorer.training import Training, TrainingRun, load
from explorer.training.racing import (
    ENTRANTS,
    LEAST,
    NEWS,
    SLOWER,
    Entrants,
    Picture,
    Piece,
    courses,
    entered,
    entries_of,
    picture,
    race,
    spacing,
    stopped,
)
from explorer.training.runs import look
from explorer.training.studies import STUDIES
from explorer.worker import MOST, Report

SMALL = Training(distance=6, H=5, B=4, updates=30, rate=0.02)
NAMES = ("rnn_tanh", "gru", "lstm", "lstm_chrono")


class Left(Exception):
    """The visitor has left: the process is no more."""


class Heard(Report):
    """A report whose messages are kept; it leaves at a message if told to."""

    def __init__(self, folder, leave=None):
        super().__init__(folder, self._keep)
        self.parts, self.shares, self.leave = [], [], leave

    def _keep(self, message):
        kind, what = pickle.loads(message)
        {"part": self.parts, "done": self.shares}[kind].append(what)
        if len(self.parts) == self.leave:
            raise Left


def entries(training=SMALL, names=NAMES):
    return entries_of(entered(training, names))


@pytest.fixture
def often(monkeypatch):
    """News after every update."""
    monkeypatch.setattr("explorer.training.racing.NEWS", -1e9)
    monkeypatch.setattr("explorer.training.racing.monotonic", lambda: 0.0)


def births(training=SMALL, names=NAMES):
    return {name: picture(TrainingRun(t)) for name, t in entered(training, names).items()}


def same(one: TrainingRun, other: TrainingRun) -> bool:
    return (
        one.count == other.count
        and one.vector.tobytes() == other.vector.tobytes()
        and all(one.memory[name].tobytes() == other.memory[name].tobytes() for name in one.memory)
        and np.array_equal(one.history["score"], other.history["score"])
    )


def test_each_network_goes_the_way_that_it_goes_alone(tmp_path, often):
    report = Heard(tmp_path)
    assert race(report, entries(), (), SMALL.updates) == len(report.parts) == SMALL.updates + 1
    number, saved = stopped(tmp_path)
    assert number == len(report.parts)
    found = courses(births(), report.parts)
    for (name, training), data in zip(entered(SMALL, NAMES).items(), saved, strict=True):
        alone = TrainingRun(training)
        records = list(alone.advance())
        assert same(load(data), alone)
        course = found[name]
        for what in ("loss", "score"):
            wanted = np.array([getattr(record, what) for record in records], np.float32)
            np.testing.assert_array_equal(getattr(course, what), wanted)
        assert [seen.after for seen in course.pictures] == list(range(SMALL.updates + 1))
        assert course.learnt == alone.learnt and not course.exploded


@pytest.mark.parametrize("at", [1, 2, 9])
def test_one_that_was_ended_goes_on_bit_by_bit(tmp_path, often, at):
    through = Heard(tmp_path)
    race(through, entries(), (), SMALL.updates)
    _, wanted = stopped(tmp_path)
    (tmp_path / "first").mkdir()
    first = Heard(tmp_path / "first", leave=at)
    with pytest.raises(Left):
        race(first, entries(), (), SMALL.updates)
    number, saved = stopped(first.folder)
    assert number == at and [load(data).count for data in saved] == [at] * len(NAMES)
    (tmp_path / "second").mkdir()
    second = Heard(tmp_path / "second")
    race(second, entries(), saved, SMALL.updates)
    _, now = stopped(second.folder)
    assert all(same(load(one), load(other)) for one, other in zip(now, wanted, strict=True))
    one, other = (courses(births(), parts) for parts in (first.parts + second.parts, through.parts))
    for name in NAMES:
        np.testing.assert_array_equal(one[name].loss, other[name].loss)
        assert [seen.after for seen in one[name].pictures] == [seen.after for seen in other[name].pictures]
        for mine, theirs in zip(one[name].pictures, other[name].pictures, strict=True):
            np.testing.assert_array_equal(mine.reach["h"], theirs.reach["h"])


def test_single_updates_lead_the_same_way(tmp_path):
    saved = ()
    for until in (1, 2, 3):
        race(Heard(tmp_path), entries(), saved, until)
        _, saved = stopped(tmp_path)
    for data, training in zip(saved, entered(SMALL, NAMES).values(), strict=True):
        alone = TrainingRun(training)
        list(alone.advance(3))
        assert same(load(data), alone)


def test_news_are_thinned_and_progress_is_told(tmp_path):
    report = Heard(tmp_path)
    race(report, entries(SMALL.replace(updates=200), ["gru"]), (), 200)
    assert len(report.parts) < 40 and NEWS >= 0.25, "at most four times a second"
    assert sum(part["gru"].numbers.shape[1] for part in report.parts) == 200
    assert report.shares == sorted(report.shares) and 0 < report.shares[0] <= 1
    assert all(one["gru"].last + 1 == other["gru"].first for one, other in pairwise(report.parts))


def test_nothing_has_been_put_away_before_the_first_news(tmp_path):
    assert stopped(tmp_path) == (0, ())


def test_a_network_that_explodes_ends_and_the_others_go_on(tmp_path):
    wild = Training(distance=99, H=8, B=2, clip="none", gain=4.0, scheme="identity", updates=5, dtype="float32")
    report = Heard(tmp_path)
    race(report, entries(wild, ("rnn_relu", "lstm")), (), 5)
    found = courses(births(wild, ("rnn_relu", "lstm")), report.parts)
    assert len(found["lstm"]) == 5 and not found["lstm"].exploded
    assert found["rnn_relu"].exploded and len(found["rnn_relu"]) < 5
    _, saved = stopped(tmp_path)
    race(Heard(tmp_path), entries(wild, ("rnn_relu", "lstm")), saved, 5)  # nothing is left to do, and nothing breaks


def test_a_picture_is_of_sequences_never_trained_on_and_of_the_weights_of_then():
    run = TrainingRun(entered(SMALL, ["lstm"])["lstm"])
    seen = look(run.model, run.weights, run.task, run.probe())
    drawn = picture(run)
    assert (drawn.after, drawn.loss) == (0, seen.loss)
    [grads], [trace] = seen.reached.grads, seen.memory.traces
    wanted = np.log10(np.sqrt((norm(grads.state["c"]) ** 2).sum(axis=1)))
    np.testing.assert_allclose(drawn.reach["c"], wanted, rtol=1e-5)
    assert set(drawn.gates) == {"i", "f", "o"}
    np.testing.assert_allclose(drawn.gates["f"], trace["f"].mean(axis=(1, 2)), rtol=1e-6)
    assert set(picture(TrainingRun(entered(SMALL, ["gru"])["gru"])).gates) == {"r", "z"}
    assert not picture(TrainingRun(entered(SMALL, ["rnn_sigmoid"])["rnn_sigmoid"])).gates


def test_a_picture_of_nothing_at_all_is_the_least_number():
    run = TrainingRun(entered(SMALL.replace(gain=0.0), ["rnn_tanh"])["rnn_tanh"])
    assert picture(run).reach["h"][0] == LEAST  # what came before the last step reaches nobody


def test_the_largest_training_stays_below_what_a_job_may_answer():
    """20,000 updates of all networks at the greatest distance for an hour, with all their pictures."""
    training = Training(distance=400, H=1, B=1, updates=20_000)
    elapsed, parts = 0.0, 0
    while elapsed < 3600:
        elapsed, parts = elapsed + max(NEWS, SLOWER * elapsed), parts + 1
    every, row, sent = spacing(training), np.zeros(training.T, np.float32), 0
    for part in range(parts):
        first, last = (round(training.updates * (part + k) / parts) for k in (0, 1))
        news = {}
        for name in ENTRANTS:
            reach = dict.fromkeys("hc" if "lstm" in name else "h", row)
            gates = dict.fromkeys({"r": "", "g": "rz", "l": "ifo"}[name[0]], row)
            due = [after for after in range(first + 1, last + 1) if after % every == 0]
            pictures = tuple(  # arrays of their own: one that is sent twice is sent by its name
                Picture(after, 0.0, 0.0, *({q: row.copy() for q in rows} for rows in (reach, gates))) for after in due
            )
            news[name] = Piece(first + 1, np.zeros((2, last - first), np.float32), pictures, None, False)
        sent += len(pickle.dumps(("part", news), protocol=5))
    assert MOST // 4 < sent < MOST


def test_numbers_that_nobody_sent_are_missing_and_not_invented():
    def piece(first, *loss):
        return {"gru": Piece(first, np.array([loss, loss], np.float32), (), None, False)}

    course = courses({"gru": None}, [piece(1, 5, 4), piece(4, 2)])["gru"]
    np.testing.assert_array_equal(course.loss, [5, 4, np.nan, 2])


def test_entrants_differ_in_what_their_names_say_and_in_nothing_else():
    found = entered(Training(forget_bias=2.0, seed=7), ENTRANTS)
    assert {t.seed for t in found.values()} == {7} and {t.distance for t in found.values()} == {50}
    assert found["lstm"].forget_bias == 2 and found["lstm_shut"].forget_bias == 0 and found["lstm_chrono"].chrono
    assert Entrants().names == ("rnn_tanh", "gru", "lstm")


@pytest.mark.parametrize("name", STUDIES)
def test_a_question_is_a_link(name):
    training, entrants = STUDIES[name]
    assert Training.from_query(training.to_query()) == (training, ())
    assert set(entrants.names) <= set(ENTRANTS)
    assert entered(training, entrants.names)
