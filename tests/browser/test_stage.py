"""The stage: its numbers are the run's, its formulas the engine's, and the hand moves it without the server."""

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.i18n import final_consonant, with_particle, words
from explorer.numerals import text
from explorer.ui.components.publishing import module
from explorer.ui.components.stage import HERE
from tests.browser.conftest import settle
from tests.browser.test_moving import query

EN = words("en")
CONVENTIONS = ["cell=lstm", "cell=rnn", "cell=rnn&act=relu", "cell=rnn&act=sigmoid", "cell=gru"]
CONVENTIONS += ["cell=gru&reset_after=0", "cell=gru&z_keeps=0", "cell=gru&reset_after=0&z_keeps=0"]


def cursor(page) -> dict:
    return page.locator(".stage").evaluate("({ stage }) => stage.cursor")


@pytest.mark.parametrize("conventions", CONVENTIONS)
def test_every_formula_gives_the_runs_own_number(server, visit, conventions):
    """Also as it is written, brackets and signs: read as arithmetic, it is the number that it explains."""
    page = visit(f"{server}/unrolled?{conventions}&T=9&H=4&D=2&input=clue&loss=all")
    found = page.locator(".stage").evaluate(
        """({ stage: { run } }) => Object.entries({ ...run.formulas, ...run.chain }).flatMap(([name, formula]) =>
             Array.from({ length: run.T * run.H }, (_, k) => [Math.floor(k / run.H), k % run.H]).map(([t, unit]) =>
               [name, run.number(formula, t, unit), run.at(name, t)[unit]]))"""
    )
    assert len(found) >= 9 * 4 * 3
    for name, shown, wanted in found:
        assert shown == pytest.approx(wanted, rel=2e-5, abs=1e-6), name
    written = page.locator(".stage").evaluate(
        """async ({ stage: { run } }, url) => {
             const { formula } = await import(url);
             const exact = (value) => `<mn>(${value})</mn>`;
             const known = { "σ": (a) => 1 / (1 + Math.exp(-a)), ReLU: (a) => Math.max(a, 0), tanh: Math.tanh,
                             step: (a) => Number(a > 0) };
             return Object.entries({ ...run.formulas, ...run.chain }).flatMap(([name, tree]) => [0, 3].map((unit) => {
               const leaf = (name) => exact(run.number(name, 5, unit));
               const written = formula(tree, leaf, (product) => exact(run.number(product, 5, unit)), "*");
               const line = written.replace(/<[^>]*>/g, "").replaceAll("−", "-").replace(/1\\(\\(/, "step((");
               const value = Function(...Object.keys(known), `return ${line}`)(...Object.values(known));
               return [name, line, value, run.number(tree, 5, unit)];
             }));
           }""",
        module(HERE / "written.js"),
    )
    for name, line, value, wanted in written:
        assert value == pytest.approx(wanted, rel=1e-9, abs=1e-300), f"{name} = {line}"


@pytest.mark.parametrize("cell", CELLS)
def test_the_numbers_are_those_of_the_trace(server, visit, cell):
    page = visit(f"{server}/unrolled?cell={cell}&T=20&H=4&t=7&u=3")
    trace = perform(Experiment(cell=cell, T=20, H=4)).trace
    held = page.locator(".stage").evaluate(
        """({ stage: { run } }) => Object.fromEntries(
             Object.entries(run.values).map(([q, rows]) => [q, rows.map((row) => [...row])]))"""
    )
    for q, rows in held.items():
        np.testing.assert_array_equal(np.float32(rows), trace[q][:, 0].astype(np.float32))
    box = page.locator(".lens .chosen")
    expect(box.locator(".t")).to_have_text("t = 7")
    expect(box.locator(".number.h").first).to_have_text(text(np.float32(trace["h"][6, 0, 2])))


def test_numbers_and_particles_are_written_as_in_python(server, visit):
    page = visit(f"{server}/unrolled?T=5&H=2")
    draw = np.random.default_rng(0)
    numbers = [
        0.0,
        1.0,
        -1.0,
        0.00999,
        999.9,
        1e4,
        float("inf"),
        *(draw.standard_normal(300) * 10.0 ** draw.integers(-20, 20, 300)),
    ]
    url = module(HERE / "written.js")
    shown = page.evaluate(
        "async ([url, numbers]) => numbers.map((await import(url)).text)", [url, [*map(float, numbers)]]
    )
    assert shown == [text(value) for value in numbers]
    said = [
        "LSTM",
        "GRU",
        "RNN",
        "0.93",
        "3.1·10⁻⁹",
        "12 %",
        "∞",
        "값",
        "후보",
        "h",
        "1",
        "7",
        *map(text, numbers[:40]),
    ]
    pairs = [[word, particle] for word in said for particle in ("은", "이", "을", "과", "으로")]
    fitted = page.evaluate(
        "([url, pairs]) => import(url).then((module) => pairs.map((pair) => module.withParticle(...pair)))",
        [url, pairs],
    )
    assert fitted == [with_particle(*pair) for pair in pairs]
    assert {final_consonant(word) for word in said} > {""}


