"""Each way to draw weights has the property that it is named after."""

from itertools import pairwise

import numpy as np
import pytest

from explorer import init_params, run
from explorer.cells import CELLS
from explorer.initialise import SCHEMES
from tests.engine_cases import BLOCKS, blocks, every_case

D, H = 6, 24
every_cell = pytest.mark.parametrize("cell", CELLS)
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)
gated = pytest.mark.parametrize(("cell", "keep"), [("lstm", "f"), ("gru", "z")])


def drawn(cell, name, **settings):
    """One weight or bias, a gate each."""
    return blocks(cell, init_params(cell, D, H, **settings), name)


@every_scheme
@every_cell
def test_shapes_names_and_dtypes(cell, scheme):
    G = len(BLOCKS[cell])
    shapes = {
        "weight_ih": (G * H, D),
        "weight_hh": (G * H, H),
        "bias_ih": (G * H,),
        "bias_hh": (G * H,),
    }
    for dtype in ("float32", "float64", np.float32):
        params = init_params(cell, D, H, scheme=scheme, dtype=dtype)
        assert {name: array.shape for name, array in params.items()} == shapes
        assert all(array.dtype == dtype for array in params.values())
        assert all(np.isfinite(array).all() for array in params.values())


@every_scheme
@every_cell
def test_a_seed_is_a_network(cell, scheme):
    one, same, other = (init_params(cell, D, H, scheme=scheme, seed=seed) for seed in (3, 3, 4))
    for name in one:
        assert (one[name] == same[name]).all()
    assert (one["weight_ih"] != other["weight_ih"]).all()
    if scheme != "identity":
        assert (one["weight_hh"] != other["weight_hh"]).all()


@every_scheme
@every_cell
def test_float32_is_the_same_draw_rounded(cell, scheme):
    wide, narrow = (init_params(cell, D, H, scheme=scheme, dtype=dtype) for dtype in ("float64", "float32"))
    assert all((narrow[name] == wide[name].astype("float32")).all() for name in wide)


def spread_over(array, bound):
    """Within ±bound, and a uniform draw's mean square, bound² / 3, to a fifth (of a few hundred draws)."""
    assert np.abs(array).max() <= bound
    assert np.mean(array**2) == pytest.approx(bound**2 / 3, rel=0.2)


@every_cell
def test_pytorch_is_uniform_within_1_over_root_H(cell):
    for name, array in init_params(cell, D, 64).items():
        assert 0.9 / 8 < np.abs(array).max() <= 1 / 8
        if "weight" in name:
            spread_over(array, 1 / 8)


@pytest.mark.parametrize("scheme", ("xavier", "orthogonal", "identity"))
@every_cell
def test_xavier_inputs_and_no_biases(cell, scheme):
    params = init_params(cell, D, H, scheme=scheme)
    for rows in blocks(cell, params, "weight_ih").values():
        spread_over(rows, (6 / (D + H)) ** 0.5)
    assert (params["bias_ih"] == 0).all() and (params["bias_hh"] == 0).all()


@every_cell
def test_xavier_recurrence(cell):
    for W in drawn(cell, "weight_hh", scheme="xavier").values():
        spread_over(W, (6 / (H + H)) ** 0.5)


@every_cell
def test_orthogonal_keeps_lengths(cell):
    matrices = list(drawn(cell, "weight_hh", scheme="orthogonal").values())
    for W in matrices:
        np.testing.assert_allclose(W @ W.T, np.eye(H), rtol=0, atol=1e-13)
    for W, other in pairwise(matrices):
        assert not np.isclose(W, other).any(), "each gate has its own"


def test_orthogonal_is_uniform_over_rotations():
    """Without the right signs the first entry of Q would lean to one side. Its mean square is 1 / H."""
    first = np.array([init_params("rnn", 1, 2, scheme="orthogonal", seed=seed)["weight_hh"] for seed in range(600)])[
        :, 0, 0
    ]
    assert abs(first.mean()) < 0.12 and np.mean(first**2) == pytest.approx(0.5, abs=0.06)


