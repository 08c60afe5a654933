"""What a visitor brings: files and pasted texts, what the page says of them, and how they can be read otherwise."""

import io
import re

import numpy as np
import pandas as pd
import pytest

from explorer import jobs
from explorer.i18n import LANGUAGES, words
from explorer.inputs import tables
from explorer.ui import table_view, waiting
from explorer.ui import tables as bringing
from tests.ui.visiting import bring, charts, fine, go, link, press, until_over, visit, widget

PLACES = {
    "long": {"src": "own", "n": "1000", "H": "4"},
    "forms": {"company": "own"},
    "gates": {"input": "own", "x": "1,2"},
}
every_place = pytest.mark.parametrize("page", PLACES)
every_language = pytest.mark.parametrize("lang", LANGUAGES)
ROWS = [(f"2024-{1 + k // 28:02}-{1 + k % 28:02}", 100.5 + k % 7, 1000 + k * k % 83) for k in range(60)]


def said(at) -> str:
    return "\n".join(element.value for element in [*at.markdown, *at.caption, *at.warning, *at.info])


def previews(at) -> str:
    return "".join(e.proto.body for e in at.get("html") if "preview" in e.proto.body and "<table" in e.proto.body)


def labelled(kind, key: str, lang="en"):
    """The widgets with a label of tables."""
    return [w for w in kind if w.label == words(lang)(f"table.{key}")]


def csv(separator=";", decimal=",", names=("날짜", "종가", "거래량")) -> bytes:
    lines = [separator.join(names), *(separator.join([d, f"{c}".replace(".", decimal), f"{v}"]) for d, c, v in ROWS)]
    return "\n".join(lines).encode("cp949")


def excel(gaps=()) -> bytes:
    frame = pd.DataFrame(ROWS, columns=["day", "close", "volume"]).drop(columns="volume")
    frame.loc[list(gaps), "close"] = np.nan
    file = io.BytesIO()
    frame.to_excel(file, index=False)
    return file.getvalue()


