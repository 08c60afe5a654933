"""Surgery on a run: what is held is a constant, forwards and backwards, for every cell and convention."""

from itertools import product

import numpy as np
import pytest
import torch

from explorer import (
    Clamp,
    all_pairs,
    backprop,
    deep_backprop,
    jacobian_at,
    parallel_time,
    path_matrices,
    path_split,
    run,
    stream,
)
from explorer.cells import CELLS
from explorer.equations import chain, evaluate
from explorer.measures import half_life
from tests.engine_cases import CASES, Network, assert_close, every_case, losses, network, over
from tests.test_torch_parity import leaf

T, B, H = 6, 2, 4
NUDGE = 1e-5


def operations(cell) -> dict[str, tuple[Clamp, ...]]:
    """Ways to hold each gate and state of a cell, and some of them together."""
    kind = CELLS[cell]
    quantities = dict.fromkeys((*kind.gates, *kind.states))
    every = {q: (Clamp(q, 0.4, 1, 4, (0, 2)),) for q in quantities}
    whole = {f"all of {q}": (Clamp(q, 0.3),) for q in kind.gates}
    zeroed = tuple(Clamp(q, 0, 2, None, 1) for q in kind.states)
    mixed = (*zeroed, Clamp(kind.gates[0], 0.9, 0, 5, 3), Clamp(kind.gates[-1], 0.2, 3), Clamp("h", 0.1, 4, 5, 3))
    below = (Clamp(kind.gates[-1], 0.6, 1, 3, layer=0), Clamp("h", -0.2, 2, 4, 2, layer=-2))
    return every | whole | {"a unit": zeroed, "mixed": mixed, "below": below}


OPERATED = [(cell, options, name) for cell, options in CASES for name in operations(cell)]
every_operation = pytest.mark.parametrize(("cell", "options", "name"), OPERATED)


def operated(net: Network, name, **changes):
    net = net._replace(**changes)
    return run(net.cell, net.params, net.x, net.state, clamp=operations(net.cell)[name], **net.options)


def by_hand(net: Network, clamps, dh):
    """The same by PyTorch's autograd: each layer's steps with all tensors retained, its weights, x."""
    x = below = leaf(net.x)
    layers = []
    for k, (params, state) in enumerate(zip(net.params, net.state, strict=True)):
        mine = [clamp for clamp in clamps if clamp.layer % len(net.params) == k]
        w, start = ({name: leaf(array) for name, array in arrays.items()} for arrays in (params, state))
        now, steps = start, []
        for t, x_t in enumerate(below):
            step = torch_step(net, w, x_t, now, [clamp for clamp in mine if clamp.start <= t < (clamp.stop or T)])
            for tensor in step.values():
                if tensor.requires_grad:
                    tensor.retain_grad()
            now = {q: step[q] for q in start}
            steps.append(step)
        below = torch.stack([step["h"] for step in steps])
        layers.append((steps, w, start))
    if below.requires_grad:
        below.backward(torch.tensor(dh))
    return x, layers


class Operated(dict):
    """Names of a step; what is held gets its value the moment it is set, and stays a node of the graph."""

    def __init__(self, clamps, names):
        super().__init__(names)
        self.clamps = clamps

    def __setitem__(self, name, value):
        for clamp in self.clamps:
            if clamp.quantity == name:
                here = torch.zeros(value.shape[1], dtype=bool)
                here[slice(None) if clamp.units is None else list(np.atleast_1d(clamp.units))] = True
                value = torch.where(here, torch.full_like(value, clamp.value), value)
        super().__setitem__(name, value)


def torch_step(net, w, x, now, clamps):
    """A step written out once more, as assignments in which a clamp can have its say."""
    s, h = Operated(clamps, {}), now["h"]
    ax, ah = x @ w["weight_ih"].T + w["bias_ih"], h @ w["weight_hh"].T + w["bias_hh"]
    if net.cell == "rnn":
        s["a_h"] = ax + ah
        s["h"] = getattr(torch, net.options["activation"])(s["a_h"])
    elif net.cell == "lstm":
        for q, a in zip("ifgo", (ax + ah).chunk(4, dim=1)):
            s[f"a_{q}"] = a
            s[q] = (torch.tanh if q == "g" else torch.sigmoid)(a)
        s["c"] = s["f"] * now["c"] + s["i"] * s["g"]
        s["h"] = s["o"] * torch.tanh(s["c"])
    else:
        (x_r, x_z, x_n), (h_r, h_z, h_n) = ax.chunk(3, dim=1), ah.chunk(3, dim=1)
        s["a_r"], s["a_z"] = x_r + h_r, x_z + h_z
        s["r"], s["z"] = torch.sigmoid(s["a_r"]), torch.sigmoid(s["a_z"])
        W_n, b_n = w["weight_hh"][2 * H :], w["bias_hh"][2 * H :]
        s["a_n"] = x_n + (s["r"] * h_n if net.options["reset_after"] else (s["r"] * h) @ W_n.T + b_n)
        s["n"] = torch.tanh(s["a_n"])
        keep = s["z"] if net.options["z_keeps"] else 1 - s["z"]
        s["h"] = keep * h + (1 - keep) * s["n"]
    return dict(s)