@every_cell
def test_identity_is_the_identity(cell):
    for W in drawn(cell, "weight_hh", scheme="identity").values():
        assert np.array_equal(W, np.eye(H))


@pytest.mark.parametrize("gain", (0.25, 1.0, 1.5))
@every_cell
def test_spectral_radius_is_the_gain(cell, gain):
    for W in drawn(cell, "weight_hh", scheme="spectral", gain=gain).values():
        assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(gain, rel=1e-12)


@every_scheme
@every_cell
def test_gain_multiplies_the_recurrence_only(cell, scheme):
    plain, louder = (init_params(cell, D, H, scheme=scheme, gain=gain) for gain in (1.0, 2.5))
    np.testing.assert_allclose(louder["weight_hh"], 2.5 * plain["weight_hh"], rtol=1e-14)
    for name in ("weight_ih", "bias_ih", "bias_hh"):
        assert (louder[name] == plain[name]).all()
    assert (init_params(cell, D, H, scheme=scheme, gain=0)["weight_hh"] == 0).all()


# biases that keep


def effective(cell, params, gate):
    """What a gate's σ gets from both its biases."""
    return blocks(cell, params, "bias_ih")[gate] + blocks(cell, params, "bias_hh")[gate]


@pytest.mark.parametrize("forget_bias", (3.0, -2.0))
@every_scheme
@gated
def test_forget_bias_is_added_to_the_gate_that_keeps(cell, keep, scheme, forget_bias):
    plain = init_params(cell, D, H, scheme=scheme, seed=2)
    biased = init_params(cell, D, H, scheme=scheme, seed=2, forget_bias=forget_bias)
    moved = effective(cell, biased, keep) - effective(cell, plain, keep)
    np.testing.assert_allclose(moved, forget_bias, rtol=1e-13)
    for name in plain:
        for gate, rows in blocks(cell, biased, name).items():
            if (name, gate) != ("bias_ih", keep):
                assert (rows == blocks(cell, plain, name)[gate]).all(), f"{name} of {gate} is not the same"


@gated
def test_a_network_with_a_forget_bias_remembers(cell, keep):
    """What the bias is for: after 30 steps two different pasts can still be told apart."""
    apart = {}
    for forget_bias in (0.0, 4.0):
        params = init_params(cell, D, H, forget_bias=forget_bias)
        ends = []
        for past in (0.5, -0.5):
            trace = run(cell, params, np.zeros((30, 1, D)), {q: np.full((1, H), past) for q in CELLS[cell].states})
            ends.append(trace[CELLS[cell].states[-1]][-1])
        apart[forget_bias] = np.abs(ends[0] - ends[1]).mean()
        assert trace[keep].mean() == pytest.approx(1 / (1 + np.exp(-forget_bias)), abs=0.02)
    assert apart[0.0] < 1e-2 and apart[4.0] > 0.3


@pytest.mark.parametrize("longest", (3, 10, 1000))
@gated
def test_chrono_spreads_the_memory_over_all_spans(cell, keep, longest):
    """e^bias is uniform in 1 … longest − 1; σ(bias) keeps for about as many steps."""
    params = init_params(cell, D, 2000, chrono=longest)
    bias = effective(cell, params, keep)
    spans = np.exp(bias)
    assert spans.min() >= 1 and spans.max() <= longest - 1
    assert spans.mean() == pytest.approx(longest / 2, rel=0.05)
    assert spans.std() == pytest.approx((longest - 2) / 12**0.5, rel=0.05)
    if cell == "lstm":
        assert (effective(cell, params, "i") == -bias).all()
        others = "go"
    else:
        others = "rn"
    plain = init_params(cell, D, 2000)
    for gate in others:
        assert (effective(cell, params, gate) == effective(cell, plain, gate)).all()
    assert (params["weight_hh"] == plain["weight_hh"]).all()


# labels and layers


