"""The training on reviews: what it learns, what it says after each word, and that it goes on bit by bit."""

import numpy as np
import pytest

from explorer.corpora.reviews import GRAMMARS
from explorer.training import Judging, ReviewRun, load, save
from explorer.training.models import packed

SMALL = Judging(H=6, B=4, updates=30, layers=2)


def advanced(judging, updates=None) -> ReviewRun:
    run = ReviewRun(judging)
    for _ in run.advance(updates):
        pass
    return run


@pytest.mark.parametrize("language", GRAMMARS)
def test_a_run_taken_up_again_goes_on_bit_by_bit(language):
    judging = SMALL.replace(language=language, optimiser="nesterov", rate=0.1)
    through, resumed = advanced(judging, 9), load(save(advanced(judging, 4)))
    assert isinstance(resumed, ReviewRun) and resumed.training == judging
    for _ in resumed.advance(5):
        pass
    assert through.vector.tobytes() == resumed.vector.tobytes()
    assert np.array_equal(through.history["score"], resumed.history["score"])
    assert Judging.from_query(judging.to_query()) == (judging, ())


def test_its_gradient_is_a_difference_quotient_of_its_loss():
    run = ReviewRun(SMALL)
    gradient = packed(run.look(2).gradient, run.model.shapes, float)
    rng, start = np.random.default_rng(0), run.vector
    for _ in range(4):
        way, losses = rng.standard_normal(start.size), []
        for by in (1e-6, -1e-6):
            run.vector = start + by * way
            losses.append(run.look(2).loss)
        assert gradient @ way == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-6, abs=1e-9)


def test_it_learns_to_judge_and_turns_a_denial_round():
    run = advanced(Judging(cell="gru", H=16, B=32, forget_bias=1, rate=0.02, updates=120))
    assert run.score(held_out=False) > 0.9 > 0.2 > ReviewRun(run.training).score(held_out=False)
    reviews = [review for review in run.grammar.draw(5, 400) if review.words[-1] == "않아요"]
    given, so_far, memory = run.judge(reviews)
    assert np.abs(given - [review.score for review in reviews]).mean() < 6
    assert so_far.shape == (len(memory.h), len(reviews)) and np.array_equal(so_far[-1], given)
    assert ((so_far >= 0) & (so_far <= 100)).all()


def test_what_is_said_after_a_word_is_what_is_said_of_the_review_up_to_it():
    run = advanced(SMALL, 10)
    (review,) = run.grammar.draw(3, 1)
    _, so_far, _ = run.judge([review])
    for n in range(1, len(review.words) + 1):
        part = type(review)(review.words[:n], 0)
        assert run.judge([part])[0][0] == pytest.approx(so_far[n - 1, 0], rel=1e-12)


@pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)
def test_no_review_is_longer_than_is_said(grammar):
    parts = {}, {"held_out": True}, {"validation": True}
    longest = max(len(review.words) for part in parts for review in grammar.draw(1, 3000, **part))
    assert longest <= grammar.T <= longest + 3
