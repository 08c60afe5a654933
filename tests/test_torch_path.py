"""The fused kernels' Trace and Gradients against the engine's, name by name and step by step."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from explorer import backprop, init_params, run, torch_path
from explorer.measures import norm
from tests.engine_cases import CASES, assert_close, losses, network, over

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
FUSED = [case for case in CASES if case[1].get("reset_after", True)]
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}
every_device = pytest.mark.parametrize("device", DEVICES)


def fused_run(net, **chosen):
    return torch_path.run(net.cell, net.params, net.x, net.state, **net.options, **chosen)


def assert_same_trace(got, wanted, tolerance):
    for layer, (one, other) in enumerate(zip(got.layers, wanted.layers, strict=True), start=1):
        assert set(one.values) == set(other.values) and one.dtype == other.dtype
        for name, rows in other.values.items():
            assert_close(one[name], rows, f"{name} of layer {layer}", tolerance)
            assert one[name].dtype == rows.dtype and not one[name].flags.writeable


def assert_same_gradients(got, wanted, tolerance):
    for layer, (one, other) in enumerate(zip(got.layers, wanted.layers, strict=True), start=1):
        for part in ("state", "pre", "params", "initial"):
            assert list(getattr(one, part)) == list(getattr(other, part))
            for name, rows in getattr(other, part).items():
                assert_close(getattr(one, part)[name], rows, f"∂L/∂{name} ({part}) of layer {layer}", tolerance)
        assert_close(one.x, other.x, f"∂L/∂x of layer {layer}", tolerance)


@every_device
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("layers", "B", "H"), [(1, 1, 1), (1, 3, 5), (3, 2, 5)])
@over(FUSED)
def test_every_quantity(cell, options, layers, B, H, dtype, device):
    net = network(cell, options, T=9, B=B, H=H, layers=layers, dtype=dtype)
    trace, wanted = fused_run(net, device=device), net.run()
    assert_same_trace(trace, wanted, TOLERANCE[dtype])
    for dh in losses(9, B, H, dtype).values():
        assert_same_gradients(torch_path.backprop(trace, dh), backprop(wanted, dh), TOLERANCE[dtype])


@every_device
@pytest.mark.parametrize("loss", ("all steps", "last step"))
@over(FUSED)
def test_every_norm_of_every_step(cell, options, loss, device):
    """Relative to the norm itself, however small it has become."""
    net = network(cell, options, T=400, B=2, H=24, scale=0.2)
    dh = losses(400, 2, 24)[loss]
    trace = fused_run(net, device=device)
    got, wanted = torch_path.backprop(trace, dh), backprop(net.run(), dh)
    for part in ("state", "pre"):
        for name, rows in getattr(wanted, part).items():
            exact, close = norm(rows), norm(getattr(got, part)[name])
            seen = exact > 1e-290
            assert seen.any() and (close[~seen] <= 1e-289).all()
            np.testing.assert_allclose(close[seen], exact[seen], rtol=1e-12, err_msg=name)


@every_device
@pytest.mark.parametrize("keeps", (True, False))
@over(FUSED)
def test_chunks_are_one_run(cell, options, keeps, device, monkeypatch):
    """With autograd's graphs kept, and with each chunk made again from its first state."""
    net = network(cell, options, T=31, B=2, layers=2)
    dh = losses(31, 2, 4)["some steps"]
    if not keeps:
        monkeypatch.setattr(torch_path, "free_memory", lambda device: 0)
    trace = fused_run(net, device=device, chunk=7)
    assert [piece.stop for piece in trace.tape.pieces] == [7, 14, 21, 28, 31]
    assert len(trace.tape.calls) == (5 if keeps else 0)
    assert_same_trace(trace, net.run(), 1e-12)
    for _ in range(2):  # a second time from the same trace
        assert_same_gradients(torch_path.backprop(trace, dh), backprop(net.run(), dh), 1e-12)


def test_the_chunk_follows_the_free_memory(monkeypatch):
    net = network("lstm", {}, T=64)
    monkeypatch.setattr(torch_path, "free_memory", lambda device: 2**21)
    pieces = fused_run(net).tape.pieces
    assert 2 < len(pieces) < 64 and pieces[-1].stop == 64
    monkeypatch.setattr(torch_path, "free_memory", lambda device: 2**40)
    assert len(fused_run(net).tape.pieces) == 1


def test_no_call_is_longer_than_the_kernels_take():
    params = init_params("rnn", 1, 1, dtype="float32")
    x = np.zeros((torch_path.LONGEST + 2, 1, 1), "float32")
    trace = torch_path.run("rnn", params, x)
    assert [piece.stop for piece in trace.tape.pieces] == [torch_path.LONGEST, len(x)]
    np.testing.assert_allclose(trace["h"], run("rnn", params, x)["h"], atol=1e-6)


@over(FUSED)
def test_a_gradient_is_handed_over_where_a_sequence_is_cut(cell, options):
    net = network(cell, options, T=9, layers=2)
    rng = np.random.default_rng(1)
    later = [{q: rng.standard_normal((3, 4)) for q in state} for state in net.state]
    dh = losses(9, 3, 4)["all steps"]
    got, wanted = torch_path.backprop(fused_run(net), dh, later), backprop(net.run(), dh, later)
    assert_same_gradients(got, wanted, 1e-12)


def test_settings_of_torch_are_left_as_they_were():
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        torch.set_float32_matmul_precision("high")
        with torch_path.exactly():
            assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before[0])
    assert torch.backends.cudnn.allow_tf32 == before[1]


def test_a_device_that_rounds_is_refused(monkeypatch):
    net = network("lstm", {})
    monkeypatch.setattr(torch_path, "multiplies_exactly", lambda device: False)
    with pytest.raises(RuntimeError, match="cpu rounds a product with the identity"):
        fused_run(net)


def test_rounding_is_seen(monkeypatch):
    """An identity that is off by what TF32 keeps of it is found out."""
    monkeypatch.setattr(torch, "eye", lambda n: (1 + 2.0**-11) * torch.diag(torch.ones(n)))
    assert not torch_path.multiplies_exactly.__wrapped__(torch.device("cpu"))


def test_what_cannot_be_run_is_refused():
    net = network("gru", {"reset_after": False, "z_keeps": True})
    with pytest.raises(ValueError, match="PyTorch has no GRU with reset_after=False"):
        fused_run(net)
    net = network("lstm", {})
    for device in ("cuda:99", "nowhere", "meta", None, 3.5):
        with pytest.raises(ValueError, match="device must be cpu or"):
            fused_run(net, device=device)
    for chunk in (0, -1, 1.5, torch_path.LONGEST + 1, True):
        with pytest.raises(ValueError, match="chunk must be a whole number of steps from 1 to 65535"):
            fused_run(net, chunk=chunk)
    with pytest.raises(ValueError, match="unknown cell 'lsmt'"):
        torch_path.run("lsmt", net.params, net.x)
    with pytest.raises(ValueError, match="this Trace is of another run"):
        torch_path.backprop(net.run(), np.zeros((5, 3, 4)))


def test_torch_is_loaded_when_it_is_asked_for():
    code = "import sys, explorer; assert 'torch' not in sys.modules; import explorer.torch_path; sys.modules['torch']"
    subprocess.run([sys.executable, "-c", code], check=True)
