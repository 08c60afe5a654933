"""The fused kernels' chunks side by side: the run step by step, or that run itself."""

import numpy as np
import pytest
import torch

from explorer import backprop, run, torch_parallel, torch_path
from tests.engine_cases import CASES, losses, network
from tests.test_parallel_time import assert_same, problem

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
FUSED = [case for case in CASES if case[1].get("reset_after", True)]


SIZES = [(cell, options, 1, 1, "float64") for cell, options in FUSED]
SIZES += [("lstm", {}, 2, 2, "float64"), ("lstm", {}, 1, 1, "float32")]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("cell", "options", "B", "layers", "dtype"), SIZES)
def test_the_same_numbers(cell, options, B, layers, dtype, device):
    params, x, state, dh = problem(cell, options, T=4003, B=B, H=6, layers=layers, dtype=dtype)
    trace, forward = torch_parallel.run(cell, params, x, state, device=device, **options)
    grads, backward = torch_parallel.backprop(trace, dh)
    for certificate in (*forward, *backward):
        assert certificate.parallel and certificate.seam <= 16 * np.finfo(dtype).eps
    wanted = run(cell, params, x, state, **options)
    assert_same(trace, grads, wanted, backprop(wanted, dh), {"float64": 1e-13, "float32": 5e-5}[dtype])


@pytest.mark.parametrize(
    ("drawn", "reason"),
    [({"forget_bias": 6.0}, "memory"), ({"T": 200}, "short")],
)
def test_long_memory_and_short_sequences_are_run_step_by_step(drawn, reason):
    params, x, state, dh = problem("lstm", {}, **{"T": 2000, "H": 6, **drawn})
    trace, (forward,) = torch_parallel.run("lstm", params, x, state)
    grads, (backward,) = torch_parallel.backprop(trace, dh)
    assert (forward.reason, backward.reason) == (reason, "forward") and not backward.parallel
    wanted = torch_path.run("lstm", params, x, state)
    assert_same(trace, grads, wanted, torch_path.backprop(wanted, dh), 0)


def test_a_memory_that_the_pilot_missed_is_found_out(monkeypatch):
    params, x, state, _ = problem("lstm", {}, T=2000, H=6, forget_bias=6.0)
    monkeypatch.setattr(torch_parallel, "_forgets_within", lambda *_: 16)
    _, (certificate,) = torch_parallel.run("lstm", params, x, state)
    assert certificate.reason == "memory"


def test_a_loss_on_the_last_step_is_backpropagated_step_by_step():
    params, x, state, dh = problem("lstm", {}, T=4003, H=8)
    dh[:-1] = 0
    trace, (forward,) = torch_parallel.run("lstm", params, x, state)
    grads, (backward,) = torch_parallel.backprop(trace, dh)
    assert forward.parallel and backward.reason == "fading"
    wanted = run("lstm", params, x, state)
    assert_same(trace, grads, wanted, backprop(wanted, dh), 1e-12)


def test_too_little_memory_is_no_obstacle(monkeypatch):
    params, x, state, _ = problem("rnn", {}, T=2000, H=4)
    monkeypatch.setattr(torch_path, "free_memory", lambda device: 2**20)
    trace, (certificate,) = torch_parallel.run("rnn", params, x, state)
    assert certificate.reason == "room" and len(trace.tape.pieces) > 1


def test_another_run_is_refused():
    net = network("lstm", {})
    with pytest.raises(ValueError, match="this Trace is of another run"):
        torch_parallel.backprop(net.run(), losses(5, 3, 4)["all steps"])
    with pytest.raises(ValueError, match="PyTorch has no GRU with reset_after=False"):
        torch_parallel.run("gru", net.params, net.x, reset_after=False)
