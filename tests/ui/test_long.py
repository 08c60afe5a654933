"""The page of long sequences: runs in the background, and says what it did."""

from dataclasses import asdict
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from explorer import Experiment, backprop, run
from explorer.i18n import LANGUAGES, words
from explorer.jobs import Jobs, Limits
from explorer.long_run import Long, loss_gradient
from explorer.long_series import needle, series
from explorer.measures import norm
from explorer.parallel_time import REASONS
from explorer.performing import weights
from explorer.stream import Way
from explorer.ui import long_view, waiting
from explorer.ui.components.packing import unpack
from tests.ui.visiting import bring, charts, fine, go, is_korean, link, press, set_to, until_over, visit


def said(at) -> str:
    return "\n".join(element.value for element in [*at.markdown, *at.caption, *at.warning, *at.info])


def figure(at) -> dict:
    return unpack(charts(at)["long"]["figure"])


def line(at, panel: str, name: str) -> dict:
    [found] = [t for t in figure(at)["data"] if t["yaxis"] == panel and t["name"].startswith(name)]
    return found


def limited(monkeypatch, **limits):
    """A server with other limits. AppTest gives all its visitors one session: here each has a name of its own."""
    office = Jobs(Limits(**limits), here=lambda visitor: True)
    monkeypatch.setattr(waiting, "office", lambda: office)
    monkeypatch.setattr(waiting, "visitor", lambda: st.session_state.setdefault("name", str(next(NAMES))))
    return office


NAMES = count()


def test_a_run_to_its_end():
    """What is drawn are numbers of the network, and the sentence is about them."""
    at = until_over(visit("long", n="3000", H="6", fb="0"))
    assert "Done in" in said(at) and "Forward" in said(at) and "Backward" in said(at)
    e, T = Experiment(H=6, forget_bias=0), 3000
    trace = run("lstm", weights(e, D=1), series("needle", T, seed=1)(0, T))
    drawn = line(at, "y2", "f")
    at_steps = drawn["x"].astype(int) - 1
    np.testing.assert_allclose(drawn["y"], trace["f"].mean(axis=2)[at_steps, 0], rtol=1e-12)
    with np.errstate(divide="ignore"):
        exact = np.log10(norm(backprop(trace, loss_gradient(e, T)(0, T)).state["h"])[:, 0])
    drawn = line(at, "y3", "‖∂L/∂h")
    kept = exact[drawn["x"].astype(int) - 1] > -280
    np.testing.assert_allclose(drawn["y"][kept], exact[drawn["x"].astype(int) - 1][kept], atol=1e-9)
    assert drawn["y"].min() < -600 and f"10⁻{str(round(-drawn['y'].min())).translate(UP)}" in charts(at)["long"]["alt"]


UP = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@pytest.mark.parametrize(("cell", "lines"), [("rnn", "hh"), ("gru", "zrh")])
def test_other_cells(cell, lines):
    at = until_over(visit("long", n="1000", H="4", cell=cell, lang="ko", layers="2"))
    names = [t["name"] for t in figure(at)["data"]][1:]
    assert "".join(name.replace("‖∂L/∂", "")[0] for name in names) == lines
    assert is_korean(charts(at)["long"]["figure"]) and "만에 끝났습니다" in said(at)


def test_a_long_one_is_offered_and_run_when_asked_for(monkeypatch):
    limited(monkeypatch, workers=1)
    at = visit("long", n="1000000", H="64")
    assert "This takes about" in said(at) and len(line(at, "y", "x")["x"]) > 1000
    press(at, "Run")
    fine(at.run())
    assert any(b.label == "Cancel" for b in at.button)
    press(at, "Cancel")
    assert "This takes about" in said(at) and any(b.label == "Run" for b in at.button)