def stacked(steps, name, gradient=False):
    found = [(step[name].grad if gradient else step[name].detach()) for step in steps]
    return np.stack([np.zeros((B, H)) if array is None else array.numpy() for array in found])


@every_operation
def test_pytorch_agrees_in_every_quantity(cell, options, name):
    net = network(cell, options, T=T, B=B, H=H, layers=2)
    clamps, trace = operations(cell)[name], operated(net, name)
    for loss, dh in list(losses(T, B, H).items())[::2]:
        grads, (x, wanted) = backprop(trace, dh), by_hand(net, clamps, dh)

        def same(got, wanted, what, loss=loss):
            assert_close(got, wanted, f"{what}, loss on {loss}", 1e-10)

        zero = np.zeros_like(net.x) if x.grad is None else x.grad
        same(grads.layers[0].x, zero, "∂L/∂x")
        for forward, back, (steps, w, start) in zip(trace.layers, grads.layers, wanted, strict=True):
            for q in forward.values:
                if q in steps[0]:
                    same(forward[q], stacked(steps, q), q)
            for q in forward.cell.states:
                same(back.state[q], stacked(steps, q, gradient=True), f"∂L/∂{q}_t")
                same(back.initial[q], 0 * start[q].detach() if start[q].grad is None else start[q].grad, f"∂L/∂{q}_0")
            for gate in forward.cell.gates:
                same(back.pre[gate], stacked(steps, f"a_{gate}", gradient=True), f"∂L/∂a_{gate}")
            for weight in forward.params:
                grad = w[weight].grad
                same(back.params[weight], np.zeros(w[weight].shape) if grad is None else grad, f"∂L/∂{weight}")


