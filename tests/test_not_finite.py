"""What is not finite is never zero: overflow against PyTorch's autograd, in every cell, by every method.

Values and gradients are what floats and autograd make of them: ∞ and NaN where PyTorch has them, 0 where it has 0. No
norm, logarithm, Jacobian or exponent makes a number of a NaN, or a −∞ that means "vanished".
"""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from explorer import (
    Experiment,
    all_pairs,
    backprop,
    deep_backprop,
    jacobian_at,
    jacobian_norms,
    lyapunov_exponents,
    parallel_time,
    path_matrices,
    path_split,
    run,
    singular_values,
    torch_parallel,
    torch_path,
)
from explorer.__main__ import main, warn_of_overflow
from explorer.cells import CELLS
from explorer.cells.clamp import Clamp
from explorer.figures import theme
from explorer.figures.factors import factors
from explorer.figures.gradients import gradients
from explorer.figures.half_life import half_life as half_life_figure
from explorer.figures.heatmaps import heatmaps
from explorer.figures.long_lines import long_lines
from explorer.figures.ruler import ruler
from explorer.fixed_points import fixed_points
from explorer.initialise import init_params
from explorer.long_run import extremes
from explorer.measures import (
    dies,
    gradient_half_life,
    gradient_overflow,
    half_life,
    norm,
    overflow,
    saturation,
    slopes_and_weights,
)
from explorer.performing import perform, truncated
from explorer.proof import prove
from explorer.scaled import Scaled, log10_norm
from explorer.stream import METHODS, stream
from tests.engine_cases import CASES, Network, name_of, network, over
from tests.test_torch_parity import STEPS, leaf, torch_module

DTYPES = ("float64", "float32")
CLOSE = {"float64": 1e-9, "float32": 1e-3}


# ways to overflow: (cell, options, dtype) -> a network


def growing(cell, options, dtype, B=1) -> Network:
    """The identity times 4 under ones: a ReLU's states end after some 500 steps, in float32 after 60."""
    T, H = {"float64": 560, "float32": 90}[dtype], 3
    params = {
        "weight_ih": np.array([[1.0], [2.0], [-1.0]]),
        "weight_hh": 4 * np.eye(H),
        "bias_ih": np.zeros(H),
        "bias_hh": np.zeros(H),
    }
    return made(cell, options, dtype, [params], np.ones((T, B, 1)))


def recovering(cell, options, dtype) -> Network:
    """One unit that is infinite at one step, for one sequence of two; −∞ shuts it at the next."""
    params = {name: np.full((1, 1), size) for name, size in (("weight_ih", 2.0), ("weight_hh", -1.0))}
    x = np.ones((6, 2, 1))
    x[2, 1] = 0.9 * np.finfo(dtype).max
    return made(cell, options, dtype, [params | {"bias_ih": np.zeros(1), "bias_hh": np.zeros(1)}], x)


def spilling(cell, options, dtype) -> Network:
    """A pre-activation beyond floats, in the second of three sequences at step 4."""
    net = network(cell, options, T=9, B=3, D=2, dtype=dtype)
    for params in net.params:
        params["weight_ih"][...] = np.sign(params["weight_ih"][:, :1])
    net.x[3, 1] = 0.9 * np.finfo(dtype).max
    return net


def stacked(cell, options, dtype) -> Network:
    """Two layers, of which the lower one hands the upper one what it has come to."""
    net = network(cell, options, T=9, B=2, D=2, layers=2, dtype=dtype)
    net.params[0]["weight_ih"][...] = np.sign(net.params[0]["weight_ih"][:, :1])
    net.x[3] = 0.9 * np.finfo(dtype).max
    return net


def begun(cell, options, dtype) -> Network:
    """Two sequences, one of which starts so far out that ∞ meets −∞ in every pre-activation."""
    net = network(cell, options, T=9, B=2, dtype=dtype)
    far = np.finfo(dtype).max ** 0.6
    for params, state in zip(net.params, net.state, strict=True):
        params["weight_ih"][...] = 1
        params["weight_hh"][...] = -far * np.abs(params["weight_hh"])
        for rows in state.values():
            rows[...] = np.abs(rows) * [[far], [0]]
    net.x[:, 1], net.x[0, 0] = 0, 0.9 * np.finfo(dtype).max
    return net


