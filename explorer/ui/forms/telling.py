"""What is said of an answer: the answer in words, what about it is idealised, how good the network is."""

from __future__ import annotations

import numpy as np

from explorer import trained
from explorer.corpora.reviews import EXAMPLES, language_of
from explorer.corpora.translation import kind_of
from explorer.numerals import as_fine, plain
from explorer.trained import answers
from explorer.trained.asking import Asked
from explorer.ui.language import current, literal, say


def sentence(asked: Asked, found: answers.Answered, step: int) -> str:
    """The answer in words, and what about it is idealised."""
    return " ".join(
        {
            "sequence_to_sequence": lambda: _prices(found.more["forecast"], step),
            "sequence_to_vector": lambda: _review(found),
            "vector_to_sequence": lambda: _digit(found),
            "encoder_decoder": lambda: _translation(asked, found),
        }[found.form]()
    )


def _prices(forecast, day: int) -> list[str]:
    errors = forecast.errors
    return [
        say(
            "forms.answer_prices",
            day=day,
            said=as_fine(forecast.said[day - 1], forecast.given.unit),
            naive=as_fine(forecast.given.prices[day - 1], forecast.given.unit),
            network=plain(errors["network"], 3),
            naive_error=plain(errors["naive"], 3),
            verdict=say("forms.better" if errors["network"] < errors["naive"] else "forms.worse"),
        ),
        say("forms.idealised_prices"),
    ]


def _review(found) -> list[str]:
    said = [say("forms.answer_review", text=literal(" ".join(found.more["words"])), score=found.text)]
    if unknown := found.more["unknown"]:
        said.append(say("forms.answer_unknown", words=literal(", ".join(unknown))))
    return [*said, say("forms.idealised_review")]


def _digit(found) -> list[str]:
    said = [say("forms.answer_digit", word=found.text or "—", other=found.more["other"] or "—")]
    if truth := found.more["truth"]:
        said.append(say("forms.answer_digit_truth", truth=truth))
    return [*said, say("forms.idealised_digit")]


def _translation(asked, found) -> list[str]:
    more = found.more
    said = [say("forms.answer_translation", source=literal(asked.source), text=found.text)]
    right = found.text == more["truth"]
    said.append(say("forms.answer_right") if right else say("forms.answer_wrong", truth=more["truth"]))
    if len(more["beam"]) > 1:
        texts = "; ".join(f"{text} ({np.exp(log):.3f})" for text, log in more["beam"])
        said.append(say("forms.answer_beam", texts=texts))
    if more["attention"] != asked.attention:
        said.append(say("forms.dates_attention"))
    return [*said, say("forms.idealised_translation")]


def scores(asked: Asked, cell: str) -> str:
    """What the network of this answer reaches on what was held out."""
    variant = {
        "sequence_to_sequence": "prices",
        "sequence_to_vector": language_of(asked.review or EXAMPLES[current()]),
        "vector_to_sequence": "digits",
        "encoder_decoder": "dates" if kind_of(asked.source) == "dates" else asked.attention,
    }[asked.form]
    found = trained.load(asked.form, variant, cell)
    numbers = "; ".join(f"{say(f'forms.measure_{measure}')} {score:.3g}" for measure, score in found.scores.items())
    return say("forms.trained", file=trained.file(asked.form, variant, cell).name, scores=numbers)
