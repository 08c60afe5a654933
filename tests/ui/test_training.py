"""The training page without a browser: first picture, buttons, links; what is trained is what a training alone does."""

import re
import time
from itertools import cycle

import numpy as np
import pytest

from explorer.i18n import LANGUAGES, words
from explorer.training import Training, TrainingRun
from explorer.training.counters import followers, lesioned, score_by_count
from explorer.training.racing import ENTRANTS, entered, picture
from explorer.training.runs import WINDOW
from explorer.training.studies import STUDIES
from explorer.training.tasks import TASKS
from explorer.ui import trainings, waiting
from explorer.ui.components.packing import unpack
from explorer.ui.counting import ranked
from tests.ui.visiting import charts, fine, go, link, press, set_to, visit, widget

EN, KO = words("en"), words("ko")
QUICK = {"distance": "5", "H": "4", "batch": "4", "updates": "40", "rate": "0.02", "nets": "rnn_tanh,gru"}
TRAINED = Training(distance=5, H=4, B=4, updates=40, rate=0.02)
SLOW = QUICK | {"updates": "20000"}  # that nobody waits for


def lines(at, name: str) -> dict[str, np.ndarray]:
    """The lines of a chart, {name: y}."""
    figure = unpack(charts(at)[name]["figure"])
    return {trace["name"]: trace["y"] for trace in figure["data"]}


