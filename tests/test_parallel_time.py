"""Chunks side by side give what the run step by step gives, or leave it to that and say why."""

import dataclasses
import inspect
import re

import numpy as np
import pytest

from explorer import backprop, init_params, parallel_time, run, torch_parallel
from tests.engine_cases import CASES, assert_close, over

IN_PARALLEL = [case for case in CASES if case[1].get("reset_after", True) and case[1].get("z_keeps", True)]
TOLERANCE = {"float64": 1e-13, "float32": 2e-5}


def problem(cell, options, *, T=6001, B=1, H=12, layers=1, dtype="float64", seed=1, **drawn):
    """A network as PyTorch draws it, its input, initial states and a dense loss."""
    params = init_params(cell, 3, H, seed=seed, layers=layers, dtype=dtype, **options, **drawn)
    rng = np.random.default_rng(seed)
    states = [
        {q: rng.standard_normal((B, H)).astype(dtype) for q in (("h", "c") if cell == "lstm" else ("h",))}
        for _ in range(layers)
    ]
    x, dh = rng.standard_normal((T, B, 3)).astype(dtype), rng.standard_normal((T, B, H)).astype(dtype)
    return params, x, states if layers > 1 else states[0], dh


def assert_same(trace, grads, wanted, wanted_grads, tolerance):
    """To the tolerance; to the last bit, NaN and infinities too, if that is 0."""

    def same(got, wanted, what):
        if tolerance:
            assert_close(got, wanted, what, tolerance)
        else:
            np.testing.assert_array_equal(got, wanted, what)

    layers = zip(trace.layers, grads.layers, wanted.layers, wanted_grads.layers, strict=True)
    for layer, (forward, back, right, right_back) in enumerate(layers, start=1):
        assert set(forward.values) == set(right.values)
        for name, rows in right.values.items():
            same(forward[name], rows, f"{name} of layer {layer}")
        for part in ("state", "pre", "params", "initial"):
            for name, rows in getattr(right_back, part).items():
                same(getattr(back, part)[name], rows, f"∂L/∂{name} ({part}) of layer {layer}")
        same(back.x, right_back.x, f"∂L/∂x of layer {layer}")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("B", "layers"), [(1, 1), (3, 2)])
@over(IN_PARALLEL)
def test_the_same_numbers(cell, options, B, layers, dtype):
    """T is no multiple of the chunks, so that some steps are left over."""
    params, x, state, dh = problem(cell, options, B=B, layers=layers, dtype=dtype)
    trace, forward = parallel_time.run(cell, params, x, state, **options)
    grads, backward = parallel_time.backprop(trace, dh)
    assert len(forward) == len(backward) == layers
    for certificate in (*forward, *backward):
        assert certificate.parallel and certificate.reason == ""
        assert certificate.steps < len(x) / 2 and certificate.chunks > 2
        assert certificate.mismatch == 0 and certificate.seam <= 16 * np.finfo(dtype).eps
    wanted = run(cell, params, x, state, **options)
    assert_same(trace, grads, wanted, backprop(wanted, dh), TOLERANCE[dtype])


@over(IN_PARALLEL)
def test_every_step_follows_from_its_predecessor(cell, options):
    """One step of the engine from every stored state, at seams too, gives the next stored state."""
    params, x, state, _ = problem(cell, options)
    trace, (certificate,) = parallel_time.run(cell, params, x, state, **options)
    assert certificate.parallel
    all_at_once = run(
        cell, params, x.reshape(1, -1, 3), {q: rows[:, 0] for q, rows in trace.previous.items()}, **options
    )
    for q in trace.cell.states:
        assert_close(all_at_once[q][0], trace[q][:, 0], q, 1e-14)


