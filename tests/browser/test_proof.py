"""Prove it: any number that is pressed is opened, its proof stands in its place, ticked only if computed and agreed."""

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import Experiment, perform
from explorer.i18n import words
from explorer.numerals import text
from explorer.proof import Proof, prove
from explorer.trained import answers
from explorer.trained.asking import Asked
from tests.browser.conftest import settle

EN = words("en")

# Every number that stands on the stage at every level, pressed: what stands there, what is asked of the server, and
# what the open number gives as its result.
EVERY_NUMBER = """({ stage }) => {
  const seen = [];
  const look = (part) => {
    for (const node of part.querySelectorAll("[data-n]")) {
      if (!node.textContent || !node.checkVisibility()) continue;
      const { tell, cursor } = stage, said = { says: node.textContent, asks: null };
      stage.tell = (event, what) => { if (event === "prove") said.asks = what.number; };
      node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      said.result = stage.host.querySelector(".proof :is(.result, .pinned-value [data-n])")?.textContent;
      said.note = stage.host.querySelector(".proof > p:last-child")?.textContent;
      seen.push(said);
      Object.assign(stage, { tell, cursor });
      stage.draw();
    }
  };
  for (const back of [false, true]) {
    for (const step of [0, 4, stage.run.T - 1]) {
      stage.go({ back, level: 1, step });
      look(stage.host);
      if (step !== 4) continue;
      for (const phase of stage.run.parts(back).keys()) {
        stage.go({ phase });
        look(stage.sentence);
      }
      stage.go({ phase: null });
      for (const quantity of Object.keys(back ? stage.run.chain : stage.run.formulas)) {
        stage.go({ quantity, level: 2 });
        look(stage.panel.node);
        for (const { dataset } of [...stage.host.querySelectorAll(".bar[data-term]")]) {
          stage.go({ level: 3, term: Number(dataset.term) });
          look(stage.panel.node);
        }
      }
    }
  }
  clearTimeout(stage.resting);
  return seen;
}"""
RUNS = {
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "chung": {"cell": "gru", "z_keeps": False, "reset_after": False},
    "rnn": {"cell": "rnn"},
    "operated": {"cell": "lstm", "surgery": "f~3-6~0.5_c~5~0.2~2_x~2~1"},
}


@pytest.mark.parametrize("name", RUNS)
def test_every_number_on_the_stage_can_be_pressed_and_is_proved(server, visit, name):
    experiment = Experiment(T=9, H=3, D=2, input="clue", loss="all").replace(**RUNS[name])
    address = "&".join(f"{key}={value}" for key, value in experiment.to_query().items())
    page = visit(f"{server}/unrolled?{address}")
    seen = page.locator(".stage").evaluate(EVERY_NUMBER)
    runs, asked = {False: perform(experiment), True: perform(experiment.original)}, {}
    notes = {EN(f"stage.{key}") for key in GIVEN}
    for one in seen:
        assert one["asks"] or one["note"] in notes, one
        if one["asks"]:
            asked.setdefault(tuple(one["asks"].values()), set()).add((one["says"], one["result"]))
    assert len(asked) >= (30 if name == "rnn" else 90)
    assert {original for *_, original in asked} == {False, bool(experiment.surgery)}
    assert {"norm(dh)", "(norm(dh) / norm(dh_next))", "norm(dW_hh)"} <= {formula for formula, *_ in asked}
    assert (name == "rnn") or any(says.endswith("%") for shown in asked.values() for says, _ in shown)
    for (formula, step, unit, original), shown in asked.items():
        proof = proved(runs[original], formula, step - 1, unit - 1)
        for says, result in shown:
            if says.endswith("%"):
                assert says == f"{100 * np.float32(proof.value):.0f} %", (formula, says, result)
            else:
                assert plain(result) in plain(says) or says.endswith("(t−1)"), (formula, says, result)
            assert approximately(result, proof.value), (formula, step, unit, result, proof.value)


def proved(run, formula: str, step: int, unit: int) -> Proof:
    """The proof of a number, in which all ways agree."""
    proof = prove(run, formula, step, unit)
    assert proof.torch.verdict == "agrees", proof
    assert proof.difference is None or proof.difference.verdict == "agrees", proof
    return proof


@pytest.mark.parametrize(("form", "cell"), [("sequence_to_vector", "lstm")])
def test_so_can_every_number_of_a_trained_network(server, visit, form, cell):
    page = visit(f"{server}/forms?form={form}&cell={cell}&u=3")
    seen = page.locator(".stage").evaluate(EVERY_NUMBER)
    back = answers.answer(Asked(form), cell, "en").parts[0].back
    asked = {tuple(one["asks"].values()): one["result"] for one in seen if one["asks"]}
    assert len(asked) >= 90
    for (formula, step, unit, _), result in asked.items():
        proof = proved(back, formula, step - 1, unit - 1)
        assert approximately(result, proof.value), (formula, step, unit, result, proof.value)
    page.locator(".lens .chosen .number.h").first.click()  # the gradient: the stage looks back
    expect(page.locator(".stage .proof .verdict")).to_have_text(["✓", "✓"], timeout=30_000)


