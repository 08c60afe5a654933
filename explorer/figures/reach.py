"""How far each step reaches: ∂h_t/∂h_k for all pairs, and one of them in full."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.figures import theme
from explorer.numerals import scientific, ten_to
from explorer.scaled import Scaled

LOWEST, HIGHEST = -12, 2  # powers of ten from pale to full; below and above, the ends of the ramp


def reach(logs: np.ndarray, every: int, words: Callable[..., str], *, height: int = 520) -> dict:
    """log₁₀ ‖∂h_t/∂h_k‖ as `all_pairs` gives them, (T + 1, T + 1): k rightwards, t upwards, both from 1.

    every   only each so-manieth t, back from the last, has been taken
    """
    T = len(logs) - 1
    first = T - (T - 1) // every * every
    picture = {
        "type": "heatmap",
        "x0": 1,
        "dx": 1,
        "y0": first,
        "dy": every,
        "z": theme.numbers(np.maximum(logs[first::every, 1:], -1e30)),
        "name": "‖∂h_t/∂h_k‖, t = ",
        "zmin": LOWEST,
        "zmax": HIGHEST,
        "colorscale": theme.gradient_scale(),
        "showscale": False,
        "hovertemplate": "k = %{x}, t = %{y}<br>10<sup>%{z:.1f}</sup><extra></extra>",
    }
    return theme.figure(
        height,
        [picture],
        xaxis={**theme.step_axis(T, words), "title": {"text": words("axis.earlier")}, "showgrid": False},
        yaxis={
            **theme.step_axis(T, words),
            "title": {"text": words("axis.later")},
            "showgrid": False,
            "zeroline": False,
        },
        hovermode="closest",
        margin={**theme.MARGIN, "t": 30},
        annotations=[legend(words("axis.jacobian"), LOWEST, HIGHEST)],
        meta={"cursor": True, "units": ["y"], "column": "k"},
    )


def legend(symbol: str, low: int, high: int) -> dict:
    """The scale of a picture of logarithms: its floor, the colours, its top."""
    colours = [colour for _, colour in theme.gradient_scale()]
    ramp = "".join(f'<span style="color:{colour}">█</span>' for colour in colours[:: len(colours) // 4])
    label = f"{symbol}  ≤ {ten_to(low)} {ramp} ≥ {ten_to(high)}"
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return theme.said(label, 0, 1, colour=theme.TEXT["gradient"][0], size=13, **place)


def matrix(jacobian: Scaled, words: Callable[..., str], *, height: int = 420) -> dict:
    """A Jacobian (H, H) in units of its largest entry: row u upwards, column v rightwards, both from 1."""
    H = len(jacobian.mantissa)
    largest = np.abs(jacobian.mantissa).max()
    shown = jacobian.mantissa / (largest if largest > 0 else 1)
    unit = scientific(float(np.max(jacobian.log10)))
    ticks = [1, H] if H > 1 else [1]
    axis = {"range": [0.5, H + 0.5], "showgrid": False, "zeroline": False, "tickvals": ticks}
    cells = {
        "type": "heatmap",
        "x0": 1,
        "dx": 1,
        "y0": 1,
        "dy": 1,
        "z": theme.numbers(shown),
        "name": f"∂h_t/∂h_k, {unit}",
        "zmin": -1,
        "zmax": 1,
        "colorscale": theme.signed_scale(),
        "showscale": False,
        "hovertemplate": f"%{{y}}, %{{x}}: %{{z:.3g}} · {unit}<extra></extra>",
    }
    return theme.figure(
        height,
        [cells],
        xaxis={**axis, "title": {"text": words("axis.unit_k")}},
        yaxis={**axis, "title": {"text": words("axis.unit_t")}},
        hovermode="closest",
        margin={**theme.MARGIN, "l": 56, "r": 16},
        meta={"cursor": False},
    )


def spectrum(logs: np.ndarray, words: Callable[..., str], *, height: int = 420) -> dict:
    """log₁₀ of singular values (H,), the largest first, with the line at 1."""
    H = len(logs)
    low = theme.floor(logs)
    high = max(1, -theme.floor(-logs) if logs.max(initial=0, where=np.isfinite(logs)) > 1 else 1)
    dots = {
        "type": "scatter",
        "x": theme.numbers(range(1, H + 1)),
        "y": theme.numbers(logs),
        "name": words("cloud.all"),
        "mode": "lines+markers",
        "line": {"color": theme.HUES["gradient"][0], "width": 1.5},
        "marker": {"size": 6},
        "hovertemplate": theme.POWER,
    }
    return theme.figure(
        height,
        [dots],
        xaxis={"title": {"text": words("axis.rank")}, "range": [0.5, H + 0.5], "dtick": max(1, H // 8)},
        yaxis=theme.powers(low, high, words("axis.singular_of_product")),
        hovermode="closest",
        showlegend=False,
        margin={**theme.MARGIN, "r": 16},
        shapes=[theme.level(0, theme.INK, dash="solid", width=1.5)],
        meta={"cursor": False},
    )
