"""Measures against numbers worked out another way."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from explorer import measures
from explorer.measures import depth, dies, half_life, norm, norms, overflow, saturation
from tests.engine_cases import every_case, network, pinned


class TestNorm:
    @given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=9))
    def test_is_euclidean(self, numbers):
        np.testing.assert_allclose(norm(np.array(numbers)), math.hypot(*numbers), rtol=1e-14)

    def test_is_taken_over_the_units(self):
        array = np.random.default_rng(0).standard_normal((7, 3, 5))
        np.testing.assert_allclose(norm(array), np.linalg.norm(array, axis=-1), rtol=1e-14)

    @pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-200, 1e-160, 1, 1e160, 1e200, 1e307])
    def test_neither_vanishes_nor_overflows_when_squared(self, scale):
        digits = 1e-3 if scale < 1e-300 else 1e-14  # a subnormal number has few: 3e-320 is known to 2e-4
        np.testing.assert_allclose(norm(scale * np.array([3.0, -4.0])), 5 * scale, rtol=digits)

    def test_mixed_sizes_keep_the_largest(self):
        assert norm(np.array([1e-200, 1e200])) == 1e200

    def test_of_nothing_is_zero(self):
        assert norm(np.zeros(4)) == 0

    def test_what_is_not_finite_stays_so(self):
        assert norm(np.array([1, np.inf])) == np.inf
        assert norm(np.array([1, -np.inf])) == np.inf
        assert np.isnan(norm(np.array([1, np.nan])))
        assert norm(np.array([[1.0, np.inf], [3.0, 4.0]]))[1] == 5

    def test_norms_are_named(self):
        trace = network("lstm", {}).run()
        measured = norms(trace.values)
        assert set(measured) == set(trace.values)
        np.testing.assert_allclose(measured["c"], np.linalg.norm(trace["c"], axis=-1), rtol=1e-14)
        assert measured["c"].shape == (trace.T, trace.B)


class TestSaturation:
    # steps × units; 0.1 and 0.9 themselves are neither shut nor open
    GATE = np.array([[0.05, 0.1, 0.5, 0.9], [0.95, 0.91, 0.0999, 1.0], [0.5, 0.5, 0.5, 0.5]])

    def test_counts_units_of_a_step(self):
        shut, opened = saturation(self.GATE)
        assert list(shut) == [0.25, 0.25, 0] and list(opened) == [0, 0.75, 0]

    def test_counts_steps_of_a_unit(self):
        shut, opened = saturation(self.GATE, axis=0)
        np.testing.assert_allclose(shut, [1 / 3, 0, 1 / 3, 0])
        np.testing.assert_allclose(opened, [1 / 3, 1 / 3, 0, 1 / 3])

    def test_thresholds_are_those_of_the_paper(self):
        assert (measures.SHUT, measures.OPEN) == (0.1, 0.9)


def kept(bias, cell="lstm", options=None):
    """A trace whose keeping gate is held at σ(bias)."""
    options = options or {}
    gate = {"lstm": "f", "gru": "z"}[cell]
    return pinned(cell, options, {gate: bias}, weights=0.1, T=2, B=1, H=1).run()


def exact(a) -> float:
    """ln ½ / ln σ(a), with more digits than e⁻⁷⁰⁰ has zeros."""
    with mpmath.workdps(400):
        return float(mpmath.log(0.5) / -mpmath.log(1 + mpmath.exp(-mpmath.mpf(float(a)))))


class TestHalfLife:
    @pytest.mark.parametrize("a", [-700, -30, -5, -1, 0, 0.5, 1, 3, 5, 20, 37, 40, 100, 700])
    def test_is_the_exact_one_even_where_f_rounds_to_1(self, a):
        trace = kept(a)
        assert (trace["f"] == 1).all() == (a >= 37)
        np.testing.assert_allclose(half_life(trace)[:, 0, 0], exact(a), rtol=1e-12)

    @pytest.mark.parametrize(("f", "steps"), [(0.5, 1), (0.9, 6.5788), (0.99, 68.9676), (0.25, 0.5)])
    def test_by_hand(self, f, steps):
        np.testing.assert_allclose(half_life(kept(np.log(f / (1 - f)))), steps, rtol=1e-4)

    @pytest.mark.parametrize("z_keeps", [True, False])
    def test_follows_the_label_of_z(self, z_keeps):
        options = {"reset_after": True, "z_keeps": z_keeps}
        np.testing.assert_allclose(half_life(kept(3, "gru", options)), exact(3 if z_keeps else -3), rtol=1e-12)

    def test_is_one_a_unit_and_step(self):
        trace = network("lstm", {}, T=4, B=2, H=3).run()
        lives = half_life(trace)
        assert lives.shape == (4, 2, 3)
        np.testing.assert_allclose(lives, np.log(0.5) / np.log(trace["f"]), rtol=1e-9)

    def test_of_a_gate_without_end_is_without_end(self):
        for a in (1e6, 720):  # ln σ(720) is a subnormal number, and ln ½ over it is beyond all floats
            assert (half_life(kept(a)) == np.inf).all()
        np.testing.assert_allclose(half_life(kept(-1e6)), np.log(2) / 1e6)

    def test_an_rnn_has_none(self):
        with pytest.raises(ValueError, match="rnn has no gate that keeps"):
            half_life(network("rnn", {"activation": "tanh"}).run())


class TestDepth:
    @pytest.mark.parametrize(
        ("gradient", "steps"),
        [
            ([1, 1, 1, 1], None),
            ([1e-7, 1e-3, 1e-1, 1], 3),
            ([1e-9, 1e-8, 1e-7, 1], 1),
            ([1e-6, 1, 1, 1], 3),  # at the threshold is dead
            ([1, 1e-7, 1, 1], 2),  # the first fall seen from the loss
            ([1e-7, 1, 1, 0], 2),  # the loss sits at step 3; what follows it carries none
            ([1e-9, 1, 0, 0], 1),
            ([0, 0, 1e-3, 1], 2),
            ([np.inf, 1e3, 1], None),
            ([1e-9], 0),
        ],
    )
    def test_by_hand(self, gradient, steps):
        assert depth(np.array(gradient, float)) == steps

    def test_takes_another_threshold(self):
        assert depth(np.array([1e-4, 1e-3, 1e-2, 1]), 1e-2) == 1
        assert depth(np.array([1e-4, 1e-3, 1e-2, 1]), 1e-4) == 3

    def test_bands_are_in_order(self):
        assert (measures.DEAD, measures.ALIVE, measures.EXPLODING) == (1e-6, 1e-1, 1e3)


class TestOverflow:
    @every_case
    def test_of_a_calm_network_is_none(self, cell, options):
        assert overflow(network(cell, options).run()) is None

    def test_names_the_first_step(self):
        net = pinned("rnn", {"activation": "relu"}, {}, weights=0, T=50, B=1, H=2)
        net.params[0]["weight_hh"][...] = np.eye(2) * 1e10
        net.params[0]["weight_ih"][...] = 1
        net.x[...], net.state[0]["h"][...] = 1, 0
        # h grows by 10¹⁰ a step: 3·10^(10(t−1)) is last finite at t = 31
        assert overflow(net.run()) == 32


class TestDies:
    def test_is_the_depth_of_what_floats_cannot_hold(self):
        assert dies(np.array([-900.0, -400, -5, 0])) == 2
        assert dies(np.array([-900.0, -400, -5, 0]), 1e-300) == 2
        assert dies(np.array([-3.0, -2, -1, 0])) is None

    @pytest.mark.parametrize("gradient", [[1e-7, 1, 1, 0], [0, 0, 1e-3, 1], [np.inf, 1e3, 1], [1e-9]])
    def test_agrees_with_the_depth_of_the_norms(self, gradient):
        gradient = np.array(gradient, float)
        with np.errstate(divide="ignore"):
            assert dies(np.log10(gradient)) == depth(gradient)
