"""Surgery on a running network: a gate or a state held at a value for some steps, whatever it would have been.

What is held is a constant: it follows nothing, so no gradient passes through it to what it would have followed. The
pre-activation of a held gate is still what the network computes; it only has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from explorer.check import is_masked, known, whole

Held = Mapping[str, np.ndarray]  # quantity -> (T, H), the value that it is held at, NaN where it is free
EMPTY: Held = MappingProxyType({})


@dataclass(frozen=True)
class Clamp:
    """Hold `quantity`, a gate or a state, at `value` from step `start` up to, not including, `stop`.

    start, stop   array indices; None is the end of the sequence
    units         one unit, several, or None for all
    layer         of a stack, counted from 0, or from the end as in a list; the last one if not given

    It holds for all sequences. Of two clamps on the same number the later one counts.
    """

    quantity: str
    value: float
    start: int = 0
    stop: int | None = None
    units: int | tuple[int, ...] | None = None
    layer: int = -1


def held_by(clamps: Iterable[Clamp], cell, layer: int, layers: int, T: int, H: int) -> dict[str, np.ndarray]:
    """What the clamps hold in one layer, counted from 0: {quantity: (T, H)}, NaN where it is free.

    Raises ValueError, in one sentence, for what the cell or the run does not have, and for a value that is no number.
    """
    held: dict[str, np.ndarray] = {}
    for clamp in clamps:
        if not isinstance(clamp, Clamp):
            raise ValueError(f"clamp must be Clamps, such as Clamp('h', 0.0), but one is {clamp!r}")
        if whole(clamp.layer, -layers, layers - 1, "layer of a clamp") % layers != layer:
            continue
        quantity = known(clamp.quantity, dict.fromkeys((*cell.gates, *cell.states)), f"gate or state of {cell.name}")
        try:
            value = np.nan if is_masked(clamp.value) else float(clamp.value)
        except (TypeError, ValueError):
            value = np.nan
        if not np.isfinite(value):
            raise ValueError(f"the value of a clamp must be a finite number, but that of {quantity} is {clamp.value!r}")
        start = whole(clamp.start, 0, T - 1, "start of a clamp")
        stop = T if clamp.stop is None else whole(clamp.stop, start + 1, T, "stop of a clamp")
        every = range(H) if clamp.units is None else np.atleast_1d(clamp.units).tolist()
        units = [whole(unit, 0, H - 1, "unit of a clamp") for unit in every]
        held.setdefault(quantity, np.full((T, H), np.nan))[start:stop, units] = value
    return held


def during(held: Held, steps: slice) -> Held:
    """What is held at some of the steps."""
    return {q: values[steps] for q, values in held.items()}


def holding(compute: Callable, held: Held, names: tuple[str, ...], rows: np.ndarray, block=None) -> Callable:
    """`compute`, after which what is held at this step gets its value; `compute` itself if nothing ever is.

    To be called once a step, as compute(…, out). So a loop in which nothing is held loses no time.

    names   the quantities of `block`, or, without one, of what `compute` writes to, in its order
    rows    the rows that the loop writes, (T + 1, …[, B])
    """
    if not any(q in held for q in names):
        return compute
    free = np.full_like(next(iter(held.values())), np.nan)
    values = np.concatenate([held.get(q, free) for q in names], axis=1)
    if rows.ndim == 3:  # the same for all sequences
        values = values[:, :, None]
    steps = iter(zip(values, ~np.isnan(values)))

    def compute_and_hold(*arguments):
        compute(*arguments)
        value, here = next(steps)
        np.copyto(arguments[-1] if block is None else block, value, where=here)

    return compute_and_hold


def cut(held: Held, factor: np.ndarray, *followers: str) -> np.ndarray:
    """The factor of a chain rule, (T, H[, B]), 0 where one of the quantities that it leads to or through is held."""
    for q in followers:
        if q in held:
            here = ~np.isnan(held[q])
            factor = np.where(here.reshape(here.shape + (1,) * (factor.ndim - 2)), 0, factor)
    return factor
