"""The loop over time: `run` a cell forward over a sequence, `backprop` a loss through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from explorer import habits
from explorer.cells import CELLS
from explorer.cells.base import Backward, Cell, arranged, named, outer, with_batch
from explorer.cells.clamp import Clamp, held_by
from explorer.check import as_array, finite, known, real, shaped
from explorer.trace import Gradients, Named, Trace

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}
PARAMS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

# glibc hands blocks back to the system until it has seen one as large freed; a trace would then be faulted in anew on
# every run, a third of its time. This block is never touched, so it costs nothing.
np.empty(2**24, np.uint8)


class Carried(dict):
    """States or gradients, name -> (B, H), that another run ended with: they are what they are, finite or not.

    What a caller gives is checked; what a piece of a sequence hands to the next one is not.
    """


def run(cell: str, params, x, state=None, *, clamp: Iterable[Clamp] = (), **options) -> Trace:
    """Run `cell` over a sequence and keep every named value of every step.

    cell      "rnn", "gru" or "lstm"
    params    {"weight_ih": (G·H, D), "weight_hh": (G·H, H), "bias_ih": (G·H,), "bias_hh": (G·H,)} with
              G gates, in PyTorch's names and order; for a stack of layers a sequence of them, the layer that
              reads x first. Their dtype, float32 or float64, is that of the run.
    x         (T, B, D), T ≥ 1
    state     {"h": (B, H)}, for an LSTM also "c", to start from instead of zeros; for a stack a sequence
    clamp     Clamps: gates or states held at a value for some steps (see `explorer.cells.clamp`), as constants that
              no gradient passes. What each layer holds is in its `trace.held`.
    options   the cell's conventions: activation= for "rnn"; reset_after=, z_keeps= for "gru"

    Returns the Trace of the last layer; the others are in `trace.layers`.
    Raises ValueError for a wrong name, shape, dtype or number, in one sentence.
    """
    return run_layers(step_by_step, cell, params, x, state, options, clamp)


def run_layers(forward, cell: str, params, x, state, options: Mapping, clamp=()) -> Trace:
    """Check everything that `run` is given, then take each layer through `forward`.

    forward   (Cell, params, x, state, options, held) -> ({name: (T, B, H)}, tape)
    """
    kind = CELLS[known(cell, CELLS, "cell")]
    options = conventions(kind, options)
    stack = _a_layer_each(params, "params", "weights")
    states = [None] * len(stack) if state is None else _a_layer_each(state, "state", "arrays (B, H)")
    if len(states) != len(stack):
        raise ValueError(f"state must be one mapping a layer, got {len(states)} for {len(stack)} layers")

    trace, clamps = None, [clamp] if isinstance(clamp, Clamp) else clamp
    if not isinstance(clamps, Iterable):
        raise ValueError(f"clamp must be Clamps, such as Clamp('h', 0.0), but is {clamp!r}")
    clamps = list(clamps)
    for layer, (params, state) in enumerate(zip(stack, states)):
        where = f" of layer {layer + 1}" if len(stack) > 1 else ""
        held = partial(held_by, clamps, kind, layer, len(stack))
        trace = _run_layer(forward, kind, options, params, trace["h"] if trace else x, state, trace, held, where)
    return trace


def _a_layer_each(given, name: str, what: str) -> list[Mapping]:
    """A mapping, or one for each layer of a stack, as a list of at least one."""
    stack = list(given) if isinstance(given, list | tuple) else [given]
    if not stack or not all(isinstance(one, Mapping) for one in stack):
        got = [type(one).__name__ for one in stack] if isinstance(given, list | tuple) else type(given).__name__
        raise ValueError(f"{name} must be a mapping of names to {what}, or for a stack a list of them, but is {got}")
    return stack


def conventions(cell: Cell, chosen: Mapping) -> Mapping:
    """All options of a cell, those not chosen at their default; refuses what the cell does not know."""
    for name, value in chosen.items():
        if name not in cell.options:
            takes = ", ".join(cell.options) or "no option"
            raise ValueError(f"{cell.name} has no option {name!r}: it takes {takes}")
        known(value, cell.options[name], f"{name} of {cell.name}")
    return MappingProxyType({name: chosen.get(name, values[0]) for name, values in cell.options.items()})


def _run_layer(forward, cell, options, params, x, state, below, held, where) -> Trace:
    params = _checked_params(cell, params, where)
    (_, D), (_, H), dtype = params["weight_ih"].shape, params["weight_hh"].shape, params["weight_hh"].dtype
    layer = 1 if below is None else len(below.layers) + 1
    x = shaped(x, ("T", "B", D), f"x{where}", partial(habits.sequence, D=D, layer=layer))
    if 0 in x.shape[:2]:
        raise ValueError(f"x needs at least one step and one sequence, but has shape {x.shape}")
    if below is None:
        x = finite(real(x, dtype, "x"), "x").copy()
    state = _checked_state(cell, state, x.shape[:2], H, dtype, where)
    held = held(len(x), H)
    values, tape = forward(cell, params, x, state, options, held)
    x.flags.writeable = False
    state, values, held = Named("state", state), Named("quantity", values), Named("held quantity", held)
    return Trace(cell, options, params, x, state, values, tape, below, held)


def step_by_step(cell, params, x, state, options, held):
    with np.errstate(all="ignore"):  # a ReLU may explode: a result, no fault; and NumPy need not look at each call
        values, tape = cell.forward(params, x, state, options, held)
    tape.flags.writeable = False
    return values, tape


def _checked_params(cell: Cell, params: Mapping, where: str) -> Named:
    for name in params:
        known(name, PARAMS, f"weight{where}")
    if missing := [name for name in PARAMS if name not in params]:
        shows = f": {shown}" if (shown := habits.missing(missing)) else ""
        raise ValueError(f"the weights{where} lack {', '.join(missing)}: expected {', '.join(PARAMS)}{shows}")
    arrays = {name: as_array(params[name], f"{name}{where}") for name in PARAMS}
    dtypes = {array.dtype for array in arrays.values()}
    if len(dtypes) > 1 or not dtypes <= FLOATS:
        are = ", ".join(sorted(map(str, dtypes)))
        raise ValueError(f"the weights{where} must all be float32 or all float64, but are {are}")
    if arrays["weight_hh"].ndim != 2 or arrays["weight_ih"].ndim != 2:
        raise ValueError(f"weight_ih and weight_hh{where} must be matrices")
    if 0 in arrays["weight_hh"].shape + arrays["weight_ih"].shape:
        raise ValueError(f"the weights{where} need at least one unit and one input")
    G = len(cell.gates)
    D, H = habits.sizes(arrays["weight_ih"].shape, arrays["weight_hh"].shape, G)
    shapes = {"weight_hh": (G * H, H), "weight_ih": (G * H, D), "bias_ih": (G * H,), "bias_hh": (G * H,)}
    for name, shape in shapes.items():  # weight_hh first: it says what H is
        hint = partial(habits.bias, G=G, H=H)
        if len(shape) == 2:
            hint = partial(habits.matrix, G=G, H=H, width=H if name == "weight_hh" else None)
        finite(shaped(arrays[name], shape, f"{name}{where} of {cell.name}", hint), f"{name}{where}")
    return Named("weight", {name: array.copy() for name, array in arrays.items()})


def _checked_state(cell: Cell, state, steps: tuple[int, int], H: int, dtype, where: str) -> dict[str, np.ndarray]:
    T, B = steps
    if state is None:
        return {name: np.zeros((B, H), dtype) for name in cell.states}
    if isinstance(state, Carried):
        return {name: np.array(state[name], dtype) for name in cell.states}
    state = dict(state)
    for name in state:
        known(name, cell.states, f"state{where} of {cell.name}")
    checked = {}
    for name in cell.states:
        given = state.get(name)
        array = np.zeros((B, H), dtype) if given is None else real(given, dtype, f"state {name}{where}").copy()
        what = f"state {name}{where}"
        checked[name] = finite(shaped(array, (B, H), what, partial(habits.state, T=T, B=B, H=H)), what)
    return checked


def backprop(trace: Trace, dh, later=None) -> Gradients:
    """Backpropagate through time.

    dh      (T, B, H): the direct ∂L/∂h_t of the last layer, zeros at steps that carry no loss
    later   {"h": (B, H)}, for an LSTM also "c": ∂L/∂h_T, ∂L/∂C_T through steps beyond this trace, where it is
            a piece of a longer sequence; for a stack a sequence of them. None is zeros.

    Returns the Gradients of the last layer; those of the layers below are in `grads.layers`. Where no loss follows a
    step its gradients are 0, whatever its state has come to: nothing of it was asked for. Elsewhere they are what
    floats and PyTorch's autograd make of them, ∞ and NaN too.
    Raises ValueError if dh or later has another shape or holds NaN or Inf.
    """
    return backprop_layers(step_by_step_backward, trace, dh, later)


def backprop_layers(backward, trace: Trace, dh, later) -> Gradients:
    """Check everything that `backprop` is given, then take each layer through `backward`, the last one first.

    backward   (trace, dh, later) -> Gradients without those of the layers below
    """
    T, B, H = trace.T, trace.B, trace.H
    dh = shaped(dh, (T, B, H), "dh", partial(habits.direct, T=T, B=B, H=H))
    dh = finite(real(dh, trace.dtype, "dh"), "dh")
    laters = [later] * len(trace.layers) if later is None or isinstance(later, Mapping) else list(later)
    if len(laters) != len(trace.layers) or (isinstance(later, Mapping) and len(laters) > 1):
        raise ValueError(f"later must be one mapping a layer, and there are {len(trace.layers)} layers")
    laters = [
        _checked_state(layer.cell, later, (layer.T, layer.B), layer.H, layer.dtype, " later than the trace")
        for layer, later in zip(trace.layers, laters)
    ]
    return _through_layers(backward, trace, dh, laters)


def _through_layers(backward, trace, dh, laters) -> Gradients:
    with np.errstate(all="ignore"):
        grads = _up_to_the_loss(backward, trace, dh, laters[-1])
    if trace.below is None:
        return grads
    return replace(grads, below=_through_layers(backward, trace.below, grads.x, laters[:-1]))


def steps_with_gradient(dh: np.ndarray, later: Mapping) -> int:
    """How many steps (T, B, H) there are up to the last one that carries a loss, or that later ones reach into."""
    if dh[-1].any() or any(rows.any() for rows in later.values()):
        return len(dh)
    carry = dh.any(axis=(1, 2))
    return len(dh) - int(carry[::-1].argmax()) if carry.any() else 0


def _up_to_the_loss(backward, trace: Trace, dh: np.ndarray, later: Mapping) -> Gradients:
    """`backward` of the steps up to the last loss; zeros beyond, where 0 · NaN would bring in what nobody asked for."""
    last = steps_with_gradient(dh, later)
    if last == trace.T:
        return backward(trace, dh, later)
    steps = max(last, 1)
    grads = backward(trace.steps(0, steps), dh[:steps], later)

    def padded(rows: np.ndarray) -> np.ndarray:
        made = np.zeros((trace.T, *rows.shape[1:]), rows.dtype)
        made[:last] = rows[:last]
        return made

    def whole(rows: np.ndarray) -> np.ndarray:
        return rows if last else np.zeros_like(rows)

    dx = padded(grads.x)
    dx.flags.writeable = False
    return Gradients(
        state=Named("state", {q: padded(rows) for q, rows in grads.state.items()}),
        pre=Named("gate", {q: padded(rows) for q, rows in grads.pre.items()}),
        params=Named("weight", {name: whole(array) for name, array in grads.params.items()}),
        x=dx,
        initial=Named("state", {q: whole(row) for q, row in grads.initial.items()}),
    )


def step_by_step_backward(trace: Trace, dh: np.ndarray, later: Mapping) -> Gradients:
    """One layer's Gradients by its cell's own loop."""
    T, B, H = dh.shape
    direct = dh.reshape(T, H) if B == 1 else np.ascontiguousarray(dh.transpose(0, 2, 1))
    later = {q: rows.T.reshape(direct.shape[1:]) for q, rows in later.items()}
    with np.errstate(all="ignore"):
        back = trace.cell.backward(trace.params, trace.tape, direct, trace.options, later, trace.held)
    return gradients_of(trace, back)


def gradients_of(trace: Trace, back: Backward) -> Gradients:
    """Name what a backward loop handed back, and add what does not need the loop: ∂L/∂x and ∂L/∂weight_ih."""
    cell, params, (T, B, D), H = trace.cell, trace.params, trace.x.shape, trace.H
    with np.errstate(all="ignore"):
        x = trace.x.reshape(T, D) if B == 1 else trace.x.transpose(0, 2, 1)
        one = np.ones_like(back.pre[:, :1])  # what the bias is multiplied by
        names = ("weight_ih", "bias_ih") if back.recurrent else ("weight_ih", "bias_ih", "weight_hh")
        weights = dict(zip(names, outer(back.pre, *(x, one, back.h_prev)[: len(names)])))
        weights["bias_hh"] = weights["bias_ih"] = weights["bias_ih"][:, 0]
        weights = {name: arranged(array, cell.order, cell.gates) for name, array in weights.items()}
        if back.recurrent:
            weights |= back.recurrent()
        weight_ih = arranged(params["weight_ih"], cell.gates, cell.order)
        dx = back.pre @ weight_ih if B == 1 else (weight_ih.T @ back.pre).transpose(0, 2, 1)
    dx = dx.reshape(T, B, D)
    dx.flags.writeable = False
    pre = named(back.pre, cell.order, H)
    return Gradients(
        state=Named("state", {q: with_batch(rows).transpose(0, 2, 1) for q, rows in back.state.items()}),
        pre=Named("gate", {q: pre[q] for q in cell.gates}),
        params=Named("weight", {name: weights[name] for name in PARAMS}),
        x=dx,
        initial=Named("state", {q: row.reshape(H, B).T for q, row in back.initial.items()}),
    )
