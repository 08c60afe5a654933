"""The panel of operations and their notes, for a visitor without a browser."""

import pytest

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.i18n import LANGUAGES, words
from explorer.numerals import typeset
from explorer.surgery import Operation
from explorer.ui.frame import PAGES
from explorer.ui.operating import presets
from tests.ui.visiting import RUNS_OF_THEIR_OWN, SMALL, charts, fine, go, link, on_stage, press, visit


def opened(**query):
    at = visit("unrolled", **query)
    at.session_state["surgery"] = True  # the folded panel stands open
    return fine(at.run())


@pytest.mark.parametrize("screen", PAGES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_of_the_run_says_that_it_was_operated_on(screen, lang):
    at = visit(screen, op="f~3-5~1_x~2~0.5_swap~1-4_unit~1-~0~2", lang=lang, **SMALL)
    [note] = [info.value for info in at.info]
    for piece in (words(lang)("surgery.between", first=3, last=5), "f", "0.5"):
        assert piece in note
    shown_here = screen not in RUNS_OF_THEIR_OWN
    assert (words(lang)("surgery.note", list="@").split("@")[1] in note) == shown_here
    assert (words(lang)("surgery.elsewhere", list="@").split("@")[1] in note) == (not shown_here)
    assert not [info for info in visit(screen, lang=lang, **SMALL).info]


def test_what_a_link_could_not_have_is_said():
    at = visit("unrolled", op="f~3~1_f~99~1", **SMALL)
    assert link(at)["op"] == "f~3~1"
    assert any("f\\~99\\~1" in warning.value for warning in at.warning)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_question_can_be_asked_and_taken_back(cell, lang):
    at = opened(cell=cell, t="4", u="2", lang=lang, **SMALL)
    say = words(lang)
    for name, operation in presets(Experiment(cell=cell, T=12, H=4), 4, 2).items():
        press(at, say(f"surgery.preset_{name}", t=4, unit=2))
        assert link(at)["op"] == str(operation)
        assert "difference" in charts(at) and on_stage(at)[1]["former"]
        press(at, say("surgery.undo"))
        assert "op" not in link(at) and "difference" not in charts(at)
        assert on_stage(at)[1]["former"] is None and on_stage(at)[1]["held"] == {}


def test_one_operates_as_one_likes():
    at = opened(t="4", u="2", **SMALL)
    for kind in ("o", "c", "x", "swap", "unit"):
        [what] = [box for box in at.selectbox if box.label == words("en")("surgery.what")]
        what.set_value(kind)
        fine(at.run())
        press(at, words("en")("surgery.operate"))
    assert link(at)["op"] == "o~4~1~2_c~4~1~2_x~4~0_swap~4-5_unit~4~0~2"
    press(at, words("en")("surgery.reset"))
    assert "op" not in link(at)


def test_eight_are_enough():
    at = opened(op="_".join(["f~1~1"] * 8), **SMALL)
    buttons = {button.key: button.disabled for button in at.button}
    assert buttons["operate"] and not buttons["undo"]


def test_operations_stay_through_pages_and_fall_away_with_their_gate():
    at = visit("unrolled", op="f~3~1_x~2~0", **SMALL)
    go(at, "gates")
    assert link(at)["op"] == "f~3~1_x~2~0"
    at = visit("gates", op="f~1-~1", **SMALL)  # a memory that is kept for ever has a figure, too
    assert "half_life" in charts(at)


def asked(at, formula: str, here: tuple = (4, 2, 2, "f", False), original: bool = False) -> dict | None:
    """The answer to a question about a number at step 4 of unit 2, asked where the cursor was `here`."""
    at.session_state["to_prove"] = (
        (formula, 4, 2, original),
        (*(at.session_state[part] for part in ("experiment", "asked")), *here),
    )
    fine(at.run())
    return on_stage(at)[0]["proof"]


def test_a_proof_stands_as_long_as_the_cursor():
    at = visit("unrolled", t="4", u="2", level="2", q="f", **SMALL)
    assert on_stage(at)[0]["proof"] is None
    proof = asked(at, "f")
    assert (proof["formula"], proof["step"], proof["unit"]) == ("f", 4, 2)
    assert proof["checks"].keys() == {"torch"} and proof["checks"]["torch"]["verdict"] == "agrees"
    assert asked(at, "f", (5, 2, 2, "f", False)) is None and "to_prove" not in at.session_state


def test_a_number_of_the_original_is_proved_in_the_original():
    at = visit("unrolled", t="4", u="2", level="2", q="f", op="f~3~1", **SMALL)
    now, before = asked(at, "f"), asked(at, "f", original=True)
    assert (now["original"], before["original"]) == (False, True)
    experiment = at.session_state["experiment"]
    for proof, run in ((now, experiment), (before, experiment.original)):
        assert proof["value"] == typeset(float(perform(run).trace["f"][3, 0, 1]), 12)
        assert proof["checks"]["torch"]["verdict"] == "agrees"
    assert now["value"] != before["value"]


@pytest.mark.parametrize("formula", ["z", "f + ", "f ** 9", "__import__('os')", "(" * 400, "f" * 9999])
def test_a_proof_of_what_the_cell_does_not_have_is_none(formula):
    assert asked(visit("unrolled", t="4", u="2", level="2", q="f", **SMALL), formula) is None


def test_an_operation_is_what_it_says():
    assert presets(Experiment(cell="gru", z_keeps=False), 4, 2)["keep_z"] == Operation("z", 4, None, 0)
