"""Quantities of a layer as pictures, units × time, one panel each, on fixed scales."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.trace import Trace

PANEL, GAP, FOOT = 96, 22, 40  # pixels


def heatmaps(trace: Trace, quantities: Sequence[str], words: Callable[..., str]) -> go.Figure:
    """One panel a quantity of sequence 1, step t rightwards and unit upwards, both counted from 1."""
    count = len(quantities)
    height = count * (PANEL + GAP) + FOOT
    ranges = trace.cell.ranges(trace.options)
    figure = theme.figure(height, margin={**theme.MARGIN, "t": 0, "b": FOOT}, showlegend=False, hovermode="closest")
    drawn = height - FOOT
    for k, quantity in enumerate(quantities):
        top = 1 - (k * (PANEL + GAP) + GAP) / drawn
        bottom = top - PANEL / drawn
        axis = str(k + 1) if k else ""
        values = np.ascontiguousarray(trace[quantity][:, 0].T, np.float32)
        low, high = ranges.get(quantity) or _symmetric(values)
        figure.add_heatmap(
            x0=1,
            dx=1,
            y0=1,
            dy=1,
            z=values,
            name=quantity,
            xaxis=f"x{axis}",
            yaxis=f"y{axis}",
            zmin=low,
            zmax=high,
            colorscale=theme.gate_scale(quantity) if low == 0 else theme.signed_scale(),
            colorbar={
                "thickness": 8,
                "len": PANEL,
                "lenmode": "pixels",
                "y": (top + bottom) / 2,
                "x": 1.005,
                "xpad": 4,
                "ypad": 0,
                "tickvals": [low, high] if low == 0 else [low, 0, high],
                "ticks": "",
                "tickfont": {"size": 11},
                "outlinewidth": 1,
                "outlinecolor": theme.ZERO[0],
            },
            hovertemplate=f"{words('axis.step')} %{{x}} · {words('axis.unit')} %{{y}}<br>"
            f"{words(f'symbol.{quantity}')} = %{{z:.4g}}<extra></extra>",
        )
        last = k == count - 1
        figure.update_layout(
            {
                f"xaxis{axis}": {
                    "anchor": f"y{axis}",
                    "range": [0.5, trace.T + 0.5],
                    "showgrid": False,
                    "showticklabels": last,
                    "ticks": "outside" if last else "",
                    "zeroline": False,
                    "title": words("axis.step") if last else None,
                    **({"matches": "x"} if k else {}),
                },
                f"yaxis{axis}": {
                    "anchor": f"x{axis}",
                    "domain": [max(bottom, 0), top],
                    "range": [0.5, trace.H + 0.5],
                    "showgrid": False,
                    "zeroline": False,
                    "tickvals": [1, trace.H] if trace.H > 1 else [1],
                    "title": words("axis.unit") if k == 0 else None,
                },
            }
        )
        figure.add_annotation(
            x=0,
            xref="paper",
            y=top,
            yref="paper",
            text=words(f"panel.{quantity}"),
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"color": theme.text_colour(quantity), "size": 14},
        )
    figure.update_layout(meta={"cursor": True, "units": [f"y{k + 1}" if k else "y" for k in range(count)]})
    return figure


def _symmetric(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    limit = theme.symmetric_limit(float(np.abs(finite).max(initial=0)))
    return -limit, limit