def test_what_a_run_takes_is_said_before_it_starts(monkeypatch):
    """Even before one that starts by itself."""
    office, happened, shown = limited(monkeypatch), [], st.markdown
    start = office.start
    monkeypatch.setattr(office, "start", lambda *given: happened.append("started") or start(*given))
    monkeypatch.setattr(st, "markdown", lambda body, *a, **k: happened.append(body) or shown(body, *a, **k))
    visit("long", n="1000", H="4")
    offers = [n for n, what in enumerate(happened) if "This takes about" in what]
    assert offers and offers[0] < happened.index("started")
    office.close()


def test_others_wait_in_a_queue_and_go_on(monkeypatch):
    office = limited(monkeypatch, workers=1)
    first = press(visit("long", n="1000000", H="64"), "Run")
    second = visit("long", n="2000", H="4")
    third = visit("long", n="2000", H="5")

    def places(at):
        fine(at.run())
        return [p.proto.text for p in at.get("progress")]

    assert places(second) == ["Waiting: place 1 in the queue."] and places(third) == ["Waiting: place 2 in the queue."]
    other = go(third, "gates")
    assert "chart_gates" in str([e.proto.id for e in other.get("bidi_component")])
    press(first, "Cancel")
    assert "Done in" in said(until_over(second))
    assert "Done in" in said(until_over(go(third, "long")))
    office.close()


def test_a_full_queue_is_said(monkeypatch):
    office = limited(monkeypatch, workers=1, waiting=1)
    press(visit("long", n="1000000", H="64"), "Run")
    press(visit("long", n="1000000", H="63"), "Run")
    assert "Too many runs are waiting" in said(press(visit("long", n="1000000", H="62"), "Run"))
    office.close()


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"steps": 10_000}, "This server runs at most 10,000 steps"),
        ({"memory": 90}, "MiB of memory, and the server gives 90 to a run"),
        ({"disk": 10}, "MiB of disk, and the server gives 10 to a run"),
        ({"seconds": 1}, "and the server gives 1 s to a run"),
    ],
)
def test_too_much_is_refused_in_words(limits, words, monkeypatch):
    limited(monkeypatch, **limits)
    at = visit("long", n="1000000")
    assert words in said(at) and not any(b.label == "Run" for b in at.button) and "long" in charts(at)


def test_what_the_worker_refuses_is_said_and_can_be_tried_again(monkeypatch):
    """An estimate may be wrong."""
    limited(monkeypatch, disk=1)
    monkeypatch.setattr(long_view, "too_much", lambda *_: "")
    at = until_over(visit("long", n="200000", H="2", by="numpy"))
    if any(b.label == "Run" for b in at.button):
        at = until_over(press(at, "Run"))
    assert "needed more disk" in said(at)
    assert any(b.label == "Try again" for b in at.button)


def test_without_torch_it_says_so(monkeypatch):
    monkeypatch.setattr(long_view, "find_spec", lambda name: None)
    at = visit("long", n="1000", by="torch")
    assert "PyTorch is not installed" in said(at) and "by" not in link(fine(at.run()))


def test_what_pytorch_does_not_have_is_not_offered():
    at = visit("long", n="1000", by="torch", cell="gru", reset_after="0")
    [method] = [w for w in at.selectbox if w.label == "Method"]
    assert method.options == ["automatic", "NumPy, step by step"] and "by" not in link(fine(at.run()))
    assert "PyTorch is not installed" not in said(at)


