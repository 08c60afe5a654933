"""What only one of the four forms has: its forecast, its score, its letters, where it looks, what it recalls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from explorer.figures import theme

Words = Callable[..., str]


def forecast_lines(prices, said, known: int, words: Words) -> dict:
    """Prices of days 2 … N with the forecast and the naive one; the errors are taken where the background is grey."""
    T = len(said)
    prices, said = (np.ascontiguousarray(rows, float) for rows in (prices, said))  # changes finer than float32
    steps = {"type": "scatter", "mode": "lines", "x0": 1, "dx": 1}
    lines = [
        steps | {"y": prices[1:], "name": words("forms.true"), "line": theme.line("x") | {"width": 2}},
        steps | {"y": prices[:-1], "name": words("forms.naive"), "line": theme.line("i")},
        steps | {"y": said, "name": words("forms.forecast"), "line": theme.line("h")},
    ]
    held = {"type": "rect", "xref": "x", "yref": "paper", "x0": known + 0.5, "x1": T + 0.5, "y0": 0, "y1": 1}
    return theme.figure(
        340,
        lines,
        xaxis=theme.step_axis(T, words),
        yaxis={"title": {"text": words("forms.next_price")}},
        shapes=[held | {"fillcolor": theme.BANDS["dead"][0], "line": {"width": 0}, "layer": "below"}],
        margin={**theme.MARGIN, "t": 40},
        meta={"cursor": True},
    )


def score_line(scores, labels: Sequence[str], words: Words) -> dict:
    """The score after every word; only the last one counts."""
    T = len(scores)
    line = {
        **{"type": "scatter", "mode": "lines+markers", "x0": 1, "dx": 1, "y": theme.numbers(scores)},
        **{"text": list(labels), "hovertemplate": "%{text}: %{y:.1f}<extra></extra>", "showlegend": False},
        **{"line": theme.line("h"), "marker": {"size": [8] * (T - 1) + [14]}},
    }
    return theme.figure(
        260,
        [line],
        xaxis=theme.step_axis(T, words)
        | {"tickvals": list(range(1, T + 1)), "ticktext": list(labels), "title": {"text": words("forms.words")}},
        yaxis={"title": {"text": words("forms.score")}, "range": [-4, 104], "tickvals": [0, 25, 50, 75, 100]},
        margin={**theme.MARGIN, "b": 64},
        meta={"cursor": True},
    )


def picture(pixels, words: Words) -> dict:
    """A picture of 8×8 pixels, dark on light."""
    heat = _heat(pixels, theme.scale(theme.ramp(theme.hue("x"))), "%{z:.2f}<extra></extra>")
    axis = {"visible": False}
    return theme.figure(
        260,
        [heat],
        xaxis=axis | {"range": [0.5, pixels.shape[1] + 0.5], "constrain": "domain"},
        yaxis=axis | {"range": [pixels.shape[0] + 0.5, 0.5], "scaleanchor": "x", "constrain": "domain"},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )


def letter_shares(shares, letters: Sequence[str], words: Words) -> dict:
    """How likely each letter is at each step; shares (T, letters)."""
    heat = _heat(shares.T, theme.gate_scale("o"), f"{words('axis.step')} %{{x}}: %{{z:.3f}}<extra></extra>")
    axis = {"showgrid": False, "zeroline": False}
    return theme.figure(
        420,
        [heat],
        xaxis=theme.step_axis(len(shares), words) | axis,
        yaxis=axis
        | {"tickvals": list(range(1, len(letters) + 1)), "ticktext": list(letters),
           "title": {"text": words("forms.letter")}, "tickfont": {"size": 10}, "range": [0.5, len(letters) + 0.5]},
        meta={"cursor": True},
    )  # fmt: skip


def attention(shares, enters: Sequence[str], says: Sequence[str], words: Words) -> dict:
    """Where the decoder looked: shares (R, S), one row a word that it wrote; these steps follow S others."""
    R, S = shares.shape
    axis = {"showgrid": False, "zeroline": False}
    return theme.figure(
        120 + 26 * R,
        [_heat(shares, theme.gate_scale("c"), "%{z:.3f}<extra></extra>")],
        xaxis=axis
        | {"range": [0.5, S + 0.5], "tickvals": list(range(1, S + 1)), "ticktext": list(enters),
           "title": {"text": words("forms.looked_at")}},
        yaxis=axis
        | {"range": [R + 0.5, 0.5], "tickvals": list(range(1, R + 1)), "ticktext": list(says),
           "title": {"text": words("forms.written"), "standoff": 4}},
        margin={**theme.MARGIN, "l": 110},
        meta={"cursor": True, "rows_after": S, "csv": "points"},
    )  # fmt: skip


def gradient_rows(rows: Mapping[str, tuple], words: Words) -> dict:
    """log₁₀ ‖∂L/∂h_t‖ of one network in each form: {form: (norms (T,), counting (T,))}, a row each below its name."""
    norms = np.array([norm for norm, _ in rows.values()])
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log10(norms), FLOOR)
    spaced = np.full((2 * len(rows), norms.shape[1]), np.nan)
    spaced[1::2] = logs
    heat = _heat(spaced, theme.gradient_scale(), "t = %{x}: 10^%{z:.2f}<extra></extra>")
    heat |= {"xgap": 0, "ygap": 0, "hoverongaps": False, "name": "‖∂L/∂h‖"}
    heat |= {"zmin": FLOOR, "zmax": max(0.5, float(logs.max())), "showscale": True}
    heat["colorbar"] = {"thickness": 10, "title": {"text": "log₁₀", "side": "top"}, "outlinewidth": 0, "x": 1.01}
    at = [(int(t) + 1, 2 * k + 2) for k, (_, counting) in enumerate(rows.values()) for t in np.flatnonzero(counting)]
    losses = {
        **{"type": "scatter", "mode": "markers", "x": [t for t, _ in at], "y": [k for _, k in at], "hoverinfo": "skip"},
        **{"showlegend": False, "marker": {"symbol": "circle", "size": 5, "color": theme.HUES["f"][0]}},
        **{"name": "L", "meta": {"drawing": True}},
    }
    place = {"xref": "paper", "xanchor": "left"}
    names = [theme.said(words(f"choice.form.{form}"), 0, 2 * k + 1, **place) for k, form in enumerate(rows)]
    return theme.figure(
        300,
        [heat, losses],
        xaxis=theme.step_axis(norms.shape[1], words) | {"showgrid": False, "zeroline": False},
        yaxis={"range": [2 * len(rows) + 0.5, 0.5], "visible": False},
        annotations=names,
        meta={"cursor": True},
    )


FLOOR = -6  # what is below is drawn as dead


def _heat(z, colours, hover: str) -> dict:
    place = {"type": "heatmap", "x0": 1, "dx": 1, "y0": 1, "dy": 1, "z": theme.numbers(z), "showscale": False}
    return place | {"zmin": 0, "zmax": 1, "colorscale": colours, "hovertemplate": hover, "xgap": 1, "ygap": 1}
