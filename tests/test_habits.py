"""An array in another library's shape is refused with what its shape shows; where it shows nothing, nothing is said."""

import re

import numpy as np
import pytest

from explorer import backprop, deep_backprop, run
from explorer.cells import CELLS
from explorer.stream import stream

T, B, D, H = 7, 2, 3, 5
GATES = {name: len(cell.gates) for name, cell in CELLS.items()}
A_CELL = {1: "an rnn", 3: "a gru", 4: "an lstm"}


def weights(cell, D=D, H=H, dtype=float) -> dict:
    rows, rng = GATES[cell] * H, np.random.default_rng(1)
    shapes = {"weight_ih": (rows, D), "weight_hh": (rows, H), "bias_ih": (rows,), "bias_hh": (rows,)}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def series(T=T, B=B, D=D):
    return np.random.default_rng(2).normal(size=(T, B, D))


def refusal(act, *arguments, **more) -> str:
    with pytest.raises(ValueError, match=r"must have shape|lack") as refused:
        act(*arguments, **more)
    said = str(refused.value)
    assert "\n" not in said
    return said


def shows(said: str) -> str:
    """The hint of a refusal."""
    return re.split(r"but has shape \([\d, ]*\)|bias_hh$|expected [\w, ]+(?=$|:)", said, maxsplit=1)[1].removeprefix(
        ": "
    )


# weights


@pytest.mark.parametrize("names", [("weight_ih",), ("weight_hh",), ("weight_hh", "weight_ih")])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_transposed_weight_is_named(cell, names):
    good = weights(cell)
    said = refusal(run, cell, good | {name: good[name].T for name in names}, series())
    assert said.startswith(f"{names[0]} of {cell} must have shape {good[names[0]].shape}")
    assert "transposed, as Keras stores it: give its .T" in shows(said)
    run(cell, good, series())  # what the hint says


def test_a_transposed_weight_of_an_rnn_is_named():
    good = weights("rnn")
    said = refusal(run, "rnn", good | {"weight_ih": good["weight_ih"].T}, series())
    assert "transposed" in shows(said)


@pytest.mark.parametrize("given", CELLS)
@pytest.mark.parametrize("cell", CELLS)
def test_weights_of_another_cell_are_named(cell, given):
    if cell == given:
        return
    said = refusal(run, cell, weights(given), series())
    blocks, wanted = GATES[given], GATES[cell]
    assert re.search(rf"it has {blocks} blocks? of 5, as {A_CELL[blocks]} has, and not {wanted}", shows(said))


@pytest.mark.parametrize(("cell", "given"), [("lstm", "gru"), ("gru", "lstm"), ("rnn", "lstm")])
def test_both_mistakes_at_once_are_named(cell, given):
    other = weights(given, D=8)
    turned = {name: other[name].T for name in ("weight_ih", "weight_hh")}
    said = shows(refusal(run, cell, other | turned, series(D=8)))
    assert "transposed" in said and f"as {A_CELL[GATES[given]]} has" in said


@pytest.mark.parametrize(
    ("name", "shape"),
    [("weight_ih", (19, 3)), ("weight_ih", (21, 4)), ("weight_hh", (19, 5)), ("weight_hh", (7, 3)), ("bias_ih", (19,))],
)
def test_a_weight_that_shows_nothing_is_refused_without_a_guess(name, shape):
    assert shows(refusal(run, "lstm", weights("lstm") | {name: np.zeros(shape)}, series())) == ""


