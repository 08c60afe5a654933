"""The laboratory's figures by their data: what is drawn is what was measured, marks stand where they should."""

import numpy as np
import pytest

from explorer import Experiment, all_pairs, perform
from explorer.cells import CELLS
from explorer.figures import theme
from explorer.figures.gradients import gradients as bare_gradients
from explorer.figures.ruler import MARKS, marks
from explorer.fixed_points import FixedPoint
from explorer.numerals import ten_to
from explorer.paths import GATES
from explorer.scaled import Scaled
from explorer.ui.laboratory import numbers
from tests.figure_cases import (
    bracket,
    clipping,
    cloud,
    curves,
    eigenvalues,
    factors,
    gradients,
    key,
    maps,
    matrix,
    plane,
    reach,
    roads,
    ruler,
    shares,
    spectrum,
)

E = Experiment(T=40, H=6)


def by_name(figure) -> dict:
    """The drawn lines with a name."""
    return {line.name: line for line in figure.data if line.name}


def uprights(figure) -> list[float]:
    return sorted(s.x0 for s in figure.layout.shapes if s.type == "line" and s.x0 == s.x1)


def test_several_draws_are_a_pale_band_from_lowest_to_highest():
    found = numbers.compared(E, "units")
    figure = gradients(found.curves, E.steps_with_loss, key, spread=found.spread)
    bands = [line for line in figure.data if line.fill == "toself"]
    assert len(bands) == len(found.spread) == 6
    for band, rows in zip(bands, found.spread.values()):
        np.testing.assert_allclose(band.y[:40], rows[0], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(band.y[40:], rows[1][::-1], rtol=1e-6, atol=1e-6)
        assert band.opacity < 0.3 and band.meta["drawing"], "no second copy of the numbers in the CSV"


def test_a_bracket_stands_on_the_axis_over_its_window():
    figure = bracket(bare_gradients(curves(E), E.steps_with_loss, key), 31, 40, "10")
    [path] = [shape.path for shape in figure.layout.shapes if shape.type == "path"]
    corners = [tuple(map(float, corner[1:].split(","))) for corner in path.split()]
    low = figure.layout.yaxis.range[0]
    assert [x for x, _ in corners] == [30.6, 30.6, 40.4, 40.4]
    assert corners[1][1] == corners[2][1] == low < corners[0][1] == corners[3][1]


def test_factors_add_up_from_the_loss_backwards():
    slopes, weights = np.array([-9.0, -0.1, -0.2, np.nan]), np.array([-9.0, 0.4, -0.3, np.nan])
    lines = by_name(factors(slopes, weights, key))
    np.testing.assert_allclose(lines["[factor.slopes]"].y[:3], [-9.3, -0.3, -0.2], rtol=1e-6)
    np.testing.assert_allclose(lines["[factor.both]"].y[:3], [-17.9 - 0.3, -0.2, -0.5], rtol=1e-5)
    np.testing.assert_allclose(lines["[factor.weights_step]"].y[:3], weights[:3], rtol=1e-6)
    assert all(np.isnan(line.y[3]) for line in lines.values()), "after the loss nothing is multiplied"
    assert lines["[factor.slopes_step]"].yaxis == "y2" and lines["[factor.slopes]"].yaxis in (None, "y")


@pytest.mark.parametrize("cell", CELLS)
def test_the_cloud_holds_every_singular_value(cell):
    steps, logs = numbers.step_spectra(E.replace(cell=cell))
    figure = cloud(steps, logs, E.T, key)
    points, largest, _ = figure.data
    np.testing.assert_allclose(np.reshape(points.y, logs.shape), logs, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.reshape(points.x, logs.shape)[:, 0], list(steps))
    np.testing.assert_allclose(largest.y, logs.max(axis=1), rtol=1e-5, atol=1e-6)
    assert [shape.y0 for shape in figure.layout.shapes] == [0], "the line at 1"


class TestRoads:
    split = numbers.split(E)

    def test_each_road_is_a_line_and_a_band_down_to_the_axis(self):
        figure = roads(self.split, E.T, key)
        lines = by_name(figure)
        for name in ("direct", "rest", "whole"):
            wanted = getattr(self.split, name)[1:]
            np.testing.assert_allclose(lines[f"[road.{name}]"].y, wanted, rtol=1e-5, atol=1e-6)
        bands = [line for line in figure.data if line.fill == "toself"]
        assert len(bands) == 2
        for band, name in zip(bands, ("direct", "rest")):
            low = figure.layout.yaxis.range[0]
            np.testing.assert_allclose(
                band.y[:40], np.maximum(getattr(self.split, name)[1:], low), rtol=1e-5, atol=1e-6
            )
            assert set(band.y[40:]) == {low}

    @pytest.mark.parametrize("names", [("direct", "rest"), GATES])
    def test_shares_add_up_to_all(self, names):
        figure = shares(self.split, names, E.T, key)
        total = np.sum([line.y for line in figure.data], axis=0)
        np.testing.assert_allclose(total[:-1], 100, rtol=1e-4)
        assert len(figure.data) == len(names)


class TestRuler:
    def test_a_bar_reaches_back_by_its_half_life(self):
        lives = np.array([5.0, 1.0, 400.0, 12.5])
        figure = ruler(lives, 8.0, "f", 90, 100, (1, "clue"), key)
        bars, shown = figure.data
        ends = np.reshape(bars.x, (4, 3))
        np.testing.assert_allclose(ends[:, 0], [89, 85, 77.5, 0.5])
        assert set(ends[:, 1]) == {90} and np.isnan(ends[:, 2]).all()
        assert list(bars.text[::3]) == ["2", "1", "4", "3"], "which unit it is"
        assert list(shown.x) == [82, 90]
        assert 1 in uprights(figure) and "clue" in " ".join(note.text for note in figure.layout.annotations)

    def test_its_marks_are_where_f_says(self):
        """f = 0.5 remembers one step, 0.99 remembers 69."""
        at = dict(marks(100))
        assert at[0.5] == pytest.approx(99) and round(100 - at[0.99]) == 69
        assert set(at) == {f for f in MARKS if np.log(0.5) / np.log(f) <= 99.5}
        figure = ruler(np.ones(3), 1.0, "f", 100, 100, None, key)
        named = {float(note.text): note.x for note in figure.layout.annotations}
        assert named == pytest.approx({f: at[f] for f in named}) and {0.5, 0.95, 0.99} <= set(named)
        np.testing.assert_allclose(uprights(figure), sorted(named.values()))

    @pytest.mark.parametrize(("gradient", "begin"), [(np.inf, 0.5), (0.0, 50), (1e9, 0.5)])
    def test_a_gradient_without_a_half_life_is_drawn_to_its_end(self, gradient, begin):
        assert ruler(np.ones(2), gradient, "f", 50, 60, None, key).data[1].x[0] == begin


class TestReach:
    logs = all_pairs(perform(E).trace)

    def test_k_goes_right_and_t_up(self):
        [picture] = reach(self.logs, 1, key).data
        np.testing.assert_allclose(picture.z[29, 9], self.logs[30, 10], rtol=1e-6)
        assert (picture.x0, picture.y0, picture.dx, picture.dy) == (1, 1, 1, 1)
        assert np.isnan(picture.z[9, 29]), "no step feels a later one"

    def test_a_thinned_grid_says_where_its_rows_are(self):
        thin = all_pairs(perform(E).trace, every=7)
        [picture] = reach(thin, 7, key).data
        assert (picture.y0, picture.dy) == (5, 7) and len(picture.z) == 6
        np.testing.assert_allclose(picture.z[2, :10], self.logs[19, 1:11], rtol=1e-5)

    def test_the_floor_and_the_top_are_written_beside_the_colours(self):
        figure = reach(self.logs, 1, key)
        [picture], [note] = figure.data, figure.layout.annotations
        assert f"≤ {ten_to(picture.zmin)}" in note.text and f"≥ {ten_to(picture.zmax)}" in note.text

    def test_a_matrix_far_below_floats_is_drawn_by_its_largest_entry(self):
        entries = np.array([[1.0, -2.0], [0.5, 4.0]])
        [cells] = matrix(Scaled(entries, -5000), key).data
        np.testing.assert_allclose(cells.z, entries / 4)
        assert (cells.zmin, cells.zmax) == (-1, 1)
        [nothing] = matrix(Scaled(np.zeros((2, 2)), 0), key).data
        assert not np.any(nothing.z)

    def test_singular_values_below_floats_stay_numbers(self):
        figure = spectrum(np.array([-400.0, -800.0, -np.inf]), key)
        assert list(figure.data[0].y[:2]) == [-400, -800] and figure.layout.yaxis.range[0] == -1000
        assert figure.layout.yaxis.ticktext[0] == "10⁻¹⁰⁰⁰"


def test_maps_are_one_panel_a_loss_on_one_scale():
    losses = {name: E.replace(loss=loss) for name, loss in (("all", "all"), ("last", "last"), ("step", "9"))}
    logs = {name: numbers.deep(e).log10("h")[:, 0] for name, e in losses.items()}
    figure = maps(logs, {name: e.steps_with_loss for name, e in losses.items()}, key)
    for panel, name in zip(figure.data, logs, strict=True):
        assert panel.name == f"[wiring.{name}]"
        grads = np.abs(perform(losses[name]).grads.state["h"][:, 0].T)
        np.testing.assert_allclose(10.0**panel.z, grads, rtol=1e-4)
    assert len({(panel.zmin, panel.zmax) for panel in figure.data}) == 1
    assert uprights(figure) == [9, 40], "the one loss of a panel is marked"


def test_clipping_cuts_at_the_line_and_lifts_nothing():
    logs = np.linspace(-5, 15, len(numbers.GAINS))
    figure = clipping(numbers.GAINS, {"lstm": logs}, 1.5, 1.0, key)
    free, cut = figure.data
    np.testing.assert_allclose(free.y, logs, rtol=1e-6)
    np.testing.assert_allclose(cut.y, np.minimum(logs, 1.5), rtol=1e-6)
    assert figure.layout.meta["handle"]["value"] == 1.5
    np.testing.assert_allclose(free.x, numbers.GAINS, rtol=1e-6)


class TestPlane:
    E = Experiment(cell="rnn", H=2, T=20, scheme="identity", gain=1.5)
    found = numbers.portrait(E, 7)

    def draw(self):
        p = self.found
        return plane(p.plane, p.limit, p.states, 7, p.flow, p.points, key)

    def test_the_path_is_the_run(self):
        lines, h = by_name(self.draw()), perform(self.E).trace["h"][:, 0]
        np.testing.assert_allclose(lines["[plane.path]"].x, h[:, 0], rtol=1e-6)
        np.testing.assert_allclose(lines["[plane.path]"].y, h[:, 1], rtol=1e-6)
        assert (lines["t = 7"].x[0], lines["t = 7"].y[0]) == pytest.approx(tuple(h[6]), rel=1e-6)

    def test_fixed_points_are_told_apart_by_shape_and_colour(self):
        lines = by_name(self.draw())
        attract, other = lines["[plane.attractor]"], lines["[plane.other]"]
        assert (len(attract.x), len(other.x)) == (4, 5)
        assert attract.marker.symbol != other.marker.symbol and attract.marker.color != other.marker.color

    def test_arrows_point_where_the_step_goes(self):
        figure = self.draw()
        heads = next(line for line in figure.data if line.marker.symbol == "triangle-up")
        x, y = self.found.flow.T
        np.testing.assert_allclose(np.radians(heads.marker.angle), np.arctan2(x, y), atol=1e-6)  # clockwise from up
        grid = numbers.grid(self.found.limit)
        drawn = np.stack([heads.x, heads.y], axis=1) - grid
        along = np.einsum("nd,nd->n", drawn, self.found.flow)
        moved = np.linalg.norm(self.found.flow, axis=1) > 1e-4
        sizes = np.linalg.norm(drawn, axis=1) * np.linalg.norm(self.found.flow, axis=1)
        np.testing.assert_allclose(along[moved], sizes[moved], rtol=1e-3)

    def test_eigenvalues_stand_beside_the_circle_of_size_1(self):
        point = FixedPoint(np.zeros(2), 0.0, np.array([0.6 + 0.9j, 0.6 - 0.9j]))
        circle, dots = eigenvalues([point], key).data
        np.testing.assert_allclose(np.hypot(circle.x, circle.y), 1, rtol=1e-6)
        np.testing.assert_allclose(dots.x, 0.6, rtol=1e-6)
        np.testing.assert_allclose(sorted(dots.y), [-0.9, 0.9], rtol=1e-6)
        assert eigenvalues([], key).data[0].name == "|λ| = 1"


@pytest.mark.parametrize(
    ("logs", "low"), [([-3.0], -5), ([-5.1], -10), ([-321, -np.inf], -500), ([np.nan], -5), ([2.0], -5)]
)
def test_the_floor_of_an_axis_is_one_of_a_few(logs, low):
    assert theme.floor(np.array(logs)) == low


@pytest.mark.parametrize(("largest", "limit"), [(0.03, 0.1), (0.1, 0.1), (0.43, 0.5), (0.51, 1), (3, 5), (1234, 2000)])
def test_a_plane_is_as_large_as_it_must_be(largest, limit):
    assert theme.bounds(np.array([[-largest, np.inf]])) == pytest.approx(limit)


@pytest.mark.parametrize(("low", "high"), [(-20, 5), (-50, 5), (-100, 5), (-1000, 5), (-5, 3), (-8, 12)])
def test_powers_of_ten_are_few_and_round(low, high):
    axis = theme.powers(low, high)
    assert 3 <= len(axis["tickvals"]) <= 7 and 0 in axis["tickvals"]
    assert axis["ticktext"] == [ten_to(at) for at in axis["tickvals"]]
