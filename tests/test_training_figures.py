"""Figures of a training by their data: what stands where, on which scale, and what is not there yet."""

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.figures import theme
from explorer.figures.training_lines import POINTS, bars, follower, over_steps, over_updates
from explorer.figures.training_maps import maps
from explorer.i18n import LANGUAGES, words
from tests.figure_cases import key

ROW = np.linspace(-9, 0, 6, dtype=np.float32)
LINES = {"gru": (np.arange(1, 31), np.linspace(0, 1, 30)), "lstm_chrono": (np.array([]), np.array([]))}
COUNT = np.array([1, 2, 1, np.nan])
FIGURES = {
    "score": lambda say: over_updates(LINES, 40, "score", say, levels={"guess": 0.25, "goal": 0.99}),
    "loss": lambda say: over_updates(LINES, 40, "loss", say, levels={"guess": 1.4}),
    "gradient": lambda say: over_updates({"gru": (np.array([0]), np.array([-3.0]))}, 40, "gradient_log", say, now=7),
    "relative": lambda say: over_steps({"gru": ROW}, 6, "gradient_relative", say, births={"gru": ROW - 1}),
    "gates": lambda say: over_steps({"f": ROW / -9}, 6, "gate", say),
    "gradient_map": lambda say: maps({"gru": [(0, ROW), (2, ROW[:4])], "rnn_relu": []}, 6, 5, 2, say),
    "gate_map": lambda say: maps({"f": [(0, ROW / -9)], "o": [(0, ROW / -9)]}, 6, 4, 1, say),
    "bars": lambda say: bars({"whole": {1: 1.0, 2: 0.5}, "cut": {1: 0.2}}, "count", say),
    "beyond": lambda say: bars({"whole": {10: 1.0, 20: 0.5}}, "distance", say, mark=10, marked=say("counter.trained")),
    "follower": lambda say: follower(COUNT, {"C[3]": [1.1, 1.9, 1.2, 0.0]}, say),
}
every_figure = pytest.mark.parametrize("name", FIGURES)


@every_figure
@pytest.mark.parametrize("language", LANGUAGES)
def test_is_a_figure_in_the_houses_look(name, language):
    figure = FIGURES[name](words(language))
    go.Figure(figure)  # Plotly refuses what its schema does not know
    layout = figure["layout"]
    assert isinstance(layout["meta"]["cursor"], bool) and layout["height"] > 0
    for axis, settings in layout.items():
        if re.fullmatch(r"[xy]axis\d*", axis):
            assert len(settings["range"]) == 2, "two pictures can be compared"
    json = go.Figure(FIGURES[name](key)).to_json()
    colours = {colour.lower() for colour in re.findall(r"#[0-9A-Fa-f]{6}\b", json)}
    assert colours <= set(theme.IN_THE_DARK), colours - set(theme.IN_THE_DARK)


def test_a_long_line_is_thinned_to_means():
    values = np.arange(4000.0)
    [line] = over_updates({"gru": (values + 1, values)}, 4000, "score", key)["data"]
    assert len(line["y"]) == POINTS and line["y"][0] == 4.5 and line["x"][0] == 5.5


def test_levels_stand_where_they_are_even_on_a_log_axis():
    figure = FIGURES["loss"](key)
    assert figure["layout"]["shapes"][0]["y0"] == 1.4
    assert figure["layout"]["annotations"][0]["y"] == pytest.approx(np.log10(1.4))


def test_a_map_has_a_row_for_every_picture_and_blanks_where_there_is_none_yet():
    panel, empty = FIGURES["gradient_map"](key)["data"]
    assert (panel["y0"], panel["dy"], panel["x0"], panel["z"].shape) == (0, 2, 1, (4, 6))
    np.testing.assert_array_equal(panel["z"][0], ROW)
    np.testing.assert_array_equal(panel["z"][1], [*ROW[:4], np.nan, np.nan])
    assert np.isnan(panel["z"][2:]).all() and np.isnan(empty["z"]).all()
    assert {(gate["zmin"], gate["zmax"]) for gate in FIGURES["gate_map"](key)["data"]} == {(0, 1)}


def test_at_birth_is_dotted():
    birth, now = FIGURES["relative"](key)["data"]
    assert birth["line"]["dash"] == "dot" and birth["line"]["width"] == 1 and not birth["showlegend"]
    np.testing.assert_array_equal(now["y"] - birth["y"], 1)


def test_bars_stand_at_their_counts():
    whole, cut = FIGURES["bars"](key)["data"]
    assert whole["x"] == ["1", "2"] and cut["x"] == ["1"] and cut["marker"]["pattern"]["shape"]
    assert FIGURES["beyond"](key)["layout"]["shapes"][0]["x0"] == 0.5


def test_a_count_that_is_not_there_leaves_a_gap():
    count, unit = FIGURES["follower"](key)["data"]
    assert np.isnan(count["y"][3]) and unit["y"][1] == pytest.approx(1.9)
