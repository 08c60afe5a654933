"""What an encoder–decoder recalls at each place of a translation, one line a way to look."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from explorer.figures import theme

LOOKS = {"none": "usual", "additive": "orthogonal", "dot": "identity"}  # the lines of REMEDIES that they take
LOWER = 0.42  # of the height is the lower panel


def recall_lines(found: Mapping, words: Callable[..., str]) -> dict:
    """Above, how probable a wrong word is; below, the share of right words from another number's state.

    found   {attention: explorer.trained.recall.Recall}
    """
    lines = []
    for name, one in found.items():
        (colour, _), dash, width = theme.REMEDIES[LOOKS[name]]
        style = {"color": colour, "dash": dash, "width": width}
        label, places = words(f"choice.attention.{name}"), len(one.wrong)
        with np.errstate(divide="ignore"):
            wrong = np.log10(one.wrong)
        for values, axis, hover in ((wrong, "y", theme.POWER), (one.foreign, "y2", "%{y:.3f}")):
            lines.append(
                theme.steps_line(values, label, style, f"{label}: {hover}<extra></extra>")
                | {"mode": "lines+markers", "yaxis": axis, "showlegend": axis == "y", "legendgroup": name}
            )
    low = theme.floor(*(line["y"] for line in lines[::2]))
    place = theme.step_axis(places, words) | {"title": {"text": words("forms.place")}, "anchor": "y2"}
    return theme.figure(
        440,
        lines,
        xaxis=place,
        yaxis=theme.powers(low, 0, words("forms.wrong")) | {"domain": [LOWER + 0.08, 1]},
        yaxis2={"title": {"text": words("forms.foreign")}, "range": [-0.04, 1.06], "domain": [0, LOWER]},
        margin={**theme.MARGIN, "t": 40},
    )
