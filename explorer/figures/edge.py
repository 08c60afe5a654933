"""Where a gradient survives: a map over a setting and the distance back, with what theory says drawn in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.figures import theme
from explorer.measures import DEAD

LOWEST, HIGHEST = -12, 12  # powers of ten that the colours tell apart; beyond them all is dead, or exploded


def edge_map(
    lags: np.ndarray,
    values: tuple[float, ...],
    survival: np.ndarray,
    words: Callable[..., str],
    *,
    axis: str,
    edge: float | None = None,
    reach: np.ndarray | None = None,
    height: int = 540,
) -> dict:
    """log₁₀ of the norm that is left, (values, lags), NaN where nothing is known yet.

    axis   the setting whose `values` go upwards
    edge   its value at which theory has order and chaos meet
    reach  for each value the distance back at which theory has 10⁻⁶ left, ∞ where it never comes to that
    """
    bar = {
        "title": {"text": words("axis.edge_bar"), "side": "bottom", "font": {"size": 12}},
        "tickfont": {"size": 12},
        "thickness": 12,
        "orientation": "h",  # on a phone there is no room beside the map
        "y": -0.15,
        "yanchor": "top",
        "tickvals": [-12, -6, -3, 0, 3, 6, 12],
    }
    data = [
        {
            "type": "heatmap",
            "x": theme.numbers(lags),
            "y": theme.numbers(values),
            "z": theme.numbers(np.clip(survival, LOWEST, HIGHEST)),
            "name": words("edge.measured"),
            "zmin": LOWEST,
            "zmax": HIGHEST,
            "colorscale": theme.signed_scale(),
            "colorbar": bar,
            "hoverongaps": False,
            "hovertemplate": words("edge.hover", setting=words(f"setting.{axis}")) + "<extra></extra>",
        }
    ]
    low, high = values[0], values[-1]
    shapes, notes = [], []
    if edge is not None and low <= edge <= high:
        line = {"color": theme.INK[0], "width": 2, "dash": "dash"}
        span = {"xref": "paper", "x0": 0, "x1": 1, "y0": edge, "y1": edge}
        shapes.append({"type": "line", "line": line, **span})
        place = {"xref": "paper", "xanchor": "right", "yanchor": "bottom"}
        notes.append(theme.said(words("edge.theory"), 1, edge, **place))
    data.append(_line(lags, values, dead_at(lags, survival), words("edge.dead"), "solid"))
    if reach is not None:
        data.append(_line(lags, values, reach, words("edge.reach"), "dot"))
    step = (high - low) / (len(values) - 1) / 2
    return theme.figure(
        height,
        data,
        xaxis=theme.step_axis(int(lags[-1]) + 1, words, 0) | {"title": {"text": words("axis.lag")}},
        yaxis={"title": {"text": words(f"setting.{axis}")}, "range": [low - step, high + step]},
        shapes=shapes,
        annotations=notes,
        margin={**theme.MARGIN, "r": 16, "b": 116},
        showlegend=True,
        hovermode="closest",
    )


def dead_at(lags: np.ndarray, survival: np.ndarray) -> np.ndarray:
    """For each value the first distance back at which no more than 10⁻⁶ is left, ∞ where there is none."""
    dead = survival <= np.log10(DEAD)
    return np.where(dead.any(axis=1), lags[dead.argmax(axis=1)], np.inf)


def _line(lags, values, places: np.ndarray, name: str, dash: str) -> dict:
    known = np.isfinite(places) & (places <= lags[-1])
    return {
        "type": "scatter",
        "x": theme.numbers(places[known]),
        "y": theme.numbers(np.asarray(values)[known]),
        "name": name,
        "mode": "lines",
        "line": {"color": theme.INK[0], "width": 2, "dash": dash},
        "hoverinfo": "skip",
    }