@pytest.mark.parametrize("how", ({}, {"forget_bias": 2.0}, {"chrono": 50}))
@every_scheme
@pytest.mark.parametrize("reset_after", (True, False))
def test_a_relabelled_z_is_the_same_network(reset_after, scheme, how):
    x = np.random.default_rng(0).standard_normal((20, 2, D))
    h = []
    for z_keeps in (True, False):
        options = {"reset_after": reset_after, "z_keeps": z_keeps}
        params = init_params("gru", D, H, scheme=scheme, **how, **options)
        h.append(run("gru", params, x, **options)["h"])
    assert (h[0] == h[1]).all()


@every_case
def test_layers(cell, options):
    stack = init_params(cell, D, H, layers=3, seed=1, **options)
    assert isinstance(stack, tuple) and len(stack) == 3
    assert [params["weight_ih"].shape[1] for params in stack] == [D, H, H]
    assert (stack[1]["weight_hh"] != stack[2]["weight_hh"]).all(), "each layer has its own draw"
    alone = init_params(cell, D, H, seed=1, **options)
    assert all((stack[0][name] == alone[name]).all() for name in alone)
    assert run(cell, stack, np.ones((4, 1, D)), **options).layers[0].D == D


@every_cell
def test_drawn_weights_can_be_changed(cell):
    for array in init_params(cell, D, H).values():
        array += 1


# errors


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cell": "lsmt"}, "unknown cell 'lsmt': expected one of rnn, gru, lstm"),
        ({"scheme": "he"}, "unknown scheme 'he': expected one of pytorch, xavier, orthogonal, identity"),
        ({"activation": "tanh"}, "lstm has no option 'activation'"),
        ({"cell": "rnn", "activation": "gelu"}, "activation of rnn 'gelu': expected one of tanh, relu"),
        ({"D": 0}, "D must be a whole number of at least 1, but is 0"),
        ({"H": -2}, "H must be a whole number of at least 1, but is -2"),
        ({"H": 2.5}, "H must be a whole number of at least 1, but is 2.5"),
        ({"H": float("nan")}, "H must be a whole number of at least 1, but is nan"),
        ({"layers": 0}, "layers must be a whole number of at least 1, but is 0"),
        ({"dtype": "float16"}, "dtype must be float32 or float64, but is float16"),
        ({"dtype": int}, "dtype must be float32 or float64"),
        ({"dtype": "double precision"}, "dtype must be float32 or float64, but is double precision"),
        ({"gain": float("nan")}, "gain and forget_bias must be finite"),
        ({"forget_bias": float("inf")}, "gain and forget_bias must be finite"),
        ({"cell": "rnn", "forget_bias": 1.0}, "rnn has no gate that keeps"),
        ({"cell": "rnn", "chrono": 10}, "rnn has no gate that keeps"),
        ({"chrono": 2}, "chrono must be at least 3 steps"),
        ({"chrono": float("inf")}, "chrono must be"),
        ({"chrono": float("nan")}, "chrono must be"),
        ({"H": "3"}, "H must be a whole number of at least 1, but is '3'"),
        ({"seed": None}, "seed must be a whole number of at least 0, but is None"),
        ({"seed": -1}, "seed must be a whole number of at least 0, but is -1"),
        ({"seed": 1.5}, "seed must be a whole number of at least 0, but is 1.5"),
        ({"seed": "a"}, "seed must be a whole number of at least 0, but is 'a'"),
        ({"gain": "1"}, "gain must be a number, but is '1'"),
        ({"gain": None}, "gain must be a number, but is None"),
        ({"gain": [1, 2]}, r"gain must be a number, but is \[1, 2\]"),
        ({"forget_bias": 1j}, "forget_bias must be a number, but is 1j"),
        ({"chrono": "long"}, "chrono must be a number, but is 'long'"),
        ({"chrono": 10, "forget_bias": 1.0}, "chrono must be at least 3 steps, with forget_bias left at 0"),
    ],
)
def test_errors(settings, words):
    settings = {"cell": "lstm", "D": 2, "H": 3} | settings
    with pytest.raises(ValueError, match=words):
        init_params(**settings)
