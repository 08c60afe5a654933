"""Norms chunk by chunk: those of one run where that has them, and logarithms beyond its range where it has not."""

import numpy as np
import pytest

from explorer import backprop, init_params, parallel_time, run
from explorer.measures import norm
from explorer.stream import METHODS, PATIENCE, stream
from tests.engine_cases import CASES, losses, network, over

every_method = pytest.mark.parametrize("method", [method for method in METHODS if method != "torch-parallel"])
FUSED = [case for case in CASES if case[1].get("reset_after", True)]


def log10_norms(rows):
    with np.errstate(divide="ignore"):
        return np.log10(norm(rows))


def assert_same_norms(streamed, grads, tolerance=1e-11):
    for got, wanted in zip(streamed.layers, grads.layers, strict=True):
        for name, rows in [*wanted.state.items(), *((f"a_{gate}", rows) for gate, rows in wanted.pre.items())]:
            np.testing.assert_allclose(got.log10[name], log10_norms(rows), rtol=0, atol=tolerance, err_msg=name)
        for name, row in wanted.initial.items():
            np.testing.assert_allclose(got.initial[name], log10_norms(row), rtol=0, atol=tolerance)
        for name, gradient in wanted.params.items():
            size = np.abs(gradient).max()
            np.testing.assert_allclose(got.params[name], gradient, rtol=0, atol=tolerance * size, err_msg=name)


@every_method
@pytest.mark.parametrize("loss", ("all steps", "last step", "some steps"))
@over(FUSED)
def test_the_norms_of_one_run(cell, options, loss, method):
    net = network(cell, options, T=40, layers=2, scale=0.5)
    dh = losses(40, 3, 4)[loss]
    made = stream(cell, net.params, net.x, dh, net.state, chunk=7, method=method, **options)
    assert_same_norms(made, backprop(net.run(), dh))


@over([case for case in CASES if case not in FUSED])
def test_the_reset_gate_before(cell, options):
    net = network(cell, options, T=40)
    dh = losses(40, 3, 4)["all steps"]
    assert_same_norms(stream(cell, net.params, net.x, dh, net.state, chunk=7, **options), backprop(net.run(), dh))


def sequence(T, H, dtype="float64", **drawn):
    params = init_params("lstm", 2, H, seed=1, dtype=dtype, **drawn)
    x = np.random.default_rng(0).standard_normal((T, 1, 2)).astype(dtype)
    dh = np.zeros((T, 1, H), dtype)
    dh[-1] = H**-0.5
    return params, x, dh


@pytest.mark.parametrize("chunk", (400, 2999))
@every_method
def test_a_gradient_far_below_the_range(method, chunk):
    """log10 ‖∂L/∂h_t‖ by a product of steps, each scaled for itself, for hundreds of decades more than float64 has."""
    params, x, dh = sequence(6000, 8)
    made = stream("lstm", params, x, dh, chunk=chunk, method=method)
    later, exponent, trace = None, 0.0, run("lstm", params, x)
    wanted = np.empty((6000, 1))
    for stop in range(6000, 0, -50):
        steps = slice(stop - 50, stop)
        start = {q: rows[stop - 50] for q, rows in trace.previous.items()}
        direct = dh[steps] if stop == 6000 else np.zeros((50, 1, 8))
        grads = backprop(run("lstm", params, x[steps], start), direct, later)
        wanted[steps] = log10_norms(grads.state["h"]) + exponent
        size = max(np.abs(row).max() for row in grads.initial.values())
        later, exponent = {q: row / size for q, row in grads.initial.items()}, exponent + np.log10(size)
    assert wanted[0, 0] < -900
    np.testing.assert_allclose(made.log10["h"], wanted, rtol=0, atol=1e-8)
    assert np.isfinite(made.log10["c"]).all() and np.isfinite(made.initial["c"]).all()


def test_a_gradient_far_above_the_range():
    """A linear network that doubles: the gradient doubles with each step back."""
    params = {
        "weight_ih": np.zeros((1, 1)),
        "weight_hh": 2 * np.ones((1, 1)),
        "bias_ih": np.zeros(1),
        "bias_hh": np.zeros(1),
    }
    x, dh = np.zeros((1000, 1, 1)), np.zeros((1000, 1, 1))
    dh[-1] = 1
    params["bias_ih"][0] = 1e-300
    made = stream("rnn", params, x, dh, chunk=1000, activation="relu")
    back = np.arange(1000)[::-1]
    np.testing.assert_allclose(made.log10["h"][:, 0], back * np.log10(2), atol=1e-9)
    twice = stream("rnn", params, x, 1e-300 * dh, chunk=300, activation="relu")
    np.testing.assert_allclose(twice.log10["h"][:, 0], back * np.log10(2) - 300, atol=1e-9)


def test_float32_has_the_depths_of_float64():
    params, x, dh = sequence(400, 8)
    deep = stream("lstm", params, x, dh)
    narrow = {name: array.astype("float32") for name, array in params.items()}
    made = stream("lstm", narrow, x.astype("float32"), dh.astype("float32"), chunk=128)
    assert deep.log10["h"].min() < -60
    np.testing.assert_allclose(made.log10["h"], deep.log10["h"], atol=2e-3)


def test_a_dead_gradient_is_minus_infinity():
    net = network("rnn", {"activation": "relu"}, T=50)
    net.params[0]["weight_hh"][...] = 0
    dh = losses(50, 3, 4)["last step"]
    made = stream("rnn", net.params, net.x, dh, chunk=20, activation="relu")
    assert np.isneginf(made.log10["h"][:-1]).all() and np.isfinite(made.log10["h"][-1]).all()
    nothing = stream("rnn", net.params, net.x, lambda start, stop: None, activation="relu")
    assert np.isneginf(nothing.log10["h"]).all() and not nothing.params["weight_hh"].any()