def sprung(cell, options, dtype, B=2) -> Network:
    """Recurrent weights so large that the gradient overflows while no state does; the states are 0, or nearly."""
    net = network(cell, options, T=9, B=B, dtype=dtype)
    for params, state in zip(net.params, net.state, strict=True):
        params["weight_hh"] *= np.finfo(dtype).max ** 0.4
        for rows in (params["weight_ih"], params["bias_ih"], params["bias_hh"], *state.values(), net.x):
            rows[...] = 0
    return net


def flooded(cell, options, dtype) -> Network:
    """All gates wide open or shut: σ and tanh are exactly 0, 1 and −1, and their derivatives exactly 0."""
    net = network(cell, options, T=9, B=2, dtype=dtype)
    for params in net.params:
        params["bias_ih"][...] = np.where(params["bias_ih"] < 0, -1e4, 1e4)
    return net


WAYS = {way.__name__: way for way in (growing, recovering, spilling, stacked, begun, sprung, flooded)}
OF_RELU = ("growing", "recovering")
ACTIVATIONS = dict.fromkeys(OF_RELU, ("relu",)) | {"sprung": ("tanh", None)}  # σ(0) is ½, and a ReLU is shut at 0
OVERFLOWS = [
    (cell, options, way)
    for cell, options in CASES
    for way in WAYS
    if options.get("activation") in ACTIVATIONS.get(way, ("tanh", "relu", "sigmoid", None))
]


def made(cell, options, dtype, params, x) -> Network:
    params = [{name: array.astype(dtype) for name, array in layer.items()} for layer in params]
    H, B = params[0]["weight_hh"].shape[1], x.shape[1]
    state = [{q: np.zeros((B, H), dtype) for q in CELLS[cell].states} for _ in params]
    return Network(cell, options, params, x.astype(dtype), state)


def losses(T, B, H, dtype) -> dict[str, np.ndarray]:
    """On all steps, on the last one, and on the third, before anything overflows."""
    everywhere = np.random.default_rng(7).standard_normal((T, B, H)).astype(dtype)
    steps = np.arange(T)[:, None, None]
    return {"all": everywhere, "last": everywhere * (steps == T - 1), "early": everywhere * (steps == 2)}


# PyTorch's


def by_autograd(net: Network, dh) -> dict[str, np.ndarray]:
    """Every value and gradient by PyTorch, its own formulas step by step, of the loss Σ h · dh over the steps that have
    one; {"0.h": …} by layer.
    """
    rows, layers = leaf(net.x), []
    x = rows
    rows = list(rows.unbind())
    for params, state in zip(net.params, net.state, strict=True):
        w, start = ({name: leaf(array) for name, array in arrays.items()} for arrays in (params, state))
        now, steps = start, []
        for row in rows:
            step = STEPS[net.cell](w, row, **now, **net.options)
            for tensor in step.values():
                tensor.retain_grad()
            now = {q: step[q] for q in start}
            steps.append(step)
        rows = [step["h"] for step in steps]
        layers.append((steps, w, start))
    sum((h * torch.tensor(slope)).sum() for h, slope in zip(rows, dh) if slope.any()).backward()
    found = {"dx": gradient(x)}
    for k, (steps, w, start) in enumerate(layers):
        for name in steps[0]:
            found[f"{k}.{name}"] = np.stack([step[name].detach().numpy() for step in steps])
            found[f"{k}.d{name}"] = np.stack([gradient(step[name]) for step in steps])
        found |= {f"{k}.d{name}": gradient(tensor) for name, tensor in w.items()}
        found |= {f"{k}.d{name}_0": gradient(tensor) for name, tensor in start.items()}
    return found


def gradient(tensor) -> np.ndarray:
    return (torch.zeros_like(tensor) if tensor.grad is None else tensor.grad).numpy()


def of_engine(trace, grads) -> dict[str, np.ndarray]:
    found = {"dx": grads.layers[0].x}
    for k, (layer, back) in enumerate(zip(trace.layers, grads.layers, strict=True)):
        found |= {f"{k}.{name}": rows for name, rows in layer.values.items()}
        found |= {f"{k}.d{name}": rows for name, rows in (*back.state.items(), *back.params.items())}
        found |= {f"{k}.da_{name}": rows for name, rows in back.pre.items()}
        found |= {f"{k}.d{name}_0": rows for name, rows in back.initial.items()}
    return found


