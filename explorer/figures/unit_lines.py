"""One unit through time: its gates and its states as lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.figures import theme
from explorer.trace import Trace


def unit_lines(
    trace: Trace, quantities: Sequence[str], unit: int, words: Callable[..., str], *, height: int = 300
) -> dict:
    """The quantities of one unit (from 1) of sequence 1 over the steps 1 … T.

    The limits are −1 … 1, or wider ones that the axis prints. What has no bounds of its own, an LSTM's C, has a panel
    of its own, so that the gates beside it can be read however large it becomes.
    """
    values = {q: theme.numbers(trace[q][:, 0, unit - 1]) for q in quantities}
    bounded = trace.cell.ranges(trace.options)
    wide = [q for q in quantities if q not in bounded]
    panels = [panel for panel in ([q for q in quantities if q in bounded], wide) if panel]
    axes = {q: f"y{k}" if k > 1 else "y" for k, panel in enumerate(panels, start=1) for q in panel}
    steps = theme.numbers(range(1, trace.T + 1))
    lines = [
        {
            "type": "scatter",
            "x": steps,
            "y": of_quantity,
            "yaxis": axes[quantity],
            "name": words(f"symbol.{quantity}"),
            "mode": "lines",
            "line": theme.line(quantity),
            "hovertemplate": "%{y:.4g}",
        }
        for quantity, of_quantity in values.items()
    ]
    limits = [max(theme.symmetric_limit(values[q]) for q in panel) for panel in panels]
    y = [{"range": [-1.05 * limit, 1.05 * limit]} for limit in limits]
    y[0]["title"] = {"text": words("axis.value")}
    if len(panels) > 1:
        height += 100
        y[0]["domain"], y[1]["domain"] = (0.42, 1), (0, 0.34)
    return theme.figure(
        height,
        lines,
        xaxis=theme.step_axis(trace.T, words) | {"anchor": axes[panels[-1][0]]},
        **{f"yaxis{k}" if k > 1 else "yaxis": axis for k, axis in enumerate(y, start=1)},
        hovermode="x",
        showlegend=True,
        meta={"cursor": True},
    )