GIVEN = ("given_input", "given_weight", "given_start", "given_loss", "given_end", "free_note")


def approximately(shown: str, value: float) -> bool:
    """Whether three digits on a page are those of a number, given that the page counts in float32."""
    near = {plain(text(np.float32(value * (1 + nudge)))) for nudge in (-1e-5, 0, 1e-5)}
    return plain(shown) in near or abs(value) < 1e-7


def plain(number: str) -> str:
    """A number with its power on the line: in a formula it is raised by its place, in a text by its letters."""
    return number.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "−0123456789"))


def test_a_pressed_number_leads_to_its_formula_and_its_proof(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2")
    stage, proof = page.locator(".stage"), page.locator(".stage .proof")
    expect(proof).to_have_text(EN("stage.number_hint"))
    page.locator(".lens [data-step='6'] .number.h").first.click()
    expect(proof.locator(".verdict")).to_have_text(["✓"], timeout=30_000)
    expect(proof).to_contain_text("t = 7, unit 2")
    assert stage.evaluate("({ stage: { cursor: c } }) => [c.step, c.level, c.quantity]") == [6, 2, "h"]
    value = perform(Experiment(T=12, H=4)).trace["h"][6, 0, 1]
    expect(proof.locator(".digits").first).to_contain_text(f"{value:.12f}".replace("-", "−")[:11])
    # from a factor in its formula on to where that comes from
    proof.locator('[data-n=\'["name","o"]\']').click()
    expect(page.locator(".crumbs")).to_contain_text(EN("stage.name.o"))
    expect(proof.locator(".verdict")).to_have_text(["✓"])
    # down to one product, its weight, and the value it weighs: the memory of another unit, one step earlier
    page.locator(".bar.memory").click()
    row = page.locator("table.sum tbody tr").first
    row.locator("button").press("Enter")
    expect(proof.locator(".verdict")).to_have_text(["✓"])
    row.locator("td").first.click()
    expect(proof).to_contain_text(EN("stage.given_weight"))
    unit = int(row.locator("th").text_content().removeprefix("unit "))
    row.locator("td").nth(1).click()
    expect(proof.locator(".verdict")).to_have_text(["✓"])
    assert stage.evaluate("({ stage: { cursor: c } }) => [c.step, c.unit, c.level]") == [5, unit - 1, 2]


def test_the_products_of_a_sum_are_walked_by_arrow_keys(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&level=3&q=f")
    buttons = page.locator("table.sum tbody button")
    buttons.first.focus()
    for key, place in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 3), ("ArrowDown", 3), ("Home", 0)):
        buttons.locator(":scope:focus").press(key)
        expect(buttons.nth(place)).to_be_focused()
    assert page.locator(".stage").evaluate("({ stage }) => stage.cursor.step") == 4


