"""Bad input is refused in one sentence that helps; good input stays the user's own."""

import numpy as np
import pytest

from explorer import backprop, run
from explorer.check import UnknownName
from tests.engine_cases import every_case, losses, network


def lstm(**sizes):
    """The arguments of a good run, for a test to spoil."""
    net = network("lstm", {}, T=4, B=2, D=3, H=5, **sizes)
    return net.params, net.x, net.state


def spoiled(array, place, value):
    array = array.copy()
    array[place] = value
    return array


# names


def test_unknown_cell():
    params, x, _ = lstm()
    with pytest.raises(ValueError, match="unknown cell 'lsmt': expected one of rnn, gru, lstm"):
        run("lsmt", params, x)


def test_unknown_option():
    params, x, _ = lstm()
    with pytest.raises(ValueError, match="lstm has no option 'activation': it takes no option"):
        run("lstm", params, x, activation="tanh")
    net = network("gru", {"reset_after": True, "z_keeps": True})
    with pytest.raises(ValueError, match="gru has no option 'resetafter': it takes reset_after, z_keeps"):
        run("gru", net.params, net.x, resetafter=True)


def test_unknown_choice():
    net = network("rnn", {"activation": "tanh"})
    with pytest.raises(ValueError, match="activation of rnn 'gelu': expected one of tanh, relu, sigmoid"):
        run("rnn", net.params, net.x, activation="gelu")


def test_unknown_weight():
    (params,), x, _ = lstm()
    with pytest.raises(ValueError, match="unknown weight 'weight_hx': expected one of weight_ih, weight_hh"):
        run("lstm", params | {"weight_hx": x}, x)


def test_missing_weights():
    (params,), x, _ = lstm()
    del params["bias_ih"], params["bias_hh"]
    with pytest.raises(ValueError, match="lack bias_ih, bias_hh: expected weight_ih, weight_hh, bias_ih, bias"):
        run("lstm", params, x)


def test_unknown_state():
    (params,), x, (state,) = lstm()
    with pytest.raises(ValueError, match="unknown state of lstm 'C': expected one of h, c"):
        run("lstm", params, x, {"C": state["c"]})
    net = network("rnn", {"activation": "tanh"})
    with pytest.raises(ValueError, match="unknown state of rnn 'c': expected one of h"):
        run("rnn", net.params, net.x, {"c": net.state[0]["h"]})


@every_case
def test_a_wrong_name_is_answered_with_those_that_exist(cell, options):
    trace = network(cell, options).run()
    grads = backprop(trace, np.ones_like(trace["h"]))
    for named in (trace.values, trace.params, trace.initial, trace.previous, grads.state, grads.pre):
        with pytest.raises(KeyError) as refused:
            named["nothing"]
        assert isinstance(refused.value, UnknownName | ValueError)
        assert "'nothing'" in str(refused.value) and ", ".join(named) in str(refused.value)
        assert "nothing" not in named and named.get("nothing") is None


# shapes


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("weight_ih", (19, 3), r"weight_ih of lstm must have shape \(20, 3\), but has shape \(19, 3\)"),
        ("weight_hh", (15, 5), r"weight_hh of lstm must have shape \(20, 5\), but has shape \(15, 5\)"),
        ("bias_ih", (20, 1), r"bias_ih of lstm must have shape \(20,\), but has shape \(20, 1\)"),
        ("bias_hh", (5,), r"bias_hh of lstm must have shape \(20,\), but has shape \(5,\)"),
        ("weight_hh", (20,), "weight_ih and weight_hh must be matrices"),
        ("weight_ih", (20,), "weight_ih and weight_hh must be matrices"),
    ],
)
def test_weights_of_a_wrong_shape(name, shape, wanted):
    (params,), x, _ = lstm()
    with pytest.raises(ValueError, match=wanted):
        run("lstm", params | {name: np.zeros(shape)}, x)


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 4), (4, 2, 3, 1), ()])
def test_x_of_a_wrong_shape(shape):
    params, _, _ = lstm()
    with pytest.raises(ValueError, match=r"x must have shape \(T, B, 3\), but has shape \("):
        run("lstm", params, np.zeros(shape))


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3)])
def test_x_without_steps_or_sequences(shape):
    params, _, _ = lstm()
    with pytest.raises(ValueError, match="x needs at least one step and one sequence"):
        run("lstm", params, np.zeros(shape))


@pytest.mark.parametrize("name", ("h", "c"))
@pytest.mark.parametrize("shape", [(5,), (5, 2), (1, 5), (1, 2, 5)])
def test_states_of_a_wrong_shape(name, shape):
    params, x, _ = lstm()
    with pytest.raises(ValueError, match=rf"state {name} must have shape \(2, 5\), but has shape"):
        run("lstm", params, x, [{name: np.zeros(shape)}])


