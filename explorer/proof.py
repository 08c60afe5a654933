"""A number of a run, proved: by PyTorch, and, if it is a gradient, by a difference quotient.

A number is the value of a formula (`explorer.equations`) at one step for one unit: a gate, the sum inside it, one of
its products, a share of a gradient; or, for all units, a norm. A norm is no slope of the loss, so it has no difference
quotient of its own: each of the numbers in it has one.

A verdict is computed or it is not there. PyTorch and the engine round differently, so they agree when they differ by no
more than 10⁻⁹ of the number itself, or 10⁻¹² of the largest of its kind at that step. A difference quotient is an
approximation: it agrees within 10⁻⁶ of the number, and says that it is blind where rounding hides that much.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from explorer.cells.clamp import Clamp
from explorer.check import whole
from explorer.equations import GROWN, block, names, parse, placed, worked_out
from explorer.trace import Gradients, Trace
from explorer.unroll import run

BY_TORCH, BESIDE_LARGEST, BY_DIFFERENCE = 1e-9, 1e-12, 1e-6
NUDGES = 2.0 ** -np.arange(1, 13, 2)  # each a quarter of the one before, for extrapolation to 0
STRAIGHT = 2.0**-8  # by that they are smaller for a ReLU, which is straight but for its kink
LONGEST = 500  # letters of a formula


@dataclass(frozen=True)
class Check:
    """The same number found another way.

    value      the number; None where this way is not to be had
    absolute, relative   how far the engine's is from it; relative to the larger of the two, 0 if both are 0
    verdict    "agrees", "differs", "blind" (this way cannot tell: no finite number, one too small beside rounding, or
               a ReLU's kink within the nudge) or "absent"
    how        by PyTorch: "cells" or "autograd"; by differences: ""
    """

    value: float | None
    absolute: float | None
    relative: float | None
    verdict: str
    how: str = ""


@dataclass(frozen=True)
class Proof:
    """The engine's number, and the checks of it; `difference` only for a gradient, or a share of one."""

    formula: str
    step: int
    unit: int
    value: float
    torch: Check
    difference: Check | None


class Run(Protocol):
    """What a number is proved in: a float64 run, its gradients, and the direct ∂L/∂h_t (T, B, H) that they are of."""

    trace: Trace
    grads: Gradients
    direct: np.ndarray


def prove(of: Run, formula: str, step: int, unit: int) -> Proof:
    """Prove one number of the last layer of a Performance or another run, also of one that was operated on.

    formula      "f", "da_f", "f * c_prev", "(W_hf @ h_prev)[2]", "norm(dh)", "norm(dW_hh)", …
    step, unit   array indices; step −1 for what the first step hands back to the initial state

    Raises ValueError for a formula, a step or a unit that the run does not have.
    """
    if len(formula) > LONGEST:
        raise ValueError(f"a formula has at most {LONGEST} letters, got {len(formula)}")
    trace = of.trace
    step = whole(step, -1, trace.T - 1, "step")
    engine = Engine(trace, of.grads, of.direct, step)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            numbers = np.atleast_2d(worked_out(formula, engine))[0]
        gradients = sorted(name for name in names(formula) if _is_gradient(name)) if _is_linear(formula) else []
    except (SyntaxError, KeyError, IndexError, TypeError, ArithmeticError) as fault:
        raise ValueError(f"no formula of {trace.cell.name}: {formula!r}") from fault
    unit = whole(unit, 0, len(numbers) - 1, "unit")
    torch = by_torch(engine, formula, unit, numbers)
    difference = by_differences(engine, formula, gradients, unit, numbers[unit]) if gradients else None
    return Proof(formula, step, unit, float(numbers[unit]), torch, difference)


def _is_gradient(name: str) -> bool:
    return name.removesuffix("_next") in ("dh", "dc") or name.startswith("da_")


def _is_linear(formula: str) -> bool:
    """Whether it speaks of slopes: a norm and a ratio of norms do not."""
    return not any(isinstance(node, ast.Div) or getattr(node, "id", "") == "norm" for node in ast.walk(parse(formula)))


@dataclass(frozen=True)
class Engine:
    """What the names of a formula mean at a step: the engine's numbers, vectors as (1, H)."""

    trace: Trace
    grads: Gradients
    direct: np.ndarray
    step: int

    def __call__(self, name: str) -> np.ndarray:
        given = self.given(name)
        if given is not None:
            return given
        trace, grads = self.trace, self.grads
        quantity, t = placed(name, self.step)
        if quantity == GROWN:
            return grown(trace, grads, t)
        if quantity == "x":  # of a stack: what the layer below has made
            return trace.x[t, :1]
        if quantity.startswith("da_"):
            return grads.pre[quantity[3:]][t, :1]
        return (grads.state[quantity[1:]] if quantity in ("dh", "dc") else trace[quantity])[t, :1]

    def given(self, name: str) -> np.ndarray | None:
        """What is no result of the run: weights, inputs, the loss's own gradient, the ends; None for a result."""
        trace = self.trace
        weights = block(trace, name)
        if weights is not None:
            return weights
        quantity, t = placed(name, self.step)
        if t == trace.T:  # nothing comes after the last step
            return (np.ones if quantity.startswith("free_") else np.zeros)((1, trace.H))
        if t < 0:
            return trace.initial[quantity][:1]
        if quantity == "x" and trace.below is None:
            return trace.x[t, :1]
        if quantity == "dh_direct":
            return self.direct[t, :1]
        if quantity.startswith("free_"):
            return np.isnan(trace.held[quantity[5:]][t])[None].astype(trace.dtype)
        return None


def grown(trace: Trace, grads: Gradients, step: int) -> np.ndarray:
    """Σ_{k ≥ step} ∂L/∂a_k h_{k-1}ᵀ over all gates, what has come together of ∂L/∂W_hh: (1, G·H·H)."""
    before, blocks = trace.previous["h"][step:, 0], []
    for gate in trace.cell.gates:
        delta, reset = grads.pre[gate][step:, 0], trace["r"][step:, 0] if gate == "n" else 1.0
        after = trace.options.get("reset_after")
        blocks.append((delta * reset).T @ before if after else delta.T @ (reset * before))
    return np.concatenate(blocks).reshape(1, -1)


def by_torch(engine: Engine, formula: str, unit: int, numbers: np.ndarray) -> Check:
    """The engine's `numbers`, of which one is asked for, beside PyTorch's."""
    try:
        from explorer import torch_proof  # PyTorch is loaded when it is asked for
    except (ImportError, OSError):
        return Check(None, None, None, "absent")
    wanted, how = torch_proof.vector(engine, formula)
    allowed = max(BY_TORCH * abs(float(wanted[unit])), BESIDE_LARGEST * float(np.abs(wanted).max()))
    return replace(compared(float(numbers[unit]), float(wanted[unit]), allowed), how=how)


def compared(ours: float, theirs: float, allowed: float) -> Check:
    """How far two numbers are apart, and whether that is allowed; what is no finite number never agrees."""
    with np.errstate(invalid="ignore"):
        absolute, size = abs(ours - theirs), max(abs(ours), abs(theirs))
    relative = absolute / size if size else 0.0
    verdict = "agrees" if absolute <= allowed else "differs" if np.isfinite([ours, theirs]).all() else "blind"
    return Check(theirs, absolute, relative, verdict)


def by_differences(engine: Engine, formula: str, gradients: list[str], unit: int, number: float) -> Check:
    """The number again, with a difference quotient in the place of each gradient in its formula.

    A formula of the chain rule is linear in them: what multiplies a gradient is the direction in which the run is
    nudged. So a share of a gradient is what the loss changes by when only what it speaks of moves.
    """
    trace = engine.trace
    if not all(np.isfinite(rows).all() for rows in (trace.x, *(trace[q] for q in trace.cell.states))):
        return Check(np.nan, np.nan, np.nan, "blind")  # of a run that has overflown no loss can be told apart
    slope, unseen, kink = 0.0, 0.0, False
    for name in gradients:
        quantity, step = placed(name, engine.step)
        direction = _direction(engine, formula, gradients, name, unit)
        size = np.abs(direction).max()
        if step < engine.trace.T and size > 0:
            found, hidden, bent = _slope(engine, quantity, step, direction / size)
            slope, unseen, kink = slope + size * found, unseen + size * hidden, kink or bent
    rest = worked_out(formula, lambda name: 0.0 * engine(name) if name in gradients else engine(name))
    check = compared(float(number), float(slope + rest[0, unit]), BY_DIFFERENCE * abs(float(slope + rest[0, unit])))
    too_small = number != 0 != slope and unseen > abs(slope)
    hidden = check.verdict == "differs" and (kink or check.absolute <= 10 * unseen)
    return replace(check, verdict="blind") if too_small or hidden else check


def _direction(engine: Engine, formula: str, gradients: list[str], name: str, unit: int) -> np.ndarray:
    """What multiplies a gradient in a formula for one unit, (H,)."""

    def only(other: str) -> np.ndarray:
        if other == name:
            return np.eye(engine.trace.H)  # a gradient of 1 for one unit after the other
        return 0.0 * engine(other) if other in (*gradients, "dh_direct") else engine(other)

    return worked_out(formula, only)[:, unit]


def _slope(engine: Engine, quantity: str, step: int, direction: np.ndarray) -> tuple[float, float, bool]:
    """The change of the loss with the quantity of a step nudged back and forth in a direction (H,).

    Several nudges at once, extrapolated to none. Returns the slope, what rounding hides of it, and whether a ReLU has
    its kink in between.
    """
    trace, direct = engine.trace, engine.direct[:, :1]
    relu = trace.options.get("activation") == "relu"
    nudges = NUDGES * STRAIGHT if relu else NUDGES
    states = _nudged(trace, quantity, step, np.outer(np.concatenate([nudges, -nudges]), direction))
    h = states["h"][None]
    if step + 1 < trace.T:
        h = np.concatenate([h, _rest(trace, states, step + 1)["h"]])
    kink = relu and bool(((h > 0) != (h[:, :1] > 0)).any())
    with np.errstate(invalid="ignore", over="ignore"):
        # the loss of each copy, less that of the run itself: small numbers stay exact
        change = (direct[step:] * (h - trace["h"][step:, :1])).sum(axis=(0, 2))
        size = (np.abs(direct[step:]) * np.abs(h)).max()
        quotients = (change[: len(nudges)] - change[len(nudges) :]) / (2 * nudges)
        slope, unseen = _extrapolated(quotients, np.finfo(float).eps * size / nudges)
    return slope, unseen, kink


def _extrapolated(quotients: np.ndarray, rounding: np.ndarray) -> tuple[float, float]:
    """Richardson's extrapolation to a nudge of 0, whose error is of even powers: the best that is found, and its error.

    The best is that which differs least from those that it was made of (Ridders 1982); `rounding` is a quotient's own.
    """
    best, least, column = quotients[-1], np.inf, quotients
    for order in range(1, len(quotients)):
        made = (16**order * column[1:] - column[:-1]) / (16**order - 1)
        errors = np.maximum(np.abs(made - column[1:]), np.abs(made - column[:-1])) + rounding[order:]
        if (errors < least).any():
            least = np.nanmin(errors)
            best = made[np.nanargmin(errors)]
        column = made
    return best, least


def _nudged(trace: Trace, quantity: str, step: int, nudges: np.ndarray) -> dict[str, np.ndarray]:
    """The states of the step, (copies, H) each, with the quantity nudged; what follows from it in the step follows.

    quantity   the gradient's name: "dh", "dc", "da_f"
    nudges     (copies, H)
    """
    states = {q: np.repeat(trace[q][step, :1], len(nudges), axis=0) for q in trace.cell.states}
    if quantity in ("dh", "dc"):
        states[quantity[1:]] += nudges
        if quantity == "dc":  # h is made from C, unless it is held
            follows = 1.0 if "h" not in trace.held else np.isnan(trace.held["h"][step])
            shown = trace["o"][step, 0] * np.tanh(states["c"])
            states["h"] = np.where(follows, shown, states["h"])
        return states
    rows = trace.cell.gates.index(quantity[3:]) * trace.H + np.arange(trace.H)
    for copy, nudge in enumerate(nudges):  # a pre-activation moves with its bias
        bias = trace.params["bias_ih"].copy()
        bias[rows] += nudge
        before = {q: trace.previous[q][step, :1] for q in states}
        moved = _run(trace, {**trace.params, "bias_ih": bias}, trace.x[step : step + 1, :1], before, step, step + 1)
        for q in states:
            states[q][copy] = moved[q][0, 0]
    return states


def _rest(trace: Trace, states: Mapping, start: int) -> Trace:
    """The steps from `start` on once more, from other states; what was held stays held."""
    x = np.repeat(trace.x[start:, :1], len(states["h"]), axis=1)
    return _run(trace, trace.params, x, states, start, trace.T)


def _run(trace: Trace, params, x, states: Mapping, start: int, stop: int) -> Trace:
    clamps = [
        Clamp(q, float(values[t, unit]), t - start, t - start + 1, int(unit))
        for q, values in trace.held.items()
        for t, unit in np.argwhere(~np.isnan(values[:stop])).tolist()
        if t >= start
    ]
    with np.errstate(over="ignore", invalid="ignore"):
        return run(trace.cell.name, params, x, states, clamp=clamps, **trace.options)
