"""A network that overflows, on every page: which one, at which step, and what helps; no word of what it is not."""

import numpy as np
import pytest

from explorer import Experiment
from explorer.i18n import LANGUAGES, words
from explorer.measures import overflow
from explorer.performing import matched, perform
from explorer.ui.components.packing import unpack
from explorer.ui.frame import PAGES
from tests.ui.visiting import OVERFLOW, RUNS_OF_THEIR_OWN, charts, until_over, visit

HELPS = {"en": "tanh or a shorter sequence helps", "ko": "시퀀스를 짧게 해 보세요"}
languages = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture(autouse=True)
def a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))


def step_of(query) -> int:
    return overflow(perform(Experiment.from_query(query)[0]).trace)


@languages
@pytest.mark.parametrize("screen", [name for name in PAGES if name not in RUNS_OF_THEIR_OWN])
def test_every_page_says_where_its_network_overflows(screen, lang):
    at = visit(screen, lang=lang, **OVERFLOW)
    [said] = [w.value for w in at.warning]
    step = step_of(OVERFLOW)
    assert said == words(lang)("note.overflow", network="RNN, ReLU", step=step) and str(step) in said
    assert HELPS[lang] in said


def test_a_gradient_that_overflows_alone_is_said(monkeypatch):
    monkeypatch.setattr("explorer.ui.frame.overflow", lambda trace: None)
    monkeypatch.setattr("explorer.ui.frame.gradient_overflow", lambda grads: 42)
    [said] = [w.value for w in visit("unrolled", cell="rnn", T="50", H="4").warning]
    assert said == words("en")("note.overflow_back", network="RNN, tanh", step=42)


@languages
@pytest.mark.parametrize("fair", ("seed", "units", "parameters"))
def test_a_rival_that_overflows_is_named(fair, lang):
    """The experiment is an LSTM and overflows nowhere: no warning; the ReLU beside it does, and has no size."""
    query = OVERFLOW | {"cell": "lstm"}
    at, say = visit("gradients", ask="vanish", fair=fair, lang=lang, **query), words(lang)
    group = matched(Experiment.from_query(query)[0], fair)["rnn_relu"]
    steps = [step for e in group if (step := overflow(perform(e).trace))]
    key = "lab.reaches_overflow" if len(group) == 1 else "lab.reaches_overflow_seeds"
    reach = say(key, step=min(steps), count=len(steps), n=len(group))
    alt = charts(at)["gradients"]["alt"]
    assert not at.warning and f"RNN, ReLU: {reach};" in alt and HELPS[lang] in alt


@languages
def test_remedies_that_overflow_are_named(lang):
    at = visit("gradients", ask="help", lang=lang, **OVERFLOW)
    found, say, step = charts(at), words(lang), step_of(OVERFLOW)
    name = say("start.identity", activation="ReLU")
    assert say("lab.start_overflow", name=name, step=step) in found["starts"]["alt"]
    assert say("lab.clipping_overflow", network="RNN, ReLU", gain="4.0") in found["clipping"]["alt"]
    assert found["truncated"]["alt"].startswith("RNN: ") and "NaN" not in found["truncated"]["alt"]
    lines = unpack(found["clipping"]["figure"])["data"]
    assert np.isnan(lines[2]["y"][-1]) and np.isnan(lines[3]["y"][-1]), "clipped or not, no number"
    assert HELPS[lang] in found["starts"]["alt"] and HELPS[lang] in found["truncated"]["alt"]


@languages
def test_a_sweep_leaves_a_gap_and_says_why(lang):
    at = until_over(visit("gradients", ask="edge", seeds="1", lang=lang, **OVERFLOW))
    chart = charts(at)["edge"]
    z = unpack(chart["figure"])["data"][0]["z"]
    assert np.isnan(z[-1]).all() and not np.isnan(z[:-1]).any()
    assert str(step_of(OVERFLOW)) in chart["alt"] and HELPS[lang] in chart["alt"]
    assert not any(words(lang)(f"edge.sentence_{all_of_them}", steps=499, seeds=1) in chart["alt"]
                   for all_of_them in ("all", "none"))  # fmt: skip


@languages
def test_a_long_run_says_where_it_overflows(lang):
    """Steps of which the gradient exploded are never told as those that no loss reaches."""
    query = {name: OVERFLOW[name] for name in ("cell", "act", "gain", "init", "H")}
    at = until_over(visit("long", n="1000", src="noise", lang=lang, **query))
    [said] = [w.value for w in at.warning]
    assert "51" in said and HELPS[lang] in said
    chart = charts(at)["long"]
    zero = words(lang)("long.zero", count="@").split("@")[1][:8]
    assert zero not in chart["alt"] and words(lang)("long.all_zero") not in chart["alt"]
    [level] = [line for line in unpack(chart["figure"])["data"] if line["yaxis"] == "y2"]
    assert level["x"].max() < 520 and np.isfinite(level["y"]).all()


def test_what_a_long_run_without_numbers_says(monkeypatch):
    from types import SimpleNamespace

    from explorer.long_run import Long, extremes
    from explorer.ui.long_view import Asked, sentence

    asked = Asked(Experiment(), Long())
    monkeypatch.setattr("explorer.ui.long_view.say", words("en"))

    def told(log10) -> str:
        return sentence(asked, SimpleNamespace(state="done", result=extremes(np.array(log10))))

    assert told([np.nan, np.nan, -np.inf]) == words("en")("long.all_unknown")
    assert told([-np.inf, -np.inf]) == words("en")("long.all_zero")
    assert "1 step it is no finite number" in told([np.nan, 0.0, 1.0]) and "exactly 0" not in told([np.nan, 0.0])


def test_an_operation_on_a_run_that_overflows_compares_no_numbers():
    at = visit("unrolled", op="h~100-~0", **OVERFLOW)
    assert words("en")("surgery.reach_overflow", step=step_of(OVERFLOW)) in charts(at)["difference"]["alt"]


def test_a_plane_says_at_which_step_there_is_none():
    at = visit("gradients", ask="plane", **OVERFLOW)
    assert any(f"step {step_of(OVERFLOW)}" in i.value for i in at.info)