class TestFiles:
    @every_place
    @every_language
    def test_it_is_said_how_one_was_read(self, page, lang):
        at = bring(visit(page, lang=lang, **PLACES[page]), csv(), "시세.csv")
        say = words(lang)
        for key in ("written_semicolon", "written_decimal_comma"):
            assert say(f"table.{key}") in said(at)
        assert "CP949" in said(at) and say("table.rows", count=60) in said(at) and not at.warning
        assert all(piece in previews(at) for piece in ("날짜", "종가", "2024-01-01", "100,5", say("table.kind_date")))
        assert previews(at).count("class='taken'") in (1 + 4, 1 + 8)

    @pytest.mark.parametrize(
        ("name", "write"),
        [
            ("a.parquet", lambda frame, file: frame.to_parquet(file, index=False)),
            ("a.xlsx", lambda frame, file: frame.to_excel(file, index=False)),
            ("a.npy", lambda frame, file: np.save(file, frame[["close", "volume"]].to_numpy())),
            ("a.csv", lambda frame, file: file.write(frame.to_csv().encode("utf-16"))),
        ],
    )
    def test_every_format_reaches_the_network(self, name, write):
        file = io.BytesIO()
        write(pd.DataFrame(ROWS, columns=["day", "close", "volume"]), file)
        at = bring(visit("gates", **PLACES["gates"]), file.getvalue(), name)
        assert at.session_state["experiment"].numbers == tuple(float(volume) for *_, volume in ROWS)
        assert not labelled(at.selectbox, "separator") or name.endswith("csv"), "it means nothing there"

    def test_several_columns_are_several_inputs(self):
        at = bring(visit("long", **PLACES["long"]), csv(), "시세.csv")
        [columns] = labelled(at.multiselect, "columns")
        assert (columns.options, columns.value) == (["종가", "거래량"], ["거래량"])
        columns.set_value(["종가", "거래량"])
        at = until_over(fine(at.run()))
        assert link(at)["col"] == "종가,거래량" and "“종가”, “거래량”" in said(at) and "Done in" in said(at)
        drawn = [trace for trace in charts_of(at)["data"] if trace["yaxis"] == "y"]
        for trace, column in zip(drawn, (1, 2), strict=True):
            values = np.array([row[column] for row in ROWS])
            np.testing.assert_allclose(trace["y"][:60], (values - values.mean()) / values.std(), rtol=1e-12)

    def test_own_numbers_of_several_columns(self):
        at = bring(visit("gates", **PLACES["gates"]), csv(), "시세.csv")
        labelled(at.multiselect, "columns")[0].set_value(["종가", "거래량"])
        at = until_over(fine(at.run()))
        e = at.session_state["experiment"]
        assert (e.D, e.T, len(e.numbers)) == (2, 60, 120) and e.numbers[:4] == (100.5, 1000.0, 101.5, 1001.0)
        again = visit("gates", **link(at))
        assert again.session_state["experiment"] == e and charts(again)["gates"] == charts(at)["gates"]
        other = go(go(again, "home"), "gates")
        widget(other, "input").set_value("sine")
        fine(other.run())
        widget(other, "input").set_value("own")
        fine(other.run())
        assert other.session_state["experiment"].D == 2, "they are the same inputs after another was looked at"

    @every_language
    def test_gaps_are_refused_and_carried_or_dropped(self, lang):
        at = bring(visit("long", lang=lang, **PLACES["long"]), excel(gaps=(4, 9)), "a.xlsx")
        say = words(lang)
        assert say("table.refused_missing", count=2, rows="6, 11") in said(at) and say("long.no_numbers") in said(at)
        for choice, count in (("carry", 60), ("drop", 58)):
            [missing] = labelled(at.selectbox, "missing", lang)
            missing.set_value(choice)
            at = until_over(fine(at.run()))
            assert not at.warning and link(at)["na"] == choice
            assert say(f"table.mended_{choice}", count=2) in said(at) and f"{count}" in said(at)

    @every_place
    def test_what_may_be_read_in_two_ways_is_asked_about_and_answered(self, page):
        data = b"price\n" + b"\n".join(b"%d,%03d" % (1 + k % 5, 100 + k) for k in range(40))
        at = bring(visit(page, **PLACES[page]), data)
        assert len([w for w in at.warning if "may be" in w.value]) == 1
        asked = [w for key in ("decimal", "separator") for w in labelled(at.selectbox, key)]
        assert asked and asked[0].value == "auto" and words("en")("table.choose") in asked[0].options

    def test_a_decimal_mark_that_is_chosen_stands_in_the_link(self):
        data = b"a;price\n" + b"\n".join(b"%d;%d,%03d" % (k, 1 + k % 5, 100 + k) for k in range(40))
        at = bring(visit("forms", **PLACES["forms"]), data)
        for mark, first in (("comma", "1.1 2.101"), ("point", "1100 2101")):
            labelled(at.selectbox, "decimal")[0].set_value(mark)
            at = until_over(fine(at.run()))
            assert link(at)["dec"] == mark and link(at)["prices"].startswith(first) and not at.warning
        again = bring(visit("forms", company="own", dec="comma"), data)
        assert link(again)["prices"].startswith("1.1 2.101"), "a link says how the next file is read"

    def test_a_link_without_a_file_is_a_page_without_one(self):
        at = visit("long", col="close,open", sep="bar", dec="comma", head="3", na="carry", **PLACES["long"])
        assert "No file yet" in said(at) and not at.warning and link(at)["col"] == "close,open"
        odd = visit("long", sep="x", head="99", na="", dec="5", **PLACES["long"])
        assert len(odd.warning) == 4 and "sep" not in link(odd)

    @every_place
    def test_what_stands_in_a_file_is_no_markup(self, page):
        evil = "<img src=x onerror=alert(1)>", "**bold** [a](b) $x$ :red[y]", "`c`"
        rows = "\n".join(f"{k},{100 + k % 5},<b>{k}</b>" for k in range(30))
        at = bring(visit(page, **PLACES[page]), (",".join(evil) + "\n" + rows).encode(), "<b>**x**</b>.csv")
        assert "&lt;img src=x" in previews(at) and not re.search("<(img|b)[ >]", previews(at))
        for text in [*at.caption, *at.warning, *at.markdown]:
            if "onerror" in text.value or "bold" in text.value or ".csv" in text.value:
                assert not re.search(r"(?<!\\)[<*\[$`]", text.value), text.value

    def test_long_names_and_cells_are_cut(self):
        data = "x" * 300 + ",y\n" + "\n".join(f"{'z' * 500},{k}" for k in range(20))
        at = bring(visit("long", **PLACES["long"]), data.encode(), "n" * 200 + ".csv")
        assert "z" * 30 not in previews(at) and "x" * 70 not in previews(at) and "n" * 60 not in said(at)

    def test_a_file_of_many_columns_shows_some(self):
        names = [f"c{k}" for k in range(100)]
        data = "\n".join([",".join(names), *(",".join(str(k * 7 % 13 + j) for j in range(100)) for k in range(30))])
        at = bring(visit("long", **PLACES["long"], col="c50,c99"), data.encode())
        assert ">c50<" in previews(at) and ">c99<" in previews(at) and previews(at).count("<th") == 8
        assert "and 92 columns more" in said(at)
        at = bring(visit("long", **PLACES["long"], col="nosuch"), data.encode())
        assert "There is no column “nosuch”" in said(at) and labelled(at.multiselect, "columns")[0].value == []

    def test_its_job_is_forgotten_and_what_is_kept_is_bounded(self):
        at = bring(visit("long", **PLACES["long"]), csv(), "시세.csv")
        assert not [task for task in waiting.office()._entries if task.work is tables.work], "it held the file"
        read = at.session_state["read_long"]
        assert len(read.numbers) == 8 * 60 and read.table.numbers is None
        at = bring(visit("forms", **PLACES["forms"]), csv())
        assert at.session_state["read_prices"].numbers == b"", "they are in the address"

    def test_each_page_keeps_its_file_as_it_was_read(self):
        """The address says how the one of this page is; another page's choice takes nothing back."""
        at = bring(visit("long", col="종가", **PLACES["long"], **PLACES["forms"]), csv(), "시세.csv")
        at = bring(go(at, "forms"), csv(names=("a", "b", "c")))
        labelled(at.selectbox, "column")[0].set_value("b")
        at = until_over(fine(at.run()))
        prices = link(at)["prices"]
        at.text_area[0].set_value(prices.replace("100.5", "99"))
        fine(at.run())
        typed = link(at)["prices"]
        assert typed != prices
        at = until_over(go(at, "long"))
        assert "column “종가”" in said(at) and not at.warning and link(at)["col"] == "종가"
        at = until_over(go(at, "forms"))
        assert link(at)["col"] == "b" and link(at)["prices"] == typed

    def test_a_file_taken_back_is_gone(self):
        at = bring(visit("long", **PLACES["long"]), csv(), "시세.csv")
        at.file_uploader[0].set_value(None)
        at = until_over(fine(at.run()))
        assert "No file yet" in said(at) and not previews(at)

    def test_the_file_can_be_read_anew_after_another_page(self):
        at = go(go(bring(visit("long", **PLACES["long"]), csv(), "시세.csv"), "gates"), "long")
        labelled(at.multiselect, "columns")[0].set_value(["종가"])
        at = until_over(fine(at.run()))
        assert "column “종가”" in said(at)

    @pytest.mark.parametrize("kind", ["memory", "late", "crashed", "disk"])
    @every_language
    def test_a_reading_that_fails_is_said(self, kind, lang, monkeypatch):
        monkeypatch.setattr(bringing.Job, "over", True)
        job = jobs.Job("failed", problem=(kind, "7"))
        monkeypatch.setattr(waiting, "look", lambda task, slot: job if task.work is tables.work else None)
        at = visit("long", lang=lang, **PLACES["long"])
        at.file_uploader[0].set_value(("a.csv", b"1\n2\n", "text/csv"))
        fine(at.run())
        assert len(at.warning) == 1 and "{" not in at.warning[0].value

    def test_it_can_be_stopped_and_begun_again(self, monkeypatch):
        office = jobs.Jobs(jobs.Limits(), here=lambda visitor: True)
        monkeypatch.setattr(waiting, "office", lambda: office)
        monkeypatch.setattr(office, "_next", lambda: None)
        at = visit("long", **PLACES["long"])
        at.file_uploader[0].set_value(("a.csv", b"1\n2\n", "text/csv"))
        fine(at.run())
        assert "Reading a\\.csv …" in said(at) and "No file yet" not in said(at)
        press(at, "Cancel")
        monkeypatch.undo()
        monkeypatch.setattr(waiting, "office", lambda: office)
        assert "the 2 numbers" in said(until_over(press(at, "Run")))
        office.close()


