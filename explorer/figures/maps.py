"""The same network under several losses: one map of |∂L/∂h_t,u| each, units × time, on one scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from explorer.figures import theme
from explorer.figures.reach import legend

PANEL, GAP, FOOT = 120, 46, 44  # pixels
LOWEST, HIGHEST = -8, 0


def maps(logs: Mapping[str, np.ndarray], losses: Mapping[str, range], words: Callable[..., str]) -> dict:
    """log₁₀ |∂L/∂h_t,u|, (T, H), by the place of the loss; `losses` are the array indices that carry it."""
    T, H = next(iter(logs.values())).shape
    height = len(logs) * (PANEL + GAP) + FOOT
    panels, axes, notes, shapes = [], {}, [], []
    for n, (name, values) in enumerate(logs.items()):
        number = str(n + 1) if n else ""
        top = 1 - (n * (PANEL + GAP) + GAP) / (height - FOOT)
        domain = [max(0, top - PANEL / (height - FOOT)), top]
        panels.append(_panel(words(f"wiring.{name}"), values, number))
        axes |= _axes(T, H, number, domain, n, len(logs), words)
        place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
        notes.append(theme.said(f"<b>{words(f'wiring.{name}')}</b>", 0, top, **place))
        if len(losses[name]) == 1:
            shapes.append(_mark(losses[name][0] + 1, domain))
    scale = legend(words("axis.entry"), LOWEST, HIGHEST)
    notes.append(scale | {"x": 1, "xanchor": "right", "y": 1, "yanchor": "top"})
    return theme.figure(
        height,
        panels,
        margin={**theme.MARGIN, "t": 0, "b": FOOT},
        showlegend=False,
        hovermode="closest",
        annotations=notes,
        shapes=shapes,
        meta={"cursor": True, "units": [panel["yaxis"] for panel in panels]},
        **axes,
    )


def _panel(name: str, values: np.ndarray, number: str) -> dict:
    return {
        "type": "heatmap",
        "x0": 1,
        "dx": 1,
        "y0": 1,
        "dy": 1,
        "z": theme.numbers(np.maximum(values.T, -1e30)),
        "name": name,
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "zmin": LOWEST,
        "zmax": HIGHEST,
        "colorscale": theme.gradient_scale(),
        "showscale": False,
        "hovertemplate": "t = %{x}, %{y}<br>10<sup>%{z:.1f}</sup><extra></extra>",
    }


def _axes(T: int, H: int, number: str, domain, n: int, count: int, words) -> dict:
    last = n == count - 1
    time = {**theme.step_axis(T, words), "anchor": f"y{number}", "showgrid": False, "showticklabels": last}
    time |= {
        "ticks": "outside" if last else "",
        "zeroline": False,
        "title": {"text": words("axis.step") if last else ""},
    }
    units = {
        "anchor": f"x{number}",
        "domain": domain,
        "range": [0.5, H + 0.5],
        "showgrid": False,
        "zeroline": False,
        "tickvals": [1, H] if H > 1 else [1],
        "title": {"text": words("axis.unit")},
    }
    return {f"xaxis{number}": time | ({"matches": "x"} if n else {}), f"yaxis{number}": units}


def _mark(step: int, domain) -> dict:
    """Where the loss sits, beside its panel."""
    line = {"color": theme.HUES["gradient"][0], "width": 2, "dash": "dot"}
    y0, y1 = domain
    return {"type": "line", "x0": step, "x1": step, "yref": "paper", "y0": y0, "y1": y1, "line": line}
