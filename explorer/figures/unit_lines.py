"""One unit through time: its gates and its states as lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.figures import theme
from explorer.trace import Trace


def unit_lines(
    trace: Trace, quantities: Sequence[str], unit: int, words: Callable[..., str], *, height: int = 300
) -> dict:
    """The quantities of one unit (from 1) of sequence 1 over the steps 1 … T.

    The limits are −1 … 1, or wider ones that the axis prints.
    """
    values = {q: theme.numbers(trace[q][:, 0, unit - 1]) for q in quantities}
    limit = max(map(theme.symmetric_limit, values.values()))
    steps = theme.numbers(range(1, trace.T + 1))
    lines = [
        {
            "type": "scatter",
            "x": steps,
            "y": of_quantity,
            "name": words(f"symbol.{quantity}"),
            "mode": "lines",
            "line": theme.line(quantity),
            "hovertemplate": "%{y:.4g}",
        }
        for quantity, of_quantity in values.items()
    ]
    return theme.figure(
        height,
        lines,
        xaxis=theme.step_axis(trace.T, words),
        yaxis={"title": {"text": words("axis.value")}, "range": [-1.05 * limit, 1.05 * limit]},
        hovermode="x",
        showlegend=True,
        meta={"cursor": True},
    )
