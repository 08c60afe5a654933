"""What is taken away from the stage: a picture, a film, and a replay that needs no server."""

import io
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from explorer import Experiment, perform
from explorer.i18n import words
from explorer.numerals import text
from tests.browser.conftest import settle

EN = words("en")


def saved(page, kind: str):
    """What the menu saves as a file of that kind."""
    page.locator(".saving").evaluate("(menu) => (menu.open = true)")
    with page.expect_download(timeout=30_000) as waiting:
        page.locator(f".saving [data-save={kind}]").click()
    return waiting.value


def test_the_sentence_stays_inside_the_picture(server, visit):
    """A long one goes over lines, and none is wider than the picture."""
    page = visit(f"{server}/unrolled?T=30&H=4&t=9&back=1")
    svg = saved(page, "svg").path().read_text(encoding="utf-8")
    lines = [node.text for node in ET.fromstring(svg).findall("./{*}text/{*}tspan")]
    assert len(lines) > 1
    assert "".join(lines) == page.locator(".stage .sentence").text_content()
    overhang = page.evaluate(
        """(svg) => {
             const holder = document.createElement("div");
             holder.innerHTML = svg;
             document.body.append(holder);
             const lines = [...holder.querySelectorAll(":scope > svg > text > tspan")];
             const right = Math.max(...lines.map((line) => line.getEndPositionOfChar(line.getNumberOfChars() - 1).x));
             const inside = right <= holder.firstChild.viewBox.baseVal.width;
             holder.remove();
             return [right, inside];
           }""",
        svg,
    )
    assert overhang[1], overhang


OPERATED = "f~5-30~1_c~8~0.5~2_x~3~1"
FILMS = [("T=100&H=32", 50), ("T=12&H=4&cell=gru&back=1&loss=9", 9), (f"T=40&H=8&op={OPERATED}", 40)]


@pytest.mark.parametrize(("query", "frames"), FILMS)
def test_the_film_goes_from_step_to_step_in_few_bytes(server, visit, query, frames):
    page = visit(f"{server}/unrolled?{query}")
    before = page.locator(".stage").evaluate("({ stage }) => JSON.stringify(stage.cursor)")
    film = saved(page, "film").path().read_bytes()
    assert page.locator(".stage").evaluate("({ stage }) => JSON.stringify(stage.cursor)") == before
    assert len(film) < 700_000, len(film)
    picture = Image.open(io.BytesIO(film))
    assert (picture.format, picture.n_frames) == ("PNG", frames)
    seen = []
    for k in range(frames):
        picture.seek(k)
        seen.append(np.asarray(picture.convert("RGB"), int))
    moved = [(a != b).any(-1).mean() for a, b in pairwise(seen)]
    assert min(moved) > 0.001 and max(moved) < 0.5, moved
    fresh = Image.open(saved(page, "png").path()).convert("RGB").resize(picture.size)
    assert abs(seen[-1].mean() - np.asarray(fresh).mean()) < 12, "the last frame is no picture of the stage"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_film_of_a_long_run_says_what_it_leaves_out(server, visit, lang):
    page = visit(f"{server}/unrolled?T=500&H=64&loss=30&lang={lang}")
    say, button = words(lang), page.locator(".saving [data-save=film]")
    page.locator(".saving summary").click()
    expect(button).to_have_text(say("stage.save_film_some", count=50, all=500))
    page.locator(".saving summary").click()
    page.get_by_role("button", name=say("stage.to_back")).click()
    page.locator(".saving summary").click()
    expect(button).to_have_text(say("stage.save_film"))  # back from the loss there are 30 steps, all of them shown
    page.get_by_role("button", name=say("stage.to_forward")).click()
    if lang == "en":
        film = saved(page, "film").path().read_bytes()
        assert len(film) < 700_000, len(film)
        assert Image.open(io.BytesIO(film)).n_frames == 50


def test_a_picture_of_an_operated_run_shows_the_original_too(server, visit):
    page = visit(f"{server}/unrolled?T=40&H=8&op={OPERATED}&t=20")
    svg = ET.fromstring(saved(page, "svg").path().read_text(encoding="utf-8"))
    overview, ghost = svg.findall("{http://www.w3.org/2000/svg}image")
    assert overview.get("href") != ghost.get("href")
    assert float(overview.get("height")) <= float(ghost.get("y"))
    page.goto(f"{server}/unrolled?T=40&H=8&t=20")
    settle(page)
    svg = ET.fromstring(saved(page, "svg").path().read_text(encoding="utf-8"))
    assert len(svg.findall("{http://www.w3.org/2000/svg}image")) == 1


def test_each_frame_is_the_picture_of_its_step(server, visit):
    """A frame put together from its changes looks like the picture drawn at once, but for the palette's rounding."""
    page = visit(f"{server}/unrolled?T=4&H=3&t=4")
    film = Image.open(io.BytesIO(saved(page, "film").path().read_bytes()))
    film.seek(film.n_frames - 1)
    whole = Image.open(saved(page, "png").path()).convert("RGB")
    height = min(film.height, int(whole.height * film.width / whole.width)) - 60  # above the sentence
    drawn = whole.resize((film.width, round(whole.height * film.width / whole.width)), Image.Resampling.BOX)
    box = (0, 0, film.width, height)
    apart = np.abs(np.asarray(film.convert("RGB").crop(box), int) - np.asarray(drawn.crop(box), int))
    assert apart.mean() < 3, apart.mean()