def charts_of(at) -> dict:
    from explorer.ui.components.packing import unpack

    return unpack(charts(at)["long"]["figure"])


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "numbers", "D"),
        [
            ("1\t2\n3\t4\n5\t6", (1, 2, 3, 4, 5, 6), 2),
            ("a\tb\n1\t2\n3\t4", (2, 4), 1),
            ("date,close\n2024-01-02,1.5\n2024-01-03,2.5", (1.5, 2.5), 1),
            ("1;2;3\n4;5;6", (1, 2, 3, 4, 5, 6), 3),
            ("0.5 −1 2e3", (0.5, -1, 2000), 1),
        ],
    )
    def test_lists_and_tables(self, text, numbers, D):
        at = visit("gates", **PLACES["gates"])
        widget(at, "numbers").set_value(text)
        fine(at.run())
        e = at.session_state["experiment"]
        assert (e.numbers, e.D, e.T) == (numbers, D, len(numbers) // D) and not at.warning
        field = widget(at, "numbers")
        field.set_value(field.value + " ")  # what the field shows is read as what it is
        fine(at.run())
        assert at.session_state["experiment"] == e and not at.warning

    def test_columns_of_a_pasted_table_are_chosen(self):
        at = visit("gates", **PLACES["gates"])
        widget(at, "numbers").set_value("day\topen\tclose\nmon\t1\t2\ntue\t3\t4")
        fine(at.run())
        [columns] = labelled(at.multiselect, "columns")
        assert columns.options == ["open", "close"] and "col" not in link(at)
        columns.set_value(["open", "close"])
        fine(at.run())
        assert at.session_state["experiment"].numbers == (1, 2, 3, 4) and link(at)["D"] == "2" and "col" not in link(at)

    @every_language
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("70,100, 71,200", {(70.1, 71.2), (70100.0, 71200.0), (70.0, 100.0, 71.0, 200.0)}),
            ("1,5; 2,5", {(1.5, 2.5), (1.0, 5.0, 2.0, 5.0)}),
            ("1,000.5", {(1000.5,), (1.0, 0.5)}),
            ("1\u00a0000 2\u00a0000", {(1000.0, 2000.0), (1.0, 0.0, 2.0, 0.0)}),
        ],
    )
    def test_a_question_is_answered_with_a_click(self, text, wanted, lang):
        for k in range(len(wanted)):
            at = visit("gates", lang=lang, input="own", x="1,2")
            widget(at, "numbers", lang).set_value(text)
            fine(at.run())
            assert (
                at.warning
                and at.session_state["experiment"].numbers == (1, 2)
                and len(at.radio[0].options) == len(wanted)
            )
            at.radio[0].set_value(k)
            fine(at.run())
            assert not at.warning and not at.radio
            wanted = wanted - {at.session_state["experiment"].numbers} | {k}
        assert all(isinstance(left, int) for left in wanted), "each was offered once"

    def test_a_gap_is_asked_about_and_answered(self):
        at = visit("gates", **PLACES["gates"])
        widget(at, "numbers").set_value("1, nan, 3")
        fine(at.run())
        assert "1 value missing" in said(at) and at.session_state["experiment"].numbers == (1, 2)
        labelled(at.selectbox, "missing")[0].set_value("carry")
        fine(at.run())
        assert at.session_state["experiment"].numbers == (1, 1, 3) and not at.warning and "na" not in link(at)

    @pytest.mark.parametrize(("text", "sentence"), [("1 " * 7000, "there are 7000"), ("9" * 12_001, "12,000 letters")])
    def test_one_that_is_too_long_is_not_read(self, text, sentence, monkeypatch):
        monkeypatch.setattr(tables, "pasted", None)
        at = visit("gates", **PLACES["gates"])
        widget(at, "numbers").set_value(text)
        fine(at.run())
        assert sentence in at.warning[0].value and at.session_state["experiment"].numbers == (1, 2)
        assert widget(at, "numbers").value == "1, 2"

    def test_numbers_from_elsewhere_take_the_place_of_a_question(self):
        at = visit("gates", **PLACES["gates"])
        widget(at, "numbers").set_value("1,000.5")
        fine(at.run())
        at.query_params = {"input": "own", "x": "7,8"}
        fine(at.run())
        assert not at.warning and not at.radio and widget(at, "numbers").value == "7, 8"


@pytest.mark.parametrize("numbers", [[[1.0], [0.5]], [[1, 2.5], [1e-300, -0.1]], [[123456.75]], [[1.0, 500], [2, 600]]])
def test_what_a_field_shows_is_read_as_the_same(numbers):
    numbers = np.array(numbers)
    read = bringing._pasted(bringing.Place("x", 16), bringing.written(numbers), tables.AS_IT_COMES)
    assert read.refusal is None
    np.testing.assert_array_equal(read.table.numbers, numbers)


def test_details_of_any_kind_are_text():
    error = tables.Unreadable("column", "", name="*a*", names=("<b>", "c"))
    assert table_view.refusal(error) == "There is no column “\\*a\\*”: choose one of “\\<b\\>”, “c”."