@every_method
def test_a_window_has_everything(method):
    net = network("lstm", {}, T=60, layers=2)
    dh = losses(60, 3, 4)["all steps"]
    made = stream("lstm", net.params, net.x, dh, net.state, chunk=16, window=(5, 41), method=method)
    trace, grads, window = net.run(), backprop(net.run(), dh), made.window
    assert window.steps == range(5, 41)
    scale = 2.0**window.exponent
    for layer, right in zip(window.trace.layers, trace.layers, strict=True):
        for name in right.values:
            np.testing.assert_allclose(layer[name], right[name][5:41], rtol=1e-10, atol=1e-13)
    for layer, right in zip(window.grads.layers, grads.layers, strict=True):
        np.testing.assert_allclose(scale * layer.state["c"], right.state["c"][5:41], rtol=1e-9, atol=1e-12)
    assert_same_norms(made, grads)


def test_functions_are_asked_for_chunks_only():
    params, x, dh = sequence(1000, 4)
    asked = []

    def part(start, stop):
        asked.append(stop - start)
        return x[start:stop]

    def loss(start, stop):
        return dh[start:stop] if stop == 1000 else None

    made = stream("lstm", params, part, loss, T=1000, chunk=64)
    assert max(asked) == 64
    np.testing.assert_array_equal(made.log10["h"], stream("lstm", params, x, dh, chunk=64).log10["h"])


def test_wrong_input_is_answered():
    params, x, dh = sequence(10, 4)
    for wrong, sentence in [
        ({"method": "magic"}, "unknown method 'magic': expected one of engine, parallel, torch"),
        ({"T": 10}, "T is needed with a function for x, and with nothing else"),
        ({"chunk": 0}, "chunk must be a whole number of at least 1, but is 0"),
        ({"chunk": 2.5}, "chunk must be a whole number of at least 1, but is 2.5"),
        ({"window": (4, 4)}, r"window must be \(start, stop\) with 0 ≤ start < stop ≤ 10"),
        ({"window": (4, 11)}, r"window must be \(start, stop\) with 0 ≤ start < stop ≤ 10"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            stream("lstm", params, x, dh, **wrong)
    with pytest.raises(ValueError, match="T is needed with a function for x"):
        stream("lstm", params, lambda start, stop: x[start:stop], dh)
    with pytest.raises(ValueError, match=r"dh of steps 0 to 10 must have shape \(10, 1, 4\)"):
        stream("lstm", params, x, dh[:, :, :2])


def test_levels_are_means_of_gates_and_sizes_of_states():
    net = network("lstm", {}, T=40, layers=2, scale=0.5)
    room = {"room": lambda name, shape: np.empty(shape)}  # in memory they are kept as float32
    made = stream("lstm", net.params, net.x, losses(40, 3, 4)["all steps"], net.state, chunk=7, **room)
    for streamed, layer in zip(made.layers, net.run().layers, strict=True):
        np.testing.assert_allclose(streamed.levels["f"], layer["f"].mean(axis=2), rtol=1e-12)
        np.testing.assert_allclose(streamed.levels["c"], np.sqrt((layer["c"] ** 2).mean(axis=2)), rtol=1e-12)


def test_progress_and_room_are_the_callers():
    params, x, dh = sequence(900, 4)
    shares, rooms = [], {}

    def room(name, shape):
        return rooms.setdefault(name, np.empty(shape))

    made = stream("lstm", params, x, dh, chunk=300, progress=shares.append, room=room)
    assert shares == sorted(shares) and len(shares) == 6 and shares[-1] == 1
    assert made.log10["a_f"] is rooms["log10_da_f"] and made.levels["f"] is rooms["f"] and len(rooms) == 6 + 6


@pytest.mark.parametrize("method", ("parallel", "torch-parallel"))
def test_the_way_that_was_taken_is_told(method):
    params, x, _ = sequence(6000, 6)
    dh = np.full((6000, 1, 6), 6**-0.5)
    forward, backward = stream("lstm", params, x, dh, chunk=6000, method=method).ways
    assert forward.together == forward.steps == 12_000 and backward.together == backward.steps == 6000
    assert 0 <= forward.seam <= 16 * np.finfo(float).eps and not forward.reason
    params, x, _ = sequence(6000, 6, forget_bias=6.0)
    forward, backward = stream("lstm", params, x, dh, chunk=1500, method=method).ways
    assert forward.together == backward.together == 0 and forward.steps == 12_000
    assert forward.reason == "memory"
    forward, _ = stream("lstm", params, x, dh, chunk=3000).ways
    assert (forward.together, forward.steps, forward.reason) == (0, 12_000, "")


def test_what_cannot_be_had_in_parallel_is_soon_no_longer_tried(monkeypatch):
    tried = []
    real = parallel_time.run
    monkeypatch.setattr(parallel_time, "run", lambda *given, **options: tried.append(1) or real(*given, **options))
    params, x, dh = sequence(6000, 4, forget_bias=6.0)
    stream("lstm", params, x, dh, chunk=1000, method="parallel")
    assert len(tried) == PATIENCE


def test_a_short_rest_is_no_reason_to_stop_trying():
    params, x, _ = sequence(3 * 4000 + 1500, 6, dtype="float32")
    dh = np.full((len(x), 1, 6), 6**-0.5, np.float32)
    forward, _ = stream("lstm", params, x, dh, chunk=4000, method="parallel").ways
    assert forward.together >= 2 * 12_000 - 8
