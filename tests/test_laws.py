"""Laws of the cells that a student would state. They know what the letters mean.

A gradient check and a parity test compare two computations, and pass if both mistake i for f. A law does not.
"""

import math

import numpy as np
import pytest

from explorer import init_params, run
from explorer.cells import CELLS
from tests.engine_cases import BLOCKS, CASES, blocks, every_case, network, over, pinned

OPEN, SHUT = 100.0, -100.0  # σ of these is exactly 1 and 0
GRU_CASES = [case for case in CASES if case[0] == "gru"]


def test_the_blocks_of_each_cell_are_in_pytorchs_order():
    assert {name: "".join(cell.gates) for name, cell in CELLS.items()} == BLOCKS


# what a gate does


def test_lstm_with_f_open_and_i_shut_keeps_C():
    net = pinned("lstm", {}, {"f": OPEN, "i": SHUT}, weights=1.0, T=50)
    trace = net.run()
    assert (trace["f"] == 1).all() and (trace["i"] == 0).all()
    assert (trace["c"] == net.state[0]["c"]).all()


def test_lstm_with_f_shut_and_i_open_takes_the_candidate():
    trace = pinned("lstm", {}, {"f": SHUT, "i": OPEN}, weights=1.0, T=50).run()
    assert (trace["f"] == 0).all() and (trace["i"] == 1).all()
    assert (trace["c"] == trace["g"]).all()


def test_lstm_with_f_and_i_open_counts():
    """C adds up all candidates."""
    net = pinned("lstm", {}, {"f": OPEN, "i": OPEN}, weights=1.0, T=50)
    trace = net.run()
    added_up = net.state[0]["c"] + np.cumsum(trace["g"], axis=0)
    np.testing.assert_allclose(trace["c"], added_up, rtol=1e-13, atol=1e-13)


def test_lstm_with_f_half_open_forgets_half_a_step():
    net = pinned("lstm", {}, {"f": 0.0, "i": SHUT}, weights=1.0, T=20)
    halves = 0.5 ** np.arange(1, 21)[:, None, None] * net.state[0]["c"]
    np.testing.assert_allclose(net.run()["c"], halves, rtol=1e-14)


def test_lstm_with_o_shut_shows_nothing_and_keeps_it():
    trace = pinned("lstm", {}, {"o": SHUT}, weights=1.0).run()
    assert (trace["h"] == 0).all() and (trace["c"] != 0).all()


def test_lstm_with_o_open_shows_tanh_of_C():
    trace = pinned("lstm", {}, {"o": OPEN}, weights=1.0).run()
    np.testing.assert_allclose(trace["h"], np.tanh(trace["c"]), rtol=1e-14)


@over(GRU_CASES)
def test_gru_that_keeps_keeps_h(cell, options):
    net = pinned(cell, options, {"z": OPEN if options["z_keeps"] else SHUT}, weights=1.0, T=50)
    trace = net.run()
    assert (trace["z"] == (1 if options["z_keeps"] else 0)).all()
    np.testing.assert_allclose(trace["h"], [net.state[0]["h"]] * 50, rtol=1e-14)


@over(GRU_CASES)
def test_gru_that_does_not_keep_takes_the_candidate(cell, options):
    trace = pinned(cell, options, {"z": SHUT if options["z_keeps"] else OPEN}, weights=1.0, T=50).run()
    assert (trace["h"] == trace["n"]).all()


@over(GRU_CASES)
def test_gru_with_r_shut_looks_at_the_input_only(cell, options):
    """The candidate of a network whose r is 0 is the same whatever h was."""
    net = pinned(cell, options, {"r": SHUT}, weights=1.0)
    elsewhere = net._replace(state=[{"h": -3 * net.state[0]["h"]}])
    assert (net.run()["n"] == elsewhere.run()["n"]).all()
    assert (net.run()["h"][0] != elsewhere.run()["h"][0]).all()


@over(GRU_CASES)
def test_gru_with_r_open_has_one_kind_only(cell, options):
    """With r = 1 it makes no difference whether it multiplies h or the product."""
    net = pinned(cell, options, {"r": OPEN}, weights=1.0)
    other = net._replace(options=options | {"reset_after": not options["reset_after"]})
    np.testing.assert_allclose(net.run()["h"], other.run()["h"], rtol=0, atol=1e-14)


@pytest.mark.parametrize("reset_after", (True, False))
def test_gru_relabelled_is_the_same_network(reset_after):
    """z = 1 keeps or z = 1 takes: a label. The same seed draws the same network under both."""
    keeps, takes = (
        run("gru", init_params("gru", 3, 4, seed=5, **options), network("gru", options).x, **options)
        for options in ({"reset_after": reset_after, "z_keeps": z_keeps} for z_keeps in (True, False))
    )
    assert (keeps["h"] == takes["h"]).all() and (keeps["n"] == takes["n"]).all()
    np.testing.assert_allclose(takes["z"], 1 - keeps["z"], rtol=0, atol=1e-15)
    assert (takes["a_z"] == -keeps["a_z"]).all()


def test_rnn_with_no_recurrent_weights_has_no_memory():
    for cell, options in [case for case in CASES if case[0] == "rnn"]:
        net = network(cell, options, T=6)
        net.params[0]["weight_hh"][...] = 0
        reordered = net._replace(x=net.x[::-1])
        np.testing.assert_allclose(net.run()["h"], reordered.run()["h"][::-1], rtol=1e-13)


# what holds for all cells


