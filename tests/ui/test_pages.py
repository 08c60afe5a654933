"""Every page as a visitor meets it, without a browser: it opens, and nothing changes but what was changed."""

import re
from itertools import product

import numpy as np
import pytest
from streamlit.runtime.pages_manager import PagesManager

from explorer import Experiment
from explorer.cells import CELLS
from explorer.datasets import DATASETS
from explorer.i18n import LANGUAGES, words
from explorer.performing import rivals
from explorer.ui import drawing
from explorer.ui.components.packing import unpack
from explorer.ui.frame import PAGES
from tests.ui.visiting import (
    OVERFLOW,
    ROOT,
    RUNS_OF_THEIR_OWN,
    SMALL,
    charts,
    every_page,
    every_page_of_the_input,
    fine,
    forget,
    go,
    is_korean,
    link,
    on_stage,
    pictures,
    press,
    set_to,
    until_over,
    visit,
    widget,
)


class TestEveryPage:
    @every_page
    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize("cell", CELLS)
    def test_opens(self, screen, lang, cell):
        at = visit(screen, lang=lang, cell=cell, **SMALL)
        assert len(at.title) == 1 and at.title[0].value
        assert bool(re.search("[가-힣]", at.title[0].value)) == (lang == "ko")
        assert at.get("bidi_component") and not at.warning
        assert link(at) == {"lang": lang, **SMALL} | ({"cell": cell} if cell != "lstm" else {})

    @every_page
    def test_speaks_english_where_the_browser_says_nothing(self, screen):
        at = visit(screen)
        assert link(at) == {}
        assert at.title[0].value == visit(screen, lang="en").title[0].value

    @every_page
    @pytest.mark.parametrize("size", [{"T": "2", "H": "1"}, {"T": "500", "H": "64"}], ids=["least", "most"])
    def test_opens_at_every_size(self, screen, size):
        for cell in CELLS:
            at = visit(screen, cell=cell, **size)
            assert at.get("bidi_component")

    @every_page
    @pytest.mark.parametrize("chosen", [*product(["rnn"], CELLS["rnn"].options["activation"]), ("gru", "other")])
    def test_opens_under_every_convention(self, screen, chosen):
        cell, option = chosen
        options = {"act": option} if cell == "rnn" else {"reset_after": "0", "z_keeps": "0"}
        visit(screen, cell=cell, **options, **SMALL)

    @every_page_of_the_input
    @pytest.mark.parametrize("name", [name for name in DATASETS if name != "own"])
    def test_opens_with_every_input(self, screen, name):
        at = visit(screen, input=name, **SMALL)
        sentence = " ".join(m.value for m in at.markdown)
        assert words("en")(f"input.{name}").partition("{")[0] in sentence

    @pytest.mark.parametrize("screen", [name for name in PAGES if name not in RUNS_OF_THEIR_OWN])
    def test_opens_where_a_network_overflows(self, screen):
        at = visit(screen, **OVERFLOW)
        assert any("overflow" in w.value for w in at.warning)
        assert all(unpack(figure)["data"] for figure in pictures(at).values())

    @every_page
    def test_opens_where_the_gates_are_pushed_to_their_ends(self, screen):
        visit(screen, input="own", x="1e6,-1e6,1e6", T="3", H="4")

    @every_page
    def test_the_first_visitor_after_a_start_gets_the_frame(self, screen, monkeypatch):
        """Streamlit runs the screen alone for a cold deep link; it sends itself through the frame."""
        monkeypatch.undo()
        PagesManager.uses_pages_directory = None
        at = visit(screen, T="50", lang="ko")
        question = "training.recall_question" if screen == "training" else f"{screen}.question"
        assert at.title[0].value == words("ko")(question, **{"cell": "LSTM", "t": 5, "distance": 50})
        assert link(at) == {"T": "50", "lang": "ko"}
        assert len(at.sidebar) > 5


def drawn(trace: dict) -> dict:
    """A trace of a figure without its words."""
    return {name: value for name, value in trace.items() if name not in ("name", "hovertemplate")}