def assert_same(got: dict, wanted: dict, dtype, way=""):
    """The same numbers, finite in the same places; 0 where it is 0, ∞ where it is ∞.

    In a sum that overflows ∞ and ∞ − ∞ are a matter of its order, and PyTorch has two answers of its own: there only
    where it is finite is compared.
    """
    assert got.keys() <= wanted.keys()
    for name, ours in got.items():
        theirs = wanted[name]
        sound = np.isfinite(theirs)
        np.testing.assert_array_equal(np.isfinite(ours), sound, err_msg=f"{name}: where it is finite")
        if way in OF_RELU:
            np.testing.assert_array_equal(ours[~sound], theirs[~sound], err_msg=f"{name}: ∞ or NaN")
        if way == "flooded":
            np.testing.assert_array_equal(ours == 0, theirs == 0, err_msg=f"{name}: where it is 0")
        size = np.abs(theirs[sound]).max(initial=1)
        np.testing.assert_allclose(ours[sound], theirs[sound], CLOSE[dtype], CLOSE[dtype] * size, err_msg=name)


def of(cases):
    return pytest.mark.parametrize(
        ("cell", "options", "way"), cases, ids=[f"{name_of(case[:2])}-{case[2]}" for case in cases]
    )


overflows = of(OVERFLOWS)
dtypes = pytest.mark.parametrize("dtype", DTYPES)


@dtypes
@overflows
def test_the_loop_is_autograds(cell, options, way, dtype):
    net = WAYS[way](cell, options, dtype)
    trace = net.run()
    for dh in losses(*trace["h"].shape, dtype).values():
        assert_same(of_engine(trace, backprop(trace, dh)), by_autograd(net, dh), dtype, way)


def test_the_ways_overflow():
    """A way that stays finite would let everything pass."""
    for cell, options, way in OVERFLOWS:
        for dtype in DTYPES:
            net = WAYS[way](cell, options, dtype)
            trace = net.run()
            dh = losses(*trace["h"].shape, dtype)["all"]
            found = of_engine(trace, backprop(trace, dh))
            assert all(np.isfinite(rows).all() for rows in found.values()) == (way == "flooded"), (cell, options, way)


# every other method


def modules(net: Network, dh) -> dict[str, np.ndarray]:
    """What torch.nn itself hands back: h, and the gradients of the inputs, the weights and the initial states."""
    D, H = net.x.shape[2], net.params[0]["weight_hh"].shape[1]
    module = torch_module(net.cell, net.options, input_size=D, hidden_size=H, num_layers=len(net.params))
    module = module.to(getattr(torch, str(net.x.dtype)))
    with torch.no_grad():
        for k, params in enumerate(net.params):
            for name, array in params.items():
                getattr(module, f"{name}_l{k}").copy_(torch.tensor(array))
    x, start = leaf(net.x), {q: leaf(np.stack([state[q] for state in net.state])) for q in net.state[0]}
    h, _ = module(x, tuple(start.values()) if len(start) > 1 else start["h"])
    h.backward(torch.tensor(dh))
    top = len(net.params) - 1
    found = {"dx": gradient(x), f"{top}.h": h.detach().numpy()}
    for k in range(top + 1):
        found |= {f"{k}.d{name}": gradient(getattr(module, f"{name}_l{k}")) for name in net.params[0]}
        found |= {f"{k}.d{q}_0": gradient(tensor)[k] for q, tensor in start.items()}
    return found


@dtypes
@of([case for case in OVERFLOWS if torch_module(*case[:2], input_size=1, hidden_size=1)])
def test_the_loop_is_that_of_torchs_modules(cell, options, way, dtype):
    net = WAYS[way](cell, options, dtype)
    trace = net.run()
    dh = losses(*trace["h"].shape, dtype)["all"]
    found, wanted = of_engine(trace, backprop(trace, dh)), modules(net, dh)
    assert_same({name: found[name] for name in wanted}, wanted, dtype, way)


# There is no kernel with r before the product, and the tanh in place of σ rounds to the size of the weights.
IN_KERNELS = [
    case
    for case in OVERFLOWS
    if case[1].get("reset_after", True) and (case[1].get("activation"), case[2]) != ("sigmoid", "begun")
]


