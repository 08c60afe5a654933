"""Every page as a visitor meets it, without a browser: what is shown, what is kept, and what is computed again."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from explorer import Experiment, perform, performing
from explorer.cells import CELLS
from explorer.datasets import DATASETS
from explorer.experiment import KINDS
from explorer.i18n import LANGUAGES, words
from explorer.measures import depth, half_life, norm
from explorer.numerals import power_of_ten, text
from explorer.performing import rivals
from explorer.ui import drawing, language
from explorer.ui.components.packing import unpack
from explorer.ui.frame import PAGES

ROOT = Path(__file__).parents[2]
SMALL = {"T": "12", "H": "4"}
OVERFLOW = {
    **{"cell": "rnn", "act": "relu", "input": "own", "x": ",".join(["1e6"] * 500), "T": "500", "H": "4"},
    **{"layers": "3", "gain": "4", "init": "identity"},
}
every_page = pytest.mark.parametrize("screen", PAGES)  # "page" is a fixture of pytest-playwright


@pytest.fixture(autouse=True)
def a_server(monkeypatch):
    """A server whose front page somebody has already opened; like a real one it keeps its caches between visits.

    Without that visit, Streamlit takes the folder pages/ for its old kind of app at each run of an AppTest.
    An AppTest also asks for the words on a widget between two runs, when there is no visitor: it then gets
    the language of the last run.
    """
    made, spoken, last = PagesManager.__init__, language.current, ["en"]

    def make(self, *args, **kwargs):
        made(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    def current():
        if get_script_run_ctx(suppress_warning=True) is not None:
            last[0] = spoken()
        return last[0]

    monkeypatch.setattr(PagesManager, "__init__", make)
    # It looks through all installed packages for components, for every visitor; ours is no package.
    monkeypatch.setattr(BidiComponentManager, "discover_and_register_components", lambda *_, **__: None)
    monkeypatch.setattr(language, "current", current)


def forget():
    """Empty the server's caches."""
    drawing.performed.cache_clear()
    drawing._drawn.cache_clear()
    drawing._staged.cache_clear()


@pytest.fixture
def runs(monkeypatch):
    """The networks run since the test began, one entry a run; nothing is in the caches."""
    forget()
    found, real = [], performing.run

    def counted(*args, **kwargs):
        found.append(args[0])
        return real(*args, **kwargs)

    monkeypatch.setattr(performing, "run", counted)
    return found


def visit(page="home", **query) -> AppTest:
    """A new visitor who comes by a link."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=20)
    at.query_params = query
    at.session_state["more"] = True  # the folded settings stand open
    if page != "home":
        at.switch_page(f"pages/{page}.py")
    return fine(at.run())


def fine(at: AppTest) -> AppTest:
    assert not at.exception, [f"{e.message}\n{e.stack_trace}" for e in at.exception]
    assert not at.error, [e.value for e in at.error]
    return at


def go(at: AppTest, page: str) -> AppTest:
    return fine(at.switch_page(f"pages/{page}.py").run())


def link(at: AppTest) -> dict[str, str]:
    """The query parameters, one value each."""
    return {key: value[0] if isinstance(value, list) else value for key, value in at.query_params.items()}


def charts(at: AppTest) -> dict[str, dict]:
    """What the page's charts were given, by name."""
    found = (element.proto for element in at.get("bidi_component") if "chart_" in element.proto.id)
    sent = {proto.id.rpartition("chart_")[2]: unpack(proto.bytes) for proto in found}
    return {name: chart | {"figure": chart["figure"].tobytes()} for name, chart in sent.items()}


def pictures(at: AppTest) -> dict[str, bytes]:
    """The figures alone, packed."""
    return {name: chart["figure"] for name, chart in charts(at).items()}


def on_stage(at: AppTest) -> tuple[dict, dict]:
    """What the stage was given: its words and cursor, and the run."""
    [proto] = [element.proto for element in at.get("bidi_component") if "chart_" not in element.proto.id]
    sent = unpack(proto.bytes)
    return sent["about"] | {"cursor": json.loads(sent["about"]["cursor"])}, unpack(sent["run"].tobytes())