def until(at, true, seconds=30):
    """Look again and again, as the page does, until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
        fine(at.run())
    return at


def finished(at):
    return until(at, lambda: study(at).task is None)


def study(at):
    return at.session_state["study"]


def button(at, name):
    return next(found for found in at.button if found.label == EN(f"training.{name}"))


def start(at):
    return press(at, EN("training.start" if not study(at).made else "training.resume"))


def alone(name: str) -> TrainingRun:
    run = TrainingRun(entered(TRAINED, [name])[name])
    list(run.advance())
    return run


class TestFirstPicture:
    @pytest.mark.parametrize(("task", "lang"), list(zip(TASKS, cycle(LANGUAGES))))
    def test_is_of_the_untrained_networks(self, task, lang):
        at = visit("training", task=task, lang=lang, H="4", batch="4")
        assert bool(re.search("[가-힣]", at.title[0].value)) == (lang == "ko") and not at.warning
        training = at.session_state["training"]
        guess = f"{100 * TASKS[task].guess(training.distance):.0f} %"
        assert any(guess in m.value for m in at.markdown)
        found = lines(at, "gradient_steps")
        for name, one in entered(training, ("rnn_tanh", "gru", "lstm")).items():
            wanted = picture(TrainingRun(one)).reach["h"]
            np.testing.assert_array_equal(found[words(lang)(f"network.{name}")], wanted)
        for chart in charts(at).values():
            assert chart["alt"] and not re.search(r"[<>*{}`]|nan|e-\d", chart["alt"])
            assert re.fullmatch(rf"[a-z_]+_{task}_distance{training.distance}_H4_seed1", chart["file"])

    def test_needs_no_job(self):
        at = visit("training", **QUICK)
        assert study(at).task is None and not study(at).parts

    def test_of_all_networks_and_of_one(self):
        for nets in (",".join(ENTRANTS), "rnn_sigmoid", "lstm_chrono"):
            at = visit("training", **QUICK | {"nets": nets})
            assert link(at)["nets"] == nets
            assert len([name for name in lines(at, "gradient_steps")]) == 2 * len(nets.split(","))

    def test_where_a_network_explodes_at_birth(self):
        wild = {"init": "identity", "gain": "4", "distance": "400", "dtype": "float32", "nets": "rnn_relu,rnn_sigmoid"}
        at = visit("training", **wild, H="4", batch="2", updates="3")
        assert "exploded" in charts(at)["score"]["alt"]
        finished(start(at))
        assert "exploded at update 1" in charts(at)["score"]["alt"] and study(at).made == 3


class TestTraining:
    def test_to_its_end_is_what_each_network_does_alone(self):
        at = finished(start(visit("training", **QUICK)))
        assert study(at).finished and study(at).made == 40
        for name in ("rnn_tanh", "gru"):
            run = alone(name)
            np.testing.assert_allclose(lines(at, "loss")[EN(f"network.{name}")], run.history["loss"], rtol=1e-6)
            score = lines(at, "score")[EN(f"network.{name}")]
            assert score[-1] == pytest.approx(run.history["score"][-WINDOW:].mean(), rel=1e-6)
            assert study(at).runs()[name].vector.tobytes() == run.vector.tobytes()
            found = lines(at, "gradient_steps")[EN(f"network.{name}")]
            np.testing.assert_array_equal(found, picture(run).reach["h"])
            z = next(t["z"] for t in unpack(charts(at)["gradient_map"]["figure"])["data"] if t["name"] == name)
            np.testing.assert_array_equal(z[-1], found)
            assert len(z) == 41 and np.isfinite(z).all()
        self.is_kept_whatever_is_looked_at(at)

    def is_kept_whatever_is_looked_at(self, at):
        for change in ({"after": "10", "t": "2"}, {"lang": "ko"}, {"projector": "1"}):
            at.query_params = QUICK | change
            fine(at.run())
            assert study(at).made == 40
        at.query_params = QUICK | {"after": "10", "t": "2"}
        fine(at.run())
        assert lines(at, "gradient_updates")["GRU"].shape == (41,)
        wanted = study(at).courses["gru"].picture(10).reach["h"]
        np.testing.assert_array_equal(lines(at, "gradient_steps")["GRU"], wanted)
        assert charts(at)["gradient_map"]["cursor"] == {"step": 2, "unit": 10}

    def test_paused_and_taken_up_again_it_is_the_same(self):
        at = start(visit("training", **SLOW))
        until(at, lambda: study(at).made > 0)
        press(at, EN("training.pause"))
        paused = study(at).made
        assert study(at).task is None and 0 < paused < 20_000
        assert {run.count for run in study(at).runs().values()} == {paused}
        courses = study(at).courses
        press(at, EN("training.step"))
        finished(at)
        assert study(at).made == paused + 1
        start(at)
        until(at, lambda: study(at).made > paused + 1)
        press(at, EN("training.pause"))
        for name, course in study(at).courses.items():
            run = TrainingRun(entered(TRAINED.replace(updates=20_000), [name])[name])
            run_loss = [record.loss for record in run.advance(len(course))]
            np.testing.assert_array_equal(course.loss, np.array(run_loss, np.float32))
            assert study(at).runs()[name].vector.tobytes() == run.vector.tobytes()
            assert course.loss[:paused].tobytes() == courses[name].loss.tobytes()

    def test_stopped_it_can_be_looked_at_and_starts_anew(self):
        at = visit("training", **SLOW)
        assert button(at, "stop").disabled
        start(at)
        until(at, lambda: study(at).made > 0)
        press(at, EN("training.stop"))
        made, courses = study(at).made, study(at).courses
        assert study(at).task is None and all(e.state == "done" for e in waiting.office()._entries.values())
        assert at.get("progress")[0].text == EN("training.stopped", made=made, planned=20_000)
        assert {run.count for run in study(at).runs().values()} == {made}
        assert len(lines(at, "loss")["GRU"]) == made
        assert [button(at, name).disabled for name in ("start", "step", "stop", "rewind")] == [False, True, True, False]
        press(at, EN("training.start"))
        until(at, lambda: study(at).made > 0)
        press(at, EN("training.pause"))
        assert not study(at).ended
        both = min(made, study(at).made)
        np.testing.assert_array_equal(study(at).courses["gru"].loss[:both], courses["gru"].loss[:both])

    def test_rewound_it_is_at_birth_and_goes_the_same_way(self):
        at = finished(start(visit("training", **QUICK)))
        first = lines(at, "loss")
        press(at, EN("training.rewind"))
        assert study(at).made == 0 and len(lines(at, "loss")["GRU"]) == 1
        assert study(at).runs()["gru"].vector.tobytes() == entered(TRAINED, ["gru"])["gru"].draw().tobytes()
        finished(start(at))
        for name, line in lines(at, "loss").items():
            np.testing.assert_array_equal(line, first[name])

    def test_another_page_does_not_end_it(self):
        at = start(visit("training", **QUICK))
        go(at, "gates")
        time.sleep(0.5)
        go(at, "training")
        finished(at)
        assert study(at).made == 40

    def test_other_settings_begin_another_one(self):
        at = start(visit("training", **SLOW))
        set_to(at, "seed", 2)
        assert study(at).task is None and study(at).made == 0
        assert waiting.office()._entries == {} or all(e.state == "done" for e in waiting.office()._entries.values())

    def test_one_that_the_server_has_ended_says_so(self):
        at = start(visit("training", **SLOW))
        until(at, lambda: study(at).made > 0)
        [who] = {who for entry in waiting.office()._entries.values() for who, _ in entry.wanted}
        waiting.office().cancel(who, trainings.SLOT)
        fine(at.run())
        assert [w.value for w in at.warning] == [EN("training.lost")] and study(at).made == 0


class TestLinks:
    def test_hold_the_training_and_are_shared_with_the_experiment(self):
        at = visit("training", **QUICK)
        assert link(at) == QUICK
        set_to(at, "task", "parity")
        assert link(at) == {k: v for k, v in QUICK.items() if k != "distance"} | {"task": "parity"}
        set_to(at, "H", 7)
        set_to(at, "forget_bias", 1.0)
        for part in ("experiment", "training"):
            assert (at.session_state[part].H, at.session_state[part].forget_bias) == (7, 1.0)
        go(at, "gates")
        assert widget(at, "H").value == 7
        set_to(at, "seed", 9)
        go(at, "training")
        assert at.session_state["training"].seed == 9 and link(at)["task"] == "parity"

    def test_what_cannot_be_had_is_noted(self):
        at = visit("training", task="juggling", H="999", nets="lstm,abacus", distance="0", rate="fast")
        assert len(at.warning) == 5 and link(at) == {}
        for key, given in (("setting.task", "juggling"), ("link.nets", "lstm,abacus"), ("setting.H", "999")):
            assert any(w.value.startswith(EN(key)) and given in w.value for w in at.warning)

    def test_what_has_no_room_is_noted_and_made_smaller(self):
        at = visit("training", distance="400", batch="32")
        set_to(at, "H", 64)
        assert at.session_state["training"].volume <= trainings.room()
        [warning] = at.warning
        assert "400" in warning.value and str(at.session_state["training"].distance) in warning.value

    @pytest.mark.parametrize("given", ["50", "many"])
    def test_a_server_bounds_the_size(self, monkeypatch, given):
        monkeypatch.setenv("EXPLORER_VOLUME", given)
        if given == "many":
            with pytest.raises(ValueError, match="must be a whole number from 1 to 500000, but is 'many'"):
                trainings.room()
            return
        at = visit("training", **QUICK)
        [warning] = at.warning
        assert "is 96, the most is 50" in warning.value
        assert [b.disabled for b in at.button if b.label == EN("training.start")] == [True]

    @pytest.mark.parametrize("name", STUDIES)
    def test_a_question_opens_as_it_is(self, name):
        training, entrants = STUDIES[name]
        at = visit("training", **training.to_query(), nets=",".join(entrants.names))
        assert at.session_state["training"] == training
        assert at.session_state["entrants"] == entrants and not at.warning

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_every_setting_has_a_widget_with_words(self, lang):
        at = visit("training", lang=lang, optimiser="momentum", **QUICK)
        at.session_state["training_more"] = True
        fine(at.run())
        folded = (
            "updates",
            "B",
            "data_seed",
            "optimiser",
            "rate",
            "momentum",
            "schedule",
            "clip",
            "clip_at",
            "truncate",
        )
        for name in (*folded, "dtype", "task", "distance", "harder", "forget_bias", "H", "seed", "chrono"):
            assert widget(at, name, lang)


class TestCounter:
    def test_the_first_of_the_ranking_breaks_more_than_the_last(self):
        counting = TrainingRun(Training(task="brackets", cell="gru", H=8, B=16, distance=12, rate=0.02, updates=300))
        for record in counting.advance():
            if record.score > 0.9 and counting.learnt:
                break
        assert counting.learnt
        order = followers(counting)
        whole = np.mean(list(score_by_count(counting).values()))
        first, last = (
            np.mean(list(score_by_count(counting, weights=lesioned(counting, [one.unit])).values()))
            for one in (order[0], order[-1])
        )
        assert order[0].r2 > 0.8 > order[-1].r2
        assert whole > 0.5 and first < 0.6 * whole and first < last

    def test_the_game(self):
        quick = {"task": "brackets", "distance": "8", "H": "4", "batch": "8", "updates": "30", "nets": "gru"}
        at = visit("training", **quick)
        assert any(EN("counter.later") in m.value for m in at.markdown) and "counter_count" not in charts(at)
        finished(start(at))
        assert any(EN("counter.name_first") in m.value for m in at.markdown) and not at.table
        best = ranked(study(at), "gru")[0].unit + 1
        [choice] = [box for box in at.selectbox if box.label == EN("counter.unit")]
        choice.set_value(best)
        fine(at.run())
        run = study(at).runs()["gru"]
        probe = run.probe(B=64)
        bars = unpack(charts(at)["counter_count"]["figure"])["data"]
        for bar, weights in zip(bars, (None, lesioned(run, [best - 1])), strict=True):
            wanted = score_by_count(run, probe, weights)
            assert bar["x"] == [str(count) for count in wanted]
            np.testing.assert_allclose(bar["y"], list(wanted.values()), rtol=1e-6)
        assert "place 1 of 4" in " ".join(m.value for m in at.markdown) and len(at.table) == 1
        far = unpack(charts(at)["counter_distance"]["figure"])["data"][0]
        assert far["x"] == ["4", "8", "12", "16", "24"]
        np.testing.assert_allclose(far["y"][-1], run.score(24, 64), rtol=1e-6)
