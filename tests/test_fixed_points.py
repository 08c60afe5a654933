"""Fixed points: those worked out by hand are found, each is one, and its eigenvalues are those of a step."""

import mpmath
import numpy as np

from explorer import run
from explorer.fixed_points import EXACT, fixed_points, jacobians_of, one_step, states_of
from tests.engine_cases import every_case, network, pinned


def still(matrix, activation="tanh", bias=0.0, T=6):
    """An RNN without input."""
    H = len(matrix)
    params = {"weight_ih": np.zeros((H, 1)), "weight_hh": np.array(matrix, float)}
    params |= {"bias_ih": np.full(H, bias), "bias_hh": np.zeros(H)}
    return run("rnn", params, np.zeros((T, 1, 1)), activation=activation)


def test_two_units_that_feed_themselves_are_two_bits():
    """h = tanh(1.5 h) has the solutions 0 and ±0.8586 in each unit: nine points, four of which attract."""
    found = fixed_points(still(1.5 * np.eye(2)), np.zeros(1))
    root = float(mpmath.findroot(lambda h: mpmath.tanh(1.5 * h) - h, 0.9))
    wanted = sorted((a, b) for a in (-root, 0, root) for b in (-root, 0, root))
    np.testing.assert_allclose(sorted(map(tuple, [p.state.round(9) for p in found])), wanted, atol=1e-8)
    for point in found:
        slopes = sorted(1.5 * (1 - point.state**2), reverse=True)
        np.testing.assert_allclose(point.eigenvalues, slopes, atol=1e-8)
        assert point.attracts == (np.abs(point.state) > 0.5).all() and point.residual < EXACT
    assert [point.attracts for point in found] == [True] * 4 + [False] * 5


def test_a_weak_network_has_one_and_forgets():
    [point] = fixed_points(still(0.9 * np.eye(3)), np.zeros(1))
    np.testing.assert_allclose(point.state, 0, atol=1e-9)
    np.testing.assert_allclose(point.eigenvalues, 0.9, atol=1e-9)


def test_a_rotation_that_grows_turns_away():
    """Complex eigenvalues of the size of the gain."""
    turn = [[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]
    found = fixed_points(still(1.2 * np.array(turn)), np.zeros(1))
    here = next(point for point in found if np.abs(point.state).max() < 1e-6)
    np.testing.assert_allclose(np.sort_complex(here.eigenvalues), 1.2 * np.exp([-1j, 1j]), atol=1e-9)
    assert not here.attracts


def test_relu_is_solved_where_it_is_linear():
    """h = ½ h + 1 is 2."""
    [point] = fixed_points(still(0.5 * np.eye(2), "relu", bias=1.0), np.zeros(1))
    np.testing.assert_allclose(point.state, 2, atol=1e-9)


def test_an_lstm_with_pinned_gates_keeps_what_its_gates_say():
    """C = f C + i g: with σ(0) = ½ for f and i and g = tanh(1), C = tanh(1); then h = ½ tanh(C)."""
    net = pinned("lstm", {}, {"i": 0.0, "f": 0.0, "g": 1.0, "o": 0.0}, T=5, B=1, H=2)
    [point] = fixed_points(net.run(), net.x[0, 0])
    g = np.tanh(1)
    np.testing.assert_allclose(point.state, [0.5 * np.tanh(g)] * 2 + [g] * 2, atol=1e-9)
    np.testing.assert_allclose(point.eigenvalues, [0.5, 0.5, 0, 0], atol=1e-9)


@every_case
def test_each_point_stays_and_its_jacobian_is_the_finite_difference(cell, options):
    net = network(cell, options, T=8, B=1, H=3)
    trace, x = net.run(), net.x[4, 0]
    for point in fixed_points(trace, x):
        after, step = one_step(trace, x, point.state[None])
        np.testing.assert_allclose(after[0], point.state, atol=1e-9 * max(1, np.abs(point.state).max()))
        nudges = 1e-6 * np.eye(len(point.state))
        up, down = (one_step(trace, x, point.state + sign * nudges)[0] for sign in (1, -1))
        values = np.linalg.eigvals((up - down).T / 2e-6)
        assert abs(np.abs(values).max() - abs(point.eigenvalues[0])) < 1e-5
        assert jacobians_of(step).shape == (1, len(point.state), len(point.state))


@every_case
def test_the_step_is_that_of_the_run(cell, options):
    net = network(cell, options, T=5, B=1)
    trace = net.run()
    states = states_of(trace)
    for t in range(1, 5):
        after, _ = one_step(trace, net.x[t, 0], states[t - 1 : t])
        np.testing.assert_allclose(after[0], states[t], rtol=1e-12)


def test_the_same_search_finds_the_same(cell="gru"):
    net = network(cell, {}, T=8, B=1)
    first, second = (fixed_points(net.run(), net.x[3, 0]) for _ in range(2))
    assert [p.state.tolist() for p in first] == [p.state.tolist() for p in second]


def test_a_gru_is_searched_only_where_it_can_be():
    """Far outside, z is 1 and every state would stay; h lies between −1 and 1."""
    net = network("gru", {}, T=8, B=1, H=2, scale=4.0)
    assert all(np.abs(point.state).max() <= 1 for point in fixed_points(net.run(), net.x[3, 0]))