@every_operation
def test_difference_quotients_agree(cell, options, name):
    """Every input and initial state, a few places of every weight."""
    net = network(cell, options, T=T, B=B, H=H, layers=2, kink=1e-3)
    trace = operated(net, name)
    if "relu" in options.values() and min(np.abs(layer["a_h"]).min() for layer in trace.layers) < 1e-3:
        pytest.skip("the operation brings the ReLU to its kink, where a difference is no slope")
    dh = losses(T, B, H)["all steps"]
    grads = backprop(trace, dh).layers
    arrays = [("x", net.x, grads[0].x)]
    for k in range(2):
        arrays += [(f"{q}_0", net.state[k][q], grads[k].initial[q]) for q in net.state[k]]
        arrays += [(f"{weight} {k}", net.params[k][weight], grads[k].params[weight]) for weight in net.params[k]]
    for what, array, gradient in arrays:
        places = list(np.ndindex(array.shape))
        for place in places[:: 1 + len(places) // 2]:
            before, changed = array[place], []
            for sign in (1, -1):
                array[place] = before + sign * NUDGE
                changed.append((operated(net, name)["h"] * dh).sum())
            array[place] = before
            slope = (changed[0] - changed[1]) / (2 * NUDGE)
            np.testing.assert_allclose(gradient[place], slope, rtol=1e-6, atol=1e-8, err_msg=f"{what} {place}")


@every_case
def test_before_its_first_step_an_operation_changes_no_bit(cell, options):
    net = network(cell, options, T=30, B=1, H=8)
    gate = CELLS[cell].gates[-1]
    free = net.run()
    held = run(cell, net.params, net.x, net.state, clamp=Clamp(gate, 0.5, 20), **options)
    for q in free.values:
        np.testing.assert_array_equal(held[q][:20], free[q][:20], err_msg=q)
    assert (held["h"][20:] != free["h"][20:]).any()


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@every_case
def test_without_clamps_nothing_changes(cell, options, dtype):
    net = network(cell, options, dtype=dtype)
    free, empty = net.run(), run(cell, net.params, net.x, net.state, clamp=[], **options)
    assert not empty.held
    for q in free.values:
        np.testing.assert_array_equal(empty[q], free[q])


class TestLaws:
    def test_a_forget_gate_at_1_and_an_input_gate_at_0_keep_c_for_ever(self):
        net = network("lstm", {}, T=300, B=1, H=H)
        trace = run("lstm", net.params, net.x, net.state, clamp=(Clamp("f", 1), Clamp("i", 0)))
        np.testing.assert_array_equal(trace["c"], np.broadcast_to(net.state[0]["c"], trace["c"].shape))
        dc = backprop(trace, losses(300, 1, H)["last step"]).state["c"]
        own = backprop(trace, losses(300, 1, H)["last step"]).initial["c"]
        np.testing.assert_array_equal(own, dc[0])  # and so does the gradient along C
        assert (half_life(trace) == np.inf).all()

    @over([case for case in CASES if case[0] == "gru"])
    def test_an_update_gate_that_keeps_keeps_h(self, cell, options):
        net = network(cell, options, T=300, B=1, H=H)
        trace = run(cell, net.params, net.x, net.state, clamp=Clamp("z", float(options["z_keeps"])), **options)
        np.testing.assert_allclose(trace["h"] - net.state[0]["h"], 0, atol=1e-14)
        assert (half_life(trace) == np.inf).all()

    def test_an_output_gate_at_0_shows_nothing(self):
        net = network("lstm", {}, B=1)
        trace = run("lstm", net.params, net.x, net.state, clamp=Clamp("o", 0, 2))
        assert not trace["h"][2:].any() and trace["h"][:2].all()

    def test_half_a_gate_has_a_half_life_of_one_step(self):
        net = network("lstm", {}, B=1, H=H)
        trace = run("lstm", net.params, net.x, net.state, clamp=Clamp("f", 0.5, 1, 3, 2))
        lives = half_life(trace)
        assert lives[1:3, 0, 2] == pytest.approx([1, 1])
        np.testing.assert_array_equal(lives[0], half_life(net.run())[0])

    @every_case
    def test_a_zeroed_unit_is_as_good_as_gone(self, cell, options):
        """The network without the unit's column of W_hh gives all other units the same."""
        net = network(cell, options, T=12, B=1, H=H)
        for q in net.state[0]:
            net.state[0][q][:, 1] = 0
        zeroed = run(cell, net.params, net.x, net.state, clamp=[Clamp(q, 0, units=1) for q in net.state[0]], **options)
        net.params[0]["weight_hh"][:, 1] = 0
        others = [0, 2, 3]
        np.testing.assert_allclose(zeroed["h"][..., others], net.run()["h"][..., others], rtol=0, atol=1e-14)
        assert not zeroed["h"][..., 1].any()

    def test_what_is_held_has_no_gradient_before_its_squashing(self):
        for cell, options in CASES:
            net = network(cell, options, B=1, H=H)
            for gate in CELLS[cell].gates:
                trace = run(cell, net.params, net.x, net.state, clamp=Clamp(gate, 0.5, 1, 3, 2), **options)
                grads = backprop(trace, losses(trace.T, 1, H)["all steps"])
                assert not grads.pre[gate][1:3, 0, 2].any()
                assert grads.pre[gate].any()


@every_operation
def test_all_that_reads_the_tape_is_right(cell, options, name):
    net = network(cell, options, T=T, B=B, H=H, layers=2)
    trace = operated(net, name)
    dh = losses(T, B, H)["all steps"]
    grads = backprop(trace, dh)
    for shallow, deep in zip(grads.layers, deep_backprop(trace, dh).layers, strict=True):
        for q, rows in shallow.state.items():
            np.testing.assert_allclose(np.ldexp(deep.state[q], deep.exponent[..., None]), rows, rtol=1e-12, atol=1e-16)
    for unit in (0, 2):
        one = np.zeros((T, B, H))
        one[-1, :, unit] = 1
        back = backprop(trace, one)
        for q, k in product(trace.cell.states, (0, 1, 3, T)):
            row = jacobian_at(trace, T, k, "h", q, sequence=1).values[unit]
            total = back.initial[q][1] if k == 0 else back.state[q][k - 1, 1]
            np.testing.assert_allclose(row, total, rtol=1e-11, atol=1e-15, err_msg=f"∂h_T/∂{q}_{k}")
    assert np.isfinite(all_pairs(trace)[-1, -1])
    # formulas of the chain rule, which the stage shows
    for q, formula in chain(trace).items():
        value = evaluate(formula, trace, grads=grads, direct=dh)
        wanted = grads.pre[q[3:]] if q.startswith("da_") else grads.state[q[1:]]
        np.testing.assert_allclose(value, wanted, rtol=1e-11, atol=1e-15, err_msg=f"{q} = {formula}")
    np.testing.assert_array_equal(parallel_time.backprop(trace, dh)[0].x, grads.x)


@every_case
def test_over_many_stretches_each_step_keeps_its_own_clamps(cell, options):
    """Long and wide enough for the LSTM's backward loop to have two chunks, and deep gradients and Jacobians many."""
    net = network(cell, options, T=120, B=1, H=64, scale=0.12)
    gate = CELLS[cell].gates[-1]
    clamps = [Clamp(gate, 0.4, 3, 9, 1), Clamp(gate, 0.2, 33, 40, (0, 2)), Clamp("h", 0.1, 110, 115, 3)]
    trace = run(cell, net.params, net.x, net.state, clamp=clamps, **options)
    dh = losses(120, 1, 64)["last step"]
    grads, deep = backprop(trace, dh), deep_backprop(trace, dh)
    for q, rows in grads.state.items():
        size = np.abs(rows).max(axis=2)
        apart = np.abs(np.ldexp(deep.state[q], deep.exponent[..., None]) - rows).max(axis=2)
        assert (apart <= 1e-9 * size).all()
        jacobian = jacobian_at(trace, 120, 5, "h", q).values
        np.testing.assert_allclose(dh[-1, 0] @ jacobian, rows[4, 0], rtol=0, atol=1e-9 * size[4, 0])


@pytest.mark.parametrize("name", operations("lstm"))
def test_both_roads_of_an_operated_memory_add_up(name):
    trace = operated(network("lstm", {}, T=T, B=B, H=H, layers=2), name)
    split = path_split(trace, sequence=1)
    for k in range(T + 1):
        parts = path_matrices(trace, T, k, sequence=1)
        whole = jacobian_at(trace, T, k, "c", "c", sequence=1).values
        np.testing.assert_allclose(parts["direct"].values + parts["rest"].values, whole, rtol=1e-11, atol=1e-15)
        with np.errstate(divide="ignore"):
            direct = np.log10(np.linalg.norm(parts["direct"].values))
        np.testing.assert_allclose(split.direct[k], direct, rtol=1e-10)


def test_parallel_time_goes_step_by_step_and_says_why():
    net = network("lstm", {}, T=2000, B=1, H=H, scale=0.3)
    clamp = Clamp("f", 0.5, 100)
    trace, (certificate,) = parallel_time.run("lstm", net.params[0], net.x, net.state[0], clamp=clamp)
    np.testing.assert_array_equal(trace["h"], run("lstm", net.params[0], net.x, net.state[0], clamp=clamp)["h"])
    dh = np.ones(trace["h"].shape)
    grads, (back,) = parallel_time.backprop(trace, dh)
    np.testing.assert_array_equal(grads.x, backprop(trace, dh).x)
    assert certificate.reason == back.reason == "held"


@pytest.mark.parametrize(
    ("cell", "clamp", "sentence"),
    [
        ("lstm", Clamp("z", 1), "gate or state of lstm 'z': expected one of i, f, g, o, h, c"),
        ("gru", Clamp("c", 1), "gate or state of gru 'c'"),
        ("lstm", Clamp("f", float("nan")), "value of a clamp must be a finite number, but that of f is nan"),
        ("lstm", Clamp("f", "much"), "but that of f is 'much'"),
        ("lstm", Clamp("f", 1, 5), "start of a clamp must be a whole number from 0 to 4, but is 5"),
        ("lstm", Clamp("f", 1, -1), "start of a clamp must be"),
        ("lstm", Clamp("f", 1, 2, 2), "stop of a clamp must be a whole number from 3 to 5, but is 2"),
        ("lstm", Clamp("f", 1, 2, 9), "stop of a clamp must be"),
        ("lstm", Clamp("f", 1, units=4), "unit of a clamp must be a whole number from 0 to 3, but is 4"),
        ("lstm", Clamp("f", 1, units=(0, -1)), "unit of a clamp must be"),
        ("lstm", Clamp("f", 1, layer=1), "layer of a clamp must be a whole number from -1 to 0, but is 1"),
        ("lstm", "f", "clamp must be Clamps, such as Clamp('h', 0.0), but one is 'f'"),
    ],
)
def test_a_clamp_that_cannot_be_is_answered_in_one_sentence(cell, clamp, sentence):
    net = network(cell, CASES[[name for name, _ in CASES].index(cell)][1], T=5, B=1, H=H)
    with pytest.raises(ValueError) as refused:
        run(cell, net.params, net.x, net.state, clamp=[clamp])
    assert sentence in str(refused.value)


def test_what_cannot_hold_refuses_in_one_sentence():
    from explorer import torch_path

    net = network("lstm", {}, T=5, B=1, H=H)
    with pytest.raises(ValueError, match="for clamps"):
        torch_path.run("lstm", net.params, net.x, net.state, clamp=Clamp("f", 1))
    with pytest.raises(ValueError, match="for clamps"):
        stream.stream("lstm", net.params, net.x, np.zeros((5, 1, H)), clamp=Clamp("f", 1))