@pytest.mark.parametrize("shape", [(2, 5), (3, 2, 5), (4, 1, 5), (4, 2, 3), ()])
def test_dh_of_a_wrong_shape(shape):
    trace = run("lstm", *lstm())
    with pytest.raises(ValueError, match=r"dh must have shape \(4, 2, 5\), but has shape"):
        backprop(trace, np.zeros(shape))


def test_stacks_that_do_not_fit():
    params, x, state = lstm(layers=2)
    for nothing in ([], None, 5, [None], "abc"):
        with pytest.raises(ValueError, match="params must be a mapping of names to weights, or for a stack a list"):
            run("lstm", nothing, x)
    for arrays in (np.zeros((2, 5)), (np.zeros((2, 5)), np.zeros((2, 5))), 3):  # two of them is PyTorch's habit
        with pytest.raises(ValueError, match=r"state must be a mapping of names to arrays \(B, H\)"):
            run("lstm", params, x, arrays)
    for states in (state[:1], state * 2, state[0]):
        with pytest.raises(ValueError, match=r"state must be one mapping a layer, got \d for 2 layers"):
            run("lstm", params, x, states)
    with pytest.raises(ValueError, match=r"x of layer 2 must have shape \(T, B, 3\), but has shape \(4, 2, 5\)"):
        run("lstm", [params[0], params[0]], x)
    second = params[1] | {"bias_ih": np.full(20, np.nan)}
    with pytest.raises(ValueError, match=r"bias_ih of layer 2 must be finite"):
        run("lstm", [params[0], second], x)


def test_rows_of_different_lengths_and_clamps_that_are_none():
    (params,), x, _ = lstm()
    with pytest.raises(ValueError, match="x must be an array, but its rows differ in length"):
        run("lstm", params, [[[1, 2, 3]], [[1]]])
    with pytest.raises(ValueError, match="clamp must be Clamps, such as Clamp"):
        run("lstm", params, x, clamp=3)


# numbers


@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
def test_numbers_that_are_not_finite_are_found(value):
    (params,), x, (state,) = lstm()
    with pytest.raises(ValueError, match=rf"x must be finite, but x\[2, 1, 0\] is {value}: replace or drop"):
        run("lstm", params, spoiled(x, (2, 1, 0), value))
    with pytest.raises(ValueError, match=rf"but weight_hh\[7, 3\] is {value}"):
        run("lstm", params | {"weight_hh": spoiled(params["weight_hh"], (7, 3), value)}, x)
    with pytest.raises(ValueError, match=rf"but state c\[1, 4\] is {value}"):
        run("lstm", params, x, state | {"c": spoiled(state["c"], (1, 4), value)})
    trace = run("lstm", params, x)
    with pytest.raises(ValueError, match=rf"but dh\[0, 1, 2\] is {value}"):
        backprop(trace, spoiled(np.ones((4, 2, 5)), (0, 1, 2), value))


@pytest.mark.parametrize("words", (np.full((4, 2, 3), "1"), np.full((4, 2, 3), None), np.ones((4, 2, 3)) * 1j))
def test_x_that_holds_no_numbers(words):
    params, _, _ = lstm()
    with pytest.raises(ValueError, match="x must hold real numbers, but its dtype is"):
        run("lstm", params, words)


def test_weights_of_a_wrong_dtype():
    (params,), x, _ = lstm()
    whole = {name: array.astype(int) for name, array in params.items()}
    with pytest.raises(ValueError, match="must all be float32 or all float64, but are int64"):
        run("lstm", whole, x)
    with pytest.raises(ValueError, match="all be float32 or all float64, but are float32, float64"):
        run("lstm", params | {"bias_ih": params["bias_ih"].astype("float32")}, x)


def test_lists_whole_numbers_and_other_layouts_are_welcome():
    (params,), x, (state,) = lstm()
    x = np.round(x)
    wanted = run("lstm", params, x, state)
    dh = losses(4, 2, 5)["all steps"]
    others = {
        "lists": (params, x.tolist(), {q: rows.tolist() for q, rows in state.items()}),
        "whole numbers": (params, x.astype(int), state),
        "columns first": (
            {name: np.asfortranarray(array) for name, array in params.items()},
            np.asfortranarray(x),
            state,
        ),
        "views": (params, np.repeat(x, 2, axis=0)[::2], state),
        "another order of names": (dict(reversed(params.items())), x, dict(reversed(state.items()))),
        "a tuple of layers": ((params,), x, (state,)),
    }
    for how, arguments in others.items():
        trace = run("lstm", *arguments)
        assert (trace["h"] == wanted["h"]).all(), how
        grads = backprop(trace, np.asfortranarray(dh))
        for name, gradient in backprop(wanted, dh).params.items():
            np.testing.assert_allclose(grads.params[name], gradient, rtol=1e-13, err_msg=f"{how}, {name}")


