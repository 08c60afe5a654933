"""How much of the loss still reaches each step: log₁₀ of gradient norms over time, several networks on one axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from explorer.figures import theme
from explorer.measures import ALIVE, DEAD, EXPLODING

LOWEST, HIGHEST = (
    -20,
    5,
)  # powers of ten that the axis always holds; it ends at one of a few others where a line goes on
BANDS = {  # name: lower and upper edge, as powers of ten
    "exploding": (np.log10(EXPLODING), 1e6),
    "alive": (np.log10(ALIVE), np.log10(EXPLODING)),
    "shrinking": (np.log10(DEAD), np.log10(ALIVE)),
    "dead": (-1e6, np.log10(DEAD)),
}
LINE = 14  # pixels of a line of small text
ENDS = {  # below these a number is 0
    "float32": float(np.log10(2.0) * -149),
    "float64": float(np.log10(2.0) * -1074),
}


def gradients(
    curves: Mapping[str, np.ndarray],
    loss_steps: range,
    words: Callable[..., str],
    *,
    height: int = 420,
    styles: Mapping = theme.NETWORKS,
    names: Mapping[str, str] | None = None,
    spread: Mapping[str, np.ndarray] | None = None,
) -> dict:
    """log₁₀ of norms (T,) by name, over the steps 1 … T; `loss_steps` are the array indices that carry the loss, none
    where each curve has a loss of its own.

    styles   name -> (colours, dash, width)
    names    name -> what the legend says; that of a network if not given
    spread   name -> (2, T), the lowest and the highest of several draws, as a pale band
    """
    T = len(next(iter(curves.values())))
    names = names or {name: words(f"network.{name}") for name in curves}
    every = [*curves.values(), *(spread or {}).values()]
    low, high = min(LOWEST, theme.floor(*every)), max(HIGHEST, -theme.floor(*(-rows for rows in every)))
    last = loss_steps[-1] + 1 if loss_steps else None
    ends = {name: at for name, at in ENDS.items() if at > low}
    return theme.figure(
        height,
        [
            *(_band_of(name, rows, low, styles) for name, rows in (spread or {}).items()),
            *(_line(curve, names[name], styles[name]) for name, curve in curves.items()),
        ],
        xaxis=theme.backwards(T, last, words) if last else theme.step_axis(T, words),
        yaxis=theme.powers(low, high, words("axis.gradient")),
        hovermode="x",
        showlegend=True,
        margin={**theme.MARGIN, "b": 62},
        shapes=[
            *map(_band, BANDS),
            *(theme.level(at, theme.FAINT) for at in ends.values()),
            *([theme.upright(last, theme.HUES["gradient"])] if last else []),
        ],
        annotations=[
            *(note for name in BANDS for note in _band_name(name, low, high, height, words)),
            *(_end(*end, words) for end in ends.items()),
            *([_loss(last, T, low, high, len(loss_steps), words)] if last else []),
        ],
        meta={"cursor": True},
    )


def _loss(last: int, T: int, low: float, high: float, many: int, words) -> dict:
    """The words beside the last loss, where there is room: a deep axis has little at its top, a high one has lines."""
    above = (low, high) == (LOWEST, HIGHEST)
    return theme.said(
        words("gradient.loss_all" if many > 1 else "gradient.loss_here"),
        last,
        high if above else low,
        colour=theme.TEXT["gradient"][0],
        xanchor="left" if last < T / 4 else "right",
        yanchor="top" if above else "bottom",
        xshift=4 if last < T / 4 else -4,
    )


def bracket(figure: dict, first: float, last: float, label: str) -> dict:
    """The figure with a bracket over the steps first … last, at the foot of its plot."""
    low, high = figure["layout"]["yaxis"]["range"]
    up = low + 0.05 * (high - low)
    path = f"M{first - 0.4},{up} L{first - 0.4},{low} L{last + 0.4},{low} L{last + 0.4},{up}"
    line = {"color": theme.HUES["gradient"][0], "width": 4}
    figure["layout"]["shapes"].append({"type": "path", "path": path, "line": line})
    place = {"xanchor": "center", "yanchor": "bottom", "colour": theme.TEXT["gradient"][0]}
    figure["layout"]["annotations"].append(theme.said(label, (first + last) / 2, up, **place))
    return figure


def _line(curve: np.ndarray, name: str, style: tuple) -> dict:
    (colour, _), dash, width = style
    return theme.steps_line(curve, name, {"color": colour, "dash": dash, "width": width}, theme.POWER)


def _band_of(name: str, rows: np.ndarray, low: float, styles: Mapping) -> dict:
    """From the lowest draw to the highest; a draw of 0 lies below all."""
    bottom, top = np.where(np.isneginf(rows), 2.0 * low, rows)
    return theme.area(bottom, top, styles[name][0][0], 0.15)


def _band(name: str) -> dict:
    low, high = BANDS[name]
    return {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": low,
        "y1": high,
        "fillcolor": theme.BANDS[name][0],
        "line": {"width": 0},
        "layer": "below",
    }


def _band_name(name: str, low: float, high: float, height: int, words) -> list[dict]:
    """At the upper edge of a band, if it is high enough for its name."""
    bottom, top = max(BANDS[name][0], low), min(BANDS[name][1], high)
    room = (top - bottom) / (high - low) * (height - 140)  # pixels, two lines of legend and the axis left out
    if room < LINE:
        return []
    place = {"xref": "paper", "xanchor": "left", "yanchor": "middle", "xshift": 6}
    middle = top - min(room, 2 * LINE) / 2 * (top - bottom) / room
    return [theme.said(words(f"band.{name}"), 1, middle, colour=theme.FAINT[0], size=12, **place)]


def _end(name: str, at: float, words) -> dict:
    place = {"xref": "paper", "xanchor": "left", "yanchor": "bottom", "xshift": 6}
    return theme.said(words("gradient.ends", kind=name), 0, at, colour=theme.FAINT[0], size=12, **place)
