"""Laws of the gradients that a student would state: what lasts, what fades, what adds up."""

import numpy as np
import pytest

from explorer import backprop, run
from tests.engine_cases import CASES, every_case, losses, network, over, pinned

OPEN, SHUT = 100.0, -100.0
ALL = "all steps"


def last_step_only(trace):
    dh = np.zeros((trace.T, trace.B, trace.H))
    dh[-1] = 1
    return dh


# what lasts and what fades


def test_lstm_with_open_gates_carries_a_gradient_any_distance():
    """The carousel: ∂C_T/∂C_t = 1, a thousand steps back, exactly."""
    trace = pinned("lstm", {}, {"f": OPEN, "i": OPEN, "o": OPEN, "g": 0.0}, T=1000, B=1).run()
    start = run("lstm", dict(trace.params), trace.x)  # C_0 = 0, where tanh(C) has the slope 1
    grads = backprop(start, last_step_only(start))
    assert (grads.state["c"] == 1).all() and (grads.initial["c"] == 1).all()
    assert (grads.state["h"][:-1] == 0).all(), "nothing goes through weights of 0"


def test_lstm_with_f_half_open_halves_the_gradient_a_step():
    trace = pinned("lstm", {}, {"f": 0.0, "i": SHUT, "o": OPEN, "g": 0.0}, T=30, B=1).run()
    start = run("lstm", dict(trace.params), trace.x)
    halves = 0.5 ** np.arange(30)[::-1, None, None] * np.ones((30, 1, 4))
    np.testing.assert_allclose(backprop(start, last_step_only(start)).state["c"], halves, rtol=1e-14)


def test_lstm_gradient_of_C_is_the_product_of_the_forget_gates():
    """With weights of 0 at h, C is the only road: ∂L/∂C_t = f_{t+1} ⋯ f_T · ∂L/∂C_T."""
    net = network("lstm", {}, T=12)
    net.params[0]["weight_hh"][...] = 0
    trace = net.run()
    grads = backprop(trace, last_step_only(trace))
    at_the_end = trace["o"][-1] * (1 - np.tanh(trace["c"][-1]) ** 2)
    kept = np.cumprod(trace["f"][:0:-1], axis=0)[::-1]  # f_T, f_T f_{T-1}, …
    np.testing.assert_allclose(grads.state["c"][-1], at_the_end, rtol=1e-12)
    np.testing.assert_allclose(grads.state["c"][:-1], kept * at_the_end, rtol=1e-12)


@over([case for case in CASES if case[0] == "gru"])
def test_gru_that_keeps_carries_a_gradient_any_distance(cell, options):
    trace = pinned(cell, options, {"z": OPEN if options["z_keeps"] else SHUT}, weights=1.0, T=500).run()
    grads = backprop(trace, last_step_only(trace))
    assert (grads.state["h"] == 1).all() and (grads.initial["h"] == 1).all()
    assert (grads.params["weight_ih"] == 0).all(), "a network that only keeps learns nothing"


def test_linear_rnn_gradient_is_the_power_of_its_matrix():
    """A ReLU among positive numbers is linear: ∂h_T/∂h_t = W^{T−t}."""
    net = network("rnn", {"activation": "relu"}, T=12)
    for array in (*net.params[0].values(), net.x, *net.state[0].values()):
        np.abs(array, out=array)
    trace = net.run()
    direct = last_step_only(trace) * np.random.default_rng(0).standard_normal((trace.B, trace.H))
    grads = backprop(trace, direct)
    W = net.params[0]["weight_hh"]
    for t in range(12):
        power = np.linalg.matrix_power(W, 11 - t)
        np.testing.assert_allclose(grads.state["h"][t], direct[-1] @ power, rtol=1e-11)
    np.testing.assert_allclose(grads.initial["h"], direct[-1] @ np.linalg.matrix_power(W, 12), rtol=1e-11)


