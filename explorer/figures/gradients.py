"""How much of the loss still reaches each step: gradient norms over time, several networks on one log axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go

from explorer.figures import theme
from explorer.measures import ALIVE, DEAD, EXPLODING

LOWEST, HIGHEST = -20, 5  # powers of ten on the axis, always the same, so that two pictures can be compared


def gradients(
    curves: Mapping[str, np.ndarray], loss_steps: range, words: Callable[..., str], *, height: int = 420
) -> go.Figure:
    """Norms (T,) by network name, over the steps 1 … T; `loss_steps` are the array indices that carry the loss."""
    figure = theme.figure(
        height,
        xaxis={"title": words("axis.step"), "range": [0.5, len(next(iter(curves.values()))) + 0.5]},
        yaxis={
            "title": words("axis.gradient"),
            "type": "log",
            "range": [LOWEST, HIGHEST],
            "dtick": 5,
            "exponentformat": "power",
        },
        hovermode="x",
        showlegend=True,
        meta={"cursor": True},
    )
    _draw_bands(figure, words)
    for name, curve in curves.items():
        (colour, _), dash, width = theme.NETWORKS[name]
        figure.add_scatter(
            x=np.arange(1, len(curve) + 1, dtype=np.float32),
            y=curve,
            name=words(f"network.{name}"),
            mode="lines",
            line={"color": colour, "dash": dash, "width": width},
            hovertemplate="%{y:.3g}",
        )
    at = [loss_steps[-1] + 1] if len(loss_steps) > 1 else [loss_steps[0] + 1]
    figure.add_vline(x=at[0], line={"color": theme.HUES["gradient"][0], "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=at[0],
        y=HIGHEST,
        text=words("gradient.loss_all" if len(loss_steps) > 1 else "gradient.loss_here"),
        showarrow=False,
        xanchor="right",
        yanchor="top",
        xshift=-4,
        font={"color": theme.TEXT["gradient"][0], "size": 13},
    )
    return figure


def _draw_bands(figure: go.Figure, words) -> None:
    edges = [
        ("exploding", np.log10(EXPLODING), HIGHEST),
        ("alive", np.log10(ALIVE), np.log10(EXPLODING)),
        ("shrinking", np.log10(DEAD), np.log10(ALIVE)),
        ("dead", -330, np.log10(DEAD)),
    ]
    for name, low, high in edges:
        figure.add_hrect(
            y0=10.0**low if low > -320 else 5e-324,
            y1=10.0 ** (high if name != "exploding" else 300),
            fillcolor=theme.BANDS[name][0],
            line_width=0,
            layer="below",
        )
        figure.add_annotation(
            x=1,
            xref="paper",
            y=min(high, HIGHEST),
            text=words(f"band.{name}"),
            showarrow=False,
            xanchor="left",
            yanchor="top",
            xshift=6,
            font={"color": theme.FAINT[0], "size": 12},
        )
