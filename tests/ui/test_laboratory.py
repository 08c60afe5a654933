"""The gradient laboratory: every question of every cell opens, only the open one costs, its sentences are true."""

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer import Experiment, all_pairs, jacobian_at, path_split, perform, singular_values
from explorer.cells import CELLS
from explorer.i18n import LANGUAGES, words
from explorer.measures import dies, half_life
from explorer.numerals import magnitude, ten_to, text
from explorer.performing import FAIR, matched, parameter_count, rivals
from explorer.ui.components.packing import unpack
from explorer.ui.laboratory import DRAW, numbers
from explorer.ui.laboratory.reach import _reach
from explorer.ui.laboratory.remedies import starts
from explorer.ui.state import ASKS
from tests.ui.visiting import OVERFLOW, ROOT, SMALL, charts, fine, forget, is_korean, link, pictures, visit, widget

LAB = "gradients"
every_question = pytest.mark.parametrize("ask", ASKS)
every_cell = pytest.mark.parametrize("cell", CELLS)
NAMES = {
    "vanish": ["gradients"],
    "why": ["five", "factors", "cloud"],
    "travel": ["ruler", "roads", "shares", "by_gate"],
    "reach": ["reach", "jacobian", "spectrum"],
    "wiring": ["maps", "wired"],
    "help": ["starts", "clipping", "truncated"],
    "edge": ["edge"],
    "plane": ["plane", "eigenvalues"],
}


def asked(ask, **query) -> dict[str, str]:
    return query | ({"ask": ask} if ask != "vanish" else {})


def alt(name, ask, **query) -> str:
    return charts(visit(LAB, **asked(ask, **query)))[name]["alt"]


class TestEveryQuestion:
    @every_question
    @every_cell
    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_opens_for_every_cell(self, ask, cell, lang):
        query = asked(ask, lang=lang, cell=cell, to="9", **SMALL)
        at = visit(LAB, **query)
        found = charts(at)
        assert list(found) == NAMES[ask] and not at.warning and not at.info
        for chart in found.values():
            assert chart["title"].endswith("?") and chart["alt"].strip()[-1] == "."
            assert bool(re.search("[가-힣]", chart["alt"])) == (lang == "ko") == is_korean(chart["figure"])
            assert not re.search(r"nan|NaN|inf|\bNone\b|[{}]", chart["alt"]), chart["alt"]
        assert link(at) == {k: v for k, v in query.items() if (k, v) != ("cell", "lstm")}

    @every_question
    @pytest.mark.parametrize("size", [{"T": "2", "H": "1"}, {"T": "2", "H": "2"}, {"T": "500", "H": "64"}])
    def test_opens_at_every_size(self, ask, size):
        for cell in CELLS:
            at = visit(LAB, **asked(ask, cell=cell, **size))
            assert charts(at) or at.info, "a state of one number is no plane, and the page says so"

    @every_question
    @pytest.mark.parametrize("more", [OVERFLOW, {"init": "identity", "gain": "0"}, {"layers": "3", "loss": "1"}])
    def test_opens_at_the_ends(self, ask, more):
        visit(LAB, **asked(ask, **{"T": "40", "H": "4"} | more))
        visit(LAB, **asked(ask, **{"T": "40", "H": "4", "cell": "rnn", "act": "relu", "loss": "all"} | more))

    @every_question
    def test_only_the_open_one_is_computed(self, ask, monkeypatch):
        for name in DRAW:
            if name != ask:
                monkeypatch.setitem(DRAW, name, lambda name=name: pytest.fail(f"{name} is hidden"))
        assert list(charts(visit(LAB, **asked(ask, **SMALL)))) == NAMES[ask]

    def test_are_those_of_the_view(self):
        assert tuple(DRAW) == ASKS

    def test_the_choice_goes_to_the_link(self):
        at = visit(LAB, **SMALL)
        [control] = [w for w in at.button_group if w.label == words("en")("lab.questions")]
        control.set_value("plane")
        fine(at.run())
        assert link(at) == SMALL | {"ask": "plane"} and list(charts(at)) == NAMES["plane"]

    @every_question
    def test_a_cursor_runs_no_network_anew(self, ask, runs):
        at = visit(LAB, **asked(ask, **SMALL))
        many = len(runs)
        at.query_params = asked(ask, u="3", **SMALL)
        fine(at.run())
        assert len(runs) == many

    @pytest.mark.parametrize("ask", ["vanish", "why", "travel", "help"])
    def test_the_cursor_changes_no_number(self, ask):
        one, other = (pictures(visit(LAB, **asked(ask, t=t, **SMALL))) for t in "27")
        assert one == other

    @every_question
    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_has_a_lesson(self, ask, lang):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=20)
        at.query_params = asked(ask, lang=lang, **SMALL)
        at.session_state["lesson"] = True
        at.switch_page("pages/gradients.py")
        assert words(lang)(f"lesson.{ask}") in [m.value for m in fine(at.run()).markdown]