def is_korean(figure: bytes) -> bool:
    """Whether the words of a packed figure are Korean."""
    return bool(re.search("[가-힣]", json.dumps(unpack(figure), default=lambda array: None, ensure_ascii=False)))


def widget(at: AppTest, name: str, lang="en"):
    """The widget of a setting, by its label."""
    label = words(lang)(f"setting.{name}")
    kinds = (at.slider, at.selectbox, at.number_input, at.toggle, at.text_area, at.button, at.button_group)
    found = [w for kind in kinds for w in kind if w.label == label]
    assert len(found) == 1, f"{len(found)} widgets say {label!r}"
    return found[0]


def set_to(at: AppTest, name: str, value, lang="en") -> AppTest:
    widget(at, name, lang).set_value(value)
    return fine(at.run())


def press(at: AppTest, label: str) -> AppTest:
    [button] = [b for b in at.button if b.label == label]
    button.click()
    return fine(at.run())


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

    @every_page
    @pytest.mark.parametrize("name", [name for name in DATASETS if name != "own"])
    def test_opens_with_every_input(self, screen, name):
        at = visit(screen, input=name, **SMALL)
        sentence = " ".join(m.value for m in at.markdown)
        assert words("en")(f"input.{name}").partition("{")[0] in sentence

    @every_page
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
        assert at.title[0].value == words("ko")(f"{screen}.question", **{"cell": "LSTM", "t": 5})
        assert link(at) == {"T": "50", "lang": "ko"}
        assert len(at.sidebar) > 5


class TestHostileLinks:
    TEXTS = ("", "nan", "1e999", "-1", "9" * 5000, "<script>alert(1)</script>", "**x** [a](b)", "\x00", "{0}", "한글")

    @every_page
    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_show_notes_and_the_default(self, screen, lang):
        for value in self.TEXTS if (screen, lang) == ("home", "ko") else self.TEXTS[3:7:2]:
            refused = {kind.key: value for name, kind in KINDS.items() if not (name == "numbers" and value == "-1")}
            if value == "-1":
                del refused["fb"]
            at = visit(screen, lang=lang, **refused)
            assert len(at.warning) == len(refused)
            assert link(at) == {"lang": lang}

    @every_page
    def test_notes_hold_no_markup(self, screen):
        at = visit(screen, cell="<b>x</b>", T="**9**", H="[a](https://example.org)", seed="$x$", loss=":red[x]")
        assert len(at.warning) == 5
        for warning in at.warning:
            assert not re.search(r"(?<!\\)[<>*\[\]$:`]", warning.value.partition("asked for")[2]), warning.value

    @every_page
    def test_notes_go_when_something_is_set(self, screen):
        at = visit(screen, cell="xxx", **SMALL)
        assert len(at.warning) == 1
        set_to(at, "H", 5)
        assert not at.warning and link(at) == {"T": "12", "H": "5"}

    @every_page
    def test_a_view_that_cannot_be_had_costs_nothing(self, screen):
        wanted = pictures(visit(screen, **SMALL))
        for view in ({"t": "x", "u": "-1", "projector": "maybe"}, {"t": "9e9", "u": "nan"}, {"lang": "xx"}):
            at = visit(screen, **view, **SMALL)
            assert not at.warning and pictures(at) == wanted and link(at) == SMALL

    @every_page
    def test_parameters_of_others_are_ignored(self, screen):
        at = visit(screen, utm_source="x", embed_options="y", **SMALL)
        assert not at.warning and at.title

    def test_the_cursor_stays_inside(self):
        at = visit("gates", T="2", H="1", t="400", u="60")
        for chart in charts(at).values():
            assert chart["cursor"] == {"step": 2, "unit": 1}
        at = visit("unrolled", T="2", H="1", t="400", u="60")
        cursor = on_stage(at)[0]["cursor"]
        assert (cursor["step"], cursor["unit"]) == (2, 1)


