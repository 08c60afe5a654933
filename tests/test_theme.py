"""Colours: readable, one a quantity, and each with its counterpart in the dark."""

import itertools
import math
import re

import numpy as np
import pytest

from explorer.cells import CELLS
from explorer.figures import theme
from tests.figure_cases import every_figure

LIGHT, DARK = 0, 1
every_theme = pytest.mark.parametrize("dark", [LIGHT, DARK], ids=["light", "dark"])


def linear(colour: str) -> np.ndarray:
    v = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """WCAG 2: 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lightness(colour: str) -> float:
    """OKLab's L (Ottosson 2020), 0 to 1."""
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    return float(np.cbrt(lms @ linear(colour)) @ [0.2104542553, 0.7936177850, -0.0040720468])


class TestContrast:
    def test_is_measured_right(self):
        assert contrast("#000000", "#ffffff") == pytest.approx(21)
        assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)

    @every_theme
    @pytest.mark.parametrize("name", theme.TEXT)
    def test_coloured_text_can_be_read(self, name, dark):
        assert contrast(theme.TEXT[name][dark], theme.PAPER[dark]) >= 4.5

    @every_theme
    def test_ink_can_be_read_everywhere(self, dark):
        for pair in (theme.PAPER, *theme.BANDS.values()):
            assert contrast(theme.INK[dark], pair[dark]) >= 4.5
        assert contrast(theme.FAINT[dark], theme.PAPER[dark]) >= 4.5

    @every_theme
    @pytest.mark.parametrize("band", theme.BANDS)
    def test_the_words_on_a_band_can_be_read(self, band, dark):
        assert contrast(theme.FAINT[dark], theme.BANDS[band][dark]) >= 4.5

    @every_theme
    def test_the_word_at_the_loss_can_be_read(self, dark):
        assert contrast(theme.TEXT["gradient"][dark], theme.BANDS["exploding"][dark]) >= 4.5

    @every_theme
    @pytest.mark.parametrize("name", theme.HUES)
    def test_a_line_can_be_seen(self, name, dark):
        """Okabe and Ito's amber and sky blue are pale on white: 2.2 and 2.3, not the 3 of WCAG 1.4.11.

        That is why a quantity never goes by its colour alone: C and h have the widest lines, the gates a dash.
        """
        ratio = contrast(theme.HUES[name][dark], theme.PAPER[dark])
        assert ratio >= (3 if dark else 1.9)
        if ratio < 3:
            style = theme.line(name)
            assert style["width"] >= 3 or style["dash"] != "solid"

    @every_theme
    @pytest.mark.parametrize("name", theme.NETWORKS)
    def test_a_network_can_be_seen(self, name, dark):
        pair, dash, _ = theme.NETWORKS[name]
        ratio = contrast(pair[dark], theme.PAPER[dark])
        assert ratio >= 1.9
        assert ratio >= 3 or dash != "solid"


class TestOneColourAQuantity:
    def test_gates_of_a_cell_differ_in_colour_and_dash(self):
        for cell in CELLS.values():
            styles = [theme.line(q) for q in dict.fromkeys((*cell.gates, *cell.states))]
            for one, other in itertools.combinations(styles, 2):
                assert one["color"] != other["color"]
                assert (one["dash"], one["width"]) != (other["dash"], other["width"]), "colour alone tells them apart"

    def test_every_quantity_of_every_cell_has_one(self):
        for cell in CELLS.values():
            for q in (*cell.gates, *cell.states):
                assert theme.hue(q) in {pair[LIGHT] for pair in theme.HUES.values()}
                assert theme.text_colour(q) == theme.TEXT[theme.role(q)][LIGHT]

    def test_roles_are_those_of_the_lstm(self):
        assert theme.hue("z") == theme.hue("f") and theme.hue("n") == theme.hue("g")

    def test_text_has_the_hue_of_its_line(self):
        """The angle of the colour in OKLab moves by less than a third of the way to the next hue."""
        for name in theme.HUES:
            _, a, b = theme._oklab(theme.HUES[name][LIGHT])
            _, c, d = theme._oklab(theme.TEXT[name][LIGHT])
            turn = abs(math.remainder(math.atan2(b, a) - math.atan2(d, c), 2 * math.pi))
            assert turn < 0.35, name

    def test_networks_differ_in_dash_or_width(self):
        styles = [(dash, width) for _, dash, width in theme.NETWORKS.values()]
        assert len(set(styles)) == len(styles)

    def test_a_symbol_without_a_colour_says_so(self):
        assert theme.text_colour("W") is None


def pairs():
    """Every light colour of the tables with its dark one."""
    yield from (theme.PAPER, theme.INK, theme.FAINT, theme.GRID, theme.ZERO)
    yield from (*theme.BANDS.values(), *theme.HUES.values(), *theme.TEXT.values())
    yield from (pair for pair, _, _ in theme.NETWORKS.values())
    for light, _ in theme.HUES.values():
        yield from zip(theme.ramp(light), theme.ramp(light, dark=True), strict=True)
    yield from zip(theme.diverging(), theme.diverging(dark=True), strict=True)


