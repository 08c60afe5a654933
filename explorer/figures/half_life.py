"""How long each step's gate would keep the memory: half-lives on a log axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.figures import theme
from explorer.measures import half_life as measured
from explorer.trace import Trace

TICKS = {"tickvals": [0.1, 1, 10, 100, 1000], "ticktext": ["0.1", "1", "10", "100", "1000"]}


def half_life(trace: Trace, unit: int, words: Callable[..., str], *, height: int = 240) -> dict:
    """The half-life in steps of one unit (from 1), and the median and the middle 80 % of all units."""
    endless = np.finfo(trace.dtype).max  # a quantile of infinities is none
    lives = np.minimum(measured(trace)[:, 0], endless)
    low, median, high = np.quantile(lives, [0.1, 0.5, 0.9], axis=1)
    colour = theme.hue(trace.cell.keep)
    faint = {"color": colour, "width": 1, "dash": "dot"}
    lines = (
        (high, faint, words("half_life.high")),
        (median, {"color": colour, "width": 2, "dash": "dash"}, words("half_life.median")),
        (low, faint, words("half_life.low")),
        (lives[:, unit - 1], {"color": colour, "width": 3}, words("half_life.unit", unit=unit)),
    )
    steps = theme.numbers(range(1, trace.T + 1))
    return theme.figure(
        height,
        [
            {
                "type": "scatter",
                "x": steps,
                "y": theme.numbers(np.where(values >= endless, np.inf, values)),
                "name": name,
                "mode": "lines",
                "line": line,
                "hovertemplate": "%{y:.3g}",
            }
            for values, line, name in lines
        ],
        xaxis=theme.step_axis(trace.T, words),
        yaxis={"title": {"text": words("axis.half_life")}, "type": "log", "range": [-1, 3], **TICKS},
        hovermode="x",
        showlegend=True,
        meta={"cursor": True},
    )
