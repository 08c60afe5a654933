"""The way back through the trained pairs, by finite differences; what they recall, by another way of measuring."""

import numpy as np
import pytest

from explorer import trained
from explorer.cells import CELLS
from explorer.figures import recall_lines, theme
from explorer.trained.answers import answer, filled
from explorer.trained.asking import Asked
from explorer.trained.backwards import back_through_pair
from explorer.trained.recall import recall
from explorer.training.parts import dot_attention, softmax
from explorer.training.translators import ATTENTION
from tests.figure_cases import checked, key

every_cell = pytest.mark.parametrize("cell", CELLS)
every_attention = pytest.mark.parametrize("attention", ATTENTION)


def ran(model, weights, pairs):
    """The loss of a pair that was told the true words before, and what it took to get there."""
    said = model(weights, pairs.source, pairs.real, pairs.target, np.ones(pairs.target.shape, bool))
    memory, _ = model.decoder(weights, said.entered, said.encoder.last)
    read = memory.h
    if model.attention == "dot":
        contexts = [dot_attention(h, said.encoder.h, pairs.real)[0][0] for h in read]
        joined = np.concatenate([read, contexts], axis=2)
        read = np.tanh(joined @ weights["join.weight"].T + weights["join.bias"])
    return read.sum() / np.sqrt(model.H), said, memory.traces[0]


@every_cell
@every_attention
def test_the_gradient_of_a_pair_is_the_difference_quotient(cell, attention):
    run = trained.load("encoder_decoder", attention, cell).run
    weights = {name: array.astype(float) for name, array in run.weights.items()}
    pairs = run.corpus.encode([("이십삼", "twenty-three")])
    _, said, decoder = ran(run.model, weights, pairs)
    backs = back_through_pair(run.model, weights, said, pairs.real, said.encoder.traces[0], decoder)
    for name, back in zip(("encoder.bias_ih_l0", "decoder.bias_ih_l0"), backs):
        wanted = []
        for k in (0, 7, 40):
            losses = []
            for step in (1e-5, -1e-5):
                moved = weights[name].copy()
                moved[k] += step
                losses.append(ran(run.model, weights | {name: moved}, pairs)[0])
            wanted.append((losses[0] - losses[1]) / 2e-5)
        np.testing.assert_allclose(back.grads.params["bias_ih"][[0, 7, 40]], wanted, rtol=1e-5, atol=1e-8)


@every_cell
@every_attention
def test_a_text_alone_is_translated_as_well_as_in_the_measurement(cell, attention):
    run = trained.load("encoder_decoder", attention, cell).run
    texts = run.probe(40)
    measured, _ = run.translate([source for source, _ in texts])
    alone = [answer(Asked("encoder_decoder", source=source, attention=attention), cell, "en") for source, _ in texts]
    assert [found.text for found in alone] == measured
    for (source, _), found in zip(texts, alone):
        encoder, decoder = (part.trace for part in found.parts)
        assert len(source) == encoder.T and found.parts[0].enters == tuple(source)
        np.testing.assert_array_equal(encoder["h"][-1], decoder.initial["h"])


@every_attention
def test_only_attention_brings_a_gradient_straight_to_the_encoder(attention):
    encoder, decoder = answer(Asked("encoder_decoder", attention=attention), "lstm", "en").parts
    assert encoder.back.direct.any() == (attention != "none")
    assert decoder.back.direct.any(axis=2).all()


@every_cell
def test_recall_is_what_the_runs_say(cell):
    found = recall(cell, B=20)
    assert list(found) == list(ATTENTION)
    run = trained.load("encoder_decoder", "none", cell).run
    texts = run.probe(20)
    pairs = run.corpus.encode(texts)
    wrong = np.zeros(len(pairs.target))
    for text in texts:  # one by one
        one = filled(run).corpus.encode([text])
        logits = run.model(run.weights, one.source, one.real, one.target, np.ones(one.target.shape, bool)).logits
        shares = softmax(logits[:, 0].astype(float))
        wrong[: len(shares)] += 1 - shares[np.arange(len(shares)), one.target[:, 0]]
    np.testing.assert_allclose(found["none"].wrong, wrong / pairs.scored.sum(axis=1), rtol=2e-2, atol=1e-4)


@every_cell
def test_without_attention_another_state_is_another_number(cell):
    """It knows its own number by the state alone; with attention it can look."""
    run = trained.load("encoder_decoder", "none", cell).run
    pairs = run.corpus.encode(run.probe(60))
    said = run.model(run.weights, pairs.source, pairs.real, pairs.target * 0, pairs.target < 0).symbols
    swapped = (np.roll(said, 1, axis=1) == pairs.target) & pairs.scored
    found = recall(cell, B=60)
    close = (
        {"rtol": 0, "atol": 0.02} if cell == "rnn" else {"rtol": 1e-6}
    )  # fillings before a text move an RNN a little
    np.testing.assert_allclose(found["none"].foreign, swapped.sum(axis=1) / pairs.scored.sum(axis=1), **close)
    assert min(found[name].foreign.mean() for name in ("additive", "dot")) > found["none"].foreign.mean() + 0.1


@every_cell
def test_the_picture_of_the_recall(cell):
    found = recall(cell, B=20)
    figure = checked(recall_lines.recall_lines)(found, key)
    assert len(figure.data) == 6
    for k, one in enumerate(found.values()):
        np.testing.assert_allclose(figure.data[2 * k].y, np.log10(one.wrong), rtol=1e-5)
        np.testing.assert_allclose(figure.data[2 * k + 1].y, one.foreign, rtol=1e-5)
        assert figure.data[2 * k].y.min() >= figure.layout.yaxis.range[0]


@pytest.mark.parametrize(("T", "first"), [(1, 1), (3, 4), (9, 1)])
def test_few_steps_have_whole_ticks(T, first):
    axis = theme.step_axis(T, key, first)
    assert axis["dtick"] == 1 and axis["range"] == [first - 0.5, first + T - 0.5]
    assert "dtick" not in theme.step_axis(10, key)
