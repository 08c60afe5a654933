"""Training time upwards, sequence time rightwards: what reaches each step, and which gates stand open there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from explorer.figures import theme

PANEL, GAP, FOOT = 120, 24, 40  # pixels
LOWEST, HIGHEST = -8, 1  # powers of ten of a gradient, always the same


def maps(
    panels: Mapping[str, Sequence[tuple[int, np.ndarray]]],
    T: int,
    planned: int,
    every: int,
    words: Callable[..., str],
) -> dict:
    """One panel a network or gate, {name: rows of (updates made, (T,) or shorter)}, a row every so many updates.

    A network's rows are log₁₀ of its gradient, a gate's how far it stands open. A row that is not yet there is blank.
    """
    height = len(panels) * (PANEL + GAP) + FOOT
    drawn, axes, names = [], {}, []
    for k, (name, rows) in enumerate(panels.items()):
        number = str(k + 1) if k else ""
        top = 1 - (k * (PANEL + GAP) + GAP) / (height - FOOT)
        drawn.append(_panel(name, rows, T, planned, every, number, words))
        domain = [max(0, top - PANEL / (height - FOOT)), top]
        axes |= _axes(T, planned, every, number, domain, k == 0, k == len(panels) - 1, words)
        names.append(_name(drawn[-1], name, top, words))
    return theme.figure(
        height,
        drawn,
        margin={**theme.MARGIN, "t": 0, "b": FOOT},
        showlegend=False,
        hovermode="closest",
        annotations=names,
        meta={"cursor": True, "units": [panel["yaxis"] for panel in drawn], "half": every / 2},
        **axes,
    )


def _panel(name: str, rows, T: int, planned: int, every: int, number: str, words) -> dict:
    network = name in theme.NETWORKS
    table = np.full((-(-planned // every) + 1, T), np.nan, np.float32)
    for after, row in rows:
        table[-(-after // every), : len(row)] = row
    return {
        "type": "heatmap",
        "x0": 1,
        "dx": 1,
        "y0": 0,
        "dy": every,
        "z": table,
        "name": name,
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "zmin": LOWEST if network else 0,
        "zmax": HIGHEST if network else 1,
        "colorscale": theme.gate_scale("gradient" if network else name),
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": f"{words('axis.step')} %{{x}} · {words('axis.update')} %{{y}}<br>"
        + ("log₁₀ = %{z:.2f}" if network else f"{words(f'symbol.{name}')} = %{{z:.3f}}")
        + "<extra></extra>",
    }


def _axes(T: int, planned: int, every: int, number: str, domain, first: bool, last: bool, words) -> dict:
    time = theme.step_axis(T, words) | {
        "anchor": f"y{number}",
        "showgrid": False,
        "showticklabels": last,
        "ticks": "outside" if last else "",
        "zeroline": False,
        "title": {"text": words("axis.step") if last else ""},
    }
    updates = {
        "anchor": f"x{number}",
        "domain": domain,
        "range": [-every / 2, -(-planned // every) * every + every / 2],
        "showgrid": False,
        "zeroline": False,
        "tickvals": [0, planned],
        "title": {"text": words("axis.update") if first else ""},
    }
    return {f"xaxis{number}": time if first else time | {"matches": "x"}, f"yaxis{number}": updates}


def _name(panel: dict, name: str, top: float, words) -> dict:
    """What is drawn, and its scale: the lowest number, the colours, the highest."""
    colours = [colour for _, colour in panel["colorscale"]]
    ramp = "".join(f'<span style="color:{colour}">█</span>' for colour in colours[:: len(colours) // 4])
    if name in theme.NETWORKS:
        label, ends, colour = f"<b>{words(f'network.{name}')}</b>", ("≤ 10⁻⁸", "≥ 10"), theme.INK[0]
    else:
        label, ends, colour = words(f"panel.{name}").partition("  ")[0], ("0", "1"), theme.text_colour(name)
    text = f'{label}  <span style="font-size:0.8em">{ends[0]} {ramp} {ends[1]}</span>'
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return theme.said(text, 0, top, colour=colour, size=14, **place)