@every_case
def test_zero_weights_give_h_0(cell, options):
    net = pinned(cell, options, {})
    trace = run(cell, net.params, net.x, **options)
    assert (trace["h"] == (0.5 if options.get("activation") == "sigmoid" else 0)).all()
    for gate in set("iforz") & set(trace.values):
        assert (trace[gate] == 0.5).all(), f"a gate of no weights is undecided, {gate} is not"


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("scale", (1.0, 30.0))
@over([case for case in CASES if CELLS[case[0]].ranges(case[1])])
def test_bounded_quantities_stay_in_their_ranges(cell, options, scale, dtype):
    """Also where a gate is saturated, and to the last bit: scales and colours rest on it."""
    net = network(cell, options, T=40, H=16, scale=scale, dtype=dtype)
    if cell in ("gru", "lstm"):
        net.state[0]["h"][...] = np.tanh(net.state[0]["h"])
    trace = net.run()
    ranges = trace.cell.ranges(options)
    assert set(ranges) >= set("iforzn") & set(trace.values)
    for name, (lowest, highest) in ranges.items():
        assert lowest <= trace[name].min() and trace[name].max() <= highest, name
        assert (lowest, highest) in ((0, 1), (-1, 1))


@every_case
def test_layers_run_one_after_another(cell, options):
    net = network(cell, options, layers=3)
    trace, x = net.run(), net.x
    assert len(trace.layers) == 3 and trace.layers[-1] is trace
    for layer, params, state in zip(trace.layers, net.params, net.state, strict=True):
        alone = run(cell, params, x, state, **options)
        for name in alone.values:
            assert (layer[name] == alone[name]).all()
        x = alone["h"]


@pytest.mark.parametrize("B", (1, 3))
@every_case
def test_a_sequence_cut_in_two_is_one_sequence(cell, options, B):
    net = network(cell, options, T=9, B=B)
    whole, first = net.run(), net._replace(x=net.x[:4]).run()
    end = {q: first[q][-1] for q in first.cell.states}
    second = net._replace(x=net.x[4:], state=[end]).run()
    for name in whole.values:
        joined = np.concatenate([first[name], second[name]])
        np.testing.assert_allclose(joined, whole[name], rtol=1e-13, atol=1e-14, err_msg=name)


@every_case
def test_a_batch_is_its_sequences_one_by_one(cell, options):
    net = network(cell, options, B=4, layers=2)
    together = net.run()
    for b in range(4):
        one = [{q: rows[b : b + 1] for q, rows in state.items()} for state in net.state]
        alone = net._replace(x=net.x[:, b : b + 1], state=one).run()
        for name in together.values:
            got, wanted = together[name][:, b : b + 1], alone[name]
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14, err_msg=name)


@every_case
def test_an_input_changes_nothing_before_it(cell, options):
    net = network(cell, options, T=8)
    later = net.x.copy()
    later[5:] += 1
    before, after = net.run(), net._replace(x=later).run()
    for name in before.values:
        np.testing.assert_allclose(before[name][:5], after[name][:5], rtol=1e-14, err_msg=name)
    assert (before["h"][5:] != after["h"][5:]).any(axis=(1, 2)).all()


@every_case
def test_float32_is_float64_to_rounding(cell, options):
    net = network(cell, options, T=20, H=8, layers=2, dtype="float32")
    wide = net._replace(
        params=[{name: array.astype("float64") for name, array in layer.items()} for layer in net.params]
    )
    narrow, exact = net.run(), wide.run()
    assert narrow.dtype == "float32" and exact.dtype == "float64"
    for name in narrow.values:
        assert narrow[name].dtype == "float32"
        size = np.abs(exact[name]).max()
        np.testing.assert_allclose(narrow[name], exact[name], rtol=0, atol=1e-5 * size, err_msg=name)


@every_case
def test_previous_is_the_state_a_step_starts_from(cell, options):
    net = network(cell, options)
    trace = net.run()
    for q in trace.cell.states:
        assert (trace.previous[q][0] == net.state[0][q]).all()
        assert (trace.previous[q][1:] == trace[q][:-1]).all()


# one neuron by hand


def σ(a):
    return 1 / (1 + math.exp(-a))


def neuron_rnn(a, h, activation):
    squash = {"tanh": math.tanh, "sigmoid": σ, "relu": lambda a: max(a, 0.0)}[activation]
    return {"h": squash(a["h"][0] + a["h"][1] * h + a["h"][2])}


def neuron_lstm(a, h, c):
    i, f, g, o = (a[q][0] + a[q][1] * h + a[q][2] for q in "ifgo")
    c = σ(f) * c + σ(i) * math.tanh(g)
    return {"h": σ(o) * math.tanh(c), "c": c}


def neuron_gru(a, h, reset_after, z_keeps):
    r, z = (σ(a[q][0] + a[q][1] * h + a[q][2]) for q in "rz")
    x, w, b = a["n"]
    n = math.tanh(x + r * (w * h + b) if reset_after else x + w * (r * h) + b)
    return {"h": z * h + (1 - z) * n if z_keeps else (1 - z) * h + z * n}


@every_case
def test_one_neuron_by_hand(cell, options):
    """H = 1, D = 1: school arithmetic, three steps."""
    net = network(cell, options, T=3, B=1, D=1, H=1)
    trace = net.run()
    w = {name: blocks(cell, net.params[0], name) for name in net.params[0]}
    now = {q: rows.item() for q, rows in net.state[0].items()}
    for t in range(3):
        x = net.x[t].item()
        a = {
            q: (
                w["weight_ih"][q].item() * x + w["bias_ih"][q].item(),
                w["weight_hh"][q].item(),
                w["bias_hh"][q].item(),
            )
            for q in BLOCKS[cell]
        }
        now = {"rnn": neuron_rnn, "lstm": neuron_lstm, "gru": neuron_gru}[cell](a, **now, **options)
        for q, value in now.items():
            assert trace[q][t].item() == pytest.approx(value, rel=1e-13)