def test_the_input_of_a_stack_is_the_layer_below_and_is_proved(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&layers=2&t=5&level=3&q=f")
    page.locator(".crumbs button").last.click()
    expect(page.locator(".bar.input .from")).to_have_text(EN("stage.from.below"))
    page.locator(".bar.input").click()
    row = page.locator("table.sum tbody tr").first
    unit = int(row.locator("th").text_content().split()[1])
    expect(row.locator("th")).to_have_text(EN("stage.below_k", k=unit))
    row.locator("td").nth(1).click()
    proof = page.locator(".stage .proof")
    expect(proof.locator(".verdict")).to_have_text(["✓"], timeout=30_000)
    below = perform(Experiment(T=12, H=4, layers=2)).trace.below["h"][4, 0, unit - 1]
    expect(proof.locator(".result")).to_have_text(text(np.float32(below)))


def test_looking_another_way_keeps_the_number_open(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&level=2&q=f")
    page.locator(".stage .prove").click()
    verdict = page.locator(".stage .proof .verdict")
    expect(verdict).to_have_text(["✓"], timeout=30_000)
    page.get_by_role("button", name=EN("stage.show_c")).click()
    page.wait_for_timeout(700)
    settle(page)
    expect(verdict).to_have_text(["✓"])


def test_a_gradient_is_proved_in_its_place_and_the_answer_goes_when_the_cursor_moves(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&level=2&q=da_f&back=1")
    proof = page.locator(".stage .proof")
    expect(proof.locator("dd")).to_have_count(0)
    proof.get_by_role("button", name=EN("stage.prove")).click()
    expect(proof.locator("dd")).to_have_count(3, timeout=30_000)
    expect(proof.locator(".verdict")).to_have_text(["✓", "✓"])
    expect(proof).to_contain_text(EN("stage.proof_torch_cells"))
    digits = [float(one.replace("−", "-").split("·")[0]) for one in proof.locator(".digits").all_text_contents()]
    assert len(set(round(one, 4) for one in digits)) == 1
    page.locator(".stage").evaluate("({ stage }) => stage.go({ step: 5 })")
    expect(proof.locator("dd")).to_have_count(0)
    settle(page)
    page.wait_for_timeout(700)
    page.locator(".stage").evaluate("({ stage }) => stage.go({ step: 4 })")
    page.wait_for_timeout(700)
    settle(page)
    expect(proof.locator("dd")).to_have_count(0)  # it is not kept for when the cursor comes back
    expect(proof.get_by_role("button", name=EN("stage.prove"))).to_be_visible()


def test_an_answer_that_comes_late_is_not_shown(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&level=2&q=f")
    page.locator(".stage .prove").click()
    page.locator(".stage").evaluate("({ stage }) => stage.go({ unit: 2 })")
    page.wait_for_timeout(1500)
    settle(page)
    expect(page.locator(".stage .proof dd")).to_have_count(0)
    assert page.locator(".stage").evaluate("({ stage }) => stage.cursor.unit") == 2


def test_an_operated_run_is_proved_too_and_a_wrong_number_has_no_tick(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&level=2&q=f&op=f~3-8~0.5")
    page.locator(".stage .prove").click()
    proof = page.locator(".stage .proof")
    expect(proof.locator(".verdict")).to_have_text(["✓"], timeout=30_000)
    expect(proof).to_contain_text(EN("stage.proof_torch_autograd"))
    # what the server does not call agreement gets no tick, whatever it looks like
    for verdict, sign in (("differs", "✗"), ("blind", "–"), ("absent", "–")):
        page.locator(".stage").evaluate(
            """({ stage }, verdict) => {
                 stage.about.proof.checks.torch.verdict = verdict;
                 stage.draw();
               }""",
            verdict,
        )
        expect(proof.locator(".verdict")).to_have_text([sign])
        expect(proof).to_contain_text(EN(f"stage.proof_{verdict}_torch"))


def test_the_norm_in_a_sentence_is_taken_apart_into_its_units(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=9&t=5&back=1")
    stage, proof = page.locator(".stage"), page.locator(".stage .proof")
    page.locator(".sentence [data-n]").first.click()
    expect(proof.locator(".verdict")).to_have_text(["✓"], timeout=30_000)
    expect(proof.locator(".where")).to_have_text(f"t = 5, {EN('stage.all_units')}")
    assert stage.evaluate("({ stage: { cursor: c } }) => [c.step, c.unit, c.level]") == [4, 0, 1]
    units = proof.locator(".origin msup > [data-n]")
    expect(units).to_have_count(9)
    units.nth(6).click()  # a gradient, with a difference quotient of its own
    expect(proof.locator(".verdict")).to_have_text(["✓", "✓"])
    assert stage.evaluate("({ stage: { cursor: c } }) => [c.step, c.unit, c.quantity]") == [4, 6, "dh"]


def test_a_number_in_brackets_is_proved_in_the_run_without_the_operation(server, visit):
    page = visit(f"{server}/unrolled?T=12&H=4&t=5&u=2&op=f~3-8~0.5")
    proof = page.locator(".stage .proof")
    before = perform(Experiment(T=12, H=4)).trace["h"][4, 0, 1]
    page.locator(".lens .chosen [data-original]").click()
    expect(proof.locator(".verdict")).to_have_text(["✓"], timeout=30_000)
    expect(proof.locator(".where")).to_have_text(EN("stage.number_place_original", t=5, unit="unit 2"))
    expect(proof).to_contain_text(EN("stage.proof_torch_cells"))  # PyTorch's own cells cannot be operated on
    expect(proof.locator(".digits").first).to_contain_text(f"{before:.12f}".replace("-", "−")[:11])
    # what stands in its formula is of the same run; the same number of this run is another question
    proof.locator('[data-n=\'["name","c"]\']').click()
    expect(proof.locator(".verdict")).to_have_text(["✓"])
    expect(proof.locator(".where")).to_contain_text(EN("stage.number_place_original", t=5, unit="unit 2"))
    page.locator(".circuit .number:not(.former)", has_text="h = ").click()
    expect(proof.locator(".where")).to_have_text(EN("stage.number_place", t=5, unit="unit 2"))
    expect(proof).to_contain_text(EN("stage.proof_torch_autograd"))