@pytest.mark.parametrize("gain", (0.5, 1.0, 2.0))
def test_linear_rnn_vanishes_or_explodes_by_its_gain(gain):
    """With W = gain · 1 the gradient is gain to the power of the distance."""
    net = network("rnn", {"activation": "relu"}, T=20)
    for array in (*net.params[0].values(), net.x, *net.state[0].values()):
        np.abs(array, out=array)
    net.params[0]["weight_hh"][...] = gain * np.eye(4)
    trace = net.run()
    grads = backprop(trace, last_step_only(trace))
    powers = gain ** np.arange(20.0)[::-1, None, None] * np.ones((20, 3, 4))
    np.testing.assert_allclose(grads.state["h"], powers, rtol=1e-13)


# what holds for all cells


@every_case
def test_nothing_flows_back_from_beyond_the_last_loss(cell, options):
    trace = network(cell, options, T=8).run()
    dh = losses(8, trace.B, trace.H)[ALL]
    dh[4:] = 0
    grads = backprop(trace, dh)
    for name, rows in [*grads.state.items(), *grads.pre.items(), ("x", grads.x)]:
        assert (rows[4:] == 0).all() and (rows[:4] != 0).any(), name


@every_case
def test_the_last_state_feels_the_direct_loss_only(cell, options):
    trace = network(cell, options).run()
    dh = losses(trace.T, trace.B, trace.H)[ALL]
    assert (backprop(trace, dh).state["h"][-1] == dh[-1]).all()


def flat(grads):
    """All numbers of a Gradients, by name."""
    for k, layer in enumerate(grads.layers):
        for part in ("state", "pre", "params", "initial"):
            yield from ((f"{part} {name} of layer {k + 1}", rows) for name, rows in getattr(layer, part).items())
        yield f"x of layer {k + 1}", layer.x


@every_case
def test_losses_add_up(cell, options):
    trace = network(cell, options, layers=2).run()
    one, two, _ = losses(trace.T, trace.B, trace.H).values()
    parts = zip(*(flat(backprop(trace, dh)) for dh in (one, two, one - 3 * two)), strict=True)
    for (name, a), (_, b), (_, both) in parts:
        np.testing.assert_allclose(both, a - 3 * b, rtol=1e-10, atol=1e-12, err_msg=name)


@every_case
def test_a_batch_adds_up_the_gradients_of_its_sequences(cell, options):
    net = network(cell, options, B=3)
    trace = net.run()
    dh = losses(trace.T, 3, trace.H)[ALL]
    together, alone = backprop(trace, dh), []
    for b in range(3):
        one = [{q: rows[b : b + 1] for q, rows in net.state[0].items()}]
        alone.append(backprop(net._replace(x=net.x[:, b : b + 1], state=one).run(), dh[:, b : b + 1]))
    close = {"rtol": 1e-11, "atol": 1e-13}
    for name, gradient in together.params.items():
        np.testing.assert_allclose(gradient, sum(g.params[name] for g in alone), err_msg=name, **close)
    for part in ("state", "pre"):
        for name, rows in getattr(together, part).items():
            side_by_side = np.concatenate([getattr(g, part)[name] for g in alone], axis=1)
            np.testing.assert_allclose(rows, side_by_side, err_msg=name, **close)
    for name, rows in together.initial.items():
        np.testing.assert_allclose(rows, np.concatenate([g.initial[name] for g in alone]), **close)
    np.testing.assert_allclose(together.x, np.concatenate([g.x for g in alone], axis=1), **close)


@every_case
def test_the_weights_gradient_is_the_sum_over_steps(cell, options):
    """∂L/∂W_ih = Σ ∂L/∂a_t · x_tᵀ and ∂L/∂b_ih = Σ ∂L/∂a_t: what the page shows adds up."""
    trace = network(cell, options).run()
    grads = backprop(trace, losses(trace.T, trace.B, trace.H)[ALL])
    pre = np.concatenate([grads.pre[gate] for gate in trace.cell.gates], axis=2)
    np.testing.assert_allclose(grads.params["bias_ih"], pre.sum(axis=(0, 1)), rtol=1e-12)
    weight = np.einsum("tbm,tbd->md", pre, trace.x)
    np.testing.assert_allclose(grads.params["weight_ih"], weight, rtol=1e-11)