def test_what_two_mistakes_may_have_made_is_called_by_both():
    """(5, 20) for an LSTM of 5 units is its transpose with 5 inputs, or one block with 20 inputs."""
    said = shows(refusal(run, "lstm", weights("lstm", D=5) | {"weight_ih": np.zeros((5, 20))}, series(D=5)))
    assert "transposed" in said and ", or it has 1 block of 5" in said


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((2, 20), "the first is bias_ih, the second bias_hh"),
        ((1, 20), "give its .ravel()"),
        ((20, 1), "give its .ravel()"),
        ((40,), "bias_ih and bias_hh are two arrays"),
        ((15,), "it has 3 blocks of 5, as a gru has, and not 4"),
        ((5,), "it has 1 block of 5, as an rnn has, and not 4"),
    ],
)
def test_a_bias_of_another_shape_is_named(shape, said):
    assert said in shows(refusal(run, "lstm", weights("lstm") | {"bias_ih": np.zeros(shape)}, series()))


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (["bias_hh"], "a network with one bias, as Keras has it, takes zeros for the other"),
        (["bias_ih"], "a network with one bias, as Keras has it, takes zeros for the other"),
        (["bias_ih", "bias_hh"], "a network without biases takes zeros"),
        (["weight_hh"], ""),
    ],
)
def test_a_missing_bias_is_named(lacking, said):
    good = weights("lstm")
    assert shows(refusal(run, "lstm", {name: good[name] for name in good if name not in lacking}, series())) == said


# x, states, dh


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((T, D), "give x[:, None] if it is one sequence"),
        ((B, D, T), "they must be the last, as in x.transpose(0, 2, 1)"),
        ((T, B, D + 1), ""),
        ((T, D + 1), ""),
        ((D, T, B), ""),
        ((T, B, D, 1), ""),
        ((), ""),
    ],
)
def test_x_of_another_shape_is_named(shape, said):
    found = shows(refusal(run, "lstm", weights("lstm"), np.zeros(shape)))
    assert said in found and bool(said) == bool(found)


def test_a_plain_row_is_named():
    assert "give x[:, None, None]" in shows(refusal(run, "gru", weights("gru", D=1), np.zeros(T)))


@pytest.mark.parametrize("cell", CELLS)
def test_x_with_the_batch_first_is_named_where_a_state_contradicts_it(cell):
    x, state = series(), {"h": np.zeros((B, H))}
    said = refusal(run, cell, weights(cell), x.transpose(1, 0, 2), state)
    assert said.startswith("state h must have shape (7, 5), but has shape (2, 5)")
    assert shows(said) == "x has 2 steps and 7 sequences: where it came batch first, give x.transpose(1, 0, 2)"
    run(cell, weights(cell), x, state)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((1, B, H), "give its [0]"),
        ((3, B, H), "a stack takes one mapping a layer"),
        ((H, B), "give its .T"),
        ((B, H + 1), ""),
        ((H,), ""),
        ((4, H), ""),
    ],
)
@pytest.mark.parametrize("name", ["h", "c"])
def test_a_state_of_another_shape_is_named(name, shape, said):
    found = shows(refusal(run, "lstm", weights("lstm"), series(), {name: np.zeros(shape)}))
    assert said in found and bool(said) == bool(found)


def test_a_state_without_sequences_is_named():
    assert "give its [None]" in shows(refusal(run, "rnn", weights("rnn"), series(B=1), {"h": np.zeros(H)}))


@pytest.mark.parametrize("back", [backprop, deep_backprop])
@pytest.mark.parametrize(
    ("B", "shape", "said"),
    [
        (2, (2, T, H), "give dh.transpose(1, 0, 2), or x if that came so"),
        (2, (2, H), "a loss at the last step stands in dh[-1]"),
        (1, (T, H), "give dh[:, None]"),
        (2, (T, 3, H), ""),
        (2, (T, 2, H + 1), ""),
        (T, (T, T, H + 1), ""),
        (2, (T, H), ""),
    ],
)
def test_dh_of_another_shape_is_named(back, B, shape, said):
    trace = run("lstm", weights("lstm"), series(B=B))
    found = shows(refusal(back, trace, np.zeros(shape)))
    assert said in found and bool(said) == bool(found)


def test_dh_of_a_stream_is_named():
    x = series()
    said = refusal(stream, "lstm", weights("lstm"), lambda a, b: x[a:b], lambda a, b: np.zeros((B, b - a, H)), T=T)
    assert "steps and sequences are swapped" in shows(said)


def test_a_stack_whose_layers_do_not_fit_is_named():
    said = refusal(run, "lstm", [weights("lstm"), weights("lstm", H=4)], series())
    assert shows(said) == "layer 1 has 5 units, and weight_ih of layer 2 takes 3"