@dtypes
@of(IN_KERNELS)
def test_the_torch_path_is_autograds(cell, options, way, dtype):
    net = WAYS[way](cell, options, dtype)
    for chunk in (None, 4):
        trace = torch_path.run(net.cell, net.params, net.x, net.state, chunk=chunk, **net.options)
        for dh in losses(*trace["h"].shape, dtype).values():
            found = of_engine(trace, torch_path.backprop(trace, dh))
            assert_same(found, by_autograd(net, dh), dtype, way)


LONG = 1500


def late(cell, options, dtype="float64", B=2) -> Network:
    """A long run that forgets soon, until one input of its first sequence brings a pre-activation beyond floats."""
    params = init_params(cell, 1, 4, seed=3, gain=0.5, dtype=dtype, **options)
    params["weight_ih"][...] = 2
    x = np.random.default_rng(5).standard_normal((LONG, B, 1))
    x[LATE, 0] = 0.9 * np.finfo(dtype).max
    return made(cell, options, dtype, [params], x)


LATE = LONG - 300


@pytest.mark.parametrize("module", (parallel_time, torch_parallel), ids=("numpy", "torch"))
@over(CASES)
def test_parallel_time_is_the_loop(cell, options, module):
    if module is torch_parallel and options.get("reset_after") is False:
        return  # PyTorch has no kernel for it
    net = late(cell, options)
    trace, loop = module.run(net.cell, net.params, net.x, net.state, **net.options)[0], net.run()
    carry = np.arange(LONG)[:, None, None] < LATE - 5
    for dh in (np.ones((LONG, 2, 4)), np.ones((LONG, 2, 4)) * carry):
        grads, plain = module.backprop(trace, dh)[0], backprop(loop, dh)
        assert_same(of_engine(trace, grads), of_engine(loop, plain), "float64")
    assert all(np.isfinite(rows).all() for rows in (plain.x, *plain.params.values()))  # of the loss before all that
    assert overflow(trace) == overflow(loop) == (LATE + 1 if options.get("activation") == "relu" else None)


def test_a_run_that_overflows_is_not_certified():
    net = late("rnn", {"activation": "relu"})
    trace, certificates = parallel_time.run(net.cell, net.params, net.x, **net.options)
    assert not certificates[0].parallel and np.isnan(trace["h"][-1]).any()
    assert parallel_time.worst([1.0, np.nan]) != parallel_time.worst([1.0, np.nan])  # Python's max would say 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("chunk", (64, 4096))
@pytest.mark.parametrize("method", METHODS)
def test_a_stream_goes_through_an_overflow(method, chunk, dtype):
    """Norms of a whole run in pieces: the states that one hands to the next are not checked as if they were given."""
    net = growing("rnn", {"activation": "relu"}, dtype)
    T, B, H = len(net.x), 1, 3
    dh = losses(T, B, H, dtype)["last"]
    made = stream(net.cell, net.params[0], net.x, dh, chunk=chunk, method=method, activation="relu")
    trace = net.run()
    deep = deep_backprop(trace, dh)
    np.testing.assert_allclose(made.log10["h"], deep.log10_norms("h"), rtol=1e-4)
    assert made.overflow == overflow(trace) == {"float64": 513, "float32": 65}[dtype]
    levels = made.levels["h"]
    assert np.isfinite(levels[: made.overflow - 1]).all() and not np.isfinite(levels[made.overflow - 1 :]).any()
    assert np.isnan(made.params["weight_hh"]).any()


@pytest.mark.parametrize("method", ("engine", "torch"))
@pytest.mark.parametrize("cell", ("lstm", "gru", "rnn"))
def test_a_stream_of_what_is_no_number_is_no_number(cell, method):
    """Two sequences, of which one has no gradient that is a number; the other's is what it is alone."""
    net = begun(cell, {}, "float64")
    for params in net.params:
        params["weight_hh"][...] = 0
    loop = stream(cell, net.params[0], net.x, np.ones((9, 2, 4)), net.state[0], chunk=3, method=method)
    trace = run(cell, net.params, net.x, net.state)
    grads = backprop(trace, np.ones((9, 2, 4)))
    for q in trace.cell.states:
        with np.errstate(divide="ignore"):
            wanted = np.log10(norm(grads.state[q]))
        np.testing.assert_allclose(loop.log10[q], wanted)


# what is derived

STATES_END = [  # a ReLU has a slope at NaN, too
    (cell, options, way)
    for cell, options, way in OVERFLOWS
    if way in ("begun", "stacked", "spilling") and (options.get("activation"), way) != ("relu", "begun")
]
states_end = of(STATES_END)


