"""Find the counter, in a network that has learnt to count and in one whose weights were set by hand."""

import numpy as np
import pytest

from explorer.training import Training, TrainingRun
from explorer.training.counters import followers, lesioned, score_by_count, score_by_distance
from explorer.training.models import packed
from tests.engine_cases import SQUASH, assert_close


@pytest.fixture(scope="module")
def counting() -> TrainingRun:
    """An LSTM that has learnt the depth of 12 brackets."""
    run = TrainingRun(Training(task="brackets", distance=12, H=8, B=16, updates=500, rate=0.02, forget_bias=3))
    for _ in run.advance():
        pass
    return run


@pytest.fixture
def by_hand() -> TrainingRun:
    """A ReLU unit 2 that counts, h ← h + open − close, and is read out as it is; unit 0 counts −2 times; 1 is noise."""
    run = TrainingRun(Training(task="brackets", distance=30, cell="rnn", activation="relu", H=3, B=4))
    arrays = {name: np.zeros_like(array) for name, array in run.weights.items()}
    arrays["weight_ih_l0"][2] = 1, -1
    arrays["weight_hh_l0"][2, 2] = 1
    arrays["weight_ih_l0"][0], arrays["bias_ih_l0"][0], arrays["weight_hh_l0"][0, 2] = (-2, 2), 100, -2
    arrays["weight_ih_l0"][1] = 1, 3
    arrays["readout.weight"][0, 2] = 1
    run.vector = packed(arrays, run.model.shapes, float)
    return run


def test_the_counter_made_by_hand_is_found(by_hand):
    assert by_hand.score() == 1
    found = followers(by_hand)
    assert [(unit.state, unit.unit) for unit in found][2] == ("h", 1)
    by_unit = {unit.unit: unit for unit in found}
    assert by_unit[2].correlation == pytest.approx(1) and by_unit[2].slope == pytest.approx(1)
    assert by_unit[0].correlation == pytest.approx(-1) and by_unit[0].slope == pytest.approx(-2)
    assert by_unit[1].r2 < 0.5


def test_it_counts_at_any_distance_and_without_it_nothing_counts(by_hand):
    assert score_by_distance(by_hand, [2, 40, 300]) == {2: 1, 40: 1, 300: 1}
    cut = lesioned(by_hand, [2])
    assert score_by_distance(by_hand, [40], weights=cut)[40] < 0.3
    assert score_by_distance(by_hand, [40], weights=lesioned(by_hand, [1])) == {40: 1}
    right = score_by_count(by_hand, weights=cut)
    assert right.pop(0) == 1 and set(right.values()) == {0}  # it says 0 for ever
    assert set(score_by_count(by_hand).values()) == {1}


def test_correlations_are_numpys(counting):
    batch = counting.probe(B=20)
    (trace,) = counting.model(counting.weights, batch.x, batch.scored).memory.traces
    found = followers(counting, batch)
    assert len(found) == 16 and [unit.r2 for unit in found] == sorted((unit.r2 for unit in found), reverse=True)
    for unit in found:
        values, count = trace[unit.state][:, :, unit.unit].ravel(), batch.count.ravel()
        assert unit.correlation == pytest.approx(np.corrcoef(values, count)[0, 1], abs=1e-12)
        assert unit.slope == pytest.approx(np.polyfit(count, values, 1)[0], abs=1e-10)


def test_steps_without_a_count_do_not_count():
    run = TrainingRun(Training(task="anbn", distance=8, H=4, B=4))
    batch = run.probe(B=20)
    (trace,) = run.model(run.weights, batch.x, batch.scored).memory.traces
    counted = ~np.isnan(batch.count)
    assert 0 < counted.mean() < 1
    for unit in followers(run, batch):
        values = trace[unit.state][counted][:, unit.unit]
        assert unit.correlation == pytest.approx(np.corrcoef(values, batch.count[counted])[0, 1], abs=1e-12)


def test_a_trained_network_has_counters_and_fails_beyond_what_it_was_trained_on(counting):
    assert counting.score() > 0.9 > 0.7 > counting.task.guess(12)
    best = followers(counting)[0]
    assert best.r2 > 0.8
    scores = score_by_distance(counting, [12, 100])
    assert scores[12] > 0.9 and scores[100] < 0.8
    assert counting.score(weights=lesioned(counting, range(8))) < 0.5


@pytest.mark.parametrize("layer", [0, 1, -1])
def test_a_unit_cut_off_is_a_unit_held_at_0(layer):
    """Against a loop in which h of the units is set to 0 after each step, in the layer."""
    training = Training(task="brackets", distance=7, cell="lstm", H=5, B=3, layers=2)
    run, units = TrainingRun(training), [1, 3]
    batch = run.batch(0)
    answers = run.model(lesioned(run, units, layer), batch.x, batch.scored).answers
    w, below = run.weights, batch.x
    for k in (0, 1):
        h, c, outputs = np.zeros((3, 5)), np.zeros((3, 5)), []
        for x in below:
            a = x @ w[f"weight_ih_l{k}"].T + h @ w[f"weight_hh_l{k}"].T + w[f"bias_ih_l{k}"] + w[f"bias_hh_l{k}"]
            i, f, g, o = np.split(a, 4, axis=1)
            sigmoid = SQUASH["sigmoid"]
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            if k == layer % 2:
                h[:, units] = 0
            outputs.append(h)
        below = np.array(outputs)
    wanted = (below @ w["readout.weight"].T + w["readout.bias"])[batch.scored]
    assert_close(answers, wanted, "answers", 1e-13)
    assert not np.allclose(answers, run.model(w, batch.x, batch.scored).answers)


def test_what_cannot_be_asked_is_answered():
    with pytest.raises(ValueError, match="recall has no count to follow: take brackets or anbn"):
        followers(TrainingRun(Training(distance=5, H=3, B=2)))
    with pytest.raises(ValueError, match="unit must be a whole number from 0 to 2, but is 3"):
        lesioned(TrainingRun(Training(distance=5, H=3, B=2)), [3])