@pytest.mark.parametrize("driver", [True, False])
@pytest.mark.parametrize("kernels", [True, False])
def test_a_gpu_is_offered_where_driver_and_pytorch_have_one(driver, kernels, tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    for there, file in ((driver, tmp_path / "driver"), (kernels, tmp_path / "lib" / "libtorch_cuda.so")):
        if there:
            file.touch()
    monkeypatch.setattr(long_view, "DRIVER", tmp_path / "driver")
    monkeypatch.setattr(long_view, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    assert ("cuda" in long_view.methods(Experiment())) == (driver and kernels)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_to_go_step_by_step_is_said_in_words(reason, lang, monkeypatch):
    monkeypatch.setattr(long_view, "say", words(lang))
    for together in (0, 60):
        said = long_view.way("forward", asdict(Way(together, 100, reason=reason)))
        assert words(lang)(f"long.reason.{reason}") in said and said.endswith(".")


def test_what_is_looked_at_is_in_the_address():
    at = visit("long", n="100000", first="40000", last="41000")
    layout = figure(at)["layout"]
    assert layout["xaxis"]["range"] == [39999.5, 41000.5] and layout["meta"]["home"] == [0.5, 100000.5]
    assert "Steps 40,000 to 41,000" in said(at)
    x = line(at, "y", "x")["x"]
    assert set(range(40_000, 41_001)) <= set(x.astype(int).tolist())
    assert "Steps 20 to 50" in said(visit("long", n="100000", first="50", last="20"))
    for strange in ({"first": "200000"}, {"last": "100000"}):
        assert "drawn anew" not in said(visit("long", n="100000", **strange))


def test_the_address_says_it_all():
    at = visit("long", n="1000", src="noise")
    set_to(at, "input_seed", 7)
    [slider] = at.select_slider
    slider.set_value(2000)
    fine(at.run())
    assert {key: link(at)[key] for key in ("n", "src", "input_seed")} == dict(n="2000", src="noise", input_seed="7")
    assert "n" not in link(visit("long", n="999999999"))


def test_a_file_stays_while_another_page_is_open():
    at = upload(b"1\n2\n3\n5\n")
    assert "the 4 numbers of your file" in said(at) and "repeated 250 times" in said(at)
    again = go(go(at, "gates"), "long")
    assert "the 4 numbers of your file" in said(again) and "No file yet" not in said(again)


def upload(content: bytes, name="rows.csv", **query):
    at = visit("long", src="own", H="4", **{"n": "1000", **query})
    assert "No file yet" in said(at) or query.get("lang") == "ko"
    return bring(at, content, name)


def test_a_file_of_ones_own():
    values = np.sin(np.arange(600)) * 1000
    at = upload(b"when,value\n" + b"\n".join(b"%d,%.4f" % (n, v) for n, v in enumerate(values)))
    assert "the 600 numbers of your file" in said(at) and "Done in" in said(at)
    shown = line(at, "y", "x")
    np.testing.assert_allclose(shown["y"][:600], (values - values.mean()) / values.std(), atol=1e-6)
    assert len(shown["y"]) == 1000


@pytest.mark.parametrize(
    ("content", "lang", "words"),
    [
        (b"value\n1\n2\nabc", "en", "column “value”, but row 4 has “abc”"),
        (b"value\n1\n2\nabc", "ko", "“value” 열에는 수가 있어야 하는데 4행에 “abc”가 있습니다"),
        (b"1\n2\nNaN\n4", "en", "1 value missing, in row 3"),
        (b"1\n2\ninf", "ko", "3행에 “inf”가 있습니다"),
        (b"day,name\nmon,a\ntue,b\n", "en", "Expected a column of numbers, but there is none"),
        (b"", "en", "there is none"),
        (b"\xff\xfe\x00", "en", "nor a text"),
        (b"%PDF-1.7", "ko", "PDF 형식입니다"),
        (b"a,b\n1,2\n3,4,5\n6,7\n8,9\n", "en", "Row 3 has 3 cells, but the others have 2"),
        (b"1.5\n" * (10**6 + 1), "en", "at most 1,000,000 rows, but there are 1,000,001"),
        (b"PK\x03\x04" + bytes(100), "en", "damaged"),
    ],
    ids=["word", "word ko", "nan", "inf", "no numbers", "empty", "bytes", "pdf", "row", "rows", "zip"],
)
def test_a_bad_file_is_answered_in_a_sentence(content, lang, words):
    at = upload(content, lang=lang)
    assert words in said(at), said(at)
    assert "long" in charts(at), "share prices run until then"


def test_a_needle_is_where_it_was_said():
    at = visit("long", n="100000")
    shown = line(at, "y", "x")
    assert shown["y"].max() == 5 and shown["x"][shown["y"].argmax()] == needle(100_000, 1) + 1
    assert Long().series == "needle"