class TestWidgets:
    @pytest.mark.parametrize("screen", ["gates", "gradients"])
    @pytest.mark.parametrize(
        ("name", "value"),
        [("T", 20), ("H", 5), ("seed", 7), ("gain", 2.0), ("forget_bias", -1.0), ("layers", 2), ("D", 2)],
    )
    def test_a_setting_changes_the_picture_and_the_link(self, screen, name, value):
        at = visit(screen, **SMALL)
        before = pictures(at)
        set_to(at, name, value)
        after = pictures(at)
        assert before.keys() == after.keys()
        for chart in ("gates", "unit") if screen == "gates" else before:
            assert before[chart] != after[chart] or (screen, name) == ("unrolled", "T")
        assert link(at) == SMALL | {KINDS[name].key: f"{value:g}"}
        assert pictures(visit(screen, **link(at))) == after, "the link shows the same to another visitor"

    @pytest.mark.parametrize(
        ("name", "value"), [("cell", "gru"), ("input", "sine"), ("scheme", "orthogonal"), ("chrono", True)]
    )
    def test_a_choice_changes_the_picture_and_the_link(self, name, value):
        at = visit("gates", **SMALL)
        before = pictures(at)
        set_to(at, name, value)
        assert pictures(at)["gates"] != before["gates"]
        assert link(at) == SMALL | {KINDS[name].key: "1" if value is True else value}
        assert getattr(at.session_state["experiment"], name) == value

    @every_page
    @pytest.mark.parametrize("end", ["low", "high"])
    def test_every_slider_goes_to_its_ends(self, screen, end):
        at = visit(screen, cell="gru", input="clue", **SMALL)
        for name in ("D", "gain", "forget_bias", "layers", "H", "T", "seed", "input_seed"):
            kind = KINDS[name]
            value = getattr(kind, end) if name != "D" else {"low": 2, "high": 16}[end]
            shown = widget(at, name)
            assert {"low": shown.min, "high": shown.max}[end] == value
            if name not in ("T", "H") or end == "low":
                set_to(at, name, value)

    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize("name", ["cell", "input", "scheme", "loss", "activation"])
    def test_every_choice_can_be_made(self, lang, name):
        at = visit("gradients", lang=lang, cell="rnn", **SMALL)
        for value in ("last", "all", "step") if name == "loss" else KINDS[name].options:
            set_to(at, name, value, lang)
            if name == "cell":
                assert at.session_state["experiment"].cell == value
            set_to(at, "cell", "rnn", lang)

    def test_the_loss_sits_at_a_step_of_its_own(self):
        at = visit("gradients", T="40", H="4")
        set_to(at, "loss", "step")
        assert link(at)["loss"] == "20"
        set_to(at, "loss_step", 7)
        assert link(at)["loss"] == "7"
        set_to(at, "T", 5)
        assert link(at) == {"T": "5", "H": "4"}, "there is no step 7 any more"

    @pytest.mark.parametrize("cell", CELLS)
    def test_only_settings_that_count_are_offered(self, cell):
        at = visit("gates", cell=cell, **SMALL)
        shown = {
            w.label
            for kind in (at.slider, at.selectbox, at.toggle, at.button_group)
            for w in kind
            if not w.proto.disabled
        }
        for name, owner in (("activation", "rnn"), ("reset_after", "gru"), ("z_keeps", "gru")):
            assert (words("en")(f"setting.{name}") in shown) == (cell == owner)

    def test_labels_are_in_the_visitors_language(self):
        at = visit("gradients", lang="ko", cell="gru", input="clue", **SMALL)
        for kind in (at.slider, at.selectbox, at.number_input, at.toggle, at.button):
            for w in kind:
                assert re.search("[가-힣]", w.label), w.label

    def test_a_late_change_of_the_link_counts(self):
        """The back button: the address changes, no widget was touched."""
        at = visit("gates", **SMALL)
        set_to(at, "H", 9)
        at.query_params = {"T": "12", "H": "4"}
        fine(at.run())
        assert widget(at, "H").value == 4 and link(at) == SMALL
        assert pictures(at) == pictures(visit("gates", **SMALL))


