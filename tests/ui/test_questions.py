"""Each preset shows what its question is about, in numbers that the engine gives."""

import numpy as np
import pytest

from explorer import Experiment, perform
from explorer.i18n import LANGUAGES, words
from explorer.measures import ALIVE, DEAD, EXPLODING, norm
from explorer.ui.questions import QUESTIONS
from explorer.ui.state import View, kinds
from tests.ui.visiting import link, on_stage, visit


def at_the_clue(name: str) -> float:
    """How much of the gradient that enters at the loss, of norm 1, reaches the first step."""
    asks = QUESTIONS[name]
    assert asks.place["step"] == 1 and asks.place["back"]
    reach = norm(perform(asks.experiment).grads.state["h"])[:, 0]
    assert reach[-1] == pytest.approx(1)
    return reach[0]


@pytest.mark.parametrize("name", ["recall", "two_gates"])
def test_the_clue_can_be_recalled(name):
    assert QUESTIONS[name].experiment.T - 1 == 50
    assert at_the_clue(name) > ALIVE


@pytest.mark.parametrize("name", ["half_open", "no_gates"])
def test_the_clue_is_gone(name):
    assert at_the_clue(name) < DEAD
    assert QUESTIONS[name].experiment.input == QUESTIONS["recall"].experiment.input == "clue"


def test_only_the_bias_differs_between_open_and_half_open():
    open_gate = QUESTIONS["recall"].experiment
    assert open_gate.replace(forget_bias=0) == QUESTIONS["half_open"].experiment
    kept = perform(QUESTIONS["half_open"].experiment).trace["f"]
    assert 0.4 < np.median(kept) < 0.6 < 0.95 < np.median(perform(open_gate).trace["f"])


def test_the_gradient_explodes():
    assert at_the_clue("explode") > EXPLODING


def test_a_relabelled_z_changes_no_h():
    asked = QUESTIONS["relabel"].experiment
    here, there = perform(asked).trace, perform(asked.replace(z_keeps=True)).trace
    np.testing.assert_array_equal(here["h"], there["h"])
    np.testing.assert_array_equal(here["z"], 1 - there["z"])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_a_plain_link(name, lang):
    asks = QUESTIONS[name]
    shown = View(lang=lang, **asks.place)
    query = {kind.key: kind.write(getattr(shown, field)) for field, kind in kinds(View).items()}
    at = visit("unrolled", **asks.experiment.to_query(), **query)
    say = words(lang)
    assert at.title[0].value == say(f"question.{name}")
    assert say(f"look.{name}") in at.markdown[0].value
    cursor = on_stage(at)[0]["cursor"]
    assert {key: cursor[key] for key in asks.place} == asks.place
    assert Experiment.from_query(link(at)) == (asks.experiment, ())


def test_questions_are_few_and_different():
    assert 5 <= len(QUESTIONS) <= 7
    assert len({asks.experiment for asks in QUESTIONS.values()}) == len(QUESTIONS)


def test_the_menu_holds_them_all_as_links():
    at = visit("unrolled", lang="ko")
    links = [element.proto for element in at.get("page_link")]
    for name, asks in QUESTIONS.items():
        [found] = [proto for proto in links if proto.label == words("ko")(f"question.{name}")]
        for key, value in asks.experiment.to_query().items():
            assert f"{key}={value}" in found.query_string, found
        assert "lang=ko" in found.query_string
