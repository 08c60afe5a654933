"""The training of an encoder–decoder: it learns what it is shown, pauses, and goes on bit by bit."""

import numpy as np
import pytest

from explorer.corpora.translation import CORPORA
from explorer.training import Translating, TranslationRun, load, save
from explorer.training.losses import cross_entropy
from explorer.training.models import packed, views
from explorer.training.translators import forced

SMALL = Translating(most=200, cell="gru", H=8, E=4, B=4, updates=30)


def advanced(translating, updates=None) -> TranslationRun:
    run = TranslationRun(translating)
    for _ in run.advance(updates):
        pass
    return run


@pytest.mark.parametrize("attention", ["none", "additive", "dot"])
def test_a_run_taken_up_again_goes_on_bit_by_bit(attention):
    translating = SMALL.replace(attention=attention, dtype="float32", teacher=0.4)
    through, resumed = advanced(translating, 12), load(save(advanced(translating, 5)))
    assert isinstance(resumed, TranslationRun) and resumed.training == translating and resumed.count == 5
    for _ in resumed.advance(7):
        pass
    assert through.vector.tobytes() == resumed.vector.tobytes()
    assert all(through.memory[name].tobytes() == resumed.memory[name].tobytes() for name in through.memory)
    assert np.array_equal(through.history["loss"], resumed.history["loss"])
    through.rewind()
    assert through.vector.tobytes() == translating.draw().tobytes() and through.count == 0


def test_its_gradient_is_a_difference_quotient_of_its_loss():
    run = TranslationRun(SMALL)
    seen = run.look(3)
    gradient, rng, start = packed(seen.gradient, run.model.shapes, float), np.random.default_rng(0), run.vector
    for _ in range(4):
        way, losses = rng.standard_normal(start.size), []
        for by in (1e-6, -1e-6):
            run.vector = start + by * way
            losses.append(run.look(3).loss)
        assert gradient @ way == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_the_loss_is_that_of_what_is_scored():
    run = TranslationRun(SMALL.replace(teacher=1.0))
    pairs = run.batch(0)
    said = run.model(views(run.vector, run.model.shapes), pairs.source, pairs.real, pairs.target, pairs.target >= 0)
    seen = run.look(0)
    costs = [
        cross_entropy(said.logits[: scored.sum(), b], pairs.target[: scored.sum(), b])[0] * scored.sum()
        for b, scored in enumerate(pairs.scored.T)
    ]
    assert seen.loss == pytest.approx(sum(costs) / pairs.scored.sum(), rel=1e-12)
    never = TranslationRun(SMALL.replace(teacher=0.0)).look(0)
    assert never.loss != seen.loss
    assert forced(np.random.default_rng(0), (2, 2), 1.0).all()


def test_it_learns_numbers_that_it_has_never_seen():
    """Those below 100, of which a tenth is held out: the parts are known, their pairs are not."""
    run = advanced(Translating(most=100, cell="gru", H=32, B=16, rate=0.02, forget_bias=0, updates=130))
    assert run.history["loss"][-20:].mean() < 0.1 < 1.5 < run.history["loss"][0]
    assert run.history.score(20, 100) > 0.9
    assert run.score() > 0.8
    texts, said = run.translate(["이십삼", "팔십"])
    assert texts == ["twenty-three", "eighty"]
    assert said.shares.shape == (30, 2, 3)
    assert run.history.reach().shape[0] == 130 and run.history.gates("z").shape == (130, 32)


@pytest.mark.parametrize("corpus", CORPORA)
def test_both_parts_of_the_smallest_choice_have_pairs(corpus):
    run = TranslationRun(SMALL.replace(corpus=corpus, most=100))
    held = set(run.probe(200))
    assert 3 <= len(held) <= 25
    assert not held & set(run.corpus.draw(1, 500, most=100))


def test_what_cannot_be_translated_is_answered():
    with pytest.raises(ValueError, match="unknown sign of numbers '2'"):
        TranslationRun(SMALL).translate(["2십"])
