"""The network unrolled: a few steps around the chosen one, with one unit's numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from explorer.figures import theme
from explorer.numerals import text
from explorer.trace import Trace

CELLS = 5  # cells in view
LEAST = 720  # pixels below which the drawing scrolls sideways
HALF = 0.26  # half the width of a cell, in steps


def unrolled(
    trace: Trace, step: int, unit: int, labels: Sequence[str], words: Callable[..., str], *, height: int = 330
) -> dict:
    """Up to five cells around `step` (from 1): x below, h above and to the right, C along the top.

    The bar in a cell is h of `unit` (from 1) on the scale of signed values; labels name the steps of the input.
    """
    count = min(CELLS, trace.T)
    first = min(max(step - count // 2, 1), trace.T - count + 1)
    states = [q for q in ("c", "h") if q in trace.cell.states]
    top = 0.75 if "c" in states else 0.42
    shapes, said = [], []
    for at in range(first, first + count):
        h = _state(trace, "h", at, unit)
        shapes += _cell(at, top, h, at == step)
        shapes += _arrow((at, -0.9), (at, -0.46), "x") + _arrow((at, top + 0.03), (at, top + 0.47), "h")
        said += _said_of_cell(trace, at, top, h, labels[at - 1], words)
    for before in range(first - 1, first + count):  # the step whose state crosses here, 0 is the initial one
        for name, y in zip(states[::-1], (0, 0.42)):
            shapes += _arrow((before + HALF + 0.02, y), (before + 1 - HALF - 0.02, y), name)
            said.append(_say(before + 0.5, y + 0.04, text(_state(trace, name, before, unit)), name, "bottom"))
    return theme.figure(
        height,
        _numbers(trace, first, count, unit, states, words),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"range": [first - 0.8, first + count - 0.2], "visible": False, "fixedrange": True},
        yaxis={"range": [-1.75, 1.75], "visible": False, "fixedrange": True},
        showlegend=False,
        hovermode=False,
        dragmode=False,
        shapes=shapes,
        annotations=said,
        meta={"cursor": False, "least": LEAST, "focus": step},
    )


def _numbers(trace, first, count, unit, states, words) -> list[dict]:
    """The drawn numbers as invisible traces: what a CSV takes away."""
    steps = slice(first - 1, first - 1 + count)
    shown = {f"x[{d + 1}]": trace.x[steps, 0, d] for d in range(trace.D)}
    shown |= {words(f"symbol.{q}"): trace[q][steps, 0, unit - 1] for q in states}
    at = theme.numbers(range(first, first + count))
    return [
        {"type": "scatter", "x": at, "y": np.ascontiguousarray(y), "name": name, "mode": "markers", "opacity": 0}
        for name, y in shown.items()
    ]


def _cell(at: int, top: float, h: float, chosen: bool) -> list[dict]:
    """The box of a cell, and in it a bar in the colour of h."""
    ramp = theme.diverging()
    shade = ramp[round((np.clip(np.nan_to_num(h), -1, 1) + 1) / 2 * (len(ramp) - 1))]
    edge = {"color": theme.HUES["gradient"][0], "width": 4} if chosen else {"color": theme.FAINT[0], "width": 1.5}
    thin = {"color": theme.FAINT[0], "width": 0.5}
    return [_box(at, HALF, -0.42, top, theme.PAPER[0], edge), _box(at, HALF - 0.04, -0.35, -0.25, shade, thin)]


def _box(at: float, half: float, low: float, high: float, fill: str, line: dict) -> dict:
    sides = {"x0": at - half, "x1": at + half, "y0": low, "y1": high}
    return {"type": "rect", **sides, "fillcolor": fill, "line": line}


def _said_of_cell(trace, step, top, h, label, words) -> list[dict]:
    inputs = trace.x[step - 1, 0]
    more = f" … ({len(inputs)})" if len(inputs) > 1 else ""
    return [
        _say(step, 0.18, f"<b>{words(f'cell.{trace.cell.name}')}</b>", None, "middle", 16),
        _say(step, -0.08, f"t = {step}", None, "middle"),
        _say(step, -0.92, f"x = {text(inputs[0])}{more}", "x", "top"),
        _say(step, -1.15, label.replace(" ", "<br>", 1), None, "top", 12),
        _say(step, top + 0.5, f"h = {text(h)}", "h", "bottom"),
    ]


def _state(trace: Trace, name: str, step: int, unit: int) -> float:
    values = trace[name][step - 1] if step else trace.initial[name]
    return float(values[0, unit - 1])


def _say(x: float, y: float, words: str, quantity: str | None, anchor: str, size: int = 13) -> dict:
    colour = theme.text_colour(quantity) if quantity else theme.INK[0]
    return theme.said(words, x, y, colour=colour, size=size, yanchor=anchor)


def _arrow(start: tuple[float, float], end: tuple[float, float], quantity: str) -> list[dict]:
    """A shaft and a head, as shapes: Plotly measures each annotation's arrow, which takes longer than all else."""
    colour, width = theme.hue(quantity), theme.WIDTHS.get(quantity, 2)
    (x0, y0), (x, y) = start, end
    if y0 == y:
        head = f"M{x - 0.05},{y - 0.07} L{x},{y} L{x - 0.05},{y + 0.07} Z"
    else:
        head = f"M{x - 0.025},{y - 0.12} L{x},{y} L{x + 0.025},{y - 0.12} Z"
    line = {"color": colour, "width": width}
    return [
        {"type": "line", "x0": x0, "y0": y0, "x1": x, "y1": y, "line": line},
        {"type": "path", "path": head, "fillcolor": colour, "line": {"color": colour, "width": 1}},
    ]