def test_the_memory_of_the_laboratory_is_bounded(monkeypatch):
    forget()
    assert numbers.numbers.maxsize <= 2**27
    for ask in ASKS:
        visit(LAB, **asked(ask, T="30", H="4"))
    one = numbers.numbers.currsize
    assert one > 10_000
    monkeypatch.setattr(numbers.numbers, "_Cache__maxsize", one)
    for seed in range(2, 6):
        for ask in ("reach", "wiring"):
            visit(LAB, **asked(ask, T="30", H="4", seed=str(seed)))
    assert numbers.numbers.currsize <= one
    forget()


class TestTheChosenPair:
    @every_cell
    def test_is_the_one_of_the_link(self, cell):
        trace = perform(Experiment(cell=cell, T=30, H=4)).trace
        found = charts(visit(LAB, ask="reach", cell=cell, t="12", to="20", T="30", H="4"))
        wanted = jacobian_at(trace, 20, 12).values
        drawn = unpack(found["jacobian"]["figure"])["data"][0]["z"]
        np.testing.assert_allclose(drawn, wanted / np.abs(wanted).max(), rtol=1e-6, atol=1e-7)
        logs = singular_values(trace, 20, 12)
        assert magnitude(logs[0]) in found["spectrum"]["alt"] and magnitude(logs[-1]) in found["spectrum"]["alt"]
        assert magnitude(np.log10(np.abs(wanted).max())) in found["jacobian"]["alt"]

    def test_a_pair_the_wrong_way_round_is_turned(self):
        pairs = ({"t": "9", "to": "21"}, {"t": "21", "to": "9"})
        one, other = (charts(visit(LAB, ask="reach", T="30", H="4", **pair)) for pair in pairs)
        assert one["jacobian"]["alt"] == other["jacobian"]["alt"]

    def test_its_factors_multiply_to_it(self):
        at = visit(LAB, ask="reach", cell="rnn", T="30", H="4", t="26", to="30")
        [table] = at.table
        assert list(table.value.iloc[:, 0]) == ["J(30)", "J(29)", "J(28)", "J(27)"]
        trace = perform(Experiment(cell="rnn", T=30, H=4)).trace
        for shown, step in zip(table.value.iloc[:, 1], (30, 29, 28, 27)):
            jacobian = (1 - trace["h"][step - 1, 0] ** 2)[:, None] * trace.params["weight_hh"]
            assert shown == magnitude(np.log10(np.linalg.norm(jacobian, 2)))


