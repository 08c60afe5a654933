"""The engine against Keras 3 on its Torch backend, values and gradients.

Keras speaks another dialect, and the translation is written out here: kernels are transposed, an LSTM's
blocks are in the order i f c o, a GRU's in z r h, and there is one bias, or for a GRU with `reset_after`
one of two rows.
"""

import keras
import numpy as np
import pytest
import torch
from keras.src.backend.common import dtypes

from explorer import backprop
from tests.engine_cases import assert_close, every_case, losses, network

ORDERS = {"rnn": "h", "lstm": "ifgo", "gru": "zrn"}
OURS = {"rnn": "h", "lstm": "ifgo", "gru": "rzn"}


@pytest.fixture(autouse=True)
def products_in_float64(monkeypatch):
    """On Torch, Keras rounds a product of float64 matrices to float32 (keras-team/keras#23223)."""
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")


def keras_layer(cell, options, H):
    sizes = {"units": H, "return_sequences": True, "return_state": True, "dtype": "float64"}
    if cell == "rnn":
        return keras.layers.SimpleRNN(activation=options["activation"], **sizes)
    if cell == "gru":
        return keras.layers.GRU(reset_after=options["reset_after"], **sizes)
    return keras.layers.LSTM(**sizes)


def into_keras(cell, options, array):
    """Our stacked rows in Keras' order; in Keras z = 1 keeps the old state."""
    rows = dict(zip(OURS[cell], np.split(array, len(OURS[cell])), strict=True))
    if not options.get("z_keeps", True):
        rows["z"] = -rows["z"]
    return np.concatenate([rows[gate] for gate in ORDERS[cell]])


def two_biases(cell, options):
    return cell == "gru" and options["reset_after"]


def weights_for_keras(cell, options, params):
    kernel, recurrent, bias_ih, bias_hh = (
        into_keras(cell, options, params[name]) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    bias = np.stack([bias_ih, bias_hh]) if two_biases(cell, options) else bias_ih + bias_hh
    return [kernel.T, recurrent.T, bias]


def gradients_for_keras(cell, options, grads):
    """As the weights, but a sum of two biases passes its whole gradient on to each."""
    kernel, recurrent, bias_ih, bias_hh = (
        into_keras(cell, options, grads[name]) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    if two_biases(cell, options):
        return [kernel.T, recurrent.T, np.stack([bias_ih, bias_hh])]
    np.testing.assert_allclose(bias_ih, bias_hh, rtol=1e-13, atol=1e-14)
    return [kernel.T, recurrent.T, bias_ih]


@pytest.mark.parametrize(("layers", "B", "H"), [(1, 1, 1), (1, 3, 5), (2, 3, 5)])
@every_case
def test_values_and_gradients(cell, options, layers, B, H):
    net = network(cell, options, T=10, B=B, H=H, layers=layers)
    trace = net.run()
    built = [keras_layer(cell, options, H) for _ in range(layers)]
    for k, layer in enumerate(built):
        layer.build((B, 10, trace.layers[k].D))
        layer.set_weights(weights_for_keras(cell, options, net.params[k]))

    for loss, dh in losses(10, B, H).items():
        grads = backprop(trace, dh)
        x = torch.tensor(net.x, requires_grad=True)
        start = [[torch.tensor(state[q], requires_grad=True) for q in trace.cell.states] for state in net.state]
        h, ends = x.transpose(0, 1), []  # Keras counts sequences before steps
        for layer, states in zip(built, start, strict=True):
            layer.zero_grad()
            h, *end = layer(h, initial_state=states)
            ends.append(end)
        h.backward(torch.tensor(dh).transpose(0, 1))

        def same(got, wanted, what, loss=loss):
            assert_close(got, wanted.detach(), f"{what}, loss on {loss}", 1e-10)

        same(trace["h"], h.transpose(0, 1), "h")
        same(grads.layers[0].x, x.grad, "∂L/∂x")
        for k, (forward, back) in enumerate(zip(trace.layers, grads.layers, strict=True)):
            for q, first, last in zip(trace.cell.states, start[k], ends[k], strict=True):
                same(forward[q][-1], last, f"the last {q}")
                same(back.initial[q], first.grad, f"∂L/∂{q}_0")
            ours = gradients_for_keras(cell, options, back.params)
            for gradient, variable in zip(ours, built[k].trainable_variables, strict=True):
                same(gradient, variable.value.grad, f"∂L/∂{variable.name} of layer {k + 1}")