@states_end
def test_gradients_at_any_depth_are_numbers_where_autograds_are(cell, options, way):
    net = WAYS[way](cell, options, "float64")
    trace = net.run()
    for dh in losses(*trace["h"].shape, "float64").values():
        wanted, deep = by_autograd(net, dh), deep_backprop(trace, dh)
        for k, layer in enumerate(deep.layers):
            for q in layer.state:
                theirs = wanted[f"{k}.d{q}"]
                with np.errstate(divide="ignore"):
                    norms = np.log10(norm(theirs))
                np.testing.assert_allclose(layer.log10_norms(q), norms, atol=1e-9, err_msg=f"{k} {q}")
                assert not np.isneginf(layer.log10(q)[theirs != 0]).any()
        plain = backprop(trace, dh)
        assert gradient_overflow(plain) == _last_lost(wanted, plain)


def _last_lost(wanted, grads) -> int | None:
    lost = [np.flatnonzero(~np.isfinite(wanted[f"{k}.d{q}"]).all(axis=(1, 2)))
            for k, layer in enumerate(grads.layers) for q in layer.state]  # fmt: skip
    return max((int(steps[-1]) + 1 for steps in lost if len(steps)), default=None)


def test_a_gradient_beyond_floats_is_still_known():
    """The example of a ReLU: PyTorch's slope at NaN is 1, so the gradient is 4 to the power of the distance back."""
    net = growing("rnn", {"activation": "relu"}, "float64")
    trace, T = net.run(), len(net.x)
    dh = losses(T, 1, 3, "float64")["last"]
    logs, back = deep_backprop(trace, dh).log10_norms("h")[:, 0], np.arange(T)[::-1]
    open_units = norm(dh[-1, 0, :2])
    np.testing.assert_allclose(logs[:512], np.log10(open_units) + back[:512] * np.log10(4), rtol=1e-9)
    assert dies(logs) is None and np.isfinite(logs).all()
    plain = backprop(trace, dh)
    assert np.isnan(plain.state["h"][0]).all() and np.isfinite(plain.state["h"][100:]).all()
    assert gradient_overflow(plain) == 47 and overflow(trace) == 513


@states_end
def test_jacobians_of_what_has_no_derivative_are_nan(cell, options, way):
    net = WAYS[way](cell, options, "float64")
    trace, sequence = net.run(), 0 if way == "begun" else 1
    T, top = trace.T, f"{len(net.params) - 1}"
    wanted = _jacobian(net, sequence)  # ∂h_T/∂h_k for all k by autograd, (T + 1, H, H)
    sound = np.isfinite(wanted).all(axis=(1, 2))
    for spectral in (True, False):
        found = jacobian_norms(trace, sequence=sequence, spectral=spectral)
        np.testing.assert_array_equal(np.isnan(found.frobenius), ~sound)
        pairs = all_pairs(trace, sequence=sequence, spectral=spectral)
        rows = found.spectral if spectral else found.frobenius
        np.testing.assert_allclose(pairs[-1], rows, atol=1e-6)
        with np.errstate(divide="ignore"):
            sizes = [np.log10(np.linalg.norm(matrix, 2 if spectral else "fro")) for matrix in wanted[sound]]
        np.testing.assert_allclose(rows[sound], sizes, atol=1e-6)
    for k in (0, 2, T):
        matrix, values = jacobian_at(trace, T, k, sequence=sequence), singular_values(trace, T, k, sequence=sequence)
        np.testing.assert_array_equal(np.isfinite(matrix.values), np.isfinite(wanted[k]))
        assert np.isnan(values).all() != sound[k], top
    exponents = lyapunov_exponents(trace, sequence=sequence)
    assert np.isnan(exponents).all() if not sound[0] else not np.isnan(exponents).any()


def _jacobian(net: Network, sequence: int) -> np.ndarray:
    """∂h_T/∂h_k of the last layer by autograd, k = 0 … T."""
    rows, found = list(torch.tensor(net.x[:, [sequence]]).unbind()), []
    for params, state in zip(net.params, net.state, strict=True):
        w = {name: torch.tensor(array) for name, array in params.items()}
        now = {q: leaf(array[[sequence]]) for q, array in state.items()}
        nodes = [now["h"]]
        for row in rows:
            step = STEPS[net.cell](w, row, **now, **net.options)
            now = {q: step[q] for q in now}
            nodes.append(now["h"])
        rows = [h.detach() for h in nodes[1:]]
    for unit in nodes[-1][0]:
        found.append([g.numpy()[0] for g in torch.autograd.grad(unit, nodes, retain_graph=True)])
    return np.array(found).swapaxes(0, 1)


