"""A visitor's own tables in a real browser: seen, asked about, answered, on a desk and on a phone."""

import io

import pandas as pd
import pytest
from playwright.sync_api import expect

from explorer.i18n import LANGUAGES, words
from tests.browser.conftest import figure, settle

DESK, PHONE = {"width": 1366, "height": 768}, {"width": 360, "height": 740}
SIZES = {"desk": DESK, "phone": PHONE}
ROWS = [(f"2024-{1 + k // 28:02}-{1 + k % 28:02}", 100.5 + k % 7, 1000 + k * k % 83) for k in range(60)]
KOREAN = "\n".join(["날짜;종가;거래량", *(f"{d};{c};{v}".replace(".", ",") for d, c, v in ROWS)]).encode("cp949")
EITHER = "\n".join(["a;price", *(f"{k};{1 + k % 5},{100 + k}" for k in range(40))]).encode()


def excel() -> bytes:
    frame = pd.DataFrame(ROWS, columns=["day", "close", "volume"])[["day", "close"]]
    frame.loc[[4, 9], "close"] = None
    file = io.BytesIO()
    frame.to_excel(file, index=False)
    return file.getvalue()


def bring(page, name: str, data: bytes) -> None:
    field = page.locator("input[type=file]").first
    field.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    expect(page.locator(".preview")).to_be_visible(timeout=30_000)
    settle(page)


def choose(page, label: str, option: str) -> None:
    """An option of a list, once what runs below it is over: a list closes when the page moves."""
    for job in page.locator(".st-key-job_long").all():
        expect(job.get_by_role("button")).to_have_count(0, timeout=60_000)
    field = (
        page.locator("[data-testid=stSelectbox], [data-testid=stMultiSelect]").filter(has_text=label).locator("input")
    )
    field.scroll_into_view_if_needed()
    settle(page)
    field.click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def within(page) -> None:
    """Nothing reaches beyond the page's width, and no label is cut."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cut = """(all) => all.filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.textContent)"""
    assert page.locator("[data-testid=stWidgetLabel] p").evaluate_all(cut) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_korean_file_is_seen_and_another_column_taken(server, visit, lang, size):
    say = words(lang)
    page = visit(f"{server}/long?lang={lang}&src=own&n=1000&H=4", viewport=SIZES[size])
    bring(page, "시세.csv", KOREAN)
    preview = page.locator(".preview")
    expect(preview.locator("th").nth(1)).to_contain_text("종가")
    expect(preview.locator("th.taken")).to_contain_text("거래량")
    expect(page.get_by_text(say("table.written_decimal_comma"))).to_be_visible()
    within(page)
    choose(page, say("table.columns"), "종가")
    page.wait_for_function("() => new URLSearchParams(location.search).get('col') === '거래량,종가'")
    settle(page)
    expect(preview.locator("th.taken")).to_have_count(2)
    page.wait_for_function("() => document.querySelector('.st-key-chart_long .plot')?.dataset.drawn")
    assert [trace["name"][:1] for trace in figure(page, "long")["traces"][:2]] == ["x", "x"]
    within(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_file_with_two_meanings_is_asked_about_and_answered(server, visit, lang):
    say = words(lang)
    page = visit(f"{server}/forms?lang={lang}&company=own&prices=1+3+2+5+4+6+5+8+7+9+6+8")
    bring(page, "prices.csv", EITHER)
    expect(page.get_by_text(say("table.refused_decimal", piece="“1,100”", row=2))).to_be_visible()
    choose(page, say("table.decimal"), say("choice.decimal.comma"))
    page.wait_for_function("() => new URLSearchParams(location.search).get('dec') === 'comma'")
    page.wait_for_function("() => (new URLSearchParams(location.search).get('prices') ?? '').startsWith('1.1 2.101')")
    settle(page)
    assert [round(y, 3) for y in figure(page, "form_forecast")["traces"][0]["y"][:2]] == [2.101, 3.102]


@pytest.mark.parametrize("size", SIZES)
def test_a_sheet_with_gaps_is_refused_and_then_carried(server, visit, size):
    say = words("en")
    page = visit(f"{server}/long?src=own&n=1000&H=4", viewport=SIZES[size])
    bring(page, "a.xlsx", excel())
    expect(page.get_by_text(say("table.refused_missing", count=2, rows="6, 11"))).to_be_visible()
    within(page)
    choose(page, say("table.missing"), say("choice.missing.carry"))
    expect(page.get_by_text(say("table.mended_carry", count=2))).to_be_visible()
    expect(page.get_by_text("the 60 numbers of your file")).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_typed_list_is_asked_about_and_answered_with_a_click(server, visit, lang, size):
    page = visit(f"{server}/gates?lang={lang}&input=own&x=1,0.5&T=2&H=4", viewport=SIZES[size])
    if size == "phone":
        page.get_by_test_id("stExpandSidebarButton").click()
    side = page.get_by_test_id("stSidebar")
    side.locator("textarea").fill("70,100, 71,200")
    side.locator("textarea").press("Control+Enter")
    settle(page)
    meant = side.get_by_test_id("stRadio")
    expect(meant).to_contain_text("70.1  ·  71.2".replace("  ", " "))
    within(page)
    meant.get_by_text("70100").click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('x') === '70100,71200'")
    settle(page)
    expect(meant).to_have_count(0)
    assert side.locator("textarea").input_value() == "70100, 71200"
