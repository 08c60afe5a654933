"""The half-life ruler: how far back each unit's gate keeps half of what it held, laid along the time axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.figures import theme

MARKS = (0.5, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999)  # values of f named on the ruler


def ruler(
    lives: np.ndarray,
    gradient: float,
    keep: str,
    t: int,
    T: int,
    clue: tuple[int, str] | None,
    words: Callable[..., str],
    *,
    height: int = 420,
) -> dict:
    """Half-lives in steps (H,), the longest at the top, as bars that reach back from step t.

    gradient   the half-life that the gradient shows, in steps; ∞: it has not halved, NaN: it is not known, a gap
    keep       the gate that keeps
    clue       (step, its name), marked on the axis
    """
    order = np.argsort(lives, kind="stable")
    rows = np.arange(1, len(lives) + 1)
    begin = np.maximum(t - lives[order], 0.5)
    ends = np.stack([begin, np.full(len(lives), float(t)), np.full(len(lives), np.nan)], axis=1)
    bars = {
        "type": "scatter",
        "x": theme.numbers(ends.ravel()),
        "y": theme.numbers(np.repeat(rows, 3)),
        "customdata": theme.numbers(np.repeat(lives[order], 3)),
        "text": np.repeat(order + 1, 3).tolist(),
        "name": words("ruler.gate", gate=words(f"symbol.{keep}")),
        "mode": "lines",
        "line": {"color": theme.hue(keep), "width": max(2, min(8, 220 // len(lives)))},
        "hovertemplate": words("axis.unit") + " %{text}: %{customdata:.3g}",
    }
    top = len(lives) + 2.0
    reach = np.maximum(t - gradient, 0.5)
    shown = {
        "type": "scatter",
        "x": theme.numbers([reach, t]),
        "y": theme.numbers([top, top]),
        "customdata": theme.numbers([gradient, gradient]),
        "name": words("ruler.gradient"),
        "mode": "lines",
        "line": {"color": theme.HUES["gradient"][0], "width": 9},
        "hovertemplate": "%{customdata:.3g}",
    }
    shapes, notes = _marks(t, T, top)
    if clue:
        shapes.append(theme.upright(clue[0], theme.INK, dash="solid", width=2))
        side = {"xanchor": "left", "xshift": 6} if clue[0] < T / 2 else {"xanchor": "right", "xshift": -6}
        notes.append(theme.said(f"<b>{clue[1]}</b>", clue[0], top + 0.35, yanchor="bottom", **side))
    return theme.figure(
        height,
        [bars, shown],
        xaxis=theme.backwards(T, t, words),
        yaxis={
            "title": {"text": words("axis.units_sorted")},
            "range": [0, top * 1.3],
            "tickvals": [],
            "showgrid": False,
        },
        hovermode="closest",
        showlegend=True,
        margin={**theme.MARGIN, "b": 62},
        shapes=shapes,
        annotations=notes,
        meta={"cursor": True, "csv": "points"},
    )


def marks(t: int) -> list[tuple[float, float]]:
    """(f, the step to which it reaches back from step t) of the ruler's marks that lie within the sequence."""
    return [(f, t - np.log(0.5) / np.log(f)) for f in MARKS if t - np.log(0.5) / np.log(f) >= 0.5]


def _marks(t: int, T: int, top: float) -> tuple[list[dict], list[dict]]:
    """The ruler's marks, those with room for their name."""
    shapes, notes, free = [], [], T + 1.0
    for f, at in marks(t):
        if free - at > 0.06 * T or not notes:
            shapes.append(theme.upright(at, theme.FAINT))
            notes.append(theme.said(f"{f:g}", at, top * 1.3, yanchor="top", colour=theme.TEXT["f"][0], size=12))
            free = at
    return shapes, notes