def test_paths_through_what_is_no_number_have_no_norm():
    net = begun("lstm", {}, "float64")
    trace = net.run()
    split = path_split(trace, 6, sequence=0)
    for rows in (split.whole[:6], split.direct[:6], split.rest[:6], *(split.by_gate[gate][1:6] for gate in "ifgo")):
        assert np.isnan(rows).all()
    assert all(np.isnan(rows[:6]).all() for rows in split.shares.values())
    assert np.isnan(path_matrices(trace, 6, 2)["direct"].values.diagonal()).all()
    sound = path_split(trace, 6, sequence=1)
    assert not np.isnan(np.concatenate([sound.whole, sound.direct, sound.rest])).any()


@pytest.mark.parametrize("bad", (np.nan, np.inf, -np.inf))
def test_a_logarithm_of_what_is_not_finite_is_no_size(bad):
    rows = np.array([[1.0, 2.0], [bad, 1.0], [0.0, 0.0]])
    logs = log10_norm(rows, np.array([0, 900, 0]))
    assert logs[0] == pytest.approx(np.log10(5) / 2) and logs[2] == -np.inf
    assert (np.isnan if np.isnan(bad) else np.isposinf)(logs[1])
    assert np.isnan(norm(rows)[1]) == np.isnan(bad) and not np.isfinite(norm(rows)[1])
    assert not np.isneginf(Scaled(rows[1], 3).log10).any()


def test_half_lives_and_shares_of_gates_that_are_no_numbers():
    trace = begun("lstm", {}, "float64").run()
    lives = half_life(trace)
    np.testing.assert_array_equal(np.isnan(lives), np.isnan(trace["f"]))
    shut, opened = saturation(trace["f"])
    assert np.isnan([shut[:, 0], opened[:, 0]]).all() and np.isfinite([shut[:, 1], opened[:, 1]]).all()
    logs = np.array([np.nan, np.inf, -np.inf, -3.0, 0.0])
    lives = gradient_half_life(logs)
    assert np.isnan(lives[[0, 1, 4]]).all() and lives[2] == 0 and 0 < lives[3] < 1
    assert np.isnan(gradient_half_life(np.array([1.0, np.inf]))).all()
    assert dies(np.array([np.nan, -7.0, -1.0, 0.0])) == 2 and dies(np.array([np.nan, np.inf, 0.0])) is None


def test_the_factors_of_an_overflown_rnn():
    trace = begun("rnn", {"activation": "tanh"}, "float64").run()
    slopes, weights = slopes_and_weights(trace, deep_backprop(trace, np.ones((9, 2, 4))))
    assert np.isnan(slopes[:, 0]).all() and np.isnan(weights[:, 0]).all() and np.isfinite(slopes[0, 1])


def test_the_extremes_of_a_long_run_are_those_of_numbers():
    assert extremes(np.full(3, -np.inf)) == {"zero": 3, "unknown": 0}
    assert extremes(np.array([np.nan, np.inf])) == {"zero": 0, "unknown": 2}
    found = extremes(np.array([np.nan, np.inf, -400.0, -np.inf, 2.0]))
    assert found == {"low": -400, "low_at": 3, "high": 2, "high_at": 5, "lost": 1, "zero": 1, "unknown": 2}


def test_a_run_cut_in_pieces_goes_through_an_overflow():
    e = Experiment(cell="rnn", activation="relu", T=500, H=4, gain=4, scheme="identity", input="own",
                   numbers=(1e6,) * 500, layers=3)  # fmt: skip
    made = perform(e)
    assert overflow(made.trace) == min(filter(None, (overflow(layer, below=False) for layer in made.trace.layers)))
    states, weights = truncated(made, 100)
    assert np.isfinite(states["h"]).all() and np.isnan(weights["weight_hh"]).any()
    early = perform(e.replace(loss="20"))
    assert all(np.isfinite(rows).all() for rows in (early.grads.x, *early.grads.params.values()))
    proof = prove(early, "dh", 15, 0)
    assert proof.torch.verdict == "agrees" and proof.difference.verdict == "blind"