# A film is begun, a key is pressed while it is drawn, it is stopped: by the browser itself, as it is soon over.
STOPPED = """async ({ stage }) => {
  const button = stage.host.querySelector("[data-save=film]");
  button.click();
  while (!/[1-9]\\d? %/.test(button.textContent)) await new Promise(requestAnimationFrame);
  stage.host.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  const { step } = stage.cursor;
  button.click();
  return step;
}"""


def test_a_film_can_be_stopped_and_the_page_stays_alive(server, visit):
    page = visit(f"{server}/unrolled?T=100&H=32&t=5")
    page.locator(".saving").evaluate("(menu) => (menu.open = true)")
    assert page.locator(".stage").first.evaluate(STOPPED) == 5
    expect(page.locator(".saving [role=status]").first).to_have_text(EN("stage.save_cancelled"))
    expect(page.locator(".saving [data-save=film]").first).to_have_text(EN("stage.save_film_some", count=50, all=100))
    expect(page.locator(".aside")).to_have_count(0)


@pytest.fixture
def replayed(server, visit, new_context, tmp_path):
    """replayed(query, **context) -> a page that stands on a saved replay, and all that it asked for."""
    asked, faults = [], []

    def open_file(query: str, **context):
        file = tmp_path / "replay.html"
        saved(visit(f"{server}/unrolled?{query}"), "replay").save_as(file)
        page = new_context(viewport={"width": 1280, "height": 900}, offline=True, **context).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.goto(file.as_uri())
        page.wait_for_function("() => document.querySelector('.stage')?.dataset.drawn")
        return page

    yield open_file
    assert not faults, faults
    assert all(re.match("file:|data:|blob:", url) for url in asked), asked


@pytest.mark.parametrize(("cell", "lang"), [("lstm", "ko"), ("gru", "en")])
def test_a_replay_is_the_same_stage_without_a_server(replayed, cell, lang):
    page = replayed(f"cell={cell}&T=20&H=4&t=7&u=3&lang={lang}")
    trace = perform(Experiment(cell=cell, T=20, H=4)).trace
    held = page.locator(".stage").evaluate(
        "({ stage: { run } }) => Object.fromEntries(Object.entries(run.values).map(([q, rows]) => "
        "[q, rows.map((row) => [...row])]))"
    )
    for q, rows in held.items():
        np.testing.assert_array_equal(np.float32(rows), trace[q][:, 0].astype(np.float32))
    expect(page.locator("h1")).to_have_text(words(lang)("unrolled.question", cell=cell.upper()))
    chosen = page.locator(".lens .chosen")
    expect(chosen.locator(".t")).to_have_text("t = 7")
    page.locator("body").press("ArrowRight")
    expect(chosen.locator(".t")).to_have_text("t = 8")
    expect(chosen.locator(".number.h").first).to_have_text(text(np.float32(trace["h"][7, 0, 2])))
    page.locator(f".circuit .gate[data-q={trace.cell.keep}]").click()
    expect(page.locator(".bar.total .value")).to_have_text(text(np.float32(trace[f"a_{trace.cell.keep}"][7, 0, 2])))
    page.get_by_role("button", name=words(lang)("stage.to_back")).click()
    page.locator("body").press("ArrowLeft")
    assert page.locator(".stage").evaluate("({ stage }) => stage.cursor.step") == 18
    page.locator(".saving summary").click()
    expect(page.locator(".saving [data-save=replay]")).to_be_hidden()
    assert saved(page, "svg").path().read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_replay_of_an_operated_run_says_so_and_offers_no_proof(replayed, lang):
    page = replayed(f"T=40&H=8&t=20&u=2&op={OPERATED}&lang={lang}")
    say, stage = words(lang), page.locator(".stage")
    expect(page.locator("main > p")).to_contain_text(say("surgery.note", list="|").split("|")[0])
    now, before = (perform(Experiment(T=40, H=8, surgery=done)).trace for done in (OPERATED, ()))
    shown = f"{text(np.float32(now['h'][19, 0, 1]))} ({text(np.float32(before['h'][19, 0, 1]))})"
    expect(page.locator(".lens .chosen .number.h").first).to_have_text(shown)
    expect(page.locator(".ghost-row")).to_be_visible()
    expect(stage.locator(".gate.pinned")).to_have_count(1)
    # a number still says where it comes from; whom to ask for a proof there is not
    expect(stage.locator(".proof")).to_have_text(say("stage.number_hint_alone"))
    stage.locator(".circuit .number.c:not(.former)", has_text="C = ").first.click()
    expect(stage.locator(".proof .result")).to_have_text(text(np.float32(now["c"][19, 0, 1])))
    expect(stage.locator(".proof :is(dl, button, [role=status])")).to_have_count(0)
    page.locator("body").press("ArrowLeft")
    expect(stage.locator(".proof")).to_have_text(say("stage.number_hint_alone"))
    expect(stage.locator(".prove")).to_have_count(0)


def test_a_replay_is_light_or_dark_as_the_visitor_likes(replayed):
    page = replayed("T=9&H=3", color_scheme="light")
    shade = "() => getComputedStyle(document.body).backgroundColor"
    light, box = page.evaluate(shade), page.locator(".lens .chosen .box").get_attribute("style")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.querySelector('.stage').stage.dark")
    assert page.evaluate(shade) != light
    assert page.locator(".lens .chosen .box").get_attribute("style") != box