class TestTrueSentences:
    @pytest.mark.parametrize("fair", FAIR)
    def test_the_comparison_says_what_is_equal(self, fair):
        said = alt("gradients", "vanish", fair=fair, T="30", H="16")
        if fair == "parameters":
            for name, (e,) in matched(Experiment(T=30, H=16), fair).items():
                assert f"{words('en')(f'network.{name}')}: {e.H} units ({parameter_count(e):,} parameters)" in said
        else:
            assert "16 units" in said and ("seed 1" in said if fair == "seed" else "seeds 1 to 5" in said)

    def test_several_seeds_are_a_median_between_extremes(self):
        e = Experiment(T=30, H=8)
        found = numbers.compared(e, "units")
        rows = np.stack([numbers.curve(e.replace(cell="lstm", seed=s)) for s in range(1, 6)])
        np.testing.assert_array_equal(found.curves["lstm"], np.median(rows, axis=0))
        np.testing.assert_array_equal(found.spread["lstm"], [rows.min(axis=0), rows.max(axis=0)])

    @pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
    def test_the_factors_are_all_of_the_loss_of_gradient(self, activation):
        e = Experiment(cell="rnn", activation=activation, T=60, H=8)
        slopes, weights = numbers.factors(e)
        curve = numbers.curve(e)
        np.testing.assert_allclose((slopes + weights)[1:], (curve[:-1] - curve[1:]), rtol=1e-9, atol=1e-9)
        said = alt("factors", "why", cell="rnn", act=activation, T="60", H="8")
        for total in (slopes[1:].sum(), weights[1:].sum(), curve[0] - curve[-1]):
            assert magnitude(total) in said

    def test_a_linear_rnn_loses_by_its_weights_alone(self):
        """Identity weights and no input: φ′(0) = 1, so the slopes take nothing and W_hh takes gain^steps."""
        e = Experiment(cell="rnn", input="own", numbers=(0.0,), T=40, H=4, scheme="identity", gain=0.5)
        slopes, weights = numbers.factors(e)
        np.testing.assert_allclose(slopes, 0, atol=1e-12)
        np.testing.assert_allclose(weights, np.log10(0.5), rtol=1e-12)
        steps, spectra = numbers.step_spectra(e)
        assert steps == range(1, 41)
        np.testing.assert_allclose(spectra, np.log10(0.5), rtol=1e-12)
        pairs = numbers.pairs(e)[1]
        k, t = np.meshgrid(np.arange(41), np.arange(41))
        lower = (k <= t) & (t > 0)
        np.testing.assert_allclose(pairs[lower], (np.log10(2) + (t - k) * np.log10(0.5))[lower], atol=1e-11)

    @pytest.mark.parametrize("bias", ["0", "3"])
    def test_the_ruler_reads_the_gates(self, bias):
        trace = perform(Experiment(T=40, H=8, forget_bias=float(bias))).trace
        f = trace["f"][:, 0]
        lives = np.log(0.5) / np.log(f).mean(axis=0)
        said = alt("ruler", "travel", T="40", H="8", fb=bias)
        assert text(np.median(lives)) in said and text(lives.max()) in said
        assert f"unit {lives.argmax() + 1}, for" in said and f"{(lives >= 39).sum()} of 8 units" in said

    def test_the_roads_are_those_of_the_engine(self):
        split = path_split(perform(Experiment(T=40, H=8)).trace)
        said = alt("roads", "travel", T="40", H="8")
        for part in (split.direct, split.rest, split.whole):
            assert magnitude(part[1]) in said

    @every_cell
    def test_the_reach_is_that_of_the_pairs(self, cell):
        logs = all_pairs(perform(Experiment(cell=cell, T=40, H=8)).trace)
        back = next((n for n in range(1, 40) if np.median(np.diag(logs, -n)[1:]) <= -6), 40)
        assert f"for {back - 1} steps" in alt("reach", "reach", cell=cell, T="40", H="8")

    def test_the_wirings_are_three_losses(self):
        for name, loss in (("all", "all"), ("last", "last"), ("step", "7")):
            curve = numbers.curve(Experiment(T=40, H=8, loss=loss))
            assert magnitude(curve[0]) in alt("maps", "wiring", T="40", H="8", t="7"), name

    def test_the_window_keeps_what_it_says(self):
        e = Experiment(T=40, H=8)
        found = numbers.cut(e, 10)
        said = alt("truncated", "help", T="40", H="8", win="10")
        assert f"{text(100 * found.kept)} %" in said and text(found.cosine) in said and "step 31" in said
        assert np.isneginf(found.curve[:30]).all() and np.isfinite(found.curve[30:]).all()

    def test_clipping_counts_what_lies_above_the_line(self):
        logs = numbers.weight_sizes(Experiment(cell="rnn", activation="relu", T=40, H=8))
        said = alt("clipping", "help", T="40", H="8", limit="1.5")
        assert f"ReLU RNN {(logs > 1.5).sum()}," in said and f"norm of {text(10**1.5)}" in said

    @every_cell
    def test_fixed_points_are_counted(self, cell):
        found = numbers.portrait(Experiment(cell=cell, T=20, H=2), 5)
        said = alt("plane", "plane", cell=cell, T="20", H="2")
        attracting = sum(point.attracts for point in found.points)
        assert f"found: {len(found.points)}; attracting: {attracting};" in said
        assert ("the whole state" in said) == (cell != "lstm") or "slice" in said


