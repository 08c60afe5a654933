"""The singular values of the step Jacobians as a cloud: above the line at 1 a step amplifies, below it shrinks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.figures import theme

LOW, HIGH = -4, 1


def cloud(steps: range, singular: np.ndarray, T: int, words: Callable[..., str], *, height: int = 320) -> dict:
    """log₁₀ of all singular values of the Jacobians of `steps`, (steps, units), the largest first."""
    width = singular.shape[1]
    points = {
        "type": "scatter",
        "x": theme.numbers(np.repeat(steps, width)),
        "y": theme.numbers(singular.ravel()),
        "name": words("cloud.all"),
        "mode": "markers",
        "marker": {"color": theme.HUES["gradient"][0], "size": 4, "opacity": 0.35},
        "hovertemplate": theme.POWER,
    }
    lines = [
        {
            "type": "scatter",
            "x": theme.numbers(steps),
            "y": theme.numbers(singular[:, at]),
            "name": words(f"cloud.{name}"),
            "mode": "lines",
            "line": {"color": theme.INK[0], "width": weight, "dash": dash},
            "hovertemplate": theme.POWER,
        }
        for name, at, weight, dash in (("largest", 0, 2, "solid"), ("middle", width // 2, 1.5, "dash"))
    ]
    return theme.figure(
        height,
        [points, *lines],
        xaxis=theme.step_axis(T, words),
        yaxis=theme.powers(LOW, HIGH, words("axis.singular")),
        hovermode="closest",
        showlegend=True,
        shapes=[theme.level(0, theme.INK, dash="solid", width=1.5)],
        meta={"cursor": True, "csv": "points"},
    )
