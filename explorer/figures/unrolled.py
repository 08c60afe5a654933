"""The network unrolled: a few steps around the chosen one, with one unit's numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.numerals import text
from explorer.trace import Trace

CELLS = 5  # cells in view
LEAST = 720  # pixels below which the drawing scrolls sideways
HALF = 0.26  # half the width of a cell, in steps


def unrolled(
    trace: Trace, step: int, unit: int, labels: Sequence[str], words: Callable[..., str], *, height: int = 330
) -> go.Figure:
    """Up to five cells around `step` (from 1): x below, h above and to the right, C along the top.

    The bar in a cell is h of `unit` (from 1) on the scale of signed values; labels name the steps of the input.
    """
    count = min(CELLS, trace.T)
    first = min(max(step - count // 2, 1), trace.T - count + 1)
    steps = np.arange(first, first + count)
    states = [q for q in ("c", "h") if q in trace.cell.states]
    figure = theme.figure(
        height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"range": [first - 0.8, first + count - 0.2], "visible": False, "fixedrange": True},
        yaxis={"range": [-1.75, 1.75], "visible": False, "fixedrange": True},
        showlegend=False,
        hovermode=False,
        dragmode=False,
        meta={"cursor": False, "least": LEAST, "focus": step},
    )
    for name, values in _numbers(trace, steps, unit, states, words).items():
        figure.add_scatter(x=steps, y=values, name=name, mode="markers", opacity=0)  # what a CSV takes away
    for at in steps:
        _draw_cell(figure, trace, int(at), at == step, unit, labels[at - 1], states, words)
    for before in range(first - 1, first + count):  # the step whose state crosses here, 0 is the initial one
        for name, y in zip(states[::-1], (0, 0.42)):
            _arrow(figure, (before + HALF + 0.02, y), (before + 1 - HALF - 0.02, y), name)
            _say(figure, before + 0.5, y + 0.04, text(_state(trace, name, before, unit)), name, "bottom")
    return figure


def _numbers(trace, steps, unit, states, words) -> dict[str, np.ndarray]:
    inputs = {f"x[{d + 1}]": trace.x[steps - 1, 0, d] for d in range(trace.D)}
    held = {words(f"symbol.{q}"): trace[q][steps - 1, 0, unit - 1] for q in states}
    return inputs | held


def _draw_cell(figure, trace, step, chosen, unit, label, states, words) -> None:
    h = _state(trace, "h", step, unit)
    ramp = theme.diverging()
    shade = ramp[round((np.clip(np.nan_to_num(h), -1, 1) + 1) / 2 * (len(ramp) - 1))]
    top = 0.75 if "c" in states else 0.42
    edge = theme.HUES["gradient"][0] if chosen else theme.FAINT[0]
    figure.add_shape(
        type="rect",
        x0=step - HALF,
        x1=step + HALF,
        y0=-0.42,
        y1=top,
        fillcolor=theme.PAPER[0],
        line={"color": edge, "width": 4 if chosen else 1.5},
    )
    figure.add_shape(
        type="rect",
        x0=step - HALF + 0.04,
        x1=step + HALF - 0.04,
        y0=-0.35,
        y1=-0.25,
        fillcolor=shade,
        line={"color": theme.FAINT[0], "width": 0.5},
    )
    _say(figure, step, 0.18, f"<b>{words(f'cell.{trace.cell.name}')}</b>", None, "middle", 16)
    _say(figure, step, -0.08, f"t = {step}", None, "middle")
    _arrow(figure, (step, -0.9), (step, -0.46), "x")
    inputs = trace.x[step - 1, 0]
    shown = f"x = {text(inputs[0])}" + (f" … ({len(inputs)})" if len(inputs) > 1 else "")
    _say(figure, step, -0.92, shown, "x", "top")
    if label:
        _say(figure, step, -1.15, label.replace(" ", "<br>", 1), None, "top", 12)
    _arrow(figure, (step, top + 0.03), (step, top + 0.47), "h")
    _say(figure, step, top + 0.5, f"h = {text(h)}", "h", "bottom")


def _state(trace: Trace, name: str, step: int, unit: int) -> float:
    values = trace[name][step - 1] if step else trace.initial[name]
    return float(values[0, unit - 1])


def _say(figure, x, y, said, quantity, anchor, size=13) -> None:
    colour = theme.text_colour(quantity) if quantity else theme.INK[0]
    figure.add_annotation(x=x, y=y, text=said, showarrow=False, yanchor=anchor, font={"color": colour, "size": size})


def _arrow(figure, start, end, quantity) -> None:
    figure.add_annotation(
        x=end[0],
        y=end[1],
        ax=start[0],
        ay=start[1],
        axref="x",
        ayref="y",
        text="",
        showarrow=True,
        arrowhead=2,
        arrowwidth=theme.WIDTHS.get(quantity, 2),
        arrowcolor=theme.hue(quantity),
    )
