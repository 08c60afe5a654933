"""Why does it vanish? The factors of an RNN, and the singular values of every step."""

import numpy as np

from explorer.figures.cloud import cloud
from explorer.figures.factors import factors
from explorer.figures.gradients import gradients
from explorer.numerals import magnitude, text
from explorer.ui import state
from explorer.ui.drawing import move_cursor, show
from explorer.ui.laboratory import numbers
from explorer.ui.laboratory.vanish import by_what, reaches
from explorer.ui.language import say, speaker


def draw() -> None:
    """All five networks as they follow the sliders, the factors of the chosen RNN, the cloud of the chosen cell."""
    experiment = state.experiment()
    found = numbers.compared(experiment, "seed")
    show(
        "five",
        lambda: gradients(found.curves, experiment.steps_with_loss, speaker(), height=340),
        f"{by_what(experiment, found, 'seed')} {reaches(experiment, found)}",
        title=say("lab.why_five"),
        on_click=move_cursor,
    )
    _factors(experiment)
    _cloud(experiment)


def _factors(experiment) -> None:
    rnn = experiment.replace(cell="rnn", **({"loss": "last"} if experiment.loss == "all" else {}))
    slopes, weights = numbers.factors(rnn)
    last = rnn.steps_with_loss[-1]
    inside = slice(1, last + 1)  # from the loss to h_1; the step before would lead to h_0
    by_slopes, by_weights = float(np.sum(slopes[inside])), float(np.sum(weights[inside]))
    steps = max(last, 1)
    values = {
        "network": say(f"network.rnn_{rnn.activation}"),
        "step": last + 1,
        "slopes": magnitude(by_slopes),
        "weights": magnitude(by_weights),
        "both": magnitude(by_slopes + by_weights),
        "each_slope": text(10 ** (by_slopes / steps)),
        "each_weight": text(10 ** (by_weights / steps)),
    }
    lost = not np.isfinite(by_slopes + by_weights)
    show(
        "factors",
        lambda: factors(slopes, weights, speaker()),
        say("lab.factors_lost", **values) if lost else say("lab.factors_sentence", **values),
        title=say("lab.factors_figure"),
        details=("factors",),
        on_click=move_cursor,
    )


def _cloud(experiment) -> None:
    steps, logs = numbers.step_spectra(experiment)
    known = logs[~np.isnan(logs)]
    above = 100 * float((known > 0).mean()) if known.size else 0.0
    below = 100 * float((known < np.log10(0.1)).mean()) if known.size else 0.0
    sentence = say(
        "lab.cloud_sentence",
        cell=say(f"cell.{experiment.cell}"),
        above=text(above),
        below=text(below),
        middle=text(10 ** float(np.median(known))) if known.size else "NaN",
    )
    if steps.step > 1:
        sentence += " " + say("lab.cloud_thinned", every=steps.step)
    if experiment.cell == "lstm":
        sentence += " " + say("lab.cloud_lstm")
    show(
        "cloud",
        lambda: cloud(steps, logs, experiment.T, speaker()),
        sentence,
        title=say("lab.cloud_figure"),
        on_click=move_cursor,
    )