class TestThePlane:
    @pytest.mark.parametrize("cell", ["rnn", "gru"])
    def test_two_units_are_the_plane_itself(self, cell):
        found = numbers.portrait(Experiment(cell=cell, T=20, H=2), 5)
        assert found.plane.whole and found.plane.names == ("h_1", "h_2") and found.plane.seen == pytest.approx(1)
        np.testing.assert_array_equal(found.plane.shadow(found.states), found.states)

    def test_the_flow_at_a_state_is_the_next_step(self):
        """The step from h_{t−1} under x_t ends in h_t."""
        e = Experiment(cell="gru", T=20, H=2)
        trace, found = perform(e).trace, numbers.portrait(e, 9)
        after, _ = numbers.one_step(trace, trace.x[8, 0], found.states[7:8])
        np.testing.assert_allclose(after[0], found.states[8], rtol=1e-12)
        here = numbers.grid(found.limit)
        there, _ = numbers.one_step(trace, trace.x[8, 0], here)
        np.testing.assert_allclose(found.flow, there - here, atol=1e-12)

    def test_more_units_are_seen_by_their_principal_components(self):
        found = numbers.portrait(Experiment(cell="rnn", T=60, H=16), 5)
        view, spread = found.plane, found.states - found.states.mean(axis=0)
        np.testing.assert_allclose(view.axes @ view.axes.T, np.eye(2), atol=1e-12)
        squares = np.linalg.svd(spread, compute_uv=False) ** 2
        assert view.seen == pytest.approx(squares[:2].sum() / squares.sum()) and not view.whole
        through = view.points(view.shadow(found.states[4])[None], found.states[4])
        np.testing.assert_allclose(through[0], found.states[4], atol=1e-12)

    def test_one_unit_of_an_lstm_is_a_plane_of_h_and_c(self):
        found = numbers.portrait(Experiment(T=20, H=1), 5)
        assert found.plane.names == ("h_1", "c_1") and found.plane.whole