class TestInTheDark:
    def test_one_colour_has_one_counterpart(self):
        seen = {}
        for light, dark in pairs():
            assert seen.setdefault(light.lower(), dark.lower()) == dark.lower(), f"{light} stands for two colours"
            assert theme.IN_THE_DARK[light.lower()] == dark.lower()

    def test_all_are_colours(self):
        for light, dark in theme.IN_THE_DARK.items():
            assert re.fullmatch("#[0-9a-f]{6}", light) and re.fullmatch("#[0-9a-f]{6}", dark)

    @pytest.mark.parametrize(("name", "make"), [pytest.param(*case, id=case[0]) for case in every_figure()])
    def test_every_colour_of_every_figure_has_one(self, name, make):
        json = make().to_json()
        colours = {colour.lower() for colour in re.findall(r"#[0-9A-Fa-f]{6}\b", json)}
        assert colours, "a figure has colours"
        assert colours <= set(theme.IN_THE_DARK), colours - set(theme.IN_THE_DARK)
        others = re.findall(r'"(?:rgba?\([^"]*|#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{8}|white|black|gr[ae]y)"', json)
        assert not others, "a colour that no table names stays light in the dark"

    def test_light_is_light_and_dark_is_dark(self):
        assert luminance(theme.PAPER[LIGHT]) > 0.9 > 0.1 > luminance(theme.PAPER[DARK])


class TestRamps:
    @every_theme
    @pytest.mark.parametrize("name", theme.HUES)
    def test_lightness_goes_one_way_in_equal_steps(self, name, dark):
        steps = np.diff([lightness(colour) for colour in theme.ramp(theme.HUES[name][LIGHT], dark=bool(dark))])
        assert (steps > 0).all() if dark else (steps < 0).all()
        np.testing.assert_allclose(steps, steps.mean(), atol=0.02)

    @every_theme
    def test_open_looks_equally_open_in_all_gates(self, dark):
        gates = {q for cell in CELLS.values() for q in cell.gates}
        ends = [lightness(theme.ramp(theme.hue(q), dark=bool(dark))[-1]) for q in gates]
        assert max(ends) - min(ends) < 0.02

    @every_theme
    @pytest.mark.parametrize("name", theme.HUES)
    def test_starts_at_the_page(self, name, dark):
        start = theme.ramp(theme.HUES[name][LIGHT], dark=bool(dark))[0]
        assert start == theme.PAPER[dark]

    @every_theme
    def test_signed_values_are_centred_on_the_page(self, dark):
        colours = theme.diverging(dark=bool(dark))
        middle = len(colours) // 2
        assert len(colours) % 2 == 1 and colours[middle] == theme.PAPER[dark]
        light = np.array([lightness(colour) for colour in colours])
        np.testing.assert_allclose(light, light[::-1], atol=0.02)
        assert (np.diff(light[middle:]) > 0).all() if dark else (np.diff(light[middle:]) < 0).all()

    def test_a_scale_runs_from_0_to_1(self):
        for scale in (theme.signed_scale(), *(theme.gate_scale(q) for q in "ifgo")):
            at = [place for place, _ in scale]
            assert (at[0], at[-1]) == (0, 1) and sorted(at) == at

    def test_the_two_signs_can_be_told_apart_by_the_colour_blind(self):
        """Blue against orange: the blue channel alone, which red-green blindness leaves, tells them apart."""
        negative, positive = theme.diverging()[0], theme.diverging()[-1]
        assert linear(negative)[2] > 3 * linear(positive)[2]


class TestJson:
    """Figures travel as JSON whose arrays are packed, as plotly.js reads them."""

    def test_numbers_have_32_bits_and_lie_side_by_side(self):
        numbers = theme.numbers(np.arange(6.0).reshape(2, 3).T)
        assert numbers.dtype == np.float32 and numbers.flags.c_contiguous
        assert np.isinf(theme.numbers([np.inf, 1])[0]) and theme.numbers([np.inf, 1]).dtype == np.float32

    @pytest.mark.parametrize("number", [1e300, -1e300, 1e-300])
    def test_what_32_bits_cannot_hold_takes_64(self, number):
        numbers = theme.numbers(np.array([[1, 0], [number, 2]]).T)
        assert numbers.dtype == np.float64 and numbers.flags.c_contiguous and number in numbers


@pytest.mark.parametrize(
    ("largest", "limit"),
    [
        (0, 1),
        (0.3, 1),
        (1, 1),
        (1.001, 2),
        (2, 2),
        (2.1, 5),
        (5, 5),
        (5.5, 10),
        (10, 10),
        (10.5, 20),
        (99, 100),
        (120, 200),
        (3e5, 5e5),
        (7e20, 1e21),
        (9e307, 5e307),  # beyond it an axis from −limit to limit would have no width
        (float("inf"), 1),
        (float("nan"), 1),
    ],
)
def test_symmetric_limit(largest, limit):
    assert theme.symmetric_limit([0.5, -largest, math.nan]) == pytest.approx(limit)


@pytest.mark.parametrize("largest", np.geomspace(1, 1e12, 97))
def test_a_limit_holds_what_it_must(largest):
    limit = theme.symmetric_limit([largest])
    assert largest <= limit < 2.51 * max(largest, 1)
    assert f"{limit:e}"[0] in "125"