@pytest.mark.parametrize("reset_after", (True, False))
def test_relabelling_z_turns_the_signs_of_its_gradients(reset_after):
    nets = []
    for z_keeps in (True, False):
        net = network("gru", {"reset_after": reset_after, "z_keeps": z_keeps})
        if not z_keeps:
            for array in net.params[0].values():
                array[4:8] *= -1
        nets.append(net.run())
    dh = losses(5, 3, 4)[ALL]
    keeps, takes = (backprop(trace, dh) for trace in nets)
    assert (keeps.state["h"] == takes.state["h"]).all() and (keeps.x == takes.x).all()
    for gate in "rzn":
        sign = -1 if gate == "z" else 1
        assert (takes.pre[gate] == sign * keeps.pre[gate]).all()
    signs = np.repeat([1, -1, 1], 4)
    for name, gradient in takes.params.items():
        assert np.array_equal(gradient.T, signs * keeps.params[name].T), name


@every_case
def test_float32_is_float64_to_rounding(cell, options):
    net = network(cell, options, T=20, H=8, layers=2, dtype="float32")
    wide = net._replace(
        params=[{name: array.astype("float64") for name, array in layer.items()} for layer in net.params]
    )
    dh = losses(20, 3, 8)[ALL]
    for (name, narrow), (_, exact) in zip(flat(backprop(net.run(), dh)), flat(backprop(wide.run(), dh)), strict=True):
        assert narrow.dtype == "float32" and exact.dtype == "float64"
        np.testing.assert_allclose(narrow, exact, rtol=0, atol=2e-5 * np.abs(exact).max(), err_msg=name)


@pytest.mark.parametrize("B", (1, 3))
@every_case
def test_a_gradient_is_handed_over_where_a_sequence_is_cut(cell, options, B):
    net = network(cell, options, T=9, B=B, layers=2)
    dh = losses(9, B, 4)[ALL]
    whole, first = backprop(net.run(), dh), net._replace(x=net.x[:4]).run()
    end = [{q: layer[q][-1] for q in layer.cell.states} for layer in first.layers]
    late = backprop(net._replace(x=net.x[4:], state=end).run(), dh[4:])
    early = backprop(first, dh[:4], [layer.initial for layer in late.layers])
    close = {"rtol": 1e-11, "atol": 1e-13}
    for all_steps, before, after in zip(whole.layers, early.layers, late.layers, strict=True):
        np.testing.assert_allclose(np.concatenate([before.x, after.x]), all_steps.x, **close)
        for part in ("state", "pre"):
            for name, rows in getattr(all_steps, part).items():
                joined = np.concatenate([getattr(before, part)[name], getattr(after, part)[name]])
                np.testing.assert_allclose(joined, rows, err_msg=name, **close)
        for name, row in all_steps.initial.items():
            np.testing.assert_allclose(before.initial[name], row, err_msg=name, **close)
        for name, gradient in all_steps.params.items():
            np.testing.assert_allclose(before.params[name] + after.params[name], gradient, **close)


def test_what_is_handed_over_is_checked():
    trace = network("lstm", {}, layers=2).run()
    dh = losses(trace.T, trace.B, trace.H)[ALL]
    with pytest.raises(ValueError, match="later must be one mapping a layer, and there are 2 layers"):
        backprop(trace, dh, {"h": np.zeros((3, 4))})
    with pytest.raises(ValueError, match=r"state c later than the trace must have shape \(3, 4\), but has shape"):
        backprop(trace, dh, [None, {"c": np.zeros((3, 5))}])
