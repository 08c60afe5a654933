"""How many units of each gate stand open or shut at every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.measures import saturation as measured
from explorer.trace import Trace


def saturation(trace: Trace, gates: Sequence[str], words: Callable[..., str], *, height: int = 260) -> go.Figure:
    """Shares of units in percent: open (above 0.9) upwards, shut (below 0.1) downwards, over the steps 1 … T."""
    figure = theme.figure(
        height,
        xaxis={"title": words("axis.step"), "range": [0.5, trace.T + 0.5]},
        yaxis={
            "title": words("axis.saturation"),
            "range": [-105, 105],
            "tickvals": [-100, -50, 0, 50, 100],
            "ticktext": ["100 %", "50 %", "0", "50 %", "100 %"],
        },
        hovermode="x",
        showlegend=True,
        meta={"cursor": True},
    )
    steps = np.arange(1, trace.T + 1, dtype=np.float32)
    for gate in gates:
        shut, opened = measured(trace[gate][:, 0])
        for share, sign, kind in ((opened, 1, "open"), (shut, -1, "shut")):
            share = np.ascontiguousarray(100 * share, np.float32)
            figure.add_scatter(
                x=steps,
                y=sign * share,
                customdata=share,
                name=f"{words(f'symbol.{gate}')} {words(f'saturation.{kind}')}",
                legendgroup=gate,
                showlegend=kind == "open",
                mode="lines",
                line=theme.line(gate),
                hovertemplate="%{customdata:.0f} %",
            )
    for y, kind, anchor in ((1, "open", "top"), (0, "shut", "bottom")):
        figure.add_annotation(
            x=1,
            xref="paper",
            y=y,
            yref="paper",
            text=words(f"saturation.{kind}_side"),
            showarrow=False,
            xanchor="right",
            yanchor=anchor,
            font={"color": theme.FAINT[0], "size": 12},
        )
    return figure
