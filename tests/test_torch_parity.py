"""The engine against PyTorch: its modules, and a loop by hand that keeps every quantity of every step."""

import numpy as np
import pytest
import torch

from explorer import backprop
from tests.engine_cases import CASES, Network, assert_close, every_case, losses, network, over

TOLERANCE = {"float64": 1e-10, "float32": 2e-5}
dtypes = pytest.mark.parametrize("dtype", TOLERANCE)


def torch_module(cell, options, **sizes):
    """The module of torch.nn that is the same network, None if torch has none."""
    if cell == "rnn" and options["activation"] in ("tanh", "relu"):
        return torch.nn.RNN(nonlinearity=options["activation"], **sizes)
    if cell == "gru" and options["reset_after"] and options["z_keeps"]:
        return torch.nn.GRU(**sizes)
    if cell == "lstm":
        return torch.nn.LSTM(**sizes)
    return None


IN_TORCH = [case for case in CASES if torch_module(*case, input_size=1, hidden_size=1)]


def leaf(array):
    return torch.tensor(array, requires_grad=True)


@dtypes
@pytest.mark.parametrize(("layers", "B", "H"), [(1, 1, 1), (1, 1, 5), (1, 3, 5), (2, 1, 5), (2, 3, 5)])
@over(IN_TORCH)
def test_modules(cell, options, layers, B, H, dtype):
    compare_with_module(network(cell, options, T=12, B=B, H=H, layers=layers, dtype=dtype), dtype)


@pytest.mark.parametrize("B", (1, 3))
@over(IN_TORCH)
def test_modules_over_many_steps(cell, options, B):
    """Long enough for the backward loops that work chunk by chunk to have several."""
    compare_with_module(network(cell, options, T=600, B=B, H=24, scale=0.2), "float64")


def compare_with_module(net, dtype):
    trace, layers, (cell, options) = net.run(), len(net.params), net[:2]
    T, B, H = trace["h"].shape
    assert trace.dtype == dtype
    module = torch_module(cell, options, input_size=trace.layers[0].D, hidden_size=H, num_layers=layers)
    module = module.to(getattr(torch, dtype))
    with torch.no_grad():
        for k, params in enumerate(net.params):
            for name, array in params.items():
                getattr(module, f"{name}_l{k}").copy_(torch.tensor(array))
    for loss, dh in losses(T, B, H, dtype).items():
        grads = backprop(trace, dh)
        x = leaf(net.x)
        start = [leaf(np.stack([state[q] for state in net.state])) for q in trace.cell.states]
        module.zero_grad()
        h, end = module(x, tuple(start) if len(start) > 1 else start[0])
        h.backward(torch.tensor(dh))

        def same(got, wanted, what, loss=loss):
            assert_close(got, wanted.detach(), f"{what}, loss on {loss}", TOLERANCE[dtype])

        same(trace["h"], h, "h")
        same(grads.layers[0].x, x.grad, "∂L/∂x")
        for q, first, last in zip(trace.cell.states, start, end if isinstance(end, tuple) else [end], strict=True):
            same(np.stack([layer[q][-1] for layer in trace.layers]), last, f"the last {q}")
            same(np.stack([layer.initial[q] for layer in grads.layers]), first.grad, f"∂L/∂{q}_0")
        for k, layer in enumerate(grads.layers):
            for name, gradient in layer.params.items():
                same(gradient, getattr(module, f"{name}_l{k}").grad, f"∂L/∂{name} of layer {k + 1}")


def rnn_step(w, x, h, activation):
    a_h = x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]
    return {"a_h": a_h, "h": getattr(torch, activation)(a_h)}


def lstm_step(w, x, h, c):
    a = x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]
    a_i, a_f, a_g, a_o = a.chunk(4, dim=1)
    i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
    c = f * c + i * g
    return dict(a_i=a_i, a_f=a_f, a_g=a_g, a_o=a_o, i=i, f=f, g=g, o=o, c=c, h=o * torch.tanh(c))


def gru_step(w, x, h, reset_after, z_keeps):
    x_r, x_z, x_n = (x @ w["weight_ih"].T + w["bias_ih"]).chunk(3, dim=1)
    W_r, W_z, W_n = w["weight_hh"].chunk(3)
    b_r, b_z, b_n = w["bias_hh"].chunk(3)
    a_r, a_z = x_r + h @ W_r.T + b_r, x_z + h @ W_z.T + b_z
    r, z = torch.sigmoid(a_r), torch.sigmoid(a_z)
    if reset_after:
        between = {"q": h @ W_n.T + b_n}
        a_n = x_n + r * between["q"]
    else:
        between = {"s": r * h}
        a_n = x_n + between["s"] @ W_n.T + b_n
    n = torch.tanh(a_n)
    h = z * h + (1 - z) * n if z_keeps else (1 - z) * h + z * n
    return between | dict(a_r=a_r, a_z=a_z, a_n=a_n, r=r, z=z, n=n, h=h)


STEPS = {"rnn": rnn_step, "lstm": lstm_step, "gru": gru_step}


def by_hand(net: Network, dh):
    """For each layer its steps, {quantity: tensor with .grad} each, and its leaves."""
    x, layers = leaf(net.x), []
    below = x
    for params, state in zip(net.params, net.state, strict=True):
        w, start = ({name: leaf(array) for name, array in arrays.items()} for arrays in (params, state))
        now, steps = start, []
        for x_t in below:
            step = STEPS[net.cell](w, x_t, **now, **net.options)
            for tensor in step.values():
                tensor.retain_grad()
            now = {q: step[q] for q in start}
            steps.append(step)
        below = torch.stack([step["h"] for step in steps])
        layers.append((steps, w, start))
    below.backward(torch.tensor(dh))
    return x, layers


def values(steps, name):
    return np.stack([step[name].detach().numpy() for step in steps])


def slopes(steps, name):
    """Steps after the last loss have no gradient in torch: theirs is zero."""
    tensors = [step[name] for step in steps]
    return np.stack([np.zeros(t.shape) if t.grad is None else t.grad.numpy() for t in tensors])


@dtypes
@pytest.mark.parametrize(("layers", "B"), [(1, 1), (1, 3), (2, 3)])
@every_case
def test_every_quantity(cell, options, layers, B, dtype):
    net = network(cell, options, T=8, B=B, H=4, layers=layers, dtype=dtype)
    trace = net.run()
    for loss, dh in losses(8, B, 4, dtype).items():
        grads = backprop(trace, dh)
        x, wanted = by_hand(net, dh)

        def same(got, wanted, what, loss=loss):
            assert_close(got, wanted, f"{what}, loss on {loss}", TOLERANCE[dtype])

        same(grads.layers[0].x, x.grad, "∂L/∂x")
        for forward, back, (steps, w, start) in zip(trace.layers, grads.layers, wanted, strict=True):
            assert set(forward.values) == set(steps[0])
            for name in forward.values:
                same(forward[name], values(steps, name), name)
            for q in forward.cell.states:
                same(back.state[q], slopes(steps, q), f"∂L/∂{q}_t")
                same(back.initial[q], start[q].grad, f"∂L/∂{q}_0")
            for gate in forward.cell.gates:
                same(back.pre[gate], slopes(steps, f"a_{gate}"), f"∂L/∂a_{gate}")
            for name in forward.params:
                same(back.params[name], w[name].grad, f"∂L/∂{name}")


def test_torch_has_what_it_should():
    """A filter that lets nothing through would let everything pass."""
    assert [cell for cell, _ in IN_TORCH] == ["rnn", "rnn", "gru", "lstm"]
