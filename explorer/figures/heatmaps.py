"""Quantities of a layer as pictures, units × time, one panel each, on fixed scales."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from explorer.figures import theme
from explorer.numerals import typeset
from explorer.trace import Trace

PANEL, GAP, FOOT = 96, 22, 40  # pixels


def heatmaps(trace: Trace, quantities: Sequence[str], words: Callable[..., str], first: int = 1) -> dict:
    """One panel a quantity of sequence 1, step t rightwards and unit upwards, both counted from 1.

    first   the number of the first step, where the trace goes on from another one
    """
    height = len(quantities) * (PANEL + GAP) + FOOT
    panels, axes, names = [], {}, []
    for k, quantity in enumerate(quantities):
        number = str(k + 1) if k else ""
        top = 1 - (k * (PANEL + GAP) + GAP) / (height - FOOT)
        domain = [max(0, top - PANEL / (height - FOOT)), top]
        panels.append(_panel(trace, quantity, number, words) | {"x0": first})
        axes |= _axes(trace, number, domain, k == 0, k == len(quantities) - 1, words, first)
        names.append(_name(panels[-1], top, words))
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


def _panel(trace: Trace, quantity: str, number: str, words) -> dict:
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
        "showscale": False,  # six colour bars would cost as much time as all the rest
        "hovertemplate": f"{words('axis.step')} %{{x}} · {words('axis.unit')} %{{y}}<br>"
        f"{words(f'symbol.{quantity}')} = %{{z:.4g}}<extra></extra>",
    }


def _axes(trace: Trace, number: str, domain: list[float], top: bool, last: bool, words, first) -> dict:
    time = theme.step_axis(trace.T, words, first) | {
        "anchor": f"y{number}",
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
        "title": {"text": words("axis.unit") if top else ""},
    }
    return {f"xaxis{number}": time if top else time | {"matches": "x"}, f"yaxis{number}": units}


def _name(panel: dict, top: float, words) -> dict:
    """What is drawn, and its scale: the lowest number, the colours, the highest."""
    colours = [colour for _, colour in panel["colorscale"]]
    ramp = "".join(f'<span style="color:{colour}">█</span>' for colour in colours[:: len(colours) // 4])
    low, high = (typeset(panel[end], 6) for end in ("zmin", "zmax"))
    symbol, end, name = words(f"panel.{panel['name']}").partition("</b>")
    label = f'{symbol}{end}  <span style="font-size:0.8em">{low} {ramp} {high}</span> {name}'
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return theme.said(label, 0, top, colour=theme.text_colour(panel["name"]), size=14, **place)


def _symmetric(values: np.ndarray) -> tuple[float, float]:
    limit = theme.symmetric_limit(values)
    return -limit, limit
