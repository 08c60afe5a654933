"""The network unrolled: a few steps around the chosen one, with one unit's numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.numerals import text
from explorer.trace import Trace

CELLS = 5  # cells in view


def unrolled(
    trace: Trace, step: int, unit: int, labels: Sequence[str], words: Callable[..., str], *, height: int = 330
) -> go.Figure:
    """Up to five cells around `step` (from 1): x below, h above and to the right, C along the top.

    A cell is filled by h of `unit` (from 1) on the scale of signed values; labels name the steps of the input.
    """
    count = min(CELLS, trace.T)
    first = min(max(step - count // 2, 1), trace.T - count + 1)
    has_c = "c" in trace.cell.states
    figure = theme.figure(
        height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"range": [-0.75, count - 0.25], "visible": False, "fixedrange": True},
        yaxis={"range": [-1.75, 1.95], "visible": False, "fixedrange": True},
        showlegend=False,
        hovermode=False,
        dragmode=False,
        meta={"cursor": False, "first": first},
    )
    for k in range(count):
        _draw_cell(figure, trace, first + k, k, first + k == step, unit, labels, has_c, words)
    for k in range(count + 1):
        before = first + k - 1  # the step whose state crosses here, 0 is the initial one
        if before > trace.T:
            continue
        _arrow(figure, (k - 0.62, 0), (k - 0.36, 0), "h")
        _say(figure, k - 0.5, 0.02, _state(trace, "h", before, unit), "h", "bottom")
        if has_c:
            _arrow(figure, (k - 0.64, 0.55), (k - 0.36, 0.55), "c")
            _say(figure, k - 0.5, 0.57, _state(trace, "c", before, unit), "c", "bottom")
    return figure


def _draw_cell(figure, trace, step, k, chosen, unit, labels, has_c, words) -> None:
    h = _state_value(trace, "h", step, unit)
    ramp = theme.diverging()
    shade = ramp[round((np.clip(np.nan_to_num(h), -1, 1) + 1) / 2 * (len(ramp) - 1))]
    figure.add_shape(
        type="rect",
        x0=k - 0.34,
        x1=k + 0.34,
        y0=-0.42,
        y1=0.78 if has_c else 0.42,
        fillcolor=theme.PAPER[0],
        line={
            "color": theme.HUES["gradient"][0] if chosen else theme.FAINT[0],
            "width": 4 if chosen else 1.5,
        },
    )
    figure.add_shape(
        type="rect",
        x0=k - 0.3,
        x1=k + 0.3,
        y0=-0.36,
        y1=-0.28,
        fillcolor=shade,
        line={"color": theme.FAINT[0], "width": 0.5},
    )
    _say(figure, k, 0.13, f"<b>{words(f'cell.{trace.cell.name}')}</b>", None, "middle", 16)
    _say(figure, k, -0.12, f"t = {step}", None, "middle")
    _arrow(figure, (k, -0.95), (k, -0.47), "x")
    inputs = trace.x[step - 1, 0]
    shown = f"x = {text(inputs[0])}" + (f" … ({len(inputs)})" if len(inputs) > 1 else "")
    _say(figure, k, -1.0, shown, "x", "top")
    if labels[step - 1]:
        _say(figure, k, -1.3, labels[step - 1].replace(" ", "<br>", 1), None, "top", 12)
    top = 0.8 if has_c else 0.45
    _arrow(figure, (k, top), (k, top + 0.5), "h")
    _say(figure, k, top + 0.53, f"h = {_state(trace, 'h', step, unit)}", "h", "bottom")


def _state_value(trace: Trace, name: str, step: int, unit: int) -> float:
    values = trace[name][step - 1] if step else trace.initial[name]
    return float(values[0, unit - 1])


def _state(trace: Trace, name: str, step: int, unit: int) -> str:
    return text(_state_value(trace, name, step, unit))


def _say(figure, x, y, said, quantity, anchor, size=13) -> None:
    colour = theme.text_colour(quantity) if quantity else theme.INK[0]
    figure.add_annotation(
        x=x, y=y, text=said, showarrow=False, yanchor=anchor, font={"color": colour, "size": size}
    )


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
