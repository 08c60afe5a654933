"""The cliff, and the line that cuts it off: the size of the gradient of all weights against the recurrent gain."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from explorer.figures import theme

LOW, HIGH = -8, 12


def clipping(
    gains: np.ndarray,
    sizes: Mapping[str, np.ndarray],
    limit: float,
    gain: float,
    words: Callable[..., str],
    *,
    height: int = 400,
) -> dict:
    """log₁₀ of ‖∂L/∂W‖ over all weights by network, (gains,), and clipped at `limit`, a logarithm too."""
    lines = []
    for name, logs in sizes.items():
        (colour, _), dash, width = theme.NETWORKS[name]
        style = {"color": colour, "dash": dash}
        common = {"type": "scatter", "x": theme.numbers(gains), "mode": "lines", "hovertemplate": theme.POWER}
        lines += [
            {**common, "y": theme.numbers(logs), "name": words(f"network.{name}"), "line": {**style, "width": 1.5}},
            {
                **common,
                "y": theme.numbers(np.minimum(logs, limit)),
                "name": words("clipping.clipped", network=words(f"network.{name}")),
                "line": {**style, "width": width + 2},
                "showlegend": False,
            },
        ]
    return theme.figure(
        height,
        lines,
        xaxis={"title": {"text": words("axis.gain")}, "range": [0, float(gains[-1])]},
        yaxis=theme.powers(LOW, HIGH, words("axis.weights_gradient")),
        hovermode="x",
        showlegend=True,
        shapes=[theme.upright(gain, theme.FAINT)],
        annotations=[
            theme.said(
                words("clipping.now"), gain, HIGH, xanchor="left", yanchor="top", xshift=4, colour=theme.FAINT[0]
            )
        ],
        meta={
            "cursor": False,
            "handle": {"value": limit, "low": -6, "high": 6, "step": 0.1, "label": words("clipping.handle")},
        },
    )
