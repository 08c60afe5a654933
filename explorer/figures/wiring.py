"""A form drawn unrolled: which inputs enter, which outputs count, where the loss sits, what crosses to the decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.figures import theme

MOST = 10  # steps that are drawn, those around the cursor


def wiring(parts: Sequence[tuple[Sequence[str], Sequence[str]]], step: int, words: Callable[..., str]) -> dict:
    """parts: (what enters, what is said) at each step of one network or of encoder and decoder; "" is nothing."""
    flat = [(part, enters, says) for part, (ins, outs) in enumerate(parts) for enters, says in zip(ins, outs)]
    first = min(max(0, step - 1 - MOST // 2), max(0, len(flat) - MOST))
    seen = list(range(first, min(len(flat), first + MOST)))
    x = [k + 1 for k in seen]
    kept = [flat[k] for k in seen]
    arrows = [_arrow(a, 1, a + 1, 1, "h") for a in x[:-1]]
    arrows += [_arrow(a, 0.2, a, 0.72, "x", 0) for a, (_, enters, _) in zip(x, kept) if enters]
    arrows += [_arrow(a, 1.28, a, 1.75, "h", 0) for a, (_, _, says) in zip(x, kept) if says]
    cells = {
        **{"type": "scatter", "mode": "markers", "x": x, "y": [1] * len(x), "hoverinfo": "skip", "showlegend": False},
        "marker": {
            **{"symbol": "square", "size": 26, "line": {"width": 2, "color": theme.hue("h")}},
            "color": [theme.hue("c") if part and len(parts) > 1 else theme.hue("h") for part, _, _ in kept],
        },
    }
    notes = [_label(a, 0, enters, "x") for a, (_, enters, _) in zip(x, kept) if enters]
    notes += [_label(a, 1.95, says, "h") for a, (_, _, says) in zip(x, kept) if says]
    notes += [_label(a, 2.45, "L", "gradient") for a, (_, _, says) in zip(x, kept) if says]
    names = (words("forms.network"),) if len(parts) == 1 else (words("forms.encoder"), words("forms.decoder"))
    for part, name in enumerate(names):
        here = [a for a, (p, _, _) in zip(x, kept) if p == part]
        if here:
            notes.append(theme.said(name, sum(here) / len(here), -0.55, colour=theme.FAINT[0]))
    return theme.figure(
        250,
        [cells],
        xaxis={"title": {"text": words("axis.step")}, "range": [x[0] - 0.6, x[-1] + 0.6], "showgrid": False,
               "zeroline": False, "tickvals": x},
        yaxis={"range": [-0.85, 2.75], "visible": False},
        annotations=[*arrows, *notes],
        meta={"cursor": True},
    )  # fmt: skip


def _arrow(x0: float, y0: float, x1: float, y1: float, quantity: str, inset: float = 13) -> dict:
    place = {"x": x1, "y": y1, "ax": x0, "ay": y0, "xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": ""}
    head = {"showarrow": True, "arrowhead": 2, "arrowwidth": 2, "arrowcolor": theme.hue(quantity)}
    return place | head | {"standoff": inset, "startstandoff": inset}


def _label(x: float, y: float, text: str, quantity: str) -> dict:
    return theme.said(text if len(text) < 14 else text[:12] + "…", x, y, colour=theme.text_colour(quantity), size=13)
