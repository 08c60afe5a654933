"""One number of a run by PyTorch alone: its own cells and its own autograd, in float64, without the engine.

All layers are stepped through by nn.RNNCell, nn.GRUCell or nn.LSTMCell. Their gates are not to be seen from outside, so
the steps whose gates are asked for are written out; so is every step of what PyTorch has no cell for: the RNN with σ,
the GRU with r before the product, and a run that was operated on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn.functional import linear

from explorer.equations import GROWN, names, placed, worked_out
from explorer.trace import Trace


def norm(*parts: torch.Tensor) -> torch.Tensor:
    """PyTorch's norm over all units of all parts, (1, 1); scaled, because the square of 1e-200 is 0."""
    row = torch.cat(parts, dim=-1)
    largest = row.abs().max()
    scale = largest if 0 < largest < torch.inf else torch.ones_like(largest)
    return scale * torch.linalg.vector_norm(row / scale, dim=-1, keepdim=True)


FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "positive": lambda a: (~(a <= 0)).to(a.dtype),
    "norm": norm,
}
BY_CELLS = {"h", "c", "dh", "x"}  # the rest is inside of them


def vector(engine, formula: str) -> tuple[np.ndarray, str]:
    """A formula of one step of the last layer, all units, sequence 1, and what it was computed with.

    engine    `explorer.proof.Engine`, of which only what is given is taken: weights, inputs, the loss's own gradient

    Returns the numbers, and "cells" or "autograd": PyTorch's cells but for the step itself, or the equations.
    """
    asked = {name: placed(name, engine.step) for name in names(formula) if engine.given(name) is None}
    found, how = _found(engine.trace, engine.direct, set(asked.values()))

    def named(name: str) -> torch.Tensor:
        return found[asked[name]] if name in asked else torch.tensor(engine.given(name))

    return np.atleast_2d(worked_out(formula, named, FUNCTIONS).numpy())[0], how


def _found(trace: Trace, direct, asked: set[tuple[str, int]]) -> tuple[dict, str]:
    """Quantities of steps of the last layer, {("da_f", 4): (1, H)}; with a d before it, a gradient."""
    rows, how = [*torch.tensor(trace.layers[0].x[:, :1])], "cells"
    inside = {step for quantity, step in asked if quantity not in BY_CELLS}
    since = min((t for quantity, t in asked if quantity == GROWN), default=trace.T)
    own = torch.tensor(
        trace.params["weight_hh"]
    ).requires_grad_()  # the steps from there on have their own: its gradient
    for layer in trace.layers:
        below = rows
        apart = {*range(since, trace.T)} if layer is trace else set()
        steps, cell = _through(layer, rows, inside | apart if layer is trace else set(), apart, own)
        how = "autograd" if cell is None or since < trace.T else how
        rows = [one["h"] for one in steps]
    gradients = {(q, t): own if q == GROWN else steps[t][q[1:]] for q, t in asked if q.startswith("d")}
    if gradients:
        for node in gradients.values():
            node.retain_grad()
        loss = [(h * slope).sum() for h, slope in zip(rows, torch.tensor(direct[:, :1])) if slope.any()]
        if loss:  # of the steps that carry it alone: a state that has overflown beyond them is no part of it
            sum(loss).backward()
    found = {(q, t): (below[t] if q == "x" else steps[t][q]).detach() for q, t in asked if not q.startswith("d")}
    reached = {at: torch.zeros_like(one) if one.grad is None else one.grad for at, one in gradients.items()}
    return found | {at: one.reshape(1, -1) if at[0] == GROWN else one for at, one in reached.items()}, how


def _through(layer: Trace, rows: list[torch.Tensor], inside: set[int], apart: set[int], own: torch.Tensor):
    """Each step's quantities, {name: (1, H)}, all of them where it is written out; and PyTorch's cell, if any.

    apart   steps whose weight_hh is `own`
    """
    cell, weights = _cell(layer), {name: torch.tensor(array) for name, array in layer.params.items()}
    state = {q: torch.tensor(array[:1]).requires_grad_() for q, array in layer.initial.items()}
    steps = []
    for t, x in enumerate(rows):
        by_hand = cell is None or t in inside
        here = weights | {"weight_hh": own} if t in apart else weights
        made = _written_out(layer, here, x, state, t) if by_hand else _by_cell(cell, x, state)
        state = {q: made[q] for q in state}
        steps.append(made)
    return steps, cell


def _by_cell(cell, x, state: Mapping) -> dict:
    if "c" in state:
        h, c = cell(x, (state["h"], state["c"]))
        return {"h": h, "c": c}
    return {"h": cell(x, state["h"])}


def _cell(layer: Trace):
    """PyTorch's cell with the layer's weights, None if it has none that does the same."""
    name, options = layer.cell.name, layer.options
    sizes = {"input_size": layer.D, "hidden_size": layer.H, "dtype": torch.float64}
    if layer.held:
        return None
    if name == "lstm":
        cell = torch.nn.LSTMCell(**sizes)
    elif name == "gru" and options["reset_after"] and options["z_keeps"]:
        cell = torch.nn.GRUCell(**sizes)
    elif name == "rnn" and options["activation"] in ("tanh", "relu"):
        cell = torch.nn.RNNCell(**sizes, nonlinearity=options["activation"])
    else:
        return None
    for weight, array in layer.params.items():
        getattr(cell, weight).data = torch.tensor(array)
    return cell.requires_grad_(False)


class Step(dict):
    """The quantities of a step. One that is held gets its value the moment it is set, and stays a node of the graph."""

    def __init__(self, layer: Trace, t: int):
        super().__init__()
        self.held = {q: torch.tensor(values[t]) for q, values in layer.held.items()}

    def __setitem__(self, name, value):
        if name in self.held:
            value = torch.where(self.held[name].isnan(), value, self.held[name])
        super().__setitem__(name, value.requires_grad_() if not value.requires_grad else value)


def _written_out(layer: Trace, w: Mapping, x, state: Mapping, t: int) -> Step:
    s, h, options = Step(layer, t), state["h"], layer.options
    ax, ah = linear(x, w["weight_ih"], w["bias_ih"]), linear(h, w["weight_hh"], w["bias_hh"])
    if layer.cell.name == "rnn":
        s["a_h"] = ax + ah
        s["h"] = getattr(torch, options["activation"])(s["a_h"])
    elif layer.cell.name == "lstm":
        s["a_i"], s["a_f"], s["a_g"], s["a_o"] = (ax + ah).chunk(4, dim=1)
        for gate in "ifo":
            s[gate] = torch.sigmoid(s[f"a_{gate}"])
        s["g"] = torch.tanh(s["a_g"])
        s["c"] = s["f"] * state["c"] + s["i"] * s["g"]
        s["h"] = s["o"] * torch.tanh(s["c"])
    else:
        (x_r, x_z, x_n), (h_r, h_z, h_n) = ax.chunk(3, dim=1), ah.chunk(3, dim=1)
        s["a_r"], s["a_z"] = x_r + h_r, x_z + h_z
        s["r"], s["z"] = torch.sigmoid(s["a_r"]), torch.sigmoid(s["a_z"])
        if options["reset_after"]:
            s["a_n"] = x_n + s["r"] * h_n
        else:
            s["a_n"] = x_n + linear(s["r"] * h, w["weight_hh"][2 * layer.H :], w["bias_hh"][2 * layer.H :])
        s["n"] = torch.tanh(s["a_n"])
        keep = s["z"] if options["z_keeps"] else 1 - s["z"]
        s["h"] = keep * h + (1 - keep) * s["n"]
    return s
