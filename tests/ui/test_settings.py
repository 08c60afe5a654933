"""What is set: by links, even hostile ones, by widgets, and by numbers of one's own."""

import re

import pytest

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.experiment import KINDS
from explorer.i18n import LANGUAGES, words
from explorer.numerals import text
from explorer.ui.frame import PAGES
from explorer.ui.language import literal
from tests.ui.visiting import (
    SMALL,
    charts,
    every_page,
    every_page_of_the_input,
    fine,
    go,
    link,
    on_stage,
    pictures,
    set_to,
    until_over,
    visit,
    widget,
)


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

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_notes_speak_as_the_widgets_do(self, lang):
        say = words(lang)
        asked = {"cell": "x", "input": "own", "loss": "", "fb": "9", "reset_after": "x", "chrono": "x"}
        notes = {warning.value for warning in visit("gates", lang=lang, **asked).warning}
        shown = {
            "cell": say("choice.cell.lstm"),
            "input": say("choice.input.prices"),
            "loss": say("choice.loss.last"),
            "forget_bias": "3",
            "reset_after": say("note.on"),
            "chrono": say("note.off"),
        }
        for (name, used), given in zip(shown.items(), asked.values(), strict=True):
            note = say("note.fallback", name=literal(say(f"setting.{name}")), given=given, used=used)
            assert note in notes, notes

    @pytest.mark.parametrize("screen", [name for name, own in PAGES.items() if "H" not in own])
    def test_notes_go_when_something_is_set(self, screen):
        at = visit(screen, cell="xxx", **SMALL)
        assert len(at.warning) == 1
        set_to(at, "H", 5)
        assert not at.warning and link(at) == {"T": "12", "H": "5"}

    @every_page
    def test_a_view_that_cannot_be_had_costs_nothing_but_a_note(self, screen):
        wanted = pictures(until_over(visit(screen, **SMALL)))
        for view in ({"t": "x", "u": "-1", "projector": "maybe"}, {"t": "9e9", "u": "nan"}, {"lang": "xx"}):
            at = visit(screen, **view, **SMALL)
            assert pictures(at) == wanted and link(at) == SMALL
            notes = [warning.value for warning in at.warning]
            assert len(notes) == len(view) and all(literal(given) in "".join(notes) for given in view.values())

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_what_no_part_of_the_page_can_be_asked_is_said_by_name(self, lang):
        asked = {
            "t": "501",
            "level": "0",
            "q": "w",
            "form": "x",
            "beam": "6",
            "review": "x" * 201,
            "n": "1",
            "nets": "x",
        }
        used = {"t": "5", "level": "1", "q": "f", "form": "sequence\\_to\\_sequence", "beam": "1", "review": "",
                "n": "20000", "nets": "rnn\\_tanh,gru,lstm"}  # fmt: skip
        say = words(lang)
        notes = [warning.value for warning in visit("forms", lang=lang, **asked).warning]
        assert notes == [
            say(
                "note.way" if used[key] else "note.left_out",
                name=say(f"link.{key}"),
                given=literal(asked[key][:40]),
                used=used[key],
            )
            for key in ("t", "level", "q", "n", "nets", "form", "review", "beam")
        ]

    @pytest.mark.parametrize(("asked", "shown"), [("0.123", "%.3f"), ("1.5", "%.2f"), ("1.2345678", "%.6f")])
    def test_a_slider_shows_what_the_network_uses(self, asked, shown):
        at = visit("unrolled", gain=asked, **SMALL)
        assert widget(at, "gain").proto.format == shown

    @every_page
    def test_a_cursor_beyond_a_shorter_sequence_is_no_fault(self, screen):
        assert not visit(screen, T="12", t="400", u="40", H="3").warning

    @every_page
    def test_parameters_of_others_are_ignored(self, screen):
        at = visit(screen, utm_source="x", fbclid="y", embed="true", embed_options="y", **SMALL)
        assert not at.warning and at.title
        assert link(at) == SMALL | {"embed": "true", "embed_options": "y"}, "Streamlit's own stay"

    @every_page
    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_a_link_that_was_mended_says_how(self, screen, lang):
        say = words(lang)
        at = visit(
            screen, lang=lang, **{"amp;T": "12", "amp;H": "4", "cel": "rnn", "foo": "1", "?seed": "3", "D%3D1": ""}
        )
        notes = [warning.value for warning in at.warning]
        meant = say("note.link_meant", given="“cel=rnn”", used="“cell”")
        assert notes == [
            say("note.link_amp", list="“T=12”, “H=4”"),
            say("note.link_unknown", list=f"{meant}, “foo=1”"),
            say("note.link_question", list="“seed=3”"),
            say("note.link_encoded", list="“D=1”"),
        ]
        assert link(at) == SMALL | {"lang": lang, "seed": "3"}

    @every_page
    def test_notes_on_a_link_are_few_and_hold_no_markup(self, screen):
        wild = {f"<b>**{k}**</b>[a](https://example.org)$x$\n# y": "`z`" for k in range(900)}
        at = visit(screen, **wild, **SMALL)
        [warning] = at.warning
        said = re.sub(r"\\.", "", warning.value)
        assert len(warning.value) < 1000 and "897" in said and not re.search(r"[<>*\[\]$`#\n]", said), said

    def test_notes_on_a_link_stay_until_something_is_set(self):
        at = visit("gates", cel="rnn", **{"amp;T": "12"}, H="4")
        assert len(at.warning) == 2
        fine(at.run())
        assert len(at.warning) == 2, "a run that nobody has asked for takes nothing away"
        set_to(at, "H", 5)
        assert not at.warning

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
        assert pictures(until_over(visit(screen, **link(at)))) == after, "the link shows the same to another visitor"

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

    @every_page_of_the_input
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
        at = visit("gradients", ask="why", lang=lang, cell="rnn", **SMALL)
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
        assert widget(at, "numbers").value.replace(" ", "") == link(at)["x"]

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
