"""What a step of an RNN multiplies the gradient by: the slope φ′ of its activation, and W_hh."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.figures import theme

PARTS = {"slopes": theme.HUES["g"], "weights": theme.HUES["o"], "both": theme.HUES["gradient"]}
STYLES = {"slopes": ("dot", 2.5), "weights": ("dashdot", 2.5), "both": ("solid", 3)}
MOST = 1.5  # powers of ten of one step, above and below


def factors(slopes: np.ndarray, weights: np.ndarray, words: Callable[..., str], *, height: int = 460) -> dict:
    """log₁₀ of the factors of each step (T,), of which those up to the loss are finite: per step, and in total.

    Above, all factors from the loss back to a step together; below, the two of each step.
    """
    T = len(slopes)
    each = {"slopes": slopes, "weights": weights}
    total = {name: _from_the_loss(values) for name, values in each.items()}
    total["both"] = total["slopes"] + total["weights"]
    shown = [values for values in total.values() if np.isfinite(values).any()] or [np.zeros(1)]
    low = theme.floor(*shown)
    high = -theme.floor(*(-values for values in shown))
    lines = [_line(total[name], words(f"factor.{name}"), name) for name in PARTS]
    lines += [_line(each[name], words(f"factor.{name}_step"), name, yaxis="y2", showlegend=False) for name in each]
    return theme.figure(
        height,
        lines,
        xaxis=theme.step_axis(T, words) | {"anchor": "y2"},
        yaxis=theme.powers(low, high, words("axis.total_factor")) | {"domain": [0.42, 1]},
        yaxis2={
            "title": {"text": words("axis.factor")},
            "domain": [0, 0.34],
            "range": [-MOST, MOST],
            "tickvals": [-1, 0, 1],
            "ticktext": ["0.1", "1", "10"],
        },
        hovermode="x",
        showlegend=True,
        shapes=[theme.level(0, theme.FAINT), theme.level(0, theme.FAINT, "y2")],
        meta={"cursor": True},
    )


def _from_the_loss(logs: np.ndarray) -> np.ndarray:
    """The sum over the steps t … last for every t; NaN after the loss, where nothing is multiplied, and from a step on
    whose factor is no number.
    """
    known = np.flatnonzero(~np.isnan(logs))
    total, last = np.full(len(logs), np.nan), known[-1] + 1 if len(known) else 0
    with np.errstate(invalid="ignore"):
        total[:last] = np.cumsum(logs[:last][::-1])[::-1]
    return total


def _line(values, name: str, part: str, **more) -> dict:
    dash, width = STYLES[part]
    style = {"color": PARTS[part][0], "dash": dash, "width": width}
    return theme.steps_line(values, name, style, theme.POWER, **more)
