"""∂h_t/∂h_k against PyTorch's autograd, finite differences, many digits and the laws of matrices."""

import mpmath
import numpy as np
import pytest
import torch

from explorer import (
    all_pairs,
    jacobian_at,
    jacobian_norms,
    lyapunov_exponents,
    path_matrices,
    path_split,
    run,
    singular_values,
)
from explorer import jacobian as module
from explorer.cells import CELLS
from explorer.jacobian import state_jacobians
from tests.engine_cases import CASES, every_case, network, over, pinned, textbook


def rotation(H, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((H, H)))[0]


def linear(matrix, T=30):
    """A tanh RNN at rest: φ′(0) = 1, so that each step is the matrix itself, whatever its signs."""
    H = len(matrix)
    params = {"weight_ih": np.zeros((H, 1)), "weight_hh": matrix, "bias_ih": np.zeros(H), "bias_hh": np.zeros(H)}
    return run("rnn", params, np.zeros((T, 1, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_case
def test_is_the_finite_difference_of_the_formulas(cell, options, dtype):
    """Every state by every state at a step in the middle, the textbook's formulas nudged there."""
    net = network(cell, options, T=7, B=2, kink=1e-3, dtype=dtype)
    trace, ε = net.run(), 1e-6
    wide = net._replace(
        params=[{name: array.astype(float) for name, array in net.params[0].items()}],
        x=net.x.astype(float),
        state=[{q: rows.astype(float) for q, rows in net.state[0].items()}],
    )
    for of in trace.cell.states:
        for wrt in trace.cell.states:
            wanted = np.empty((4, 4))
            for v in range(4):
                nudge = np.zeros((7, 2, 4))
                nudge[2, 1, v] = ε
                up, down = (textbook(wide, {(0, wrt): sign * nudge})[0][of][6, 1] for sign in (1, -1))
                wanted[:, v] = (up - down) / (2 * ε)
            got = jacobian_at(trace, 7, 3, of, wrt, sequence=1).values
            close = 1e-7 if dtype == "float64" else 1e-4
            np.testing.assert_allclose(got, wanted, rtol=0, atol=close * np.abs(wanted).max(), err_msg=f"{of} by {wrt}")


@over([case for case in CASES if set(case[1].values()) <= {True, "tanh", "relu"}])  # the cells that torch has
def test_is_what_autograd_finds(cell, options):
    net = network(cell, options, T=9, B=1)
    kind = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}[cell]
    torch_cell = kind(3, 4, **({"nonlinearity": options["activation"]} if cell == "rnn" else {})).double()
    torch_cell.load_state_dict({name: torch.tensor(array) for name, array in net.params[0].items()})
    now = tuple(torch.tensor(net.state[0][q], requires_grad=True) for q in CELLS[cell].states)
    steps = [now]
    for x in torch.tensor(net.x):
        made = torch_cell(x, now if len(now) > 1 else now[0])
        now = made if len(now) > 1 else (made,)
        steps.append(now)
    trace = net.run()
    for a, of in enumerate(CELLS[cell].states):
        for b, wrt in enumerate(CELLS[cell].states):
            norms, pairs = jacobian_norms(trace, of, wrt), all_pairs(trace, of, wrt, spectral=True)
            for k in range(10):
                rows = [
                    torch.autograd.grad(steps[9][a][0, u], steps[k][b], retain_graph=True, allow_unused=True)[0]
                    for u in range(4)
                ]
                wanted = np.array([np.zeros(4) if row is None else row[0].numpy() for row in rows])
                np.testing.assert_allclose(jacobian_at(trace, 9, k, of, wrt).values, wanted, rtol=1e-11, atol=1e-15)
                if wanted.any():
                    assert abs(norms.frobenius[k] - np.log10(np.linalg.norm(wanted))) < 1e-12
                    assert abs(norms.spectral[k] - np.log10(np.linalg.norm(wanted, 2))) < 1e-12
                    assert abs(pairs[9, k] - norms.spectral[k]) < 1e-12
                else:
                    assert norms.frobenius[k] == norms.spectral[k] == -np.inf


@every_case
def test_all_pairs_are_the_norms_of_every_t(cell, options):
    trace = network(cell, options, T=12).run()
    pairs = all_pairs(trace, sequence=2)
    assert np.isnan(pairs[np.triu_indices(13, 1)]).all() and np.isnan(pairs[0]).all()
    for t in range(1, 13):
        alone = jacobian_norms(trace, t=t, sequence=2)
        np.testing.assert_allclose(pairs[t, : t + 1], alone.frobenius, rtol=0, atol=1e-12)
        assert (alone.spectral <= alone.frobenius + 1e-12).all()


@pytest.mark.parametrize("every", [2, 5, 12])
def test_a_thinned_grid_holds_the_same_numbers(every):
    trace = network("lstm", {}, T=12).run()
    whole, thin = all_pairs(trace), all_pairs(trace, every=every)
    taken = np.arange(12, 0, -every)
    np.testing.assert_allclose(thin[taken], whole[taken], rtol=0, atol=1e-12)
    assert np.isnan(np.delete(thin, taken, axis=0)).all()
    assert module.all_pairs_cost(trace, every=every)[0] == taken.sum() * 2 * 64


@every_case
def test_the_jacobian_of_all_states_is_the_finite_difference_of_a_step(cell, options):
    """Each state of step 4 by each state of step 3, h and C two variables."""
    net = network(cell, options, T=6, B=2, kink=1e-3)
    trace, ε, names = net.run(), 1e-6, CELLS[cell].states
    got = state_jacobians(trace, range(3, 6), sequence=1)[1]
    state = {q: trace[q][2] for q in names}
    wanted = np.empty((len(names) * 4, len(names) * 4))
    for v in range(len(wanted)):
        ends = []
        for sign in (1, -1):
            moved = {q: rows.copy() for q, rows in state.items()}
            moved[names[v // 4]][1, v % 4] += sign * ε
            step = run(cell, net.params, net.x[3:4], moved, **options)
            ends.append(np.concatenate([step[q][0, 1] for q in names]))
        wanted[:, v] = (ends[0] - ends[1]) / (2 * ε)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-7 * np.abs(wanted).max())


@pytest.mark.parametrize("steps", [range(0, 3), range(2, 9)])
def test_steps_beyond_the_run_are_refused(steps):
    with pytest.raises(ValueError, match="must be a whole number from"):
        state_jacobians(network("gru", {}, T=5).run(), steps)


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_linear_rnn_is_the_power_of_its_matrix_at_any_depth(size):
    matrix = np.abs(np.random.default_rng(0).standard_normal((3, 3)))
    trace, T = linear(size * matrix, T=300), 300
    norms = jacobian_norms(trace)
    with mpmath.workdps(40):
        exact = mpmath.matrix(matrix.tolist()) * mpmath.mpf(size)
        for k in (0, 100, 299):
            power = exact ** (T - k)
            wanted = float(mpmath.log10(mpmath.mnorm(power, "f")))
            assert abs(norms.frobenius[k] - wanted) < 1e-10
            got = jacobian_at(trace, T, k).log10
            np.testing.assert_allclose(
                got, [[float(mpmath.log10(v)) for v in row] for row in power.tolist()], atol=1e-10
            )


@pytest.mark.parametrize("rate", [1e-100, 1e-40, 1e40, 1e100])
def test_steps_that_leave_no_room_get_a_scale_each(rate):
    norms = jacobian_norms(linear(rate * rotation(4), T=40))
    wanted = np.log10(rate) * np.arange(40, -1, -1)
    np.testing.assert_allclose(norms.spectral, wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(norms.frobenius, wanted + np.log10(2), rtol=1e-12, atol=1e-12)
    pairs = all_pairs(linear(rate * rotation(4), T=40), spectral=True)
    np.testing.assert_allclose(pairs[40], wanted, rtol=1e-12, atol=1e-12)


def test_the_largest_singular_value_is_found_from_the_vector_of_another():
    """A power iteration that starts there stays there: what is left of the squares gives it away."""
    stack = np.diag([3.0, 4.0, 1.0])[None]
    assert abs(module._largest(stack, np.array([26.0]), np.array([1.0, 0, 0]))[0][0] - 4) < 1e-14


@pytest.mark.parametrize("H", [1, 5, 16])
def test_an_orthogonal_rnn_turns_and_no_more(H):
    trace = linear(rotation(H), T=50)
    np.testing.assert_allclose(jacobian_norms(trace).spectral, 0, atol=1e-12)
    np.testing.assert_allclose(singular_values(trace, 50, 0), 0, atol=1e-12)
    np.testing.assert_allclose(lyapunov_exponents(trace), 0, atol=1e-12)


@pytest.mark.parametrize("T", [10, 200])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_singular_values_are_those_of_many_digits(cell, T):
    """The smallest lies 10^-100 below the largest, and is right all the same."""
    trace = network(cell, {}, T=T, B=1, H=3).run()
    states = trace.cell.states
    with mpmath.workdps(600):
        product = mpmath.eye(3 * len(states))
        for at in module._steps(trace, 0, range(1, T + 1)):
            step = mpmath.zeros(3 * len(states))
            for row in range(len(at.by_h)):
                for column in range(3):
                    step[row, column] = mpmath.mpf(float(at.by_h[row, column]))
                if at.by_c is not None:
                    step[row, 3 + row % 3] = mpmath.mpf(float(at.by_c[row]))
            product = step * product
        block = product[:3, :3]
        squares = mpmath.eigsy(block.T * block, eigvals_only=True)
        wanted = sorted((float(mpmath.log10(value) / 2) for value in squares), reverse=True)
    np.testing.assert_allclose(singular_values(trace, T, 0), wanted, rtol=0, atol=1e-10)
    assert abs(jacobian_norms(trace).spectral[0] - wanted[0]) < 1e-10


def test_lyapunov_exponents_of_a_linear_map_are_its_eigenvalues():
    turn = rotation(4)
    sizes = np.array([1.5, 0.9, 0.4, 0.01])
    shear = np.triu(np.ones((4, 4)), 1) * 0.1 + np.eye(4)
    trace = linear(turn @ shear @ np.diag(sizes) @ np.linalg.inv(shear) @ turn.T, T=500)
    np.testing.assert_allclose(lyapunov_exponents(trace, skip=250), np.log(sizes), atol=1e-10)
    np.testing.assert_allclose(lyapunov_exponents(trace, 2, skip=250), np.log(sizes[:2]), atol=1e-10)


@over([case for case in CASES if "relu" not in case[1].values()])
def test_lyapunov_exponents_add_up_to_the_growth_of_volume(cell, options):
    trace = network(cell, options, T=30, B=1).run()
    volume = 0.0
    for at in module._steps(trace, 0, range(1, 31)):
        step = at.by_h
        if at.by_c is not None:
            step = np.hstack([step, np.vstack([np.diag(at.by_c[:4]), np.diag(at.by_c[4:])])])
        volume += np.linalg.slogdet(step)[1]
    assert abs(lyapunov_exponents(trace).sum() - volume / 30) < 1e-10


# the two roads of an LSTM's memory


def test_both_roads_are_the_whole_and_the_gates_are_what_joins():
    trace = network("lstm", {}, T=30, B=2).run()
    split = path_split(trace, sequence=1)
    np.testing.assert_allclose(split.whole, jacobian_norms(trace, "c", "c", sequence=1).frobenius, atol=1e-12)
    before = path_matrices(trace, 30, 30, sequence=1)
    for k in range(29, -1, -1):
        parts = {name: matrix.values for name, matrix in path_matrices(trace, 30, k, sequence=1).items()}
        whole = jacobian_at(trace, 30, k, "c", "c", sequence=1).values
        np.testing.assert_allclose(parts["direct"] + parts["rest"], whole, rtol=0, atol=1e-14 * np.abs(whole).max())
        np.testing.assert_allclose(np.diag(parts["direct"]), trace["f"][k:, 1].prod(axis=0), rtol=1e-12)
        joined = sum(parts.get(gate, 0) for gate in "ifgo")
        again = before["rest"].values * trace["f"][k, 1] + joined
        np.testing.assert_allclose(parts["rest"], again, rtol=0, atol=1e-13 * np.abs(whole).max())
        for name in ("direct", "rest", *("ifgo" if k else "")):
            with np.errstate(divide="ignore"):
                size = np.log10(np.linalg.norm(parts[name]))
            shown = split.by_gate[name][k] if name in "ifgo" else getattr(split, name)[k]
            assert shown == size or abs(shown - size) < 1e-12, (name, k)
            bigger = joined if name in "ifgo" else whole
            share = np.vdot(parts[name], bigger) / np.vdot(bigger, bigger)
            assert split.shares[name][k] == pytest.approx(share, rel=1e-10, abs=1e-14)
        shares = [split.shares[name][k] for name in ("direct", "rest")]
        assert sum(shares) == pytest.approx(1, rel=1e-12)
        assert not k or sum(split.shares[gate][k] for gate in "ifgo") == pytest.approx(1, rel=1e-12)
        before = path_matrices(trace, 30, k, sequence=1)


def test_with_f_open_and_i_shut_the_direct_road_is_all_there_is():
    trace = pinned("lstm", {}, {"f": 100.0, "i": -100.0}, weights=1.0, T=500, B=1).run()
    split = path_split(trace)
    for norms in (split.direct, split.whole):
        np.testing.assert_allclose(norms, np.log10(2), rtol=1e-14)  # √4 = 2: the identity
    assert (split.rest < -40).all(), "a gate of e⁻¹⁰⁰ lets next to nothing through"


def test_the_direct_road_goes_deeper_than_floats():
    trace = pinned("lstm", {}, {"f": -5.0}, weights=0.0, T=2000, B=1, H=1).run()
    split = path_split(trace)
    wanted = float(2000 * mpmath.log10(1 / (1 + mpmath.exp(5))))
    assert abs(split.direct[0] - wanted) < 1e-9 and abs(split.whole[0] - wanted) < 1e-9
    assert (split.rest == -np.inf).all()


# what is refused


def test_too_many_pairs_are_refused_with_their_cost(monkeypatch):
    trace = network("lstm", {}, T=20, B=1).run()
    work, size = module.all_pairs_cost(trace)
    assert work == 210 * 2 * 64 and size == 8 * (2 * 2 * 20 * 16 + 2 * 21**2)
    monkeypatch.setitem(all_pairs.__globals__, "PAIRS_AT_MOST", work - 1)
    with pytest.raises(ValueError, match=r"all pairs of 20 steps with 4 units take 2\.7e\+04 multiplications"):
        all_pairs(trace)
    monkeypatch.setitem(all_pairs.__globals__, "PAIRS_AT_MOST", work)
    all_pairs(trace)
    monkeypatch.setitem(all_pairs.__globals__, "BYTES_AT_MOST", size - 1)
    with pytest.raises(ValueError, match="MB are allowed"):
        all_pairs(trace)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda trace: jacobian_norms(trace, "c"), "unknown state of gru 'c': expected one of h"),
        (lambda trace: jacobian_norms(trace, t=0), "t must be a whole number from 1 to 5, but is 0"),
        (lambda trace: jacobian_norms(trace, t=2.0), "t must be a whole number from 1 to 5, but is 2.0"),
        (lambda trace: jacobian_norms(trace, sequence=3), "sequence must be a whole number from 0 to 2, but is 3"),
        (lambda trace: jacobian_at(trace, 3, 4), "k must be a whole number from 0 to 3, but is 4"),
        (lambda trace: singular_values(trace, 3, True), "k must be a whole number from 0 to 3, but is True"),
        (lambda trace: lyapunov_exponents(trace, 5), "count must be a whole number from 1 to 4, but is 5"),
        (lambda trace: lyapunov_exponents(trace, skip=5), "skip must be a whole number from 0 to 4, but is 5"),
        (lambda trace: path_split(trace), "gru has no cell state C, so there is one road only: expected an lstm"),
    ],
)
def test_what_cannot_be_is_answered_in_a_sentence(call, sentence):
    with pytest.raises(ValueError) as caught:
        call(network("gru", {}).run())
    assert str(caught.value) == sentence
