"""The page of the four forms: it answers what a visitor makes up, and says in words what it cannot."""

import numpy as np
import pytest

from explorer.forms import FORMS
from explorer.i18n import words
from explorer.ui.components.packing import unpack
from explorer.ui.components.sketch import read
from tests.ui.visiting import charts, fine, link, visit


def said(at) -> str:
    return " ".join(element.value for element in at.markdown)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_answered_and_drawn(form, lang):
    at = visit("forms", form=form, lang=lang, cell="gru", attention="dot")
    assert not at.warning
    drawn = charts(at)
    assert "form_wirings" in drawn and any("gates" in name for name in drawn)
    assert all(chart["alt"] and "{" not in chart["alt"] for chart in drawn.values())


def test_the_textbook_example():
    at = visit("forms", form="sequence_to_vector", lang="ko")
    assert "추천해요 굉장히 좋다" in said(at) and "95점" in said(at)


def test_what_is_typed_is_in_the_link():
    at = visit("forms", form="sequence_to_vector", cell="gru")
    [field] = [w for w in at.text_input if w.label == words("en")("forms.review")]
    field.set_value("this book is not good")
    fine(at.run())
    assert link(at)["review"] == "this book is not good" and "this book is not good" in said(at)
    again = visit("forms", **link(at))
    assert said(again) == said(at)


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"form": "sequence_to_vector", "review": " "}, "forms.refused_empty"),
        ({"company": "own"}, "forms.refused_numbers_none"),
        ({"company": "own", "prices": "1 2 nan"}, "forms.refused_numbers_bad"),
        ({"company": "own", "prices": "1 1 1"}, "forms.refused_series"),
        ({"form": "vector_to_sequence", "drawn": "0"}, "forms.refused_picture"),
        ({"form": "encoder_decoder", "source": "<b>x</b>"}, "forms.refused_source"),
    ],
)
def test_bad_input_gets_one_sentence(query, key):
    at = visit("forms", **query)
    start = words("en")(key).split("{")[0][:30]
    assert [w.value.startswith(start) for w in at.warning] == [True] and not charts(at)


def test_the_wiring_says_what_counts():
    figure = unpack(charts(visit("forms", form="sequence_to_vector", cell="gru", lang="ko"))["form_wiring"]["figure"])
    losses = [note for note in figure["layout"]["annotations"] if note["text"] == "L"]
    assert [note["x"] for note in losses] == [3]


def test_own_prices_are_forecast():
    prices = ",".join(f"{price:.3f}" for price in np.random.default_rng(0).standard_normal(30).cumsum())
    at = visit("forms", company="own", prices=prices)
    figure = unpack(charts(at)["form_forecast"]["figure"])
    assert len(figure["data"][2]["y"]) == 29


def test_a_drawing_that_is_none_is_empty():
    assert not read("2" * 1024).any() and not read(None).any() and read("1" * 1024).all()