def test_a_number_in_a_formula_is_the_number_in_the_text(server, visit):
    page = visit(f"{server}/unrolled?T=5&H=2")
    numbers = [0.0, -0.5, 9.99e-5, 9.96e-9, 1.0e-300, -12345.0, 999.9, 3.1e-9]
    shown = page.evaluate(
        """([url, numbers]) => import(url).then(({ numeral }) => numbers.map((value) => {
             const holder = document.createElement("div");
             holder.innerHTML = `<math>${numeral(value)}</math>`;
             const [power] = holder.querySelectorAll("msup > :last-child");
             if (!power) return holder.textContent;
             const raised = { "−": "⁻", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) };
             power.textContent = [...power.textContent].map((digit) => raised[digit]).join("");
             return holder.textContent;
           }))""",
        [module(HERE / "written.js"), numbers],
    )
    assert shown == [text(value) for value in numbers]


def test_keys_move_the_cursor_and_the_link_follows(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=5")
    body = page.locator("body")
    for key, (step, unit) in {
        "ArrowRight": (5, 0),
        "ArrowUp": (5, 1),
        "End": (29, 1),
        "ArrowLeft": (28, 1),
        "ArrowDown": (28, 0),
    }.items():
        body.press(key)
        now = cursor(page)
        assert (now["step"], now["unit"]) == (step, unit), key
    page.wait_for_function("() => new URLSearchParams(location.search).get('t') === '29'")
    settle(page)
    assert cursor(page)["step"] == 28, "what the server answers moves nothing back"
    body.press("Home")
    assert cursor(page)["step"] == 0


def test_the_run_is_not_sent_again_when_the_hand_rests(server, visit):
    page = visit(f"{server}/unrolled?T=200&H=32&t=5")
    sizes = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    page.reload()
    settle(page)
    first = max(sizes)
    sizes.clear()
    page.locator("body").press("ArrowRight")
    page.wait_for_function("() => new URLSearchParams(location.search).get('t') === '6'")
    settle(page)
    assert first > 200_000 and max(sizes) < 60_000, (first, sorted(sizes)[-3:])


def test_the_back_button_moves_the_stage_back(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=7")
    for key, wanted in (("ArrowRight", "8"), ("ArrowRight", "9")):
        page.locator("body").press(key)
        page.wait_for_function(f"() => new URLSearchParams(location.search).get('t') === '{wanted}'")
        settle(page)
    for wanted in (7, 6):
        page.go_back()
        page.wait_for_function(f"() => document.querySelector('.stage').stage.cursor.step === {wanted}")
        settle(page)
    assert query(page)["t"] == "7"


def test_another_page_and_back_keeps_the_place(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=7")
    page.locator("body").press("ArrowRight")
    page.wait_for_function("() => new URLSearchParams(location.search).get('t') === '8'")
    page.get_by_role("link", name=EN("page.gates")).click()
    page.wait_for_url("**/gates?**")
    settle(page)
    page.get_by_role("link", name=EN("page.unrolled")).click()
    page.wait_for_url("**/unrolled?**")
    settle(page)
    assert cursor(page)["step"] == 7 and query(page)["t"] == "8"


def test_by_the_keyboard_alone(server, visit):
    """Tab to a gate, open it, go down to a sum and up again."""
    page = visit(f"{server}/unrolled?T=30&H=4")
    body = page.locator("body")
    for _ in range(60):
        body.press("Tab")
        if page.evaluate("document.activeElement.dataset.q") == "f":
            break
    page.keyboard.press("Space")
    expect(page.locator(".crumbs")).to_contain_text(EN("stage.name.f"))
    assert not page.locator(".stage").evaluate("({ stage }) => Boolean(stage.player.playing)"), "Space pressed the gate"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.term") is not None:
            break
    page.keyboard.press("Enter")
    assert cursor(page)["level"] == 3
    page.keyboard.press("Escape")
    assert cursor(page)["level"] == 2


def test_from_the_cell_to_one_product_and_up_again(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9&u=2")
    trace = perform(Experiment(T=30, H=4)).trace
    page.locator(".circuit .gate[data-q=f]").click()
    expect(page.locator(".crumbs")).to_contain_text(EN("stage.name.f"))
    expect(page.locator(".bar.total .value")).to_have_text(text(np.float32(trace["a_f"][8, 0, 1])))
    page.locator("button.bar.memory").click()
    rows = page.locator("table.sum tbody tr")
    expect(rows).to_have_count(4)
    products = trace.params["weight_hh"][4 + 1] * trace["h"][7, 0]
    expect(page.locator("table.sum tfoot td").first).to_have_text(text(np.float32(products.sum())))
    largest = products[np.argmax(np.abs(products))]
    expect(rows.first.locator("td").nth(2)).to_have_text(text(largest))
    page.wait_for_function("() => new URLSearchParams(location.search).get('level') === '3'")
    settle(page)
    assert query(page).get("q", "f") == "f"
    for level in (2, 1, 1):
        page.locator("body").press("Escape")
        assert cursor(page)["level"] == level


def test_sub_steps_light_up_one_after_another(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9")
    for phase, gate in enumerate(("f", "i", "g")):
        page.locator("body").press("PageDown")
        assert cursor(page)["phase"] == phase
        expect(page.locator(f".circuit .gate[data-q={gate}]")).to_have_class(f"gate {gate} now")
    for _ in range(3):
        page.locator("body").press("PageDown")
    assert (cursor(page)["step"], cursor(page)["phase"]) == (9, 0), "after the last part comes the next step"


def test_the_gradient_runs_back_from_the_loss(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&loss=20")
    grads = perform(Experiment(T=30, H=4, loss="20")).grads
    page.get_by_role("button", name=EN("stage.to_back")).click()
    assert cursor(page)["step"] == 19
    page.locator("body").press("ArrowLeft")
    here = np.linalg.norm(grads.state["h"][18, 0])
    expect(page.locator(".stage .sentence")).to_contain_text(text(here))
    expect(page.locator(".stage .sentence")).to_contain_text("1 step before the loss")
    grown = page.locator(".stage").evaluate("({ stage }) => stage.run.weightGradient(0)")
    assert grown == pytest.approx(np.linalg.norm(grads.params["weight_hh"]), rel=1e-5)
    page.get_by_role("button", name=EN("stage.player_play")).click()
    page.wait_for_function("() => document.querySelector('.stage').stage.cursor.step < 17")
    page.locator("body").press("Space")


@pytest.mark.parametrize("conventions", ["cell=gru", "cell=gru&reset_after=0", "cell=rnn"])
def test_the_weights_gradient_grows_to_the_whole(server, visit, conventions):
    page = visit(f"{server}/unrolled?{conventions}&T=12&H=4")
    settings = dict(part.split("=") for part in conventions.split("&"))
    e = Experiment(T=12, H=4, cell=settings["cell"], reset_after=settings.get("reset_after") != "0")
    grown = page.locator(".stage").evaluate("({ stage }) => stage.run.weightGradient(0)")
    wanted = np.linalg.norm(perform(e).grads.params["weight_hh"])
    assert grown == pytest.approx(wanted, rel=1e-5)


def test_folding_keeps_the_place(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9", reduced_motion="reduce")
    page.get_by_role("button", name=EN("stage.fold"), exact=True).click()
    expect(page.locator(".strip")).to_have_class("strip folded")
    page.get_by_role("button", name=EN("stage.unfold"), exact=True).click()
    assert cursor(page)["step"] == 8


def test_the_stage_can_be_taken_away(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&t=9")
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as waiting:
            page.locator(".saving").evaluate("(menu) => (menu.open = true)")
            page.locator(".saving").get_by_role("button", name=f"({kind})").click()
        assert waiting.value.suggested_filename == f"stage_lstm_prices_T30_H4_seed1_t9.{kind.lower()}"
        assert waiting.value.path().read_bytes().startswith(start)


def test_nothing_of_the_stage_sticks_out_on_a_phone(server, visit):
    page = visit(f"{server}/unrolled?lang=ko", viewport={"width": 360, "height": 740})
    assert page.locator(".stage").evaluate("(stage) => stage.scrollWidth - stage.clientWidth") <= 0
