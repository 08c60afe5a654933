"""Operations on an experiment: bounded, in a link and a file, and true to what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.figures.difference import FURTHEST, NEAREST
from explorer.measures import moved, norm, reach
from explorer.surgery import LIMITS, MOST, Operation, operated, read_operation
from tests.figure_cases import difference

PIN = Operation("f", 10, 20, 1, 3)


def of(cell="lstm", **settings):
    return Experiment(**{"cell": cell, "T": 30, "H": 5} | settings)


@some.composite
def operations(draw):
    what = draw(some.sampled_from(list(LIMITS)))
    first = draw(some.integers(1, 499))
    last = draw(some.integers(first + 1, 500)) if what == "swap" else draw(some.none() | some.integers(first, 500))
    value = round(draw(some.floats(*LIMITS[what])), 6)
    return Operation(what, first, last, value, None if what == "swap" else draw(some.none() | some.integers(1, 64)))


class TestText:
    @given(operations())
    def test_a_link_brings_an_operation_back(self, one):
        assert read_operation(str(one)) == one

    @pytest.mark.parametrize(
        ("one", "text"),
        [
            (PIN, "f~10-20~1~3"),
            (Operation("f", 10, None, 1), "f~10-~1"),
            (Operation("x", 5, 5, -0.5, 2), "x~5~-0.5~2"),
            (Operation("swap", 5, 9), "swap~5-9"),
            (Operation("unit", 1, None, 0, 7), "unit~1-~0~7"),
        ],
    )
    def test_is_short_and_stays_as_it_is(self, one, text):
        assert str(one) == text and read_operation(text) == one

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "f",
            "f~1",
            "f~0~1",
            "f~5-3~1",
            "f~1-2~2",
            "f~1-2~nan",
            "f~1-2~1e9",
            "f~501~1",
            "q~1~1",
            "f~1~1~65",
            "f~1~1~0",
            "swap~5",
            "swap~5-5",
            "swap~9-5",
            "swap~1-2~0~1",
            "unit~1-2~1",
            "x~1~1e4",
            "f~1~1~1~1",
            "f~١~1",
            "f~1~1\n",
            5,
        ],
    )
    def test_what_no_run_can_have_is_refused_in_a_sentence(self, text):
        with pytest.raises(ValueError, match=r"^expected .* but got"):
            read_operation(text)


class TestExperiment:
    def test_has_none_by_default_and_then_nothing_is_in_the_link(self):
        assert Experiment().surgery == () and "op" not in Experiment(T=30).to_query()
        assert not perform(of()).trace.held

    @given(some.lists(operations(), max_size=MOST))
    def test_links_and_files_bring_all_of_them_back(self, several):
        for cell in CELLS:
            experiment = Experiment(cell=cell, T=500, H=64, input="clue", D=16).with_surgery(tuple(several))
            assert Experiment.from_query(experiment.to_query()) == (experiment, ())
            assert Experiment.from_json(experiment.to_json()) == (experiment, ())

    @pytest.mark.parametrize("bad", ["f~31~1", "f~3-31~1", "f~3~1~6", "z~3~1", "x~3~1~2", "swap~3-31"])
    def test_what_the_network_has_not_is_refused_and_noted(self, bad):
        with pytest.raises(ValueError, match=r"^surgery: expected a change of what a lstm of 30 steps, 5 units"):
            of(surgery=bad)
        experiment, fallbacks = Experiment.from_query({"T": "30", "H": "5", "op": f"i~2~0_{bad}"})
        assert experiment == of(surgery="i~2~0")
        assert [(note.name, note.given, note.used) for note in fallbacks] == [("surgery", bad, "i~2~0")]

    def test_more_than_eight_are_refused(self):
        assert len(of(surgery="_".join(["f~1~1"] * 8)).surgery) == 8
        with pytest.raises(ValueError, match=r"^surgery: expected at most 8"):
            of(surgery="_".join(["f~1~1"] * 9))

    @pytest.mark.parametrize("changes", [{"T": 15}, {"H": 2}, {"cell": "gru"}])
    def test_what_is_no_longer_there_falls_away(self, changes):
        before = of(surgery=(PIN, Operation("x", 2, None, 0)))
        assert before.replace(**changes).surgery == (Operation("x", 2, None, 0),)
        assert before.replace(seed=5).surgery == before.surgery
        assert before.original == of() and before.replace(surgery=()) == of()


class TestPerformed:
    @pytest.mark.parametrize("what", [q for q in LIMITS if q not in ("unit", "x", "swap")])
    def test_a_pin_holds_its_steps_and_its_unit_and_no_others(self, what):
        for cell in CELLS:
            if what not in (*CELLS[cell].gates, *CELLS[cell].states):
                continue
            e = of(cell, surgery=(Operation(what, 10, 20, 0.25, 3),))
            run, free = perform(e), perform(e.original)
            np.testing.assert_allclose(run.trace[what][9:20, 0, 2], 0.25, rtol=1e-15)
            assert (run.trace[what][9:20, 0, [0, 1, 3, 4]] != 0.25).all()
            np.testing.assert_array_equal(run.trace["h"][:9], free.trace["h"][:9])
            assert (run.trace["h"][9:] != free.trace["h"][9:]).any()

    @pytest.mark.parametrize("cell", CELLS)
    def test_only_the_last_layer_is_operated_on(self, cell):
        run = perform(of(cell, layers=2, surgery=(Operation("unit", 1, None, 0, 2),)))
        assert not run.trace.layers[0].held and run.trace.layers[0]["h"][:, 0, 1].any()
        assert not run.trace["h"][:, 0, 1].any()

    def test_inputs_are_replaced_and_swapped_with_their_names(self):
        words = Experiment(input="english", T=30, D=4)
        before = perform(words).input
        after = operated(before, (Operation("swap", 1, 3), Operation("x", 2, 2, 7, 4)))
        np.testing.assert_array_equal(after.x[[0, 2]], before.x[[2, 0]])
        assert after.steps[:3] == (before.steps[2], "", before.steps[0])
        assert after.x[1, 0, 3] == 7
        np.testing.assert_array_equal(after.x[1, 0, :3], before.x[1, 0, :3])
        np.testing.assert_array_equal(after.x[3:], before.x[3:])
        run = perform(words.replace(surgery=(Operation("swap", 1, 3),)))
        np.testing.assert_array_equal(run.trace.x[:, 0], operated(before, run.experiment.surgery).x[:, 0])

    def test_an_open_forget_gate_brings_the_gradient_home(self):
        """f = 1 and i = 0 from step 1: what C gets back at the first step is what it gets at the loss."""
        kept = of(T=100, surgery=(Operation("f", 1, None, 1), Operation("i", 1, None, 0)))
        dc = norm(perform(kept).grads.state["c"])[:, 0]
        assert dc[0] >= dc[-1] > 0
        assert not perform(kept).trace["c"].any()  # and nothing ever came in


class TestReach:
    def test_is_the_last_step_beyond_the_share(self):
        size = np.full(6, 2.0)
        assert reach(np.array([0, 0.1, 0.03, 0.02, 0.021, 0.001]), size) == 5
        assert reach(np.array([0, 0.02, 0, 0, 0, 0]), size) is None
        assert reach(np.zeros(6), np.zeros(6)) is None

    def test_starts_at_the_operation(self):
        e = of(surgery=(Operation("f", 10, 10, 0),))
        apart = moved(perform(e).trace, perform(e.original).trace)[:, 0]
        assert not apart[:9].any() and apart[9:].all()

    def test_the_figure_draws_what_was_measured_and_a_gap_for_0(self):
        e = of(surgery=(Operation("f", 10, 20, 0),))
        run, free = perform(e), perform(e.original)
        apart = moved(run.trace, free.trace)[:, 0]
        gradients = {name: norm(p.grads.state["h"])[:, 0] for name, p in (("now", run), ("former", free))}
        drawn = difference({"h": apart, "unit_c": apart}, gradients, ((10, 20),), lambda key, **_: key)
        np.testing.assert_array_equal(np.isnan(drawn.data[0].y), apart == 0)
        np.testing.assert_array_equal(drawn.data[0].y[9:], apart[9:])
        np.testing.assert_array_equal(drawn.data[3].y, gradients["former"])
        assert drawn.layout.yaxis.type == drawn.layout.yaxis2.type == "log"
        assert list(drawn.layout.yaxis.range) == [NEAREST, FURTHEST]
        assert (drawn.layout.shapes[0].x0, drawn.layout.shapes[0].x1) == (9.5, 20.5)