def test_a_held_state_brings_a_run_back():
    """From the step on at which every unit is held, all is a number again, and no gradient passes to what was none."""
    net = growing("rnn", {"activation": "relu"}, "float64")
    trace = run(net.cell, net.params, net.x, clamp=Clamp("h", 1.0, 520, 521), **net.options)
    assert overflow(trace) == 513 and np.isnan(trace["h"][519]).all() and np.isfinite(trace["h"][520:]).all()
    dh = losses(len(net.x), 1, 3, "float64")["last"]
    grads = backprop(trace, dh)
    assert np.isfinite(grads.state["h"]).all() and not grads.state["h"][:520].any()
    assert np.isneginf(deep_backprop(trace, dh).log10_norms("h")[:520]).all()


# what comes in


MASKED = np.ma.masked_invalid(np.array([[[1.0]], [[np.nan]], [[2.0]]]))


@pytest.mark.parametrize(
    "masked", (MASKED, [*MASKED], np.ma.array(np.ones((3, 1, 1)))), ids=("array", "list", "no mask")
)
def test_a_masked_array_is_refused_wherever_arrays_enter(masked):
    params = init_params("rnn", 1, 1)
    trace = run("rnn", params, np.ones((3, 1, 1)))
    state, matrix = masked[0], {"weight_hh": masked[0]}
    entering = {
        "x": lambda: run("rnn", params, masked),
        "state": lambda: run("rnn", params, np.ones((3, 1, 1)), {"h": state}),
        "weight_hh": lambda: run("rnn", params | matrix, np.ones((3, 1, 1))),
        "dh": lambda: backprop(trace, masked),
        "later": lambda: backprop(trace, np.ones((3, 1, 1)), {"h": state}),
        "deep": lambda: deep_backprop(trace, masked),
        "parallel": lambda: parallel_time.run("rnn", params, masked),
        "torch": lambda: torch_path.run("rnn", params, masked),
        "stream": lambda: stream("rnn", params, masked, np.ones((3, 1, 1))),
        "stream dh": lambda: stream("rnn", params, np.ones((3, 1, 1)), masked),
        "stream window": lambda: stream("rnn", params, np.ones((3, 1, 1)), masked, window=(0, 2)),
        "fixed points": lambda: fixed_points(trace, masked[0][0]),
        "clamp": lambda: run("rnn", params, np.ones((3, 1, 1)), clamp=Clamp("h", np.ma.masked)),
    }
    for place, enter in entering.items():
        with pytest.raises(ValueError, match=r"masked|finite number") as error:
            enter()
        assert "\n" not in str(error.value), place


def test_what_a_caller_gives_is_still_checked():
    params = init_params("rnn", 1, 2)
    with pytest.raises(ValueError, match=r"state h must be finite, but state h\[0, 1\] is nan"):
        run("rnn", params, np.ones((3, 1, 1)), {"h": np.array([[0.0, np.nan]])})
    trace = run("rnn", params, np.ones((3, 1, 1)))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="must be finite"):
            backprop(trace, np.full((3, 1, 2), bad))
        with pytest.raises(ValueError, match="must be finite"):
            backprop(trace, np.ones((3, 1, 2)), {"h": np.full((1, 2), bad)})
        with pytest.raises(ValueError, match="must be finite"):
            stream("rnn", params, np.ones((3, 1, 1)), np.full((3, 1, 2), bad))


# the command line


@pytest.mark.parametrize(
    ("typed", "step"),
    [
        (["cell=rnn&act=relu&T=500&layers=3&gain=4&init=identity&H=4&input=own&x=" + ",".join(["1e6"] * 500)], 497),
        (["cell=rnn&act=relu&gain=4&init=identity", "--length", "1000"], 514),
        (["--length", "600", "--cell", "rnn", "--activation", "relu", "--init", "identity", "--gain", "4"], 511),
        (["--length", "90", "--dtype", "float32", "--cell", "rnn", "--activation", "relu", "--gain", "9"], 68),
    ],
    ids=("an experiment", "its length", "sizes of one's own", "float32"),
)
@pytest.mark.parametrize("method", ("engine", "parallel", "torch", "torch-parallel"))
def test_the_command_line_says_where_a_run_overflows(typed, step, method, capsys):
    if method == "torch-parallel" and len(typed) == 1:
        return  # such a method is for streams
    main(["trace", *typed, "--method", method])
    out, warned = capsys.readouterr()
    [said] = [line for line in out.splitlines() if "overflows" in line]
    found = int(re.search(r"step (\d+)", said)[1])
    assert "smaller gain" in said and "Warning" not in warned and "-inf" not in out
    assert abs(found - step) <= 3, said