class TestLessons:
    """Each number that a lesson names, from the settings that it names; both languages name the same."""

    @every_question
    def test_name_the_same_numbers(self, ask):
        english, korean = (words(lang)(f"lesson.{ask}") for lang in LANGUAGES)
        digits = r"10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|\d+(?:\.\d+)?"
        one, other = (sorted(set(re.findall(digits, lesson))) for lesson in (english, korean))
        assert set(other) - set(one) <= {"3"} and set(one) <= set(other), (one, other)

    def test_vanish(self):
        dead = {name: dies(numbers.curve(e)) for name, e in rivals(Experiment()).items()}
        assert (dead["rnn_sigmoid"], dead["rnn_tanh"], dead["lstm"]) == (7, 23, None)
        assert dies(numbers.curve(Experiment(forget_bias=0))) == 26

    def test_why(self):
        def shares(**settings):
            return [ten_to(part[1:].sum()) for part in numbers.factors(Experiment(cell="rnn", **settings))]

        assert shares() == ["10⁻¹", "10⁻²³"]
        assert shares(activation="sigmoid")[0] == "10⁻⁶¹"
        assert shares(gain=3) == ["10⁻¹⁹", "10²³"]
        assert numbers.curve(Experiment(cell="rnn", gain=3))[0] > 3, "above 10³ it explodes"

    def test_travel(self):
        direct = path_split(perform(Experiment()).trace).shares["direct"][1:]
        assert 100 - (np.flatnonzero(direct < 0.5)[-1] + 1) == 25 and direct[-5:].min() > 0.9
        for bias, steps in ((0, 1), (3, 13), (5, 93)):
            trace = perform(Experiment(forget_bias=bias)).trace
            lives = 1 / (1 / half_life(trace)[:, 0]).mean(axis=0)  # the mean of ln f
            assert round(float(np.median(lives))) == steps

    def test_reach(self):
        def band(**settings):
            every, logs = numbers.pairs(Experiment(**settings))
            return _reach(logs, every)

        assert band(cell="rnn") == 27 == band(forget_bias=0)
        assert band() == 99 == band(cell="gru")
        trace = perform(Experiment(cell="rnn")).trace
        assert text(10 ** singular_values(trace, 100, 98)[0]) == "0.763"
        assert ten_to(singular_values(trace, 100, 5)[0]) == "10⁻²²"

    def test_wiring(self):
        rnn = Experiment(cell="rnn")
        assert numbers.curve(rnn.replace(loss="all")).min() > -0.1
        assert dies(numbers.curve(rnn)) == 23

    def test_help(self):
        dead = {name: dies(numbers.curve(e)) for name, e in starts(Experiment()).items()}
        assert (dead["orthogonal"], dead["identity"], dead["shut"], dead["bias_1"]) == (None, None, 26, 64)
        relu = numbers.weight_sizes(Experiment(cell="rnn", activation="relu"))
        assert relu[-1] > 20 and relu[0] < 1
        assert abs(numbers.cut(Experiment(), 5).kept - 1 / 3) < 0.01

    def test_plane(self):
        rnn = Experiment(cell="rnn", H=2, scheme="identity")
        points = numbers.portrait(rnn.replace(gain=1.5), 5).points
        assert (len(points), sum(point.attracts for point in points)) == (9, 4)
        assert {tuple(np.sign(point.state)) for point in points if point.attracts} == {
            (1, 1), (1, -1), (-1, 1), (-1, -1)
        }  # fmt: skip
        [one] = numbers.portrait(rnn.replace(gain=0.9), 5).points
        assert one.attracts


class TestIdleControls:
    """What stands above the figures and changes none of them cannot be moved, and says so by its look."""

    @pytest.mark.parametrize("ask", [ask for ask in ASKS if ask != "edge"])
    @every_cell
    def test_what_is_idle_changes_no_picture(self, ask, cell):
        query = asked(ask, cell=cell, **SMALL)
        at, changes = visit(LAB, **query), {"gain": {"gain": "1.5"}, "forget_bias": {"fb": "1"}, "activation": RELU}
        for name, change in changes.items():
            after = pictures(visit(LAB, **query, **change))
            assert (pictures(at) == after) == widget(at, name).disabled, name

    @pytest.mark.parametrize(
        ("query", "idle"),
        [
            ({"cell": "rnn"}, {"gain", "forget_bias"}),
            ({"cell": "gru"}, {"forget_bias", "activation"}),
            ({"cell": "gru", "over": "gain"}, {"gain", "activation"}),
        ],
    )
    def test_a_sweep_leaves_out_what_it_sweeps(self, query, idle):
        at = visit(LAB, ask="edge", **SMALL, **query)
        assert {name for name in ("gain", "forget_bias", "activation") if widget(at, name).disabled} == idle


RELU = {"act": "relu"}
