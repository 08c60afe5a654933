"""What the engine's tests run over, and a second, slow way to the same numbers.

`CASES` is every cell under every combination of its conventions. It is read from the registry, so that
a new cell is tested from the day its file appears.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

from explorer import run
from explorer.cells import CELLS

CASES = [
    (name, dict(zip(cell.options, chosen, strict=True)))
    for name, cell in CELLS.items()
    for chosen in product(*cell.options.values())
]
# The order of the blocks, written out: read from the cell, it would follow a mistake in the cell.
BLOCKS = {"rnn": "h", "lstm": "ifgo", "gru": "rzn"}
PARTS = {"W_i": "weight_ih", "W_h": "weight_hh", "b_i": "bias_ih", "b_h": "bias_hh"}
SQUASH = {
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.where(a > 0, a, 0),
}


def name_of(case) -> str:
    cell, options = case
    return "-".join([cell, *(f"{name}={value}" for name, value in options.items())])


def over(cases):
    return pytest.mark.parametrize(("cell", "options"), cases, ids=[name_of(case) for case in cases])


every_case = over(CASES)


class Network(NamedTuple):
    """All that a run needs; the arrays are the test's own, so that it may change them."""

    cell: str
    options: dict
    params: list[dict]
    x: np.ndarray
    state: list[dict]

    def run(self):
        return run(self.cell, self.params, self.x, self.state, **self.options)


def network(cell, options, *, layers=1, B=3, seed=0, kink=0.0, **sizes) -> Network:
    """A network with random weights, input and initial states.

    A ReLU's is alive: the seed moves on until a sequence has a unit that is on in every step, and no
    pre-activation is nearer to the kink than `kink`.
    """
    for another in range(seed, seed + 500):
        net = _drawn(cell, options, layers=layers, B=B, seed=another, **sizes)
        if "relu" not in options.values():
            return net
        trace = net.run()
        on = np.array([(layer["a_h"] > 0).any(axis=2).all(axis=0) for layer in trace.layers])
        if on.all(axis=0).any() and min(np.abs(layer["a_h"]).min() for layer in trace.layers) > kink:
            return net
    raise AssertionError("no seed gives a ReLU that is alive")


def _drawn(cell, options, *, layers, B, seed, T=5, D=3, H=4, scale=0.7, dtype="float64") -> Network:
    kind, rng = CELLS[cell], np.random.default_rng(seed)
    G = len(kind.gates)

    def draw(*shape):
        return (scale * rng.standard_normal(shape)).astype(dtype)

    params = [
        {
            "weight_ih": draw(G * H, D if layer == 0 else H),
            "weight_hh": draw(G * H, H),
            "bias_ih": draw(G * H),
            "bias_hh": draw(G * H),
        }
        for layer in range(layers)
    ]
    state = [{q: draw(B, H) for q in kind.states} for _ in range(layers)]
    return Network(cell, options, params, 2 * draw(T, B, D), state)


def losses(T, B, H, dtype="float64") -> dict[str, np.ndarray]:
    """The direct ∂L/∂h_t of a loss on all steps, on the last one, on some that leave the last one out."""
    everywhere = np.random.default_rng(7).standard_normal((T, B, H)).astype(dtype)
    steps = np.arange(T)[:, None, None]
    return {
        "all steps": everywhere,
        "last step": everywhere * (steps == T - 1),
        "some steps": everywhere * (steps % 3 == 1) * (steps < T - 1),
    }


def blocks(cell, params, name) -> dict[str, np.ndarray]:
    """Views of one stacked weight or bias, a gate each."""
    return dict(zip(BLOCKS[cell], np.split(params[name], len(BLOCKS[cell])), strict=True))


def pinned(cell, options, biases, *, weights=0.0, **sizes) -> Network:
    """A network whose gates are held by their biases: +100 opens a σ to exactly 1, −100 shuts it to 0."""
    net = network(cell, options, **sizes)
    for params in net.params:
        for array in params.values():
            array *= weights
        for gate, bias in biases.items():
            for name in ("weight_ih", "weight_hh", "bias_hh"):
                blocks(cell, params, name)[gate][...] = 0
            blocks(cell, params, "bias_ih")[gate][...] = bias
    return net


def textbook(net: Network, nudge=None) -> list[dict[str, np.ndarray]]:
    """Evaluate the cell's own formulas, step by step: for each layer {quantity: (T, B, H)}.

    nudge   {(layer, quantity): (T, B, H)}, added to the quantity, or to a gate's pre-activation "a_…", the
            moment it is known, so that all that follows feels it
    """
    layers, x = [], net.x
    for layer, (params, state) in enumerate(zip(net.params, net.state, strict=True)):
        own = {name: change for (where, name), change in (nudge or {}).items() if where == layer}
        layers.append(_textbook_layer(net.cell, net.options, params, x, state, own))
        x = layers[-1]["h"]
    return layers


def _textbook_layer(cell, options, params, x, state, nudge):
    kind, H = CELLS[cell], params["weight_hh"].shape[1]
    formulas = {q: compile(formula, "formula", "eval") for q, formula in kind.equations(options).items()}
    weights = {
        part + gate: rows.reshape(H, -1)
        for part, name in PARTS.items()
        for gate, rows in zip(kind.gates, np.split(params[name], len(kind.gates)), strict=True)
    }
    steps = []
    known = {f"{q}_prev": state[q].T for q in kind.states}
    for t in range(len(x)):
        names, step = weights | known | {"x": x[t].T}, {}

        def nudged(name, value, t=t, step=step):
            step[name] = value + nudge[name][t].T if name in nudge else value
            return step[name]

        for q, formula in formulas.items():
            functions = SQUASH
            if q in kind.gates:
                functions = {
                    name: lambda a, q=q, squash=squash, keep=nudged: squash(keep(f"a_{q}", a))
                    for name, squash in SQUASH.items()
                }
            names[q] = nudged(q, eval(formula, functions, names))
        known = {f"{q}_prev": step[q] for q in kind.states}
        steps.append(step)
    return {name: np.stack([step[name].T for step in steps]) for name in steps[0]}


def assert_close(got, wanted, what, tolerance):
    """The largest difference is within `tolerance` of the largest number."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"{what}: shape {got.shape} instead of {wanted.shape}"
    off, size = np.abs(got - wanted).max(), np.abs(wanted).max()
    assert off <= tolerance * size, f"{what} is off by {off:.2e}, its largest number is {size:.2e}"
