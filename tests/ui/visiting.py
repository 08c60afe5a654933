"""A visitor without a browser: opens pages, moves widgets, reads what was sent."""

import json
import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.i18n import words
from explorer.ui import drawing
from explorer.ui.components.packing import unpack
from explorer.ui.frame import PAGES
from explorer.ui.laboratory import numbers

ROOT = Path(__file__).parents[2]
RUNS_OF_THEIR_OWN = ("training", "forms", "long")  # pages that show another run than the experiment's
SMALL = {"T": "12", "H": "4"}
OVERFLOW = {
    **{"cell": "rnn", "act": "relu", "input": "own", "x": ",".join(["1e6"] * 500), "T": "500", "H": "4"},
    **{"layers": "3", "gain": "4", "init": "identity"},
}
every_page = pytest.mark.parametrize("screen", PAGES)  # "page" is a fixture of pytest-playwright

# those that run the experiment over its own T and input
OF_THE_INPUT = [name for name, own in PAGES.items() if "input" not in own]
every_page_of_the_input = pytest.mark.parametrize("screen", OF_THE_INPUT)


def forget():
    """Empty the server's caches."""
    drawing.performed.cache_clear()
    drawing._drawn.cache_clear()
    drawing._staged.cache_clear()
    numbers.numbers.clear()


def visit(page="home", **query) -> AppTest:
    """A new visitor who comes by a link."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=20)
    at.query_params = query
    at.session_state["more"] = True  # the folded settings stand open
    if page != "home":
        at.switch_page(f"pages/{page}.py")
    return fine(at.run())


def until_over(at: AppTest, seconds=60) -> AppTest:
    """Run a page until its job is over; the next visitor of the same finds it so."""
    end = time.monotonic() + seconds
    while any(button.label in ("Cancel", "취소") for button in at.button):
        assert time.monotonic() < end
        time.sleep(0.2)
        fine(at.run())
    return at


def bring(at: AppTest, data: bytes, name="rows.csv") -> AppTest:
    """Give the page's field a file, and wait until it is read and what follows is over."""
    [field] = at.file_uploader
    field.set_value((name, data, "application/octet-stream"))
    return until_over(fine(at.run()))


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
    [proto] = [e.proto for e in at.get("bidi_component") if e.proto.id.endswith("stage")]
    sent = unpack(proto.bytes)
    cursor = json.loads(sent["about"]["cursor"])
    del cursor["number"]  # how often the page has placed it
    return sent["about"] | {"cursor": cursor}, unpack(sent["run"].tobytes())


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