class TestOwnNumbers:
    def own(self, **query):
        at = visit("gates", input="own", x="1,0.5,-1", T="3", H="4", **query)
        return at, widget(at, "numbers", query.get("lang", "en"))

    def test_good_ones_are_run(self):
        at, area = self.own()
        area.set_value("0.25; −2\n3 4, 5")
        fine(at.run())
        assert link(at) == {"input": "own", "x": "0.25,-2,3,4,5", "T": "5", "H": "4"}
        assert not at.warning
        wanted = perform(Experiment(input="own", numbers=(0.25, -2, 3, 4, 5), T=5, H=4)).trace
        first = pictures(at)["gates"]
        assert first == pictures(visit("gates", **link(at)))["gates"]
        assert text(wanted["h"][4, 0, 0]) in charts(at)["gates"]["alt"]

    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize(
        ("typed", "reason", "named"),
        [
            ("1 two 3", "bad", "two"),
            ("", "none", ""),
            ("0 " * 501, "many", "501"),
            ("1e9", "bad", "1e9"),
        ],
    )
    def test_bad_ones_are_refused_where_they_were_typed(self, lang, typed, reason, named):
        at, area = self.own(lang=lang)
        before = pictures(at)
        area.set_value(typed)
        fine(at.run())
        assert pictures(at) == before, "the picture still shows the numbers before"
        [warning] = at.warning
        assert warning.value.startswith(words(lang)(f"note.numbers_{reason}").partition("{")[0])
        assert named in warning.value
        assert widget(at, "numbers", lang).value == typed, "what was typed stays, to be mended"
        area = widget(at, "numbers", lang)
        area.set_value("7, 8")
        fine(at.run())
        assert not at.warning and link(at)["x"] == "7,8"

    def test_numbers_that_a_link_cannot_have(self):
        at = visit("gates", input="own", x="1,zwei", **SMALL)
        assert len(at.warning) == 2 and link(at) == SMALL

    def test_choosing_them_starts_with_an_example(self):
        at = visit("gates", **SMALL)
        set_to(at, "input", "own")
        assert at.session_state["experiment"].numbers and not at.warning
        assert widget(at, "numbers").value == link(at)["x"]

    def test_what_is_run_is_what_was_typed(self):
        """Every digit: a page change must not round them."""
        at, area = self.own()
        area.set_value("0.123456789, 123456.75")
        fine(at.run())
        before = pictures(at)["gates"]
        go(at, "home")
        go(at, "gates")
        assert at.session_state["experiment"].numbers == (0.123456789, 123456.75)
        assert pictures(at)["gates"] == before

    def test_markup_is_not_dressed_up(self):
        at, area = self.own()
        area.set_value("<b>**1**</b>")
        fine(at.run())
        [warning] = at.warning
        assert not re.search(r"(?<!\\)[<*]", warning.value), "a piece of what was typed is text, not markup"


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
        before, after = pictures(visit(screen, **SMALL)), pictures(visit(screen, **view, **SMALL))
        for name in before:
            if name not in ("unit", "half_life") or "u" not in view:
                assert before[name] == after[name]

    @pytest.mark.parametrize(("screen", "names"), [("gates", ("unit", "half_life"))])
    def test_another_unit_is_another_picture(self, screen, names):
        """What is kept for the next visitor is kept by all that it depends on."""
        one, other = pictures(visit(screen, u="1", **SMALL)), pictures(visit(screen, u="3", **SMALL))
        for name in names:
            assert one[name] != other[name]

    @every_page
    def test_a_language_changes_no_number(self, screen):
        english, korean = (pictures(visit(screen, lang=lang, **SMALL)) for lang in LANGUAGES)
        for name in english:
            one, other = unpack(english[name]), unpack(korean[name])
            np.testing.assert_equal([drawn(t) for t in one["data"]], [drawn(t) for t in other["data"]])

    @every_page
    def test_two_visitors_see_the_same(self, screen):
        first = pictures(visit(screen, **SMALL))
        forget()
        assert pictures(visit(screen, **SMALL)) == first

    @every_page
    def test_a_rerun_changes_nothing(self, screen):
        at = visit(screen, cell="gru", lang="ko", t="3", **SMALL)
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
            assert widget(at, "H", "ko").value == 4

    def test_a_change_on_one_page_counts_on_the_next(self):
        at = visit("gates", **SMALL)
        set_to(at, "seed", 5)
        go(at, "gradients")
        assert link(at) == SMALL | {"seed": "5"}
        assert pictures(at) == pictures(visit("gradients", seed="5", **SMALL))


