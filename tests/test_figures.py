"""Figures by their data: what is drawn, on which scale, in which style, under which words."""

import base64
import itertools
import json
import re
import warnings

import numpy as np
import pytest

from explorer import Experiment, perform, run
from explorer.cells import CELLS
from explorer.figures import theme
from explorer.i18n import LANGUAGES, table, words
from explorer.measures import half_life as half_lives
from explorer.measures import saturation as saturated
from explorer.numerals import ten_to
from explorer.performing import rivals
from tests.figure_cases import (
    bounded,
    curves,
    every_figure,
    experiments,
    figures,
    gradients,
    half_life,
    heatmaps,
    key,
    quantities,
    saturation,
    unit_lines,
)

ALL = [pytest.param(*case, id=case[0]) for case in every_figure()]
every_experiment = pytest.mark.parametrize(
    "experiment", list(experiments(T=12, H=4)), ids=lambda e: "-".join([e.cell, *map(str, e.options.values())])
)
by_cell = pytest.mark.parametrize("cell", CELLS)


def of(cell, **settings):
    return perform(Experiment(cell=cell, **{"T": 12, "H": 4} | settings)).trace


def said(figure) -> str:
    """All texts of a figure."""
    return " ".join(
        [
            *(annotation.text for annotation in figure.layout.annotations),
            *(trace.name or "" for trace in figure.data),
            *(trace.hovertemplate or "" for trace in figure.data),
            *re.findall(r'"title":\{[^}]*"text":"([^"]*)"', figure.to_json()),
        ]
    )


def values(array) -> np.ndarray:
    """The numbers of a figure's JSON, packed or listed."""
    if isinstance(array, dict):
        kind = {"f4": np.float32, "f8": np.float64, "i1": np.int8, "i2": np.int16, "i4": np.int32}[array["dtype"]]
        flat = np.frombuffer(base64.b64decode(array["bdata"]), kind)
        return flat.reshape([int(n) for n in array["shape"].split(",")]) if "shape" in array else flat
    return np.array(array, float)


def exploding(cell="rnn"):
    """A ReLU network that overflows within its 40 steps."""
    H = 3
    params = {"weight_ih": np.ones((H, 1)), "weight_hh": np.eye(H) * 1e20}
    params |= {"bias_ih": np.zeros(H), "bias_hh": np.zeros(H)}
    params["weight_hh"][0, 1] = -1e20  # so that there is ∞ − ∞ as well
    trace = run("rnn", params, np.ones((40, 1, 1)), activation="relu")
    assert np.isinf(trace["h"]).any()
    assert np.isnan(trace["a_h"]).any()
    return trace


class TestAllFigures:
    @pytest.mark.parametrize(("name", "make"), ALL)
    def test_speak_in_keys_only(self, name, make):
        """Every word comes from the words that were passed: symbols, numbers and units are what is left."""
        figure = make()
        keys = re.findall(r"\[([\w.]+)\]", said(figure))
        assert set(keys) - {"0", *map(str, range(1, 17))} <= set(table("en")), keys
        rest = re.sub(r"\[[\w.]+\]|<[^>]*>|%\{[^}]*\}|GOOG", "", said(figure))
        assert not re.search(r"[A-Za-z가-힣]{2,}", rest), rest

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_build_in_both_languages(self, language):
        for cell in CELLS:
            for name, make in figures(Experiment(cell=cell, T=6, H=3), words(language)).items():
                figure = make()
                assert figure.data, name
                assert bool(re.search("[가-힣]", said(figure))) == (language == "ko"), name

    @pytest.mark.parametrize(("name", "make"), ALL)
    def test_never_take_a_scale_from_the_data(self, name, make):
        """Every axis has a range, so that two pictures can be compared."""
        layout = make().to_dict()["layout"]
        axes = {axis: settings for axis, settings in layout.items() if re.fullmatch(r"[xy]axis\d*", axis)}
        assert axes
        for axis, settings in axes.items():
            assert len(settings["range"]) == 2 and "autorange" not in settings, axis

    @pytest.mark.parametrize(("name", "make"), ALL)
    def test_carry_their_own_look(self, name, make):
        figure = make()
        assert figure.layout.template.layout.plot_bgcolor == theme.PAPER[0]
        assert figure.layout.height > 0
        assert isinstance(figure.layout.meta["cursor"], bool)
        assert figure.layout.title.text is None, "the question above it is the title"

    @pytest.mark.parametrize(("name", "make"), ALL)
    def test_are_the_same_each_time(self, name, make):
        assert make().to_json() == make.__wrapped__().to_json()

    @pytest.mark.parametrize(("T", "H"), [(2, 1), (2, 64), (500, 1), (500, 64)])
    def test_build_at_every_size(self, T, H):
        for cell in CELLS:
            for make in figures(Experiment(cell=cell, T=T, H=H)).values():
                strict(make())

    @pytest.mark.parametrize(("name", "make"), ALL)
    def test_time_axes_agree(self, name, make):
        """One step is one vertical line through the whole page."""
        layout = make().layout
        if not layout.meta["cursor"]:
            return
        margin = theme.MARGIN | {side: at for side, at in layout.margin.to_plotly_json().items()}
        assert (margin["l"], margin["r"]) == (theme.MARGIN["l"], theme.MARGIN["r"])
        for axis in make().select_xaxes():
            assert list(axis.range) == [0.5, 12.5] and axis.domain in (None, (0, 1))