def test_the_command_line_says_where_a_gradient_overflows(capsys):
    warn_of_overflow(None, 7)
    assert "step 7" in capsys.readouterr().out
    warn_of_overflow(None, None)
    assert not capsys.readouterr().out


def test_a_sweep_says_what_overflows(capsys):
    x = ",".join(["1e6"] * 500)
    e = f"cell=rnn&act=relu&T=500&layers=3&init=identity&H=4&input=own&x={x}"
    main(["sweep", e, "--from", "3", "--to", "4", "--points", "2", "--seeds", "2", "--jobs", "1", "--no-cache"])
    out, _ = capsys.readouterr()
    assert "2 of them overflow, the first with gain 4 and seed 1 at step 497" in out and "smaller gain" in out
    *_, finite, lost = out.splitlines()
    assert "nan" not in finite and lost.split()[1:] == ["nan"] * 7


# charts


def test_a_band_has_a_gap_where_a_line_is_no_number():
    low = np.array([0.0, 1.0, np.nan, 3.0, 4.0, 5.0])
    drawn = theme.area(low, low + 1, "#000", 0.1)
    np.testing.assert_array_equal(drawn["x"], [1, 2, 2, 1, np.nan, 4, 5, 6, 6, 5, 4])
    np.testing.assert_array_equal(drawn["y"], [0, 1, 2, 1, np.nan, 3, 4, 5, 6, 5, 4])
    assert len(theme.area(low * np.nan, low, "#000", 0.1)["x"]) == 0


def test_a_line_has_a_gap_where_it_is_no_number():
    values = np.arange(50_000.0)
    values[20_000:20_500], values[40_000], values[:3] = np.nan, np.inf, -np.inf
    [line] = long_lines({"log10": {"dh": values}}, len(values), lambda key, **_: key)["data"]
    steps, lost = line["x"].astype(int) - 1, np.isnan(line["y"])
    np.testing.assert_array_equal(line["y"][~lost], values[steps[~lost]])
    assert (np.diff(steps) > 0).all() and len(steps[lost]) == 2
    assert 20_000 <= steps[lost][0] < 20_500 and steps[lost][1] == 40_000
    figure = long_lines({"log10": {"dh": values * np.nan}}, len(values), lambda key, **_: key)
    assert np.isfinite(figure["layout"]["yaxis3"]["range"]).all()


def test_no_chart_draws_a_number_for_none():
    def word(key, **_):
        return key

    logs = np.array([np.nan, np.nan, -1.0, 0.0])
    figure = gradients({"lstm": logs}, range(3, 4), word, spread={"lstm": np.stack([logs - 1, logs])})
    band, line = figure["data"]
    np.testing.assert_array_equal(np.isnan(line["y"]), np.isnan(logs))
    assert set(band["x"]) == {3, 4} and band["y"].max() == 0
    lives = np.array([1.0, np.nan, 3.0])
    bars, shown = ruler(lives, np.nan, "f", 4, 5, None, word)["data"]
    assert np.isnan(shown["x"][0]) and np.isnan(bars["x"]).sum() == 4
    assert ruler(lives, np.inf, "f", 4, 5, None, word)["data"][1]["x"][0] == 0.5
    steps = np.array([0.1, np.nan, -0.2, 0.3, np.nan])  # NaN after the loss, and in the middle
    total = factors(steps, steps, word)["data"][0]["y"]
    np.testing.assert_allclose(total, [np.nan, np.nan, 0.1, 0.3, np.nan], rtol=1e-6)
    trace = begun("lstm", {}, "float64").run()
    for drawn in half_life_figure(trace, 1, word)["data"]:
        assert np.isnan(drawn["y"]).all()
    for panel in heatmaps(trace, ["f", "h"], word)["data"]:
        np.testing.assert_array_equal(np.isnan(panel["z"]), np.isnan(trace[panel["name"]][:, 0].T))
