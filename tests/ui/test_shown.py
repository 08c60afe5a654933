"""What is shown: the stage, the charts, and the sentences for those who do not see them."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.i18n import LANGUAGES, words
from explorer.measures import depth, half_life, norm
from explorer.numerals import magnitude, power_of_ten, text
from explorer.performing import rivals
from explorer.ui.components.packing import unpack
from tests.ui.visiting import (
    ROOT,
    SMALL,
    charts,
    every_page,
    every_page_of_the_input,
    fine,
    link,
    on_stage,
    pictures,
    visit,
)


class TestStage:
    @pytest.mark.parametrize("cell", CELLS)
    def test_holds_the_numbers_of_the_run(self, cell):
        performance = perform(Experiment(cell=cell, T=12, H=4))
        trace, grads = performance.trace, performance.grads
        run = on_stage(visit("unrolled", cell=cell, **SMALL))[1]
        wanted = {q: trace[q] for q in run["values"]}
        assert set(wanted) >= {*trace.cell.gates, *trace.cell.states}
        for q, array in wanted.items():
            np.testing.assert_array_equal(run["values"][q], array[:, 0].astype(np.float32))
        np.testing.assert_array_equal(run["grads"]["dh"], grads.state["h"][:, 0].astype(np.float32))
        for gate in trace.cell.gates:
            np.testing.assert_array_equal(run["grads"][f"da_{gate}"], grads.pre[gate][:, 0].astype(np.float32))
        for name, array in trace.params.items():
            np.testing.assert_array_equal(run["params"][name], array.astype(np.float32))
        assert run["loss"] == [12] and run["direct"][-1].any() and not run["direct"][:-1].any()

    def test_a_rest_of_the_hand_goes_to_the_link(self):
        at = visit("unrolled", **SMALL)
        cursor = {"step": 7, "unit": 2, "level": 3, "quantity": "o", "back": False}
        at.session_state["view"] = replace(at.session_state["view"], **cursor)
        at.session_state["touched"] = True
        fine(at.run())
        assert link(at) == SMALL | {"t": "7", "u": "2", "level": "3", "q": "o"}
        assert on_stage(at)[0]["cursor"] == cursor
        assert on_stage(visit("unrolled", **link(at)))[0]["cursor"] == cursor

    @pytest.mark.parametrize("query", [{"level": "9"}, {"level": "x"}, {"q": "nothing"}, {"back": "maybe"}])
    def test_a_cursor_that_cannot_be_had_is_the_usual_one(self, query):
        usual = on_stage(visit("unrolled", **SMALL))[0]["cursor"]
        assert on_stage(visit("unrolled", **query, **SMALL))[0]["cursor"] == usual

    def test_speaks_the_visitors_language(self):
        english, korean = (on_stage(visit("unrolled", lang=lang, **SMALL))[0] for lang in LANGUAGES)
        assert english["words"].keys() == korean["words"].keys()
        assert re.search("[가-힣]", korean["words"]["to_back"]) and english["run"] == korean["run"]


class TestCharts:
    @every_page_of_the_input
    @pytest.mark.parametrize("cell", CELLS)
    def test_have_a_sensible_file_name(self, screen, cell):
        names = [c["file"] for c in charts(visit(screen, cell=cell, seed="3", **SMALL)).values()]
        assert len(set(names)) == len(names)
        for name in names:
            assert re.fullmatch(rf"[a-z_]+_{cell}_prices_T12_H4_seed3", name)

    @every_page
    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_have_words_for_every_tool(self, screen, lang):
        for chart in charts(visit(screen, lang=lang, **SMALL)).values():
            assert chart["words"] == {
                tool: words(lang)(f"toolbar.{tool}") for tool in ("reset", "svg", "png", "csv", "full", "failed")
            }
            assert chart["height"] == unpack(chart["figure"])["layout"]["height"]

    @pytest.mark.parametrize("cell", CELLS)
    def test_hold_the_numbers_of_the_run(self, cell):
        trace = perform(Experiment(cell=cell, T=12, H=4)).trace
        at = visit("gates", cell=cell, u="3", **SMALL)
        seen = 0
        for figure in pictures(at).values():
            for drawn in unpack(figure)["data"]:
                if drawn["type"] == "heatmap":
                    np.testing.assert_array_equal(drawn["z"], trace[drawn["name"]][:, 0].T.astype(np.float32))
                    seen += 1
        assert seen == len({*trace.cell.gates, *trace.cell.states})
        lines = unpack(pictures(at)["unit"])["data"]
        np.testing.assert_array_equal(lines[-1]["y"], trace["h"][:, 0, 2].astype(np.float32))

    def test_grow_on_a_projector(self):
        for scale, query in ((1.0, {}), (1.5, {"projector": "1"})):
            assert {c["scale"] for c in charts(visit("gates", **query, **SMALL)).values()} == {scale}

    @every_page
    def test_a_cursor_comes_with_clicks(self, screen):
        for chart in charts(visit(screen, t="3", u="2", **SMALL)).values():
            if screen != "training":  # where the row of a map is an update
                assert chart["cursor"] in (None, {"step": 3, "unit": 2})
            assert chart["cursor"] is None or chart["cursor"]["step"] == 3
            assert not chart["clickable"] or chart["cursor"]

    @pytest.mark.parametrize("name", ["gates", "gradients"])
    def test_plotly_js_is_our_own(self, name):
        for chart in charts(visit(name, **SMALL)).values():
            assert re.fullmatch(r"/app/static/plotly-[0-9a-f]{12}\.min\.js", chart["plotly"])
            assert (ROOT / "static" / Path(chart["plotly"]).name).stat().st_size > 10**6


class TestAlternativeText:
    """The sentence for those who do not see a picture holds the numbers of the run, and no markup."""

    E = Experiment(T=12, H=4, seed=3)

    def alts(self, page, cell="lstm", lang="en", **query):
        at = visit(page, cell=cell, lang=lang, seed="3", **query, **SMALL)
        shown = " ".join(m.value for m in at.markdown)
        for name, chart in charts(at).items():
            assert chart["alt"] and not re.search(r"[<>*{}`]|nan|e-\d", chart["alt"])
            assert chart["caption"] or name == "gates" or chart["alt"] in shown
        return {name: chart["alt"] for name, chart in charts(at).items()}

    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize("cell", CELLS)
    def test_of_the_gates(self, cell, lang):
        trace = perform(self.E.replace(cell=cell)).trace
        alts = self.alts("gates", cell, lang, t="7", u="2")
        gates = [q for q in trace.cell.gates if q not in trace.cell.states]
        for names, charts_ in ((gates, ("gates", "unit")), (trace.cell.states, ("gates", "unit"))):
            for q, name in product(names, charts_):
                letter = "C" if q == "c" else q
                assert f"{letter} = {text(trace[q][6, 0, 1])}" in alts[name]
        if trace.cell.keep:
            lives = half_life(trace)[6, 0]
            assert text(lives[1]) in alts["half_life"] and text(np.median(lives)) in alts["half_life"]

    def test_of_the_saturation(self):
        trace = perform(self.E.replace(gain=4.0)).trace
        alt = self.alts("gates", gain="4", t="7")["saturation"]
        for gate in "ifo":
            opened, shut = (100 * (trace[gate][6, 0] > 0.9).mean(), 100 * (trace[gate][6, 0] < 0.1).mean())
            assert f"{gate} {opened:.0f} % open, {shut:.0f} % shut" in alt

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_of_the_gradients(self, lang):
        alt = self.alts("gradients", lang=lang)["gradients"]
        for name, rival in rivals(self.E).items():
            curve = norm(perform(rival).grads.state["h"])[:, 0]
            steps = depth(curve)
            wanted = str(steps) if steps else magnitude(np.log10(curve[0]))
            said = alt.partition(words(lang)(f"network.{name}") + ": ")[2].partition(";")[0]
            assert wanted in said

    @pytest.mark.parametrize("bias", ["0", "3"])
    @pytest.mark.parametrize("loss", ["last", "70"])
    def test_of_home(self, bias, loss):
        query = {"input": "sine", "fb": bias} | ({"loss": loss} if loss != "last" else {})
        at = visit("home", **query)
        e = at.session_state["experiment"]
        last = e.steps_with_loss[-1]
        [chart] = charts(at).values()
        back = min(60, last)
        assert re.search(rf"\b{back}\b", chart["alt"])
        for name in ("rnn_tanh", "gru", "lstm"):
            curve = norm(perform(rivals(e)[name]).grads.state["h"])[:, 0]
            assert power_of_ten(curve[last - back]) in chart["alt"]


class TestHome:
    """What stands beside the picture is true of this run, not of the first one only."""

    def said(self, lang="en", **query):
        at = visit("home", lang=lang, **query)
        [chart] = charts(at).values()
        return chart["alt"], at.markdown[0].value, [caption.value for caption in at.caption]

    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize(("loss", "where"), [("last", "last"), ("all", "all"), ("7", "step")])
    def test_says_where_the_loss_sits(self, lang, loss, where):
        alt, lead, _ = self.said(lang, loss=loss, **SMALL)
        say = words(lang)
        assert say(f"gradients.loss_{where}", step="7") in lead and "T = 12" in lead
        opening = say("home.sentence_all" if loss == "all" else "home.sentence").partition("{back")[0]
        assert alt.startswith(opening)

    def test_a_loss_at_the_first_step_reaches_nothing_before_it(self):
        assert words("en")("home.sentence_none") in self.said(loss="1")[0]

    def test_chrono_is_no_bias(self):
        assert "opened by chrono initialisation" in self.said(chrono="1")[0]

    @pytest.mark.parametrize(
        ("query", "ending"),
        [
            ({}, "open"),
            ({"fb": "0"}, "shut"),
            ({"fb": "0", "T": "25"}, "alive"),  # the RNN has just died, the LSTM not yet, and nothing was opened
            ({"fb": "6", "gain": "0"}, "dead"),  # the gate stands open, and yet nothing comes through h
            ({"fb": "0", "init": "identity"}, "dead"),  # the RNN remembers: no "too"
            ({"gain": "4"}, None),  # nobody forgets
        ],
    )
    def test_says_who_forgets(self, query, ending):
        alt, _, _ = self.said(**query)
        e = Experiment.from_query(query)[0]
        dead = {name: depth(norm(perform(rival).grads.state["h"])[:, 0]) for name, rival in rivals(e).items()}
        opened = e.forget_bias > 0
        assert ending == (
            ("shut" if dead["rnn_tanh"] and not opened else "dead")
            if dead["lstm"]
            else ("open" if opened else "alive")
            if dead["rnn_tanh"]
            else None
        )
        for kind in ("open", "shut", "alive", "dead"):
            start = words("en")(f"home.sentence_{kind}").partition("{dead")[0]
            given = words("en")("home.bias", bias=f"{e.forget_bias:g}")
            assert (start.replace("{bias}", given) in alt) == (kind == ending)

    @pytest.mark.parametrize(
        ("query", "key"),
        [
            ({}, "try"),
            ({"fb": "0"}, "try_open"),
            ({"fb": "-2"}, "try_open"),
            ({"fb": "1", "T": "300"}, "try_open"),  # open, and yet the LSTM has forgotten
            ({"chrono": "1"}, "try_chrono"),
        ],
    )
    def test_proposes_what_can_be_done(self, query, key):
        alt, _, captions = self.said(**query)
        assert words("en")(f"home.{key}") in captions
        assert "-" not in alt and "-" not in captions[-1], "a minus is written −"