@pytest.mark.parametrize("cell", ("lstm", "gru"))
def test_what_comes_from_later_steps_is_taken_in(cell):
    params, x, state, dh = problem(cell, {})
    later = {q: rows * 1e3 for q, rows in state.items()}
    trace, _ = parallel_time.run(cell, params, x, state)
    grads, (certificate,) = parallel_time.backprop(trace, dh, later)
    assert certificate.parallel
    wanted = backprop(trace, dh, later)
    for q in trace.cell.states:
        assert_close(grads.state[q], wanted.state[q], q, 1e-13)


@pytest.mark.parametrize(
    ("drawn", "reason"),
    [
        ({"forget_bias": 6.0}, "memory"),
        ({"gain": 12.0}, "memory"),
        ({"T": 200}, "short"),
    ],
)
def test_long_memory_chaos_and_short_sequences_are_run_step_by_step(drawn, reason):
    params, x, state, dh = problem("lstm", {}, **drawn)
    trace, (forward,) = parallel_time.run("lstm", params, x, state)
    grads, (backward,) = parallel_time.backprop(trace, dh)
    assert forward.reason == reason and not forward.parallel and not backward.parallel
    assert forward.steps == len(x) and backward.reason
    wanted = run("lstm", params, x, state)
    assert_same(trace, grads, wanted, backprop(wanted, dh), 0)


@over([case for case in CASES if case not in IN_PARALLEL])
def test_conventions_without_parallel_loops_are_run_step_by_step(cell, options):
    params, x, state, dh = problem(cell, options, T=1200, H=4)
    trace, (forward,) = parallel_time.run(cell, params, x, state, **options)
    grads, _ = parallel_time.backprop(trace, dh)
    assert forward.reason == "conventions"
    wanted = run(cell, params, x, state, **options)
    assert_same(trace, grads, wanted, backprop(wanted, dh), 0)


@pytest.mark.parametrize("every", (17, 6001))
def test_a_loss_with_gaps_is_backpropagated_step_by_step(every):
    params, x, state, dh = problem("lstm", {})
    dh = dh * (np.arange(len(x)) % every == every - 1)[:, None, None]
    trace, _ = parallel_time.run("lstm", params, x, state)
    grads, (certificate,) = parallel_time.backprop(trace, dh)
    assert certificate.reason == "gap" and not certificate.parallel
    assert (grads.state["h"] == backprop(trace, dh).state["h"]).all()


def test_a_memory_that_the_pilot_missed_is_found_out(monkeypatch):
    """The certificate holds even where the pilot promised too much."""
    params, x, state, dh = problem("lstm", {}, forget_bias=6.0)
    monkeypatch.setattr(parallel_time, "_forgets_within", lambda *_: 16)
    monkeypatch.setattr(parallel_time, "_fades_within", lambda *_: 16)
    trace, (forward,) = parallel_time.run("lstm", params, x, state)
    grads, (backward,) = parallel_time.backprop(trace, dh)
    assert (forward.reason, backward.reason) == ("memory", "fading")
    wanted = run("lstm", params, x, state)
    assert_same(trace, grads, wanted, backprop(wanted, dh), 0)


def test_an_exploding_network_is_run_step_by_step():
    params, x, state, dh = problem("rnn", {"activation": "relu"}, T=1500, gain=20.0)
    trace, (certificate,) = parallel_time.run("rnn", params, x, state, activation="relu")
    assert not certificate.parallel and not np.isfinite(trace["h"][-1]).all()
    grads, (certificate,) = parallel_time.backprop(trace, dh)
    assert not certificate.parallel and not np.isfinite(grads.initial["h"]).all()


def test_a_certificate_cannot_be_rewritten():
    _, (certificate,) = parallel_time.run("rnn", *problem("rnn", {})[:2])
    with pytest.raises(dataclasses.FrozenInstanceError):
        certificate.seam = 0


def test_every_reason_is_one_that_is_known():
    used = {
        reason
        for module in (parallel_time, torch_parallel)
        for reason in re.findall(r'StepByStep\("(\w+)"\)', inspect.getsource(module))
    }
    assert used == set(parallel_time.REASONS)
