"""How much of the loss still reaches each step: gradient norms over time, several networks on one log axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from explorer.figures import theme
from explorer.measures import ALIVE, DEAD, EXPLODING

LOWEST, HIGHEST = -20, 5  # powers of ten on the axis, always the same, so that two pictures can be compared
BANDS = {  # name: lower and upper edge, as powers of ten
    "exploding": (np.log10(EXPLODING), 300),
    "alive": (np.log10(ALIVE), np.log10(EXPLODING)),
    "shrinking": (np.log10(DEAD), np.log10(ALIVE)),
    "dead": (-323, np.log10(DEAD)),
}


def gradients(
    curves: Mapping[str, np.ndarray], loss_steps: range, words: Callable[..., str], *, height: int = 420
) -> dict:
    """Norms (T,) by network name, over the steps 1 … T; `loss_steps` are the array indices that carry the loss."""
    T = len(next(iter(curves.values())))
    last = loss_steps[-1] + 1
    here = theme.said(
        words("gradient.loss_all" if len(loss_steps) > 1 else "gradient.loss_here"),
        last,
        HIGHEST,
        colour=theme.TEXT["gradient"][0],
        xanchor="right",
        yanchor="top",
        xshift=-4,
    )
    mark = {
        "type": "line",
        "x0": last,
        "x1": last,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": theme.HUES["gradient"][0], "width": 1, "dash": "dot"},
    }
    return theme.figure(
        height,
        [_line(name, curve, words) for name, curve in curves.items()],
        xaxis=theme.step_axis(T, words),
        yaxis={
            "title": {"text": words("axis.gradient")},
            "type": "log",
            "range": [LOWEST, HIGHEST],
            "dtick": 5,
        },
        hovermode="x",
        showlegend=True,
        shapes=[*map(_band, BANDS), mark],
        annotations=[*(_band_name(name, words) for name in BANDS), here],
        meta={"cursor": True},
    )


def _line(name: str, curve: np.ndarray, words) -> dict:
    (colour, _), dash, width = theme.NETWORKS[name]
    return {
        "type": "scatter",
        "x": theme.numbers(range(1, len(curve) + 1)),
        "y": np.ascontiguousarray(curve, np.float64),  # float32 ends at 10⁻⁴⁵
        "name": words(f"network.{name}"),
        "mode": "lines",
        "line": {"color": colour, "dash": dash, "width": width},
        "hovertemplate": "%{y:.3g}",
    }


def _band(name: str) -> dict:
    low, high = BANDS[name]
    return {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": 10.0**low,
        "y1": 10.0**high,
        "fillcolor": theme.BANDS[name][0],
        "line": {"width": 0},
        "layer": "below",
    }


def _band_name(name: str, words) -> dict:
    top = min(BANDS[name][1], HIGHEST)
    place = {"xref": "paper", "xanchor": "left", "yanchor": "top", "xshift": 6}
    return theme.said(words(f"band.{name}"), 1, top, colour=theme.FAINT[0], size=12, **place)