def strict(figure) -> dict:
    """The figure's JSON as a browser reads it: no NaN, no Infinity."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(figure.to_json(), parse_constant=refuse)


class TestOverflow:
    """A network that explodes is a result: every figure shows it, and none breaks."""

    @pytest.mark.parametrize(
        "make",
        [
            lambda trace: heatmaps(trace, ["h"], key),
            lambda trace: unit_lines(trace, ["h"], 1, key),
            lambda trace: gradients({"rnn_relu": np.array([np.nan, np.inf, 300, 0])}, range(3, 4), key),
        ],
        ids=["heatmaps", "unit_lines", "gradients"],
    )
    def test_still_builds(self, make):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            strict(make(exploding()))

    def test_heatmap_keeps_what_is_not_finite(self):
        data = strict(heatmaps(exploding(), ["h"], key))["data"][0]
        np.testing.assert_array_equal(values(data["z"]), exploding()["h"][:, 0].T)
        assert 1 < data["zmax"] < np.inf and data["zmin"] == -data["zmax"]

    def test_the_page_can_make_one(self):
        """Own numbers, three layers and a high gain overflow within the bounds of the settings."""
        e = Experiment(
            cell="rnn", activation="relu", input="own", numbers=(1e6,) * 500, T=500, H=8, layers=3, gain=4,
            scheme="identity",
        )  # fmt: skip
        p = perform(e)
        assert not np.isfinite(p.trace["h"]).all()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for make in figures(e).values():
                strict(make())


class TestHeatmaps:
    @every_experiment
    def test_one_panel_a_quantity_with_its_numbers(self, experiment):
        trace = perform(experiment).trace
        figure = heatmaps(trace, quantities(trace), key)
        assert [panel.name for panel in figure.data] == quantities(trace)
        for panel in figure.data:
            assert panel.type == "heatmap"
            np.testing.assert_array_equal(panel.z, trace[panel.name][:, 0].T.astype(np.float32))
            assert (panel.x0, panel.dx, panel.y0, panel.dy) == (1, 1, 1, 1), "steps and units count from 1"
            assert panel.z.dtype == np.float32 and panel.z.flags.c_contiguous

    @every_experiment
    def test_scales_are_fixed_by_the_quantity(self, experiment):
        trace = perform(experiment).trace
        for panel in heatmaps(trace, quantities(trace), key).data:
            wanted = trace.cell.ranges(trace.options).get(panel.name)
            if wanted:
                assert (panel.zmin, panel.zmax) == wanted
            else:
                assert panel.zmax == -panel.zmin == theme.symmetric_limit(np.abs(panel.z).max())
            colours = theme.gate_scale(panel.name) if panel.zmin == 0 else theme.signed_scale()
            assert [list(stop) for stop in panel.colorscale] == colours

    def test_two_networks_have_the_same_scale(self):
        one, other = (heatmaps(of("lstm", gain=gain), ["f", "g", "c", "h"], key) for gain in (0.1, 4))
        for left, right in zip(one.data, other.data, strict=True):
            if left.name != "c":
                assert (left.zmin, left.zmax) == (right.zmin, right.zmax)

    @by_cell
    def test_panels_do_not_overlap(self, cell):
        trace = of(cell)
        figure = heatmaps(trace, quantities(trace), key)
        domains = [axis.domain for axis in figure.select_yaxes()]
        assert len(domains) == len(quantities(trace))
        for upper, lower in itertools.pairwise(domains):
            assert lower[1] <= upper[0]
        assert domains[0][1] <= 1 and domains[-1][0] >= 0
        heights = [high - low for low, high in domains]
        np.testing.assert_allclose(heights, heights[0], rtol=0.01)
        assert list(figure.layout.meta["units"]) == [panel.yaxis for panel in figure.data]

    def test_names_its_panels(self):
        figure = heatmaps(of("gru"), ["r", "z", "n", "h"], key)
        names = [re.sub("<span.*</span> ", "", a.text) for a in figure.layout.annotations]
        assert [name.strip() for name in names] == [f"[panel.{q}]" for q in "rznh"]
        assert [a.font.color for a in figure.layout.annotations] == [theme.text_colour(q) for q in "rznh"]
        assert "[axis.step]" in said(figure) and "[axis.unit]" in said(figure)

    def test_shows_the_scale_of_each_panel(self):
        """Its lowest number, its colours in order, its highest number."""
        for panel, name in zip((figure := heatmaps(of("lstm"), ["f", "c"], key)).data, figure.layout.annotations):
            scale = re.search(r"<span[^>]*>(\S+) (.*) (\S+)</span>", name.text)
            low, high = (float(scale[k].replace("−", "-")) for k in (1, 3))
            colours = [colour for _, colour in panel.colorscale]
            assert (low, high) == (panel.zmin, panel.zmax)
            assert re.findall("#[0-9a-f]{6}", scale[2]) == colours[:: (len(colours) - 1) // 4]


class TestUnitLines:
    @every_experiment
    @pytest.mark.parametrize("unit", [1, 4])
    def test_one_line_a_quantity_with_its_numbers(self, experiment, unit):
        trace = perform(experiment).trace
        figure = unit_lines(trace, quantities(trace), unit, key)
        assert [line.name for line in figure.data] == [f"[symbol.{q}]" for q in quantities(trace)]
        for line, q in zip(figure.data, quantities(trace), strict=True):
            np.testing.assert_array_equal(line.y, trace[q][:, 0, unit - 1].astype(np.float32))
            np.testing.assert_array_equal(line.x, np.arange(1, 13))
            assert {k: line.line[k] for k in ("color", "dash", "width")} == theme.line(q)
            assert line.mode == "lines"

    def test_limits_are_printed_ones(self):
        assert list(unit_lines(of("lstm"), ["f", "h"], 1, key).layout.yaxis.range) == [-1.05, 1.05]
        trace = of("rnn", activation="relu", gain=4, scheme="identity")
        largest = np.abs(trace["h"][:, 0, 0]).max()
        for unit in (1, 2):
            largest = np.abs(trace["h"][:, 0, unit - 1]).max()
            limit = theme.symmetric_limit(largest)
            assert list(unit_lines(trace, ["h"], unit, key).layout.yaxis.range) == [-1.05 * limit, 1.05 * limit]

    def test_a_large_c_does_not_flatten_the_gates(self):
        trace = perform(Experiment(input="impulse", forget_bias=6, T=500)).trace
        figure = unit_lines(trace, quantities(trace), 1, key)
        assert {line.name: line.yaxis for line in figure.data if line.yaxis != "y"} == {"[symbol.c]": "y2"}
        assert list(figure.layout.yaxis.range) == [-1.05, 1.05]
        limit = theme.symmetric_limit(trace["c"][:, 0, 0])
        assert limit > 1 and list(figure.layout.yaxis2.range) == [-1.05 * limit, 1.05 * limit]


class TestSaturation:
    @pytest.mark.parametrize("cell", ["lstm", "gru"])
    def test_shares_upwards_and_downwards(self, cell):
        trace = of(cell, T=30, H=32, gain=3)
        gates = bounded(trace)
        figure = saturation(trace, gates, key)
        lines = figure.data[len(gates) :]
        assert len(lines) == 2 * len(gates)
        for k, gate in enumerate(gates):
            shut, opened = saturated(trace[gate][:, 0])
            above, below = lines[2 * k : 2 * k + 2]
            np.testing.assert_allclose(above.y, 100 * opened, rtol=1e-6)
            np.testing.assert_allclose(below.y, -100 * shut, rtol=1e-6)
            for line, share, kind in ((above, opened, "open"), (below, shut, "shut")):
                np.testing.assert_allclose(line.customdata, 100 * share, rtol=1e-6)
                assert line.name == f"[symbol.{gate}] [saturation.{kind}]"
                assert line.line.color == theme.hue(gate) and line.line.dash == theme.line(gate)["dash"]
        assert list(figure.layout.yaxis.range) == [-105, 105]
        assert "[saturation.open_side]" in said(figure) and "[saturation.shut_side]" in said(figure)
        assert "[axis.saturation]" in said(figure)

    def test_legend_names_each_gate_once(self):
        figure = saturation(of("lstm"), ["i", "f", "o"], key)
        named = [line for line in figure.data if line.showlegend is not False]
        assert [line.name for line in named] == [f"[symbol.{gate}]" for gate in "ifo"]
        for one in named:  # it stands for both lines, and hides both
            assert [line.legendgroup for line in figure.data].count(one.legendgroup) == 3
            assert {line.line.dash for line in figure.data if line.legendgroup == one.legendgroup} == {one.line.dash}


class TestHalfLife:
    @pytest.mark.parametrize("cell", ["lstm", "gru"])
    @pytest.mark.parametrize("unit", [1, 9])
    def test_one_unit_among_all(self, cell, unit):
        trace = of(cell, T=30, H=11)
        figure = half_life(trace, unit, key)
        lives = half_lives(trace)[:, 0]
        high, median, low, own = (line.y for line in figure.data)
        np.testing.assert_allclose(own, lives[:, unit - 1], rtol=1e-6)
        np.testing.assert_allclose(median, np.median(lives, axis=1), rtol=1e-6)
        ordered = np.sort(lives, axis=1)  # of 11 units the second and the tenth bound the middle 80 %
        np.testing.assert_allclose((low, high), (ordered[:, 1], ordered[:, 9]), rtol=1e-6)
        assert [line.line.color for line in figure.data] == [theme.hue(trace.cell.keep)] * 4
        assert len({(line.line.dash, line.line.width) for line in figure.data}) == 3

    def test_axis_is_logarithmic_and_says_so(self):
        figure = half_life(of("lstm"), 1, key)
        assert figure.layout.yaxis.type == "log" and list(figure.layout.yaxis.range) == [-1, 3]
        assert figure.layout.yaxis.title.text == "[axis.half_life]"

    @pytest.mark.parametrize("value", [1e6, -1e6])
    def test_a_gate_pushed_to_its_end_still_builds(self, value):
        p = perform(Experiment(input="own", numbers=(value, value), T=4, H=8))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            strict(half_life(p.trace, 1, key))


class TestGradients:
    E = Experiment(T=60, H=8, input="sine")

    def test_the_axis_holds_what_explodes_and_what_vanishes(self):
        assert gradients(curves(self.E), self.E.steps_with_loss, key).layout.yaxis.range[1] == 5
        rows = {"rnn_relu": np.array([148.0, 70, 0]), "rnn_sigmoid": np.array([-np.inf, -31, 0])}
        layout = gradients(rows, range(2, 3), key).layout
        low, high = layout.yaxis.range
        assert low <= -31 and high >= 148 and high % 10 == 0
        assert "[band.exploding]" in [note.text for note in layout.annotations]

    def test_one_line_a_network_with_its_numbers(self):
        wanted = curves(self.E)
        figure = gradients(wanted, self.E.steps_with_loss, key)
        lines = [line for line in figure.data if line.mode == "lines"]
        assert [line.name for line in lines] == [f"[network.{name}]" for name in wanted]
        for line, name in zip(lines, wanted, strict=True):
            np.testing.assert_allclose(line.y, wanted[name], rtol=1e-6, atol=1e-6)
            np.testing.assert_array_equal(line.x, np.arange(1, 61))
            (colour, _), dash, width = theme.NETWORKS[name]
            assert (line.line.color, line.line.dash, line.line.width) == (colour, dash, width)

    @pytest.mark.parametrize(("deepest", "low"), [(-3, -20), (-20, -20), (-20.5, -30), (-84, -100), (-420, -500)])
    def test_the_axis_reads_as_powers_of_ten_and_ends_where_the_deepest_fits(self, deepest, low):
        axis = gradients({"lstm": np.array([-np.inf, deepest, 0.0])}, range(2, 3), key).layout.yaxis
        assert axis.type is None and list(axis.range) == [low, 5] and axis.title.text == "[axis.gradient]"
        assert list(axis.ticktext) == [ten_to(at) for at in axis.tickvals] and "0" not in axis.ticktext
        assert axis.tickvals[0] >= low and axis.tickvals[-1] <= 5 and len(axis.tickvals) >= 3

    def test_where_floats_end_is_marked(self):
        """Half of the smallest number of each kind is 0; the lines lie there, and only within the axis."""
        figure = gradients({"rnn_sigmoid": np.array([-420.0, 0])}, range(1, 2), key)
        ends = sorted(shape.y0 for shape in figure.layout.shapes if shape.type == "line" and shape.y0 == shape.y1)
        smallest = (np.finfo(np.float64).smallest_subnormal, np.finfo(np.float32).smallest_subnormal)
        np.testing.assert_allclose(ends, np.log10(np.array(smallest, float)), rtol=1e-6)
        shallow = gradients({"lstm": np.array([-3.0, 0])}, range(1, 2), key)
        assert "[gradient.ends]" in said(figure) and "[gradient.ends]" not in said(shallow)

    def test_the_axis_of_time_also_counts_from_the_loss(self):
        axis = gradients(curves(self.E), self.E.replace(loss="50").steps_with_loss, key).layout.xaxis
        for at, text in zip(axis.tickvals, axis.ticktext):
            assert text == f"{at}<br>{50 - at if at <= 50 else ''}"

    def test_bands_are_those_of_the_measures(self):
        figure = gradients(curves(self.E.replace(gain=2)), self.E.steps_with_loss, key)
        bands = {s.fillcolor: (s.y0, s.y1) for s in figure.layout.shapes if s.type == "rect"}
        assert len(bands) == 4
        edges = {name: bands[theme.BANDS[name][0]] for name in theme.BANDS}
        np.testing.assert_allclose(edges["alive"], (-1, 3))
        np.testing.assert_allclose(edges["shrinking"], (-6, -1))
        assert edges["dead"][0] < -20_000 and edges["dead"][1] == pytest.approx(-6)
        assert edges["exploding"][0] == pytest.approx(3) and edges["exploding"][1] > 1000
        shallow = gradients({"lstm": np.array([-3.0, 0])}, range(1, 2), key)
        for name in theme.BANDS:
            assert f"[band.{name}]" in said(shallow)

    @pytest.mark.parametrize(
        ("loss", "at", "text"), [("last", 60, "here"), ("7", 7, "here"), ("1", 1, "here"), ("all", 60, "all")]
    )
    def test_the_loss_is_marked(self, loss, at, text):
        e = self.E.replace(loss=loss)
        figure = gradients(curves(e), e.steps_with_loss, key)
        [line] = [s for s in figure.layout.shapes if s.type == "line" and s.x0 == s.x1]
        assert line.x0 == at or loss == "all"
        assert f"[gradient.loss_{text}]" in said(figure)
        assert f"[gradient.loss_{'all' if text == 'here' else 'here'}]" not in said(figure)

    @by_cell
    def test_does_not_depend_on_the_cell_chosen(self, cell):
        figure = gradients(curves(self.E.replace(cell=cell)), self.E.steps_with_loss, key)
        assert figure.to_json() == gradients(curves(self.E), self.E.steps_with_loss, key).to_json()
        assert len(figure.data) == len(rivals(self.E)) + 1


def test_layers_of_a_stack_draw_their_own_numbers():
    trace = of("lstm", layers=3)
    tops = [unit_lines(layer, ["h"], 1, key).data[0].y for layer in trace.layers]
    assert not np.array_equal(tops[0], tops[2])
