"""A tab outlives its server, and its connection: it comes back with what it showed, and the first change counts."""

import re
import signal
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from explorer.i18n import words
from tests.browser.conftest import ASKING, chart, end, fine, free_port, serving, settle, start, until_quiet
from tests.browser.wire import Wire

EN = words("en")
SHOWN = {"T": "60", "H": "8", "lang": "en"}
LINK = "&".join(f"{key}={value}" for key, value in SHOWN.items())
CONNECTED = "document.querySelector('[data-testid=stApp]').dataset.testConnectionState === 'CONNECTED'"


def slide(page, label, key="ArrowRight"):
    page.get_by_role("slider", name=re.compile(f"^{re.escape(label)}")).press(key)


def choose(page, label, option):
    page.get_by_role("combobox", name=re.compile(re.escape(label))).click()
    page.get_by_role("option", name=option, exact=True).click()


def write(page, label, text, kind="textbox"):
    page.get_by_role(kind, name=re.compile(f"^{re.escape(label)}")).fill(text)
    page.get_by_role(kind, name=re.compile(f"^{re.escape(label)}")).press("Enter")


def click_chart(page, name):
    chart(page, name).locator(".plot").scroll_into_view_if_needed()
    chart(page, name).locator(".nsewdrag").first.click(position={"x": 150, "y": 40})


def radio(page, name):
    page.get_by_role("radio", name=name, exact=True).click()


def switch(page, name):
    page.get_by_text(name, exact=True).click()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def open_more(page):
    page.get_by_text(EN("setting.more"), exact=True).click()
    settle(page)


# where, what is opened before the server goes, the first change after it, what the address then says beside SHOWN
CHANGES = {
    "slider": ("unrolled", None, lambda p: slide(p, EN("setting.T")), {"T": "61"}),
    "select": ("gates", None, lambda p: choose(p, EN("setting.input"), EN("choice.input.sine")), {"input": "sine"}),
    "segmented control": ("gradients", None, lambda p: radio(p, "GRU"), {"cell": "gru"}),
    "toggle": (
        "unrolled",
        open_more,
        lambda p: switch(p, EN("setting.chrono")),
        {"chrono": "1"},
    ),
    "number": ("gates", None, lambda p: write(p, EN("setting.seed"), "7", "spinbutton"), {"seed": "7"}),
    "text": ("forms?form=encoder_decoder", None, lambda p: write(p, EN("forms.source"), "구십"), {"source": "구십"}),
    "button": ("gates?cell=gru", None, lambda p: press(p, EN("setting.reset")), {"cell": None, "T": None, "H": None}),
    "stage": ("unrolled", None, lambda p: p.locator("body").press("ArrowRight"), {"t": "6"}),
    "chart": ("gates", None, lambda p: click_chart(p, "unit"), {"t": "14"}),
    "slider in a fragment": ("training", None, lambda p: slide(p, EN("training.scrub_step")), {"t": "6"}),
    "length": ("long", None, lambda p: slide(p, EN("long.length")), {"n": "50000"}),
    "link": ("gates", None, lambda p: p.get_by_role("link", name=EN("page.long")).first.click(), {}),
}