def drawn(trace: dict) -> dict:
    """A trace of a figure without its words."""
    return {name: value for name, value in trace.items() if name not in ("name", "hovertemplate")}


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
        assert pictures(at) == pictures(visit(screen, lang="ko"))

    def test_reset_takes_own_numbers_back(self):
        at = visit("gates", input="own", x="1,2", T="2")
        widget(at, "numbers").set_value("1 zwei")
        fine(at.run())
        assert at.warning
        press(at, words("en")("setting.reset"))
        assert link(at) == {} and not at.warning
        set_to(at, "input", "own")
        assert not at.warning, "the refusal belongs to what was typed, not to the next numbers"


class TestStage:
    @pytest.mark.parametrize("cell", CELLS)
    def test_holds_the_numbers_of_the_run(self, cell):
        performance = perform(Experiment(cell=cell, T=12, H=4))
        trace, grads = performance.trace, performance.grads
        run = on_stage(visit("unrolled", cell=cell, **SMALL))[1]
        wanted = {q: trace[q] for q in run["values"]}
        assert set(wanted) >= {*trace.cell.gates, *trace.cell.states}
        for q, array in wanted.items():
            np.testing.assert_array_equal(run["values"][q], array[:, 0].astype(np.float32))
        np.testing.assert_array_equal(run["grads"]["dh"], grads.state["h"][:, 0].astype(np.float32))
        for gate in trace.cell.gates:
            np.testing.assert_array_equal(run["grads"][f"da_{gate}"], grads.pre[gate][:, 0].astype(np.float32))
        for name, array in trace.params.items():
            np.testing.assert_array_equal(run["params"][name], array.astype(np.float32))
        assert run["loss"] == [12] and run["direct"][-1].any() and not run["direct"][:-1].any()

    def test_a_rest_of_the_hand_goes_to_the_link(self):
        at = visit("unrolled", **SMALL)
        cursor = {"step": 7, "unit": 2, "level": 3, "quantity": "o", "back": False}
        at.session_state["view"] = replace(at.session_state["view"], **cursor)
        at.session_state["touched"] = True
        fine(at.run())
        assert link(at) == SMALL | {"t": "7", "u": "2", "level": "3", "q": "o"}
        assert on_stage(at)[0]["cursor"] == cursor
        assert on_stage(visit("unrolled", **link(at)))[0]["cursor"] == cursor

    @pytest.mark.parametrize("query", [{"level": "9"}, {"level": "x"}, {"q": "nothing"}, {"back": "maybe"}])
    def test_a_cursor_that_cannot_be_had_is_the_usual_one(self, query):
        usual = on_stage(visit("unrolled", **SMALL))[0]["cursor"]
        assert on_stage(visit("unrolled", **query, **SMALL))[0]["cursor"] == usual

    def test_speaks_the_visitors_language(self):
        english, korean = (on_stage(visit("unrolled", lang=lang, **SMALL))[0] for lang in LANGUAGES)
        assert english["words"].keys() == korean["words"].keys()
        assert re.search("[가-힣]", korean["words"]["to_back"]) and english["run"] == korean["run"]


class TestCharts:
    @every_page
    @pytest.mark.parametrize("cell", CELLS)
    def test_have_a_sensible_file_name(self, screen, cell):
        names = [c["file"] for c in charts(visit(screen, cell=cell, seed="3", **SMALL)).values()]
        assert len(set(names)) == len(names)
        for name in names:
            assert re.fullmatch(rf"[a-z_]+_{cell}_prices_T12_H4_seed3", name)

    @every_page
    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_have_words_for_every_tool(self, screen, lang):
        for chart in charts(visit(screen, lang=lang, **SMALL)).values():
            assert chart["words"] == {
                tool: words(lang)(f"toolbar.{tool}") for tool in ("reset", "svg", "png", "csv", "full", "failed")
            }
            assert chart["height"] == unpack(chart["figure"])["layout"]["height"]

    @pytest.mark.parametrize("cell", CELLS)
    def test_hold_the_numbers_of_the_run(self, cell):
        trace = perform(Experiment(cell=cell, T=12, H=4)).trace
        at = visit("gates", cell=cell, u="3", **SMALL)
        seen = 0
        for figure in pictures(at).values():
            for drawn in unpack(figure)["data"]:
                if drawn["type"] == "heatmap":
                    np.testing.assert_array_equal(drawn["z"], trace[drawn["name"]][:, 0].T.astype(np.float32))
                    seen += 1
        assert seen == len({*trace.cell.gates, *trace.cell.states})
        lines = unpack(pictures(at)["unit"])["data"]
        np.testing.assert_array_equal(lines[-1]["y"], trace["h"][:, 0, 2].astype(np.float32))

    def test_grow_on_a_projector(self):
        for scale, query in ((1.0, {}), (1.5, {"projector": "1"})):
            assert {c["scale"] for c in charts(visit("gates", **query, **SMALL)).values()} == {scale}

    @every_page
    def test_a_cursor_comes_with_clicks(self, screen):
        for chart in charts(visit(screen, t="3", u="2", **SMALL)).values():
            assert chart["cursor"] in (None, {"step": 3, "unit": 2})
            assert not chart["clickable"] or chart["cursor"]

    @pytest.mark.parametrize("name", ["gates", "gradients"])
    def test_plotly_js_is_our_own(self, name):
        for chart in charts(visit(name, **SMALL)).values():
            assert re.fullmatch(r"/app/static/plotly-[0-9a-f]{12}\.min\.js", chart["plotly"])
            assert (ROOT / "static" / Path(chart["plotly"]).name).stat().st_size > 10**6


