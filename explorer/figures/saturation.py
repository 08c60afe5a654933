"""How many units of each gate stand open or shut at every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.figures import theme
from explorer.measures import saturation as measured
from explorer.trace import Trace


def saturation(trace: Trace, gates: Sequence[str], words: Callable[..., str], *, height: int = 260) -> dict:
    """Shares of units in percent over the steps 1 … T: open (above 0.9) upwards, shut (below 0.1) downwards."""
    lines = [_name(gate, words) for gate in gates]
    for gate in gates:
        shut, opened = measured(trace[gate][:, 0])
        lines += [_line(gate, 100 * opened, 1, "open", words), _line(gate, 100 * shut, -1, "shut", words)]
    beside = {"xref": "paper", "xanchor": "left", "textangle": 90, "colour": theme.FAINT[0], "size": 12}
    return theme.figure(
        height,
        lines,
        xaxis=theme.step_axis(trace.T, words),
        yaxis={
            "title": {"text": words("axis.saturation")},
            "range": [-105, 105],
            "tickvals": [-100, -50, 0, 50, 100],
            "ticktext": ["100 %", "50 %", "0", "50 %", "100 %"],
        },
        hovermode="x",
        showlegend=True,
        annotations=[
            theme.said(words("saturation.open_side"), 1.01, 50, **beside),
            theme.said(words("saturation.shut_side"), 1.01, -50, **beside),
        ],
        meta={"cursor": True},
    )


def _name(gate: str, words) -> dict:
    """What stands in the legend for both lines of a gate."""
    look = {"mode": "lines", "line": theme.line(gate), "legendgroup": gate, "meta": {"drawing": True}}
    return {"type": "scatter", "x": [None], "y": [None], "name": words(f"symbol.{gate}"), "hoverinfo": "skip", **look}


def _line(gate: str, share, sign: int, kind: str, words) -> dict:
    return {
        "type": "scatter",
        "x": theme.numbers(range(1, len(share) + 1)),
        "y": theme.numbers(sign * share),
        "customdata": theme.numbers(share),
        "name": f"{words(f'symbol.{gate}')} {words(f'saturation.{kind}')}",
        "legendgroup": gate,
        "showlegend": False,
        "mode": "lines",
        "line": theme.line(gate),
        "hovertemplate": "%{customdata:.0f} %",
    }