def test_states_left_out_are_zero():
    (params,), x, (state,) = lstm()
    zeros = np.zeros((2, 5))
    assert (run("lstm", params, x)["h"] == run("lstm", params, x, {"h": zeros, "c": zeros})["h"]).all()
    only_h = run("lstm", params, x, {"h": state["h"]})
    assert (only_h["h"] == run("lstm", params, x, {"h": state["h"], "c": zeros})["h"]).all()


@every_case
def test_options_left_out_are_pytorchs(cell, options):
    defaults = {"activation": "tanh", "reset_after": True, "z_keeps": True}
    net = network(cell, options)
    assert dict(run(cell, net.params, net.x).options) == {name: defaults[name] for name in options}


# whose array is it


def arrays_of(trace, grads):
    """Every array that a run and its gradients show, by name."""
    for layer in trace.layers:
        for part in (layer.values, layer.params, layer.initial, layer.previous):
            yield from part.items()
        yield "x", layer.x
        yield "tape", layer.tape
    for layer in grads.layers:
        for part in (layer.state, layer.pre, layer.params, layer.initial):
            yield from part.items()
        yield "∂L/∂x", layer.x


@pytest.mark.parametrize("B", (1, 2))
@every_case
def test_what_comes_out_is_read_only(cell, options, B):
    net = network(cell, options, B=B, layers=2)
    trace = net.run()
    grads = backprop(trace, np.ones_like(trace["h"]))
    for name, array in arrays_of(trace, grads):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
            pytest.fail(f"{name} could be written to")
    for frozen in (trace.values, trace.params, grads.pre, trace.options):
        with pytest.raises(TypeError):
            frozen["h"] = 0
    with pytest.raises(AttributeError):
        trace.x = net.x


@pytest.mark.parametrize("B", (1, 2))
@every_case
def test_the_users_own_arrays_stay_theirs(cell, options, B):
    """Neither changed, nor frozen, nor looked at again after the run."""
    net = network(cell, options, B=B, layers=2)
    dh = losses(5, B, 4)["all steps"]
    own = [net.x, dh, *(a for arrays in net.params + net.state for a in arrays.values())]
    before = [array.copy() for array in own]
    trace = net.run()
    grads = backprop(trace, dh)
    for array, copy in zip(own, before, strict=True):
        assert array.flags.writeable and (array == copy).all()
        assert not any(np.shares_memory(array, shown) for _, shown in arrays_of(trace, grads))
    shown = {name: trace[name].copy() for name in trace.values}
    for array in own:
        array[...] = 7
    assert all((trace[name] == copy).all() for name, copy in shown.items())
    again = backprop(trace, before[1])
    assert (again.x == grads.x).all()


def test_a_trace_can_be_used_twice():
    trace = run("lstm", *lstm())
    dh = losses(4, 2, 5)["all steps"]
    once, twice = backprop(trace, dh), backprop(trace, dh)
    assert all((once.params[name] == twice.params[name]).all() for name in once.params)
    assert (trace["h"] == run("lstm", *lstm())["h"]).all()


# what is no fault


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("B", (1, 2))
def test_a_relu_may_explode(B, dtype):
    """Infinity is then the true answer, and no warning (an error in these tests) goes with it."""
    net = network("rnn", {"activation": "relu"}, T=60, B=B, dtype=dtype)
    for array in (*net.params[0].values(), net.x, net.state[0]["h"]):
        np.abs(array, out=array)
    net.params[0]["weight_hh"][...] = 1e30
    trace = net.run()
    assert np.isposinf(trace["h"][-1]).all() and np.isfinite(trace["h"][0]).all()
    grads = backprop(trace, np.ones_like(trace["h"]))
    assert np.isinf(grads.state["h"][0]).all()


def test_numbers_too_large_for_float32_are_refused():
    params, x, _ = lstm(dtype="float32")
    with pytest.raises(ValueError, match=r"x must be finite, but x\[0, 0, 0\] is inf"):
        run("lstm", params, spoiled(x.astype("float64"), (0, 0, 0), 1e300))


def test_a_network_without_units_is_refused():
    none = {"weight_ih": (0, 3), "weight_hh": (0, 0), "bias_ih": (0,), "bias_hh": (0,)}
    with pytest.raises(ValueError, match="unit"):
        run("lstm", {name: np.zeros(shape) for name, shape in none.items()}, np.zeros((4, 2, 3)))


def test_traces_introduce_themselves():
    trace = run("lstm", *lstm())
    assert repr(trace).startswith("<Trace lstm T=4 B=2 D=3 H=5: i, f, g, o, c, h")
    assert repr(trace.params) == ("<weight: weight_ih (20, 3), weight_hh (20, 5), bias_ih (20,), bias_hh (20,)>")