class TestNothingElseChanges:
    @pytest.mark.parametrize("cell", CELLS)
    def test_moving_the_cursor_runs_no_network(self, runs, cell):
        at = visit("unrolled", cell=cell, **SMALL)
        assert len(runs) == 1
        for t, u, level, quantity in (("9", "3", "2", "h"), ("1", "4", "3", "h"), ("12", "1", "1", "dh")):
            at.query_params = SMALL | {"cell": cell, "t": t, "u": u, "level": level, "q": quantity}
            fine(at.run())
            cursor = on_stage(at)[0]["cursor"]
            assert cursor == {"step": int(t), "unit": int(u), "level": int(level), "quantity": quantity, "back": False}
        assert len(runs) == 1

    def test_neither_does_a_language_a_page_or_a_projector(self, runs):
        at = visit("gates", **SMALL)
        go(at, "gradients")
        go(at, "home")
        many = len(runs)
        for page in PAGES:
            go(at, page)
            set_to(at, "language", "ko")
            set_to(at, "language", "en", "ko")
            at.query_params = link(at) | {"projector": "1", "t": "3"}
            fine(at.run())
        assert len(runs) == many

    def test_a_second_visitor_runs_nothing_again(self, runs):
        for page in PAGES:
            visit(page, **SMALL)
        many = len(runs)
        for page in PAGES:
            visit(page, lang="ko", t="2", **SMALL)
        assert len(runs) == many <= len(rivals(Experiment())) + 1

    def test_only_what_changed_is_run(self, runs):
        at = visit("unrolled", **SMALL)
        set_to(at, "seed", 2)
        set_to(at, "seed", 1)
        assert len(runs) == 2

    @pytest.mark.parametrize("screen", ["gates", "gradients", "home"])
    @pytest.mark.parametrize("view", [{"t": "9"}, {"u": "3"}, {"t": "1", "u": "4"}, {"projector": "1"}, {"lang": "en"}])
    def test_a_view_changes_no_number(self, screen, view):
        before, after = pictures(until_over(visit(screen, **SMALL))), pictures(visit(screen, **view, **SMALL))
        for name in before:
            if name not in ("unit", "half_life") or "u" not in view:
                assert before[name] == after[name]

    @pytest.mark.parametrize(("screen", "names"), [("gates", ("unit", "half_life"))])
    def test_another_unit_is_another_picture(self, screen, names):
        """What is kept for the next visitor is kept by all that it depends on."""
        one, other = (pictures(until_over(visit(screen, u=u, **SMALL))) for u in "13")
        for name in names:
            assert one[name] != other[name]

    @every_page
    def test_a_language_changes_no_number(self, screen):
        english, korean = (pictures(until_over(visit(screen, lang=lang, **SMALL))) for lang in LANGUAGES)
        for name in english:
            one, other = unpack(english[name]), unpack(korean[name])
            np.testing.assert_equal([drawn(t) for t in one["data"]], [drawn(t) for t in other["data"]])

    @every_page
    def test_two_visitors_see_the_same(self, screen):
        first = pictures(until_over(visit(screen, **SMALL)))
        forget()
        assert pictures(visit(screen, **SMALL)) == first

    @every_page
    def test_a_rerun_changes_nothing(self, screen):
        at = until_over(visit(screen, cell="gru", lang="ko", t="3", **SMALL))
        before, address = charts(at), link(at)
        fine(at.run())
        assert (charts(at), link(at)) == (before, address)

    def test_two_visitors_do_not_meet(self):
        one, other = visit("gates", **SMALL), visit("gates", cell="gru", **SMALL)
        set_to(one, "H", 7)
        fine(other.run())
        assert widget(other, "H").value == 4 and link(other) == SMALL | {"cell": "gru"}

    def test_pages_keep_experiment_view_and_language(self):
        query = {"cell": "gru", "input": "clue", "D": "3", "fb": "1.5", "lang": "ko", "t": "7", "u": "2", **SMALL}
        at = visit("unrolled", **query)
        experiment = at.session_state["experiment"]
        for page in [*PAGES, *reversed(PAGES)]:
            go(at, page)
            assert at.session_state["experiment"] == experiment and link(at) == query
            assert "H" in PAGES[page] or widget(at, "H", "ko").value == 4

    def test_a_change_on_one_page_counts_on_the_next(self):
        at = visit("gates", **SMALL)
        set_to(at, "seed", 5)
        go(at, "gradients")
        assert link(at) == SMALL | {"seed": "5"}
        assert pictures(at) == pictures(visit("gradients", seed="5", **SMALL))


class TestLanguageAndReset:
    @every_page
    def test_the_language_button(self, screen):
        at = visit(screen, cell="gru", **SMALL)
        english = at.title[0].value
        set_to(at, "language", "ko")
        assert link(at) == SMALL | {"cell": "gru", "lang": "ko"}
        assert re.search("[가-힣]", at.title[0].value)
        for name, chart in charts(at).items():
            assert re.search("[가-힣]", chart["alt"]) and re.search("[가-힣]", chart["words"]["csv"])
            assert is_korean(chart["figure"]), f"{name} in the other language"
        set_to(at, "language", "en", "ko")
        assert at.title[0].value == english and link(at)["lang"] == "en"
        assert not any(map(is_korean, pictures(at).values()))

    @every_page
    def test_reset(self, screen):
        at = visit(screen, cell="gru", input="clue", gain="2", t="7", lang="ko", **SMALL)
        press(at, words("ko")("setting.reset"))
        assert link(at) == {"lang": "ko"}
        assert at.session_state["experiment"] == Experiment()
        assert pictures(until_over(at)) == pictures(until_over(visit(screen, lang="ko")))

    @pytest.mark.parametrize("page", ["home", "unrolled", "gates", "gradients"])
    def test_a_stack_says_which_layer_is_shown(self, page):
        for layers in ("1", "3"):
            at = visit(page, layers=layers, **SMALL)
            said = any(words("en")("input.stack", layers=3) in element.value for element in at.markdown)
            assert said == (layers == "3")

    def test_reset_keeps_how_the_visitor_looks(self):
        at = visit("gates", T="12", lang="ko", names="keras", projector="1")
        press(at, words("ko")("setting.reset"))
        assert link(at) == {"lang": "ko", "names": "keras", "projector": "1"}

    def test_reset_takes_own_numbers_back(self):
        at = visit("gates", input="own", x="1,2", T="2")
        widget(at, "numbers").set_value("1 zwei")
        fine(at.run())
        assert at.warning
        press(at, words("en")("setting.reset"))
        assert link(at) == {} and not at.warning
        set_to(at, "input", "own")
        assert not at.warning, "the refusal belongs to what was typed, not to the next numbers"


@pytest.mark.parametrize("cache", [drawing.performed, drawing._drawn, drawing._staged])
def test_caches_are_bounded_in_bytes_and_forget(cache, monkeypatch):
    assert 0 < cache.cache.maxsize <= 2**27
    forget()
    visit("unrolled", **SMALL)
    visit("gates", **SMALL)
    one = cache.cache.currsize
    assert one > 1000
    monkeypatch.setattr(cache.cache, "_Cache__maxsize", 3 * one)
    for seed in range(2, 9):
        visit("unrolled", seed=str(seed), **SMALL)
        visit("gates", seed=str(seed), **SMALL)
    assert cache.cache.currsize <= 3 * one
    forget()


def test_pages_are_those_in_the_folder():
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} == set(PAGES)
