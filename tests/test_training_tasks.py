"""Each task says what it should: answers worked out again from what is read, guesses by simulation."""

from itertools import product

import numpy as np
import pytest

from explorer.training.losses import LOSSES
from explorer.training.tasks import TASKS

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def answers_again(task, x):
    """{step: what is wanted there} of one sequence x (T, D), from the rules of the task alone."""
    T = len(x)
    if task == "recall":
        return {T - 1: x[0, :4].tolist().index(1)}
    if task == "adding":
        first, second = (value for value, mark in x if mark == 1)
        return {T - 1: first + second}
    if task == "copy":
        symbols = [row.tolist().index(1) for row in x]
        assert symbols[-6] == 9 and set(symbols[5:-6]) <= {8} and set(symbols[-5:]) == {8}
        return dict(zip(range(T - 5, T), symbols[:5]))
    if task == "order":
        seen = "".join("XYabcd"[row.tolist().index(1)] for row in x if row[:2].any())
        return {T - 1: ["XX", "XY", "YX", "YY"].index(seen)}
    if task == "parity":
        odd, answers = False, {}
        for t, bit in enumerate(x[:, 0]):
            odd ^= bool(bit)
            answers[t] = int(odd)
        return answers
    if task == "brackets":
        open_ones, answers = [], {}
        for t, (opens, _) in enumerate(x):
            if opens:
                open_ones.append(t)
            else:
                open_ones.pop()  # one that closes nothing is an IndexError
            answers[t] = len(open_ones)
        return answers
    text = "".join("ab"[row.tolist().index(1)] if row.any() else " " for row in x)
    n = text.count("a")
    assert text.rstrip() == "a" * n + "b" * n
    return {t: int(t == 2 * n - 1) for t in range(n, 2 * n)}


@every_task
def test_answers_follow_from_what_is_read(task):
    for distance in {task.distances[0], 11, task.distances[2]}:
        batch = task.batch(4, distance, 40)
        T = task.steps(distance)
        assert batch.x.shape == (T, 40, task.D) and batch.scored.shape == batch.wanted.shape == (T, 40)
        for b in range(40):
            again = answers_again(task.name, batch.x[:, b])
            assert set(again) == set(np.flatnonzero(batch.scored[:, b]))
            assert [batch.wanted[t, b] for t in again] == pytest.approx(list(again.values()), abs=1e-15)


@every_task
def test_every_answer_comes_up(task):
    wanted = (batch := task.batch(0, 20, 500)).wanted[batch.scored]
    if task.loss == "mse":
        assert wanted.std() > 0.3
    else:
        assert set(wanted) == set(range(max(2, task.K)))


def test_the_count_is_what_is_open():
    for name, (up, down) in {"brackets": (0, 1), "anbn": (0, 1)}.items():
        batch = TASKS[name].batch(3, 12, 30)
        open_ones = (batch.x[:, :, up] - batch.x[:, :, down]).cumsum(axis=0)
        counted = ~np.isnan(batch.count)
        assert np.array_equal(batch.count[counted], open_ones[counted])
        assert np.array_equal(counted, batch.x.any(axis=2))


@every_task
def test_the_same_seed_draws_the_same_and_another_another(task):
    one, same, other = (task.batch(seed, 12, 8) for seed in ([1, 5], [1, 5], [1, 6]))
    assert np.array_equal(one.x, same.x) and np.array_equal(one.wanted, same.wanted)
    assert not np.array_equal(one.x, other.x)


@every_task
def test_no_blind_answer_scores_more_than_guessing(task):
    """The best answer a step that a look at 40,000 sequences finds, tried on others: no input is looked at."""
    distance = 12
    learn, test = task.batch(1, distance, 40_000), task.batch(2, distance, 40_000)
    if task.together:
        return  # all of an answer's steps belong together: below
    steps = [t for t in range(task.steps(distance)) if learn.scored[t].any()]
    best = {}
    for t in steps:
        values = np.unique(learn.wanted[t]) if task.name != "adding" else np.linspace(0, 2, 101)
        shares = [task.right(said(task, value, 1).repeat(40_000, axis=0), learn.wanted[t]).mean() for value in values]
        best[t] = values[int(np.argmax(shares))]
    shares = [task.right(said(task, best[t], 1).repeat(40_000, axis=0), test.wanted[t]).mean() for t in steps]
    assert task.guess(distance) == pytest.approx(np.mean(shares), abs=0.006)


def said(task, value, N):
    """N answers that say the value."""
    if task.loss == "mse":
        return np.full((N, 1), float(value))
    return np.full((N, 1), value - 0.5) if task.K == 1 else np.eye(task.K)[np.full(N, int(value))]


@pytest.mark.parametrize("distance", range(1, 8))
def test_no_plan_of_ends_is_right_for_more_strings(distance):
    """aⁿbⁿ: every plan that says b or end at each step, whatever it reads."""
    task, T = TASKS["anbn"], 2 * distance
    batch = task.batch(1, distance, 300)
    one_of_each = [int(np.flatnonzero(batch.scored.sum(axis=0) == n)[0]) for n in range(1, distance + 1)]
    scored, wanted = batch.scored[:, one_of_each], batch.wanted[:, one_of_each]
    plans = np.array(list(product((0, 1), repeat=T)))[:, :, None]
    best = ((plans == wanted) | ~scored).all(axis=1).mean(axis=1).max()
    assert task.guess(distance) == pytest.approx(best)


@every_task
def test_the_loss_of_guessing_is_the_least_a_blind_answer_costs(task):
    distance = 12
    batch = task.batch(3, distance, 40_000)
    costs, weights = [], []
    for t in range(task.steps(distance)):
        wanted = batch.wanted[t][batch.scored[t]]
        if not len(wanted):
            continue
        if task.loss == "mse":
            cost = LOSSES["mse"](np.full((len(wanted), 1), wanted.mean()), wanted[:, None])[0]
        elif task.loss == "cross_entropy":
            share = np.bincount(wanted, minlength=task.K) / len(wanted)
            cost = LOSSES["cross_entropy"](np.log(np.maximum(share, 1e-300))[None].repeat(len(wanted), 0), wanted)[0]
        else:
            odds = np.log(wanted.mean() / (1 - wanted.mean()))
            cost = LOSSES["binary_cross_entropy"](np.full((len(wanted), 1), odds), wanted[:, None])[0]
        costs.append(cost)
        weights.append(len(wanted))
    assert task.guess_loss(distance) == pytest.approx(np.average(costs, weights=weights), rel=0.02)


@every_task
def test_right_answers_score_1(task):
    batch = task.batch(9, 12, 20)
    wanted = batch.wanted[batch.scored]
    answers = np.concatenate([said(task, value, 1) for value in wanted])
    assert task.score(answers, batch) == 1
    wrong = answers.copy()
    wrong[0] = -wrong[0] + 1 if task.K > 1 else wrong[0] + (-9 if wrong[0] > 0 else 9)
    assert task.score(wrong, batch) == pytest.approx(1 - 1 / (20 if task.together else len(wanted)))


def test_a_distance_or_a_number_of_sequences_that_cannot_be_is_answered():
    with pytest.raises(ValueError, match="distance of order must be a whole number from 10 to 2000000, but is 3"):
        TASKS["order"].batch(0, 3, 4)
    for B in (0, 2000):
        with pytest.raises(ValueError, match=f"B must be a whole number from 1 to 1000, but is {B}"):
            TASKS["order"].batch(0, 2000, B)
