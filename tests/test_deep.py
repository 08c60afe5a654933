"""Gradients deeper than floats, against plain backpropagation, 30 digits and laws."""

import mpmath
import numpy as np
import pytest

from explorer import backprop, deep_backprop
from explorer import deep as module
from explorer.measures import gradient_half_life, slopes_and_weights
from explorer.scaled import Scaled, log10_norm
from tests.engine_cases import BLOCKS, CASES, blocks, every_case, losses, network, over, pinned
from tests.test_jacobian import linear, rotation


def last(trace, size=1.0):
    dh = np.zeros((trace.T, trace.B, trace.H))
    dh[-1] = size * trace.H**-0.5
    return dh


@pytest.mark.parametrize(("layers", "B"), [(1, 1), (2, 1), (2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_case
def test_is_plain_backpropagation_where_floats_suffice(cell, options, layers, B, dtype):
    trace = network(cell, options, T=40, B=B, layers=layers, dtype=dtype).run()
    close = {"float32": 1e-4, "float64": 1e-11}[dtype]
    for loss, dh in losses(40, B, 4).items():
        for plain, deep in zip(backprop(trace, dh).layers, deep_backprop(trace, dh).layers, strict=True):
            pairs = [(f"∂{q}", plain.state[q], deep.state[q]) for q in plain.state]
            pairs += [(f"∂a_{q}", plain.pre[q], deep.pre[q]) for q in plain.pre]
            for name, wanted, mantissa in [*pairs, ("∂x", plain.x, deep.x)]:
                got = np.ldexp(mantissa, deep.exponent[:, :, None])
                off, size = np.abs(got - wanted).max(axis=(1, 2)), np.abs(wanted).max(axis=(1, 2))
                assert (off <= close * size + 1e-30).all(), f"{name}, loss on {loss}"


def exact(net, T):
    """log₁₀ ‖∂L/∂h_t‖ for t = 1 … T with 30 digits, L = Σ h_T / √H, from the weights on."""
    cell, (params,) = net.cell, net.params
    H = params["weight_hh"].shape[1]
    number = lambda array: mpmath.matrix(np.atleast_2d(array).tolist())  # noqa: E731
    gate = {name: {q: number(rows.reshape(H, -1)) for q, rows in blocks(cell, params, name).items()} for name in params}
    σ, tanh = lambda a: 1 / (1 + mpmath.exp(-a)), mpmath.tanh
    W, back = gate["weight_hh"], []
    h = number(net.state[0]["h"].T)
    c = number(net.state[0]["c"].T) if cell == "lstm" else None

    def diagonal(column):
        return mpmath.diag(list(column))

    for x in net.x:
        into = {q: gate["weight_ih"][q] * number(x.T) + gate["bias_ih"][q] for q in BLOCKS[cell]}
        from_h = {q: W[q] * h + gate["bias_hh"][q] for q in BLOCKS[cell]}
        a = {q: into[q] + from_h[q] for q in BLOCKS[cell]}
        if cell == "rnn":
            slope = [1 - tanh(v) ** 2 for v in a["h"]]
            back.append((diagonal(slope) * W["h"], None, None))
            h = a["h"].apply(tanh)
        elif cell == "gru":
            r, z = a["r"].apply(σ), a["z"].apply(σ)
            n = mpmath.matrix([tanh(into["n"][u] + r[u] * from_h["n"][u]) for u in range(H)])
            by_n = [(1 - z[u]) * (1 - n[u] ** 2) for u in range(H)]
            by_r = [by_n[u] * from_h["n"][u] * r[u] * (1 - r[u]) for u in range(H)]
            by_z = [(h[u] - n[u]) * z[u] * (1 - z[u]) for u in range(H)]
            step = diagonal(z) + diagonal(by_z) * W["z"] + diagonal(by_r) * W["r"]
            step += diagonal([by_n[u] * r[u] for u in range(H)]) * W["n"]
            back.append((step, None, None))
            h = mpmath.matrix([(1 - z[u]) * n[u] + z[u] * h[u] for u in range(H)])
        else:
            i, f, o, g = a["i"].apply(σ), a["f"].apply(σ), a["o"].apply(σ), a["g"].apply(tanh)
            c_by_h = diagonal([g[u] * i[u] * (1 - i[u]) for u in range(H)]) * W["i"]
            c_by_h += diagonal([c[u] * f[u] * (1 - f[u]) for u in range(H)]) * W["f"]
            c_by_h += diagonal([i[u] * (1 - g[u] ** 2) for u in range(H)]) * W["g"]
            c = mpmath.matrix([f[u] * c[u] + i[u] * g[u] for u in range(H)])
            h_by_o = diagonal([tanh(c[u]) * o[u] * (1 - o[u]) for u in range(H)]) * W["o"]
            back.append(((h_by_o, c_by_h), f, [o[u] * (1 - tanh(c[u]) ** 2) for u in range(H)]))
            h = mpmath.matrix([o[u] * tanh(c[u]) for u in range(H)])

    dh, dc, logs = mpmath.matrix([[mpmath.mpf(H) ** -0.5] * H]), mpmath.matrix(1, H), []
    for step, f, h_by_c in reversed(back):
        logs.append(float(mpmath.log10(mpmath.norm(dh, 2))))
        if f is None:
            dh = dh * step
        else:
            dc = dc + dh * diagonal(h_by_c)
            dh = dh * step[0] + dc * step[1]
            dc = dc * diagonal(f)
    return np.array(logs[::-1])


@pytest.mark.parametrize(("cell", "options"), [("rnn", {"activation": "tanh"}), ("gru", {}), ("lstm", {})])
@pytest.mark.parametrize(("scale", "T"), [(0.2, 1000), (1.2, 200)])
def test_is_right_to_ten_digits_of_the_logarithm(cell, options, scale, T):
    """Weights so small that the gradient leaves float64, and others with which it does not fade as fast."""
    net = network(cell, options, T=T, B=1, H=3, scale=scale)
    if scale < 1 and cell != "rnn":
        for params in net.params:
            blocks(cell, params, "bias_ih")[{"gru": "z", "lstm": "f"}[cell]][...] -= 3
    with mpmath.workdps(30):
        wanted = exact(net, T)
    trace = net.run()
    got = deep_backprop(trace, last(trace)).log10_norms("h")[:, 0]
    if scale < 1:
        assert wanted[0] < -330 and (backprop(trace, last(trace)).state["h"][0] == 0).all()
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("rate", [1e-30, 1e-3, 1e3, 1e30])
def test_vanishing_and_exploding_by_a_rate(rate):
    trace = linear(rate * rotation(4), T=400)
    got = deep_backprop(trace, last(trace)).log10_norms("h")[:, 0]
    np.testing.assert_allclose(got, np.log10(rate) * np.arange(400)[::-1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rate", [1e-100, 1e-20, 1e20])
@pytest.mark.parametrize("early", [0, 3, 150])
def test_direct_terms_enter_at_the_true_scale(rate, early):
    """A second loss far from the first: whatever scale the gradient has there, the larger of the two is not lost."""
    trace = linear(rate * np.eye(4), T=300)
    dh = last(trace)
    dh[early] = 0.5
    with mpmath.workdps(40):
        alone = [mpmath.mpf(rate) ** (299 - t) for t in range(300)]
        both = [alone[t] + (mpmath.mpf(rate) ** (early - t) if t <= early else 0) for t in range(300)]
        wanted = [float(mpmath.log10(value)) for value in both]
    np.testing.assert_allclose(deep_backprop(trace, dh).log10_norms("h")[:, 0], wanted, rtol=1e-12, atol=1e-11)


def test_sequences_of_a_batch_have_their_own_scales():
    net = network("rnn", {"activation": "tanh"}, T=300, B=3)
    trace = net.run()
    dh = last(trace)
    dh[:, 1] *= 1e-200
    dh[200:, 2] = 0
    together = deep_backprop(trace, dh).log10_norms("h")
    for b in range(3):
        one = net._replace(x=net.x[:, b : b + 1], state=[{"h": net.state[0]["h"][b : b + 1]}]).run()
        alone = deep_backprop(one, dh[:, b : b + 1]).log10_norms("h")[:, 0]
        np.testing.assert_allclose(together[:, b], alone, rtol=0, atol=1e-10)
    assert (together[200:, 2] == -np.inf).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_that_is_zero_is_zero(dtype):
    net = pinned("rnn", {"activation": "relu"}, {"h": -100.0}, T=100, B=2, dtype=dtype)
    trace = net.run()
    got = deep_backprop(trace, last(trace)).log10_norms("h")
    np.testing.assert_allclose(got[-1], 0, atol=1e-12)
    assert (got[:-1] == -np.inf).all()


def test_bad_losses_are_refused():
    trace = network("rnn", {"activation": "tanh"}).run()
    with pytest.raises(ValueError, match=r"dh must have shape \(5, 3, 4\)"):
        deep_backprop(trace, np.zeros((5, 3, 3)))
    with pytest.raises(ValueError, match="dh must be finite"):
        deep_backprop(trace, np.full((5, 3, 4), np.nan))
    with pytest.raises(ValueError, match="unknown quantity 'q': expected one of h, a_h, x"):
        deep_backprop(trace, np.zeros((5, 3, 4))).log10_norms("q")


def test_scaled_numbers():
    number = Scaled(np.array([[0.5, 0.0], [-0.25, 1.0]]), 3000)
    np.testing.assert_allclose(number.log10[0, 0], 2999 * np.log10(2))
    assert number.log10[0, 1] == -np.inf and number.values[1, 0] == -np.inf and number.values[0, 1] == 0
    for size in (1e-320, 1e-300, 1.0, 1e300):
        got = log10_norm(np.array([3 * size, -4 * size]), 5000)
        np.testing.assert_allclose(got, np.log10(np.hypot(3 * size, 4 * size)) + 5000 * np.log10(2), rtol=1e-12)


# why it is lost


@over([case for case in CASES if case[0] == "rnn"])
def test_slopes_and_weights_add_up_to_what_is_lost(cell, options):
    trace = network(cell, options, T=60, B=2).run()
    grads = deep_backprop(trace, last(trace))
    slopes, weights = slopes_and_weights(trace, grads)
    assert slopes.shape == weights.shape == (60, 2) and (slopes[np.isfinite(slopes)] <= 0).all()
    logs = grads.log10_norms("h")
    lost = np.cumsum((slopes + weights)[:0:-1], axis=0)[::-1]  # over the steps t + 1 … T
    alive = np.isfinite(logs[:-1])
    np.testing.assert_allclose(lost[alive], (logs[:-1] - logs[-1])[alive], rtol=0, atol=1e-10)


def test_a_turning_matrix_takes_nothing_and_a_linear_step_neither():
    trace = linear(rotation(4), T=20)
    slopes, weights = slopes_and_weights(trace, deep_backprop(trace, last(trace)))
    np.testing.assert_allclose(slopes, 0, atol=1e-14)
    np.testing.assert_allclose(weights, 0, atol=1e-14)
    trace = linear(0.1 * rotation(4), T=20)
    slopes, weights = slopes_and_weights(trace, deep_backprop(trace, last(trace)))
    np.testing.assert_allclose(weights, -1, atol=1e-14)


def test_gated_cells_have_no_such_split():
    trace = network("gru", {}).run()
    with pytest.raises(ValueError, match="the gradient of gru is a sum over several roads"):
        slopes_and_weights(trace, deep_backprop(trace, last(trace)))


def test_half_life_of_a_gradient():
    trace = linear(0.5**0.1 * np.eye(2), T=50)
    lives = gradient_half_life(deep_backprop(trace, last(trace)).log10_norms("h"))
    np.testing.assert_allclose(lives[:-1], 10, rtol=1e-10)
    assert np.isnan(lives[-1]).all()
    with np.errstate(divide="ignore"):
        assert list(gradient_half_life(np.log10([0.0, 2.0, 1.0]))[:2]) == [0, np.inf]


def test_the_half_life_of_C_is_that_of_the_gate_where_nothing_else_flows():
    trace = pinned("lstm", {}, {"f": 2.0, "i": -100.0, "o": 0.0}, T=40, B=1).run()
    lives = gradient_half_life(deep_backprop(trace, last(trace)).log10_norms("c"))
    f = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(lives[:-1], np.log(0.5) / np.log(f), rtol=1e-10)


@pytest.mark.parametrize(("rate", "drowns"), [(2.0, [True, False, True]), (0.5, [True, True, True])])
def test_what_leaves_a_stretch_may_only_be_lost_below_a_loss_of_the_step_before(rate, drowns, monkeypatch):
    """A tanh RNN at rest with a loss at every step; three stretches, before the last of which nobody looks."""
    trace = linear(rate * np.eye(2), T=600)
    seen, real = [], module._fits
    monkeypatch.setattr(module, "_fits", lambda *parts: seen.append(bool(parts[-1].all())) or real(*parts))
    deep = module.deep_backprop(trace, np.ones((600, 1, 2)))
    assert seen == drowns
    wanted = [np.log10(np.sqrt(2) * (rate**n - 1) / (rate - 1)) for n in (1, 2, 300)]
    np.testing.assert_allclose(deep.log10_norms("h")[[599, 598, 300], 0], wanted, rtol=1e-12)
