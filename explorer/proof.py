"""A number of a run, proved: by PyTorch, and, if it is a gradient, by a difference quotient.

A verdict is computed or it is not there. PyTorch and the engine round differently, so they agree when they differ by no
more than 10⁻⁹ of the number itself, or 10⁻¹² of the largest of its kind at that step. A difference quotient is an
approximation: it agrees within 10⁻⁶ of the number, and says that it is blind where rounding hides that much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from explorer.cells.clamp import Clamp
from explorer.check import known, whole
from explorer.performing import Performance, direct_gradient
from explorer.trace import Trace
from explorer.unroll import run

BY_TORCH, BESIDE_LARGEST, BY_DIFFERENCE = 1e-9, 1e-12, 1e-6
NUDGES = 2.0 ** -np.arange(1, 13, 2)  # each a quarter of the one before, for extrapolation to 0
STRAIGHT = 2.0**-8  # by that they are smaller for a ReLU, which is straight but for its kink


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
    """The engine's number, and the checks of it; `difference` only for a gradient."""

    quantity: str
    step: int
    unit: int
    value: float
    torch: Check
    difference: Check | None


def prove(performance: Performance, quantity: str, step: int, unit: int) -> Proof:
    """Prove one number of the last layer, also of a run that was operated on.

    quantity     a gate or state; or a gradient: "dh", "dc", "da_" and a gate
    step, unit   array indices

    Raises ValueError for a quantity, a step or a unit that the run does not have.
    """
    trace, grads = performance.trace, performance.grads
    cell = trace.cell
    gradients = {f"d{q}": grads.state[q] for q in cell.states} | {f"da_{q}": grads.pre[q] for q in cell.gates}
    values = {q: trace[q] for q in dict.fromkeys((*cell.gates, *cell.states))} | gradients
    known(quantity, values, f"quantity of {cell.name}")
    step, unit = whole(step, 0, trace.T - 1, "step"), whole(unit, 0, trace.H - 1, "unit")
    numbers = values[quantity][step, 0]
    direct = direct_gradient(performance.experiment)
    torch = by_torch(trace, direct, quantity, step, unit, numbers)
    difference = None
    if quantity in gradients:
        difference = by_differences(trace, direct, quantity, step, unit, numbers[unit])
    return Proof(quantity, step, unit, float(numbers[unit]), torch, difference)


def by_torch(trace: Trace, direct, quantity: str, step: int, unit: int, numbers: np.ndarray) -> Check:
    """The engine's `numbers` (H,), of which one is asked for, beside PyTorch's."""
    try:
        from explorer import torch_proof  # PyTorch is loaded when it is asked for
    except (ImportError, OSError):
        return Check(None, None, None, "absent")
    wanted, how = torch_proof.vector(trace, direct, quantity, step)
    allowed = max(BY_TORCH * abs(float(wanted[unit])), BESIDE_LARGEST * float(np.abs(wanted).max()))
    return replace(compared(float(numbers[unit]), float(wanted[unit]), allowed), how=how)


def compared(ours: float, theirs: float, allowed: float) -> Check:
    """How far two numbers are apart, and whether that is allowed; what is no finite number never agrees."""
    with np.errstate(invalid="ignore"):
        absolute, size = abs(ours - theirs), max(abs(ours), abs(theirs))
    relative = absolute / size if size else 0.0
    verdict = "agrees" if absolute <= allowed else "differs" if np.isfinite(size) else "blind"
    return Check(theirs, absolute, relative, verdict)


def by_differences(trace: Trace, direct, quantity: str, step: int, unit: int, number: float) -> Check:
    """The change of the loss with the quantity nudged up and down at this step, the rest of the sequence run again.

    Several nudges at once, extrapolated to none.
    """
    relu = trace.options.get("activation") == "relu"
    nudges = NUDGES * STRAIGHT if relu else NUDGES
    states = _nudged(trace, quantity, step, unit, np.concatenate([nudges, -nudges]))
    h = states["h"][None]
    if step + 1 < trace.T:
        h = np.concatenate([h, _rest(trace, states, step + 1)["h"]])
    kink = relu and ((h > 0) != (h[:, :1] > 0)).any()
    with np.errstate(invalid="ignore", over="ignore"):
        # the loss of each copy, less that of the run itself: small numbers stay exact
        change = (direct[step:] * (h - trace["h"][step:, :1])).sum(axis=(0, 2))
        size = (np.abs(direct[step:]) * np.abs(h)).max()
        quotients = (change[: len(nudges)] - change[len(nudges) :]) / (2 * nudges)
        slope, unseen = _extrapolated(quotients, np.finfo(float).eps * size / nudges)
    check = compared(float(number), float(slope), BY_DIFFERENCE * abs(float(slope)))
    too_small = number != 0 != slope and unseen > abs(slope)
    hidden = check.verdict == "differs" and (kink or check.absolute <= 10 * unseen)
    return replace(check, verdict="blind") if too_small or hidden else check


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


def _nudged(trace: Trace, quantity: str, step: int, unit: int, nudges: np.ndarray) -> dict[str, np.ndarray]:
    """The states of the step, (copies, H) each, with the quantity nudged; what follows from it in the step follows."""
    states = {q: np.repeat(trace[q][step, :1], len(nudges), axis=0) for q in trace.cell.states}
    if quantity in ("dh", "dc"):
        states[quantity[1:]][:, unit] += nudges
        if quantity == "dc":  # h is made from C, unless it is held
            follows = 1.0 if "h" not in trace.held else np.isnan(trace.held["h"][step])
            shown = trace["o"][step, 0] * np.tanh(states["c"])
            states["h"] = np.where(follows, shown, states["h"])
        return states
    row = trace.cell.gates.index(quantity[3:]) * trace.H + unit
    for copy, nudge in enumerate(nudges):  # a pre-activation moves with its bias
        bias = trace.params["bias_ih"].copy()
        bias[row] += nudge
        before = {q: trace.previous[q][step, :1] for q in states}
        moved = _run(trace, {**trace.params, "bias_ih": bias}, trace.x[step : step + 1, :1], before, step, step + 1)
        for q in states:
            states[q][copy] = moved[q][0, 0]
    return states


def _rest(trace: Trace, states: dict, start: int) -> Trace:
    """The steps from `start` on once more, from other states; what was held stays held."""
    x = np.repeat(trace.x[start:, :1], len(states["h"]), axis=1)
    return _run(trace, trace.params, x, states, start, trace.T)


def _run(trace: Trace, params, x, states: dict, start: int, stop: int) -> Trace:
    clamps = [
        Clamp(q, float(values[t, unit]), t - start, t - start + 1, int(unit))
        for q, values in trace.held.items()
        for t, unit in np.argwhere(~np.isnan(values[:stop])).tolist()
        if t >= start
    ]
    with np.errstate(over="ignore", invalid="ignore"):
        return run(trace.cell.name, params, x, states, clamp=clamps, **trace.options)
