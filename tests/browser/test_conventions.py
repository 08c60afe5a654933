"""Conventions on the stage: names never change a number, and a relabelled z leaves h as it was."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer.i18n import words
from explorer.naming import letter, listed
from explorer.numerals import text
from tests.browser.conftest import settle
from tests.browser.test_moving import query

EN = words("en")
# What stands in a card, one formula a line, without spaces.
FORMULAS = """() => [...document.querySelectorAll('.stage .card')].map((card) =>
  [...card.querySelectorAll('.formula')].map((line) => line.textContent.replace(/\\s/g, '')))"""


def held(page) -> dict:
    """Every number that the stage holds, as it came."""
    return page.locator(".stage").evaluate(
        "({ stage: { run } }) => Object.fromEntries(Object.entries(run.values).map(([q, rows]) => "
        "[q, rows.map((row) => [...row])]))"
    )


def choose(page, name: str) -> None:
    page.locator(".st-key-conventions").get_by_role("radio", name=name).or_(
        page.locator(".st-key-conventions").get_by_role("button", name=name)
    ).first.click()
    settle(page)


def test_z_means_the_opposite_and_h_stays(server, visit):
    page = visit(f"{server}/unrolled?cell=gru&T=20&H=4&t=7&u=2")
    before = held(page)
    choose(page, EN("convention.z_keeps_no"))
    assert query(page)["z_keeps"] == "0"
    after = held(page)
    assert after["h"] == before["h"], "bit by bit"
    np.testing.assert_allclose(after["z"], 1 - np.array(before["z"]), rtol=0, atol=1e-7)  # as float32
    assert not np.allclose(after["z"], before["z"])
    here = text(np.float32(before["h"][6][1]))
    expect(page.locator(".stage .sentence")).to_contain_text(EN("stage.z_relabelled").format(h=here))
    [update] = [lines for lines in page.evaluate(FORMULAS) if lines[0].startswith("ht=")]
    assert update[0] == "ht=zt⊙nt+(1−zt)⊙ht−1"
    page.locator(".stage").press("ArrowRight")
    there = text(np.float32(before["h"][7][1]))
    expect(page.locator(".stage .sentence")).to_contain_text(EN("stage.z_relabelled").format(h=there))


def test_another_place_of_the_reset_is_another_network_and_says_so(server, visit):
    page = visit(f"{server}/unrolled?cell=gru&T=20&H=4&t=7&u=2")
    before = held(page)
    choose(page, EN("convention.reset_after_no"))
    after = held(page)
    assert after["h"] != before["h"]
    now = text(np.float32(after["h"][6][1]))
    expect(page.locator(".stage .sentence")).to_contain_text(EN("stage.h_moved", h=now))
    choose(page, EN("convention.reset_after_yes"))
    assert held(page) == before


def test_another_seed_is_compared_with_nothing(server, visit):
    page = visit(f"{server}/unrolled?cell=gru&T=20&H=4")
    choose(page, EN("convention.z_keeps_no"))
    page.get_by_role("spinbutton", name=EN("setting.seed")).fill("5")
    page.keyboard.press("Enter")
    page.wait_for_function("() => new URLSearchParams(location.search).get('seed') === '5'")
    settle(page)
    assert page.locator(".stage").evaluate("({ stage }) => stage.compared") is None


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "g"), ("gru", "n")])
def test_names_change_in_formula_circuit_table_and_sentence_and_no_number_does(server, visit, cell, gate):
    page = visit(f"{server}/unrolled?cell={cell}&T=9&H=4&t=4")
    numbers, formulas = held(page), page.evaluate(FORMULAS)
    drawn = page.locator(".stage").evaluate("({ stage }) => stage.run")
    label = f"{EN('convention.keras')} {' '.join(letter(q, 'keras') for q in listed(cell, 'keras'))}"
    choose(page, label)
    assert query(page)["names"] == "keras"
    assert held(page) == numbers and page.locator(".stage").evaluate("({ stage }) => stage.run") == drawn
    shown = letter(gate, "keras")
    expect(page.locator(f".circuit .gate[data-q={gate}] .letter")).to_have_text(shown)
    renamed = page.evaluate(FORMULAS)
    assert {tuple(lines[1:]) for lines in renamed} == {tuple(lines[1:]) for lines in formulas}, "the numbers stay"
    heads = [lines[0].partition("=")[0] for lines in renamed]
    assert [head for head in heads if head not in ("Ct", "ht")] == [
        f"{letter(q, 'keras')}t" for q in listed(cell, "keras")
    ]
    index = letter(f"a_{gate}", "keras").removeprefix("a_")
    [candidate] = [lines[0] for lines in renamed if lines[0].startswith(shown)]
    assert f"Wi{index}xt" in candidate and f"Wi{gate}" not in candidate
    for _ in range(3):
        page.locator(".stage").press("PageDown")
    expect(page.locator(f".circuit .gate[data-q={gate}]")).to_have_class(re.compile("now"))
    value = text(np.float32(numbers[gate][3][0]))
    expect(page.locator(".stage .sentence")).to_contain_text(f"{shown} = {value}")
    page.locator(f".circuit .gate[data-q={gate}]").click()
    assert index in page.locator(".panel .bars").inner_text()
    page.get_by_text(EN("unrolled.table", unit=1, t=4)).click()
    table = page.get_by_test_id("stTable").first
    expect(table).to_contain_text(f"a_{index}")
    names = table.locator("th").all_inner_texts()
    assert shown in names and gate not in names, names


def test_no_number_has_two_pairs_of_brackets(server, visit):
    """tanh(−0.24), not tanh((−0.24)); a minus that leads needs none at all."""
    for asked in ("cell=lstm", "cell=gru&reset_after=0", "cell=lstm&back=1&t=18"):
        page = visit(f"{server}/unrolled?{asked}&T=20&H=4")
        for _ in range(4):
            lines = [line for card in page.evaluate(FORMULAS) for line in card]
            assert lines and not [line for line in lines if "((−" in line and "))" in line.split("((−")[1][:9]], lines
            assert not [line for line in lines if line.startswith("=(−")], lines
            page.locator(".stage").press("ArrowUp")


def test_an_rnn_has_no_row_of_conventions(server, visit):
    page = visit(f"{server}/unrolled?cell=rnn&T=9&H=4")
    expect(page.locator(".st-key-conventions")).to_have_count(0)


def test_a_question_is_followed_and_the_back_button_returns(server, visit):
    page = visit(f"{server}/unrolled?T=30&H=4&names=keras")
    page.get_by_role("button", name=EN("question.menu")).click()
    page.get_by_role("link", name=EN("question.no_gates")).click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('cell') === 'rnn'")
    settle(page)
    expect(page.locator("h1")).to_contain_text(EN("question.no_gates"))
    assert query(page) == dict(cell="rnn", input="clue", T="51", t="1", back="1", q="dh", names="keras")
    cursor = page.locator(".stage").evaluate("({ stage }) => stage.cursor")
    assert (cursor["step"], cursor["back"]) == (0, True)
    page.go_back()
    settle(page)
    assert query(page) == {"T": "30", "H": "4", "names": "keras"}
