"""The edge of chaos on a page: the map grows in the background, and theory is drawn where it holds."""

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer import Experiment
from explorer.i18n import words
from explorer.sweep import Mean, Sweep, survival
from explorer.ui.components.packing import unpack
from explorer.ui.edge import sentence
from tests.ui.visiting import charts, fine, is_korean, link, until_over, visit

PAGE = """
from explorer.ui import language, state
state.restore()
language.choose(state.view().lang)
from explorer.ui.edge import draw
draw()
"""


@pytest.fixture(autouse=True)
def a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))


def shown(**query) -> AppTest:
    """The map when all of it is there."""
    at = AppTest.from_string(PAGE, default_timeout=20)
    at.query_params = {"T": "20", "H": "4", "seeds": "1", **query}
    fine(at.run())
    end = time.monotonic() + 60
    while not any("Done in" in m.value or "만에 끝" in m.value for m in at.markdown):
        assert time.monotonic() < end
        time.sleep(0.2)
        fine(at.run())
    return at


def test_the_map_is_measured_and_theory_is_drawn_in():
    at = shown(seeds="2", cell="rnn", input="impulse")
    chart = charts(at)["edge"]
    drawn = unpack(chart["figure"])
    sweep, e = Sweep("gain", 0, 4, 41, 2), Experiment(cell="rnn", input="impulse", T=20, H=4)
    mean = Mean(sweep, 20)
    for number, run in enumerate(sweep.runs(e)):
        mean.add(number, survival(run))
    np.testing.assert_allclose(drawn["data"][0]["z"], np.clip(mean.map, -12, 12), rtol=1e-5)
    for lag, gain in zip(drawn["data"][1]["x"], drawn["data"][1]["y"]):  # the first that is dead
        row = mean.map[round(gain * 10)]
        assert row[round(lag)] <= -6 < row[round(lag) - 1]
    assert len(drawn["data"][1]["x"]) > 3
    [line] = drawn["layout"]["shapes"]
    assert 1.7 < line["y0"] < 3.5 and f"{line['y0']:.2f}" in chart["alt"]  # √3 and more, for the weights are ±1/√H
    assert "mean-field" in at.caption[-1].value and "averaged over 2 seeds" in chart["alt"]


@pytest.mark.parametrize(
    ("query", "words", "curves"),
    [
        ({"cell": "lstm"}, "direct path alone", 1),
        ({"cell": "gru", "over": "gain"}, "no theory as simple", 0),
        ({"cell": "lstm", "chrono": "1", "over": "forget_bias"}, "no theory as simple", 0),
        ({"cell": "rnn", "act": "relu"}, "no theory as simple", 0),
    ],
)
def test_where_it_holds_is_said(query, words, curves):
    at = shown(**query)
    drawn = unpack(charts(at)["edge"]["figure"])
    assert words in at.caption[-1].value and len(drawn["data"]) == 2 + curves and not drawn["layout"]["shapes"]


@pytest.mark.parametrize(
    ("alive", "words"),
    [
        ([0, 0, 0], "nowhere is more than 10⁻⁶"),
        ([1, 1, 1], "is left everywhere"),
        ([0, 1, 1], "where the gain is 2 or more"),
        ([1, 0, 1], "at 2 of the 3 values of the gain, between 0 and 4"),
        ([0, 1, 0], "at 1 of the 3 values of the gain, between 2 and 2"),
    ],
)
def test_the_sentence_is_about_the_values_that_survive(alive, words):
    sweep, e = Sweep("gain", 0, 4, 3, 1), Experiment(cell="rnn", T=5)
    mean = Mean(sweep, 5)
    for number, some in enumerate(alive):
        mean.add(number, np.full(5, -1.0 if some else -7.0))
    assert words in sentence(mean, sweep, e, None)


def test_the_link_says_what_is_swept():
    """The forget bias where there is one; a choice and the number of seeds go to the address and come back by it."""
    at = visit("gradients", ask="edge", T="12", H="4")
    [axis] = [w for w in at.button_group if w.label == words("en")("edge.axis")]
    assert axis.value == "forget_bias" and axis.options == [
        words("en")("edge.axis_gain"), words("en")("edge.axis_forget_bias")
    ]  # fmt: skip
    axis.set_value("gain")
    fine(at.run())
    [seeds] = [w for w in at.slider if w.label == words("en")("edge.seeds")]
    seeds.set_value(3)
    fine(at.run())
    assert link(at) == {"ask": "edge", "T": "12", "H": "4", "over": "gain", "seeds": "3"}
    again = until_over(visit("gradients", **link(at)))
    assert charts(again)["edge"]["alt"] == charts(until_over(fine(at.run())))["edge"]["alt"]
    assert "over 3 seeds" in charts(again)["edge"]["alt"]


def test_in_korean():
    chart = charts(shown(cell="rnn", lang="ko"))["edge"]
    assert is_korean(chart["figure"]) and "시드 1개" in chart["alt"]