def address(page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def says(page, path="", **query) -> None:
    """Wait until the address says so, beside what the link and the path have said."""
    wanted = SHOWN | dict(parse_qsl(urlsplit(path).query)) | query
    wanted = {key: value for key, value in wanted.items() if value is not None}
    settle(page)
    end = time.monotonic() + 20
    while address(page) != wanted and time.monotonic() < end:
        page.wait_for_timeout(50)
    settle(page)
    assert address(page) == wanted


def opened(browser, url):
    """A page of its own, whose console may speak of a lost connection."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US").new_page()
    page.add_init_script(ASKING)
    page.goto(f"{url}{'&' if '?' in url else '?'}{LINK}")
    until_quiet(page)
    return page


@pytest.fixture(scope="module")
def tabs(browser, tmp_path_factory):
    """One tab for each change, whose server was killed and started again."""
    log, port = tmp_path_factory.mktemp("killed") / "log", free_port()
    server, made = start(log, port), {}
    try:
        for name, (path, prepare, *_) in CHANGES.items():
            made[name] = opened(browser, f"http://127.0.0.1:{port}/{path}")
            if prepare:
                prepare(made[name])
        end(server, signal.SIGKILL)
        time.sleep(0.5)
        server = start(log, port)
        yield made
        fine(log)
    finally:
        end(server)
        for page in made.values():
            page.context.close()


@pytest.mark.parametrize("name", CHANGES)
def test_the_first_change_after_a_restart_counts(tabs, name):
    path, _, change, query = CHANGES[name]
    page = tabs[name]
    page.wait_for_function(CONNECTED, timeout=30_000)
    if list(CHANGES).index(name) % 2:  # the others do not wait until the page is back
        settle(page)
    change(page)
    says(page, path, **query)


@pytest.fixture(scope="module", params=["kept", "given up"])
def wired(request, tmp_path_factory):
    """A server that keeps a tab whose connection is lost, or gives it up; and the wire to it."""
    options = ["--server.disconnectedSessionTTL", "1"] if request.param == "given up" else []
    with serving(tmp_path_factory.mktemp("wired") / "log", *options) as url:
        wire = Wire(urlsplit(url).port)
        yield wire
        wire.cut()


@pytest.fixture
def at(wired, browser):
    """at(path) -> a tab at the other end of the wire."""
    made = []

    def visit(path):
        made.append(opened(browser, f"{wired.url}/{path}"))
        return made[-1]

    yield visit
    for page in made:
        page.context.close()


def lose(page, wire, seconds=2.0) -> None:
    """The connection goes, which the browser hears, and does not come back yet; the server has given up by then."""
    wire.cut()
    page.wait_for_function(f"!({CONNECTED})")
    page.wait_for_timeout(1000 * seconds)


def mend(page, wire) -> None:
    wire.mend()
    page.wait_for_function(CONNECTED, timeout=30_000)


AFTER = ("slider", "stage", "slider in a fragment", "length")


@pytest.mark.parametrize("name", AFTER)
def test_the_first_change_after_a_lost_connection_counts(wired, at, name):
    path, _, change, query = CHANGES[name]
    page = at(path)
    lose(page, wired)
    mend(page, wired)
    change(page)
    says(page, path, **query)


@pytest.mark.parametrize("name", ["slider", "segmented control", "button", "stage"])
def test_a_change_that_never_arrived_counts_when_the_connection_is_back(wired, at, name):
    """A laptop that wakes up does not know yet that nobody hears it."""
    path, _, change, query = CHANGES[name]
    page = at(path)
    wired.swallow()
    change(page)
    page.wait_for_timeout(1000)
    lose(page, wired)
    mend(page, wired)
    says(page, path, **query)
    if name == "slider":
        expect(page.get_by_role("slider", name=re.compile(EN("setting.T")))).to_have_value("61")


def test_a_choice_that_no_link_has_stays(wired, at):
    page = at("training")
    switch(page, EN("training.relative"))
    settle(page)
    lose(page, wired)
    mend(page, wired)
    says(page)
    expect(page.get_by_label(EN("training.relative")).first).to_be_checked()


def test_what_the_stage_was_taken_to_while_nobody_heard_stays(wired, at):
    page = at("unrolled")
    lose(page, wired, 1)
    for _ in range(3):
        page.locator("body").press("ArrowRight")
    page.wait_for_timeout(1500)
    mend(page, wired)
    says(page, t="8")
    assert page.locator(".stage").evaluate("({ stage }) => stage.cursor.step") == 7


def test_what_cannot_be_heard_is_refused_where_it_would_be_set(wired, at):
    page = at("gates")
    lose(page, wired, 0)
    expect(page.get_by_role("slider", name=re.compile(EN("setting.T")))).to_be_disabled()
    mend(page, wired)
    says(page)


def test_the_way_back_counts_that_was_taken_meanwhile(wired, at):
    page = at("gates")
    slide(page, EN("setting.T"))
    says(page, T="61")
    lose(page, wired)
    page.go_back()
    mend(page, wired)
    says(page)
    expect(page.get_by_role("slider", name=re.compile(EN("setting.T")))).to_have_value("60")


def test_an_untouched_tab_comes_back_as_it_was(wired, at):
    page = at("gradients?ask=why&cell=gru")
    before = [line.get_attribute("aria-label") for line in page.locator(".gate-chart [role=img]").all()]
    lose(page, wired)
    mend(page, wired)
    says(page, "?ask=why&cell=gru")
    assert [line.get_attribute("aria-label") for line in page.locator(".gate-chart [role=img]").all()] == before