class TestAlternativeText:
    """The sentence for those who do not see a picture holds the numbers of the run, and no markup."""

    E = Experiment(T=12, H=4, seed=3)

    def alts(self, page, cell="lstm", lang="en", **query):
        at = visit(page, cell=cell, lang=lang, seed="3", **query, **SMALL)
        shown = " ".join(m.value for m in at.markdown)
        for name, chart in charts(at).items():
            assert chart["alt"] and not re.search(r"[<>*{}`]|nan|e-\d", chart["alt"])
            assert chart["caption"] or name == "gates" or chart["alt"] in shown
        return {name: chart["alt"] for name, chart in charts(at).items()}

    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize("cell", CELLS)
    def test_of_the_gates(self, cell, lang):
        trace = perform(self.E.replace(cell=cell)).trace
        alts = self.alts("gates", cell, lang, t="7", u="2")
        gates = [q for q in trace.cell.gates if q not in trace.cell.states]
        for names, charts_ in ((gates, ("gates", "unit")), (trace.cell.states, ("gates", "unit"))):
            for q, name in product(names, charts_):
                letter = "C" if q == "c" else q
                assert f"{letter} = {text(trace[q][6, 0, 1])}" in alts[name]
        if trace.cell.keep:
            lives = half_life(trace)[6, 0]
            assert text(lives[1]) in alts["half_life"] and text(np.median(lives)) in alts["half_life"]

    def test_of_the_saturation(self):
        trace = perform(self.E.replace(gain=4.0)).trace
        alt = self.alts("gates", gain="4", t="7")["saturation"]
        for gate in "ifo":
            opened, shut = (100 * (trace[gate][6, 0] > 0.9).mean(), 100 * (trace[gate][6, 0] < 0.1).mean())
            assert f"{gate} {opened:.0f} % open, {shut:.0f} % shut" in alt

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_of_the_gradients(self, lang):
        alt = self.alts("gradients", lang=lang)["gradients"]
        for name, rival in rivals(self.E).items():
            curve = norm(perform(rival).grads.state["h"])[:, 0]
            steps = depth(curve)
            wanted = str(steps) if steps else power_of_ten(curve[0])
            said = alt.partition(words(lang)(f"network.{name}") + ": ")[2].partition(";")[0]
            assert wanted in said

    @pytest.mark.parametrize("bias", ["0", "3"])
    @pytest.mark.parametrize("loss", ["last", "70"])
    def test_of_home(self, bias, loss):
        query = {"input": "sine", "fb": bias} | ({"loss": loss} if loss != "last" else {})
        at = visit("home", **query)
        e = at.session_state["experiment"]
        last = e.steps_with_loss[-1]
        [chart] = charts(at).values()
        back = min(60, last)
        assert re.search(rf"\b{back}\b", chart["alt"])
        for name in ("rnn_tanh", "gru", "lstm"):
            curve = norm(perform(rivals(e)[name]).grads.state["h"])[:, 0]
            assert power_of_ten(curve[last - back]) in chart["alt"]


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
