"""A long sequence in three panels over one time axis: the input, the gates, the logarithm of the gradient's norm."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from explorer.envelope import envelope
from explorer.figures import theme

INSIDE, OUTSIDE = 1000, 150  # columns of the part that is looked at, and of what lies before and after it
PANELS = {"x": (0.84, 1.0), "level": (0.47, 0.78), "log10": (0.0, 0.41)}  # from the bottom to the top of the figure
LINES = {  # often one upon the other: the dashes let the first be seen
    "dh": {"color": theme.HUES["gradient"][0], "dash": "solid", "width": 3.5},
    "dc": {"color": theme.HUES["c"][0], "dash": "dash", "width": 1.5},
}
OPACITY = {"x2": 0.6, "x3": 0.35}  # of several inputs
AXES = {"x": "yaxis", "level": "yaxis2", "log10": "yaxis3"}


def long_lines(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    T: int,
    words: Callable[..., str],
    *,
    seen: tuple[int, int] | None = None,
    empty: str = "",
    height: int = 640,
) -> dict:
    """`panels` are "x", "level" and "log10", each {quantity: (T,)}; where one is missing stands `empty`.

    seen   the first and the last step looked at, counted from 1; None is all
    """
    first, last = seen or (1, T)
    data, layout, notes = [], {}, []
    for panel, (bottom, top) in PANELS.items():
        rows = panels.get(panel, {})
        lines = [_line(panel, name, values, first, last, words) for name, values in rows.items()]
        data += lines
        layout[AXES[panel]] = {
            "domain": [bottom, top],
            "title": {"text": words(f"axis.long_{panel}")},
            "fixedrange": True,
            "minexponent": 7,
            **({"range": [0, 1]} if panel == "level" and "h" not in rows else _span(lines, first, last)),
            "uirevision": f"{first} {last}",
        }
        if not any(len(line["x"]) for line in lines):
            place = {"xref": "paper", "yref": "paper", "xanchor": "center"}
            notes.append(theme.said(empty, 0.5, (bottom + top) / 2, colour=theme.FAINT[0], **place))
    axis = theme.step_axis(T, words) | {"anchor": "y3", "minexponent": 7}
    whole, axis["range"] = axis["range"], [first - 0.5, last + 0.5]
    return theme.figure(
        height,
        data,
        xaxis=axis,
        **layout,
        annotations=notes,
        hovermode="closest",
        showlegend=True,
        dragmode="zoom",
        uirevision=str(T),
        margin={**theme.MARGIN, "l": 100},  # the ticks reach down to −300000
        meta={"zoom": True, "home": whole},
    )


def _line(panel: str, name: str, values: np.ndarray, first: int, last: int, words) -> dict:
    chosen = np.concatenate(
        [
            envelope(values, 0, first - 1, OUTSIDE),
            envelope(values, first - 1, last, INSIDE),
            envelope(values, last, len(values), OUTSIDE),
        ]
    )
    chosen, shown = with_gaps(chosen, values)
    style = LINES.get(name) or theme.line(name.rstrip("123")) | {"width": 1.2}
    return {
        "type": "scatter",
        "x": theme.numbers(chosen + 1),
        "y": shown,
        "yaxis": AXES[panel].replace("axis", ""),
        "name": words(f"long.line.{name}"),
        "mode": "lines",
        "line": style,
        "opacity": OPACITY.get(name, 1),
        "hovertemplate": "t = %{x:.0f}: %{y:.6~g}",
    }


def with_gaps(chosen: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The chosen steps, array indices, and their values as float64, as differences at −200000 are finer than float32;
    with a NaN between two of them that are parted by what is not finite, so that no line is drawn across.
    """
    lost = np.flatnonzero(~np.isfinite(values))
    before = np.searchsorted(lost, chosen)  # how many lie before each
    parted = np.flatnonzero(np.diff(before)) + 1
    steps = np.insert(chosen, parted, lost[before[parted] - 1]) if len(parted) else chosen
    shown = np.array(values[steps], np.float64)
    shown[~np.isfinite(shown)] = np.nan
    return steps, shown


def _span(lines: list[dict], first: int, last: int) -> dict:
    """The range of an axis: what is looked at, and a little room."""
    shown = [line["y"][(line["x"] >= first) & (line["x"] <= last)] for line in lines]
    values = np.concatenate(shown) if shown else np.zeros(0)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    return {"range": [low - room, high + room]}
