"""The two roads of an LSTM's memory back through time: straight along C, and through h."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.figures import theme
from explorer.paths import GATES, PathSplit

HIGHEST = 3
ROADS = {"direct": theme.HUES["f"], "rest": theme.HUES["h"]}


def roads(split: PathSplit, T: int, words: Callable[..., str], *, height: int = 360) -> dict:
    """log₁₀ of the norms of ∂C_t/∂C_k over the steps k = 1 … t: the whole, and a band for each road."""
    rows = {"direct": split.direct, "rest": split.rest, "whole": split.whole}
    low = theme.floor(*(values[1:] for values in rows.values()))
    bands = [_band(rows[name][1:], low, ROADS[name][0]) for name in ROADS]
    lines = [
        theme.steps_line(rows[name][1:], words(f"road.{name}"), style, theme.POWER)
        for name, style in (
            ("direct", {"color": theme.HUES["f"][0], "width": 2.5}),
            ("rest", {"color": theme.HUES["h"][0], "width": 2.5, "dash": "dash"}),
            ("whole", {"color": theme.HUES["c"][0], "width": 3.5, "dash": "dot"}),
        )
    ]
    return theme.figure(
        height,
        bands + lines,
        xaxis=theme.backwards(T, split.t, words),
        yaxis=theme.powers(low, HIGHEST, words("axis.memory")),
        hovermode="x",
        showlegend=True,
        margin={**theme.MARGIN, "b": 62},
        shapes=[theme.upright(split.t, theme.HUES["gradient"])],
        meta={"cursor": True},
    )


def shares(split: PathSplit, names: tuple[str, ...], T: int, words: Callable[..., str], *, height: int = 260) -> dict:
    """Shares in percent over the steps k = 1 … t: of the whole by road, or of what joins the rest by gate.

    names   "direct" and "rest", or the gates
    """
    colours = {**{name: pair[0] for name, pair in ROADS.items()}, **{gate: theme.hue(gate) for gate in GATES}}
    lines = [
        theme.steps_line(
            100 * split.shares[name][1:],
            words(f"road.{name}") if name in ROADS else words(f"symbol.{name}"),
            {"color": colours[name], "width": 2.5, "dash": {"rest": "dash"}.get(name, theme.DASHES.get(name, "solid"))},
            "%{y:.1f} %",
        )
        for name in names
    ]
    return theme.figure(
        height,
        lines,
        xaxis=theme.step_axis(T, words),
        yaxis={
            "title": {"text": words("axis.share")},
            "range": [-30, 130],
            "tickvals": [0, 50, 100],
        },
        hovermode="x",
        showlegend=True,
        shapes=[theme.level(at, theme.ZERO, dash="solid") for at in (0, 100)],
        meta={"cursor": True},
    )


def _band(values: np.ndarray, low: int, colour: str) -> dict:
    """The area below a line, down to the foot of the axis."""
    return theme.area(np.maximum(values, low), np.full(len(values), float(low)), colour, 0.2)
