"""Backpropagation against difference quotients, entry by entry, in float64.

The outputs' change is measured once for each nudged number and then weighted for every loss: a loss
L = Σ dh ⊙ h changes by Σ dh ⊙ (change of h).
"""

import numpy as np
import pytest

from explorer import backprop
from tests.engine_cases import CASES, Network, every_case, losses, network, textbook

NUDGE = 1e-5
KINK = 1e-3  # a ReLU is kept this far from 0: across its kink a difference is no slope
sizes = pytest.mark.parametrize(
    ("layers", "B", "H"), [(layers, B, H) for layers in (1, 2) for B in (1, 3) for H in (1, 4)]
)


def assert_slopes_match(grads, slopes, what):
    """The error of a central difference: NUDGE² from the curvature, 1e-16 / NUDGE from rounding."""
    np.testing.assert_allclose(grads, slopes, rtol=1e-7, atol=1e-8, err_msg=what)


def leaves(net: Network):
    """(name, the array that goes in, Gradients of all layers -> the gradient that comes out)."""
    yield "x", net.x, lambda grads: grads[0].x
    for k in range(len(net.params)):
        for name, array in net.params[k].items():
            yield f"{name} of layer {k + 1}", array, lambda grads, k=k, name=name: grads[k].params[name]
        for name, array in net.state[k].items():
            yield (
                f"initial {name} of layer {k + 1}",
                array,
                lambda grads, k=k, name=name: grads[k].initial[name],
            )


def change_of_outputs(net: Network, array, place):
    """∂h/∂(array[place]) of the last layer, (T, B, H)."""
    before = array[place]
    array[place] = before + NUDGE
    up = net.run()["h"]
    array[place] = before - NUDGE
    down = net.run()["h"]
    array[place] = before
    return (up - down) / (2 * NUDGE)


@sizes
@every_case
def test_weights_inputs_and_initial_states(cell, options, layers, B, H):
    net = network(cell, options, B=B, H=H, layers=layers, kink=KINK)
    trace = net.run()
    dh = losses(trace.T, B, H)
    grads = {loss: backprop(trace, direct).layers for loss, direct in dh.items()}
    for name, array, gradient in leaves(net):
        places = list(np.ndindex(array.shape))
        changes = np.stack([change_of_outputs(net, array, place) for place in places])
        assert np.abs(gradient(grads["all steps"])).max() > 1e-6, f"nothing flows back to {name}"
        for loss, direct in dh.items():
            slopes = np.einsum("ptbh,tbh->p", changes, direct).reshape(array.shape)
            assert_slopes_match(gradient(grads[loss]), slopes, f"{name}, loss on {loss}")


def change_by_nudges(net: Network, layer: int, name: str):
    """∂h of the last layer by each entry of one quantity of one layer, (T, B, N, H), N = T·B·H.

    One run holds N copies of every sequence, and copy n feels entry n alone. Only what comes after the
    quantity feels it, so that this is its total influence: direct, through its step, through all later ones.
    """
    (T, B, _), H = net.x.shape, net.params[0]["weight_hh"].shape[1]
    N = T * B * H
    copies = net._replace(
        x=np.repeat(net.x, N, axis=1),
        state=[{q: np.repeat(rows, N, axis=0) for q, rows in state.items()} for state in net.state],
    )
    nudge = NUDGE * np.eye(N).reshape(T, B, H, N).transpose(0, 1, 3, 2).reshape(T, B * N, H)
    up, down = (textbook(copies, {(layer, name): sign * nudge})[-1]["h"] for sign in (1, -1))
    return ((up - down) / (2 * NUDGE)).reshape(T, B, N, H)


@sizes
@every_case
def test_states_and_preactivations_of_every_step(cell, options, layers, B, H):
    net = network(cell, options, B=B, H=H, layers=layers, kink=KINK)
    trace = net.run()
    dh = losses(trace.T, B, H)
    grads = {loss: backprop(trace, direct).layers for loss, direct in dh.items()}
    for k in range(layers):
        quantities = [(q, lambda g, q=q: g.state[q]) for q in trace.cell.states]
        quantities += [(f"a_{q}", lambda g, q=q: g.pre[q]) for q in trace.cell.gates]
        for name, gradient in quantities:
            changes = change_by_nudges(net, k, name)
            for loss, direct in dh.items():
                slopes = np.einsum("tbnh,tbh->n", changes, direct).reshape(direct.shape)
                assert_slopes_match(gradient(grads[loss][k]), slopes, f"{name} of layer {k + 1}, loss on {loss}")


@every_case
def test_the_formulas_give_the_trace(cell, options):
    """The formulas that the nudged runs evaluate, and that the page shows, are those of the engine."""
    net = network(cell, options, layers=2)
    for trace, evaluated in zip(net.run().layers, textbook(net), strict=True):
        assert set(evaluated) <= set(trace.values)
        for name, values in evaluated.items():
            np.testing.assert_allclose(trace[name], values, rtol=0, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("layers", (1, 2))
def test_a_relu_is_nudged_away_from_its_kink(layers):
    """What the tests above rest on for the ReLU: no unit switches, and not all of them are off."""
    for case in [case for case in CASES if "relu" in case[1].values()]:
        for trace in network(*case, layers=layers, kink=KINK).run().layers:
            assert np.abs(trace["a_h"]).min() > KINK > 50 * NUDGE
            assert 0.1 < (trace["h"] > 0).mean() < 0.9
