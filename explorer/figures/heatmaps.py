"""Quantities of a layer as pictures, units × time, one panel each, on fixed scales."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from explorer.figures import theme
from explorer.trace import Trace

PANEL, GAP, FOOT = 96, 22, 40  # pixels


def heatmaps(trace: Trace, quantities: Sequence[str], words: Callable[..., str]) -> dict:
    """One panel a quantity of sequence 1, step t rightwards and unit upwards, both counted from 1."""
    height = len(quantities) * (PANEL + GAP) + FOOT
    panels, axes, names = [], {}, []
    for k, quantity in enumerate(quantities):
        number = str(k + 1) if k else ""
        top = 1 - (k * (PANEL + GAP) + GAP) / (height - FOOT)
        domain = [max(0, top - PANEL / (height - FOOT)), top]
        panels.append(_panel(trace, quantity, number, sum(domain) / 2, words))
        axes |= _axes(trace, number, domain, k == 0, k == len(quantities) - 1, words)
        names.append(_name(quantity, top, words))
    return theme.figure(
        height,
        panels,
        margin={**theme.MARGIN, "t": 0, "b": FOOT},
        showlegend=False,
        hovermode="closest",
        annotations=names,
        meta={"cursor": True, "units": [panel["yaxis"] for panel in panels]},
        **axes,
    )


def _panel(trace: Trace, quantity: str, number: str, middle: float, words) -> dict:
    values = theme.numbers(trace[quantity][:, 0].T)
    low, high = trace.cell.ranges(trace.options).get(quantity) or _symmetric(values)
    return {
        "type": "heatmap",
        "x0": 1,
        "dx": 1,
        "y0": 1,
        "dy": 1,
        "z": values,
        "name": quantity,
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "zmin": low,
        "zmax": high,
        "colorscale": theme.gate_scale(quantity) if low == 0 else theme.signed_scale(),
        "colorbar": {
            "thickness": 8,
            "len": PANEL,
            "lenmode": "pixels",
            "y": middle,
            "x": 1.005,
            "xpad": 4,
            "ypad": 0,
            "tickvals": [low, high] if low == 0 else [low, 0, high],
            "ticks": "",
            "tickfont": {"size": 11},
            "outlinewidth": 1,
            "outlinecolor": theme.ZERO[0],
        },
        "hovertemplate": f"{words('axis.step')} %{{x}} · {words('axis.unit')} %{{y}}<br>"
        f"{words(f'symbol.{quantity}')} = %{{z:.4g}}<extra></extra>",
    }


def _axes(trace: Trace, number: str, domain: list[float], first: bool, last: bool, words) -> dict:
    time = {
        "anchor": f"y{number}",
        "range": [0.5, trace.T + 0.5],
        "showgrid": False,
        "showticklabels": last,
        "ticks": "outside" if last else "",
        "zeroline": False,
        "title": {"text": words("axis.step") if last else ""},
    }
    units = {
        "anchor": f"x{number}",
        "domain": domain,
        "range": [0.5, trace.H + 0.5],
        "showgrid": False,
        "zeroline": False,
        "tickvals": [1, trace.H] if trace.H > 1 else [1],
        "title": {"text": words("axis.unit") if first else ""},
    }
    return {f"xaxis{number}": time if first else time | {"matches": "x"}, f"yaxis{number}": units}


def _name(quantity: str, top: float, words) -> dict:
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return theme.said(words(f"panel.{quantity}"), 0, top, colour=theme.text_colour(quantity), size=14, **place)


def _symmetric(values: np.ndarray) -> tuple[float, float]:
    limit = theme.symmetric_limit(values)
    return -limit, limit
