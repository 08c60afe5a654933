"""One unit through time: its gates and its states as lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.trace import Trace


def unit_lines(
    trace: Trace, quantities: Sequence[str], unit: int, words: Callable[..., str], *, height: int = 300
) -> go.Figure:
    """The quantities of one unit (from 1) of sequence 1 over the steps 1 … T, limits −1 … 1 or a printed wider one."""
    lines = {q: trace[q][:, 0, unit - 1] for q in quantities}
    finite = np.concatenate(list(lines.values()))
    limit = theme.symmetric_limit(float(np.abs(finite[np.isfinite(finite)]).max(initial=0)))
    figure = theme.figure(
        height,
        xaxis={"title": words("axis.step"), "range": [0.5, trace.T + 0.5]},
        yaxis={"title": words("axis.value"), "range": [-1.05 * limit, 1.05 * limit]},
        hovermode="x",
        showlegend=True,
        meta={"cursor": True},
    )
    steps = np.arange(1, trace.T + 1, dtype=np.float32)
    for quantity, values in lines.items():
        figure.add_scatter(
            x=steps,
            y=np.ascontiguousarray(values, np.float32),
            name=words(f"symbol.{quantity}"),
            mode="lines",
            line=theme.line(quantity),
            hovertemplate="%{y:.4g}",
        )
    return figure
