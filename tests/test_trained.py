"""The shipped networks: they are what their recipes say, reach what is stated, and can be made again."""

import json
import re

import numpy as np
import pytest

from explorer import trained
from explorer.__main__ import main
from explorer.cells import CELLS
from explorer.corpora import digits
from explorer.corpora.reviews import EXAMPLES, GRAMMARS
from explorer.datasets.prices import table
from explorer.forms import FORMS
from explorer.trained import answers
from explorer.trained.answers import Refused, answer, wirings
from explorer.trained.asking import Asked, Text
from explorer.training import command
from explorer.training.beams import beam
from explorer.training.forecast_runs import prepared

SHIPPED = [
    (form, variant, cell) for form, variants in trained.RECIPES.items() for variant in variants for cell in CELLS
]


def test_every_form_is_shipped_for_every_cell():
    assert set(trained.RECIPES) == set(FORMS)
    files = {path.name for path in trained.FOLDER.glob("*.safetensors")}
    assert files == {trained.file(*which).name for which in SHIPPED}
    assert sum(path.stat().st_size for path in trained.FOLDER.iterdir()) < 900_000


@pytest.mark.parametrize("which", SHIPPED, ids="-".join)
def test_a_file_is_what_its_recipe_says(which):
    assert trained.load(*which).run.training == trained.recipe(*which).replace(dtype="float64")


@pytest.mark.parametrize("which", [w for w in SHIPPED if w[0] != "encoder_decoder"], ids="-".join)
def test_a_file_reaches_the_score_that_it_states(which):
    found = trained.load(*which)
    assert found.run.measured() == pytest.approx(found.scores, abs=0.2)


@pytest.mark.parametrize("which", SHIPPED, ids="-".join)
def test_reviews_and_captions_are_right_in_95_percent_of_what_was_held_out(which):
    scores = trained.load(*which).scores
    for measure in {"right_side", "spelt_en", "spelt_ko"} & set(scores):
        assert scores[measure] >= 95


@pytest.mark.parametrize("form", FORMS)
def test_the_recipe_is_the_candidate_that_was_best_on_the_validation_part(form):
    chosen, *others = trained.CANDIDATES[form]
    for settings in trained.RECIPES[form].values():
        assert settings.replace(**chosen) == settings
    lines = (trained.FOLDER / "choice.txt").read_text(encoding="utf-8").splitlines()
    found = {}
    for changes in (chosen, *others):
        start = f"{form} {changes} "
        scores = [float(re.search(r": \w+ ([\d.]+)", line)[1]) for line in lines if line.startswith(start)]
        assert len(scores) == len(CELLS)
        found[str(changes)] = sum(scores)
    best = min if form == "sequence_to_sequence" else max  # an error, or a share that is right
    assert best(found, key=found.get) == str(chosen)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_held_out_numbers_are_translated(cell):
    found = trained.load("encoder_decoder", "none", cell)
    assert found.scores["exact"] >= 99
    assert found.run.score(200) >= 0.98  # other numbers than those of the stated score


def test_a_network_made_again_reaches_its_score(tmp_path):
    """The smallest one, by the command itself, in a folder of its own."""
    main(["train", "--form", "sequence_to_vector", "--variant", "en", "--cell", "gru", "--out", str(tmp_path)])
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "seed 1, 3000 updates" in log
    assert log.count("validation") == 5 and log.count("held out") == 1  # the settings were not chosen by that
    made = tmp_path / trained.file("sequence_to_vector", "en", "gru").name
    from safetensors import safe_open

    with safe_open(made, "numpy") as held:
        scores = json.loads(held.metadata()["scores"])
        assert all(held.get_tensor(name).dtype == np.float16 for name in held.keys())  # noqa: SIM118
    assert scores["right_side"] >= 95
    assert scores["right_side"] == pytest.approx(
        trained.load("sequence_to_vector", "en", "gru").scores["right_side"], abs=3
    )


def test_the_table_has_a_row_for_every_score():
    rows = command.table().splitlines()
    counted = sum(
        len(trained.load(form, variant, "gru").scores) for form, vs in trained.RECIPES.items() for variant in vs
    )
    assert len(rows) == 2 + counted and all(row.count("|") == 4 + len(CELLS) for row in rows)


class TestReviews:
    @pytest.mark.parametrize("cell", ["gru", "lstm"])
    def test_the_textbook_example_scores_high_and_its_denial_low(self, cell):
        ask = lambda text: float(answer(Asked(form="sequence_to_vector", review=text), cell, "ko").text)  # noqa: E731
        assert ask("") >= 90 and ask("추천해요 굉장히 좋다") == ask("")
        assert ask("추천하지 않아요") < 35 < 60 < ask("추천해요")
        assert ask("I do not recommend it.") < 35 < 60 < ask("I recommend it!")

    def test_unknown_words_are_said(self):
        found = answer(Asked(form="sequence_to_vector", review="this spaceship is good"), "gru", "en")
        assert found.more["unknown"] == ("spaceship",) and found.more["words"] == ("this", "is", "good")

    @pytest.mark.parametrize(("text", "reason"), [(" ", "empty"), ("...", "empty"), ("xyzzy plugh", "unknown")])
    def test_what_cannot_be_read_is_refused(self, text, reason):
        with pytest.raises(Refused) as refused:
            answer(Asked(form="sequence_to_vector", review=text), "gru", "en")
        assert refused.value.reason == reason

    @pytest.mark.parametrize("language", GRAMMARS)
    def test_examples_are_of_known_words(self, language):
        words = answers.in_words(EXAMPLES[language], GRAMMARS[language])
        assert not set(words) - set(GRAMMARS[language].words)


class TestDigits:
    def test_parts_do_not_meet_and_are_all(self):
        learnt, held_out, chosen_by = (
            digits.pictures(),
            digits.pictures(held_out=True),
            digits.pictures(validation=True),
        )
        assert [len(names) for _, names in (learnt, held_out, chosen_by)] == [1259, 359, 179]
        assert len({picture.tobytes() for pixels, _ in (learnt, held_out, chosen_by) for picture in pixels}) == 1797
        assert learnt[0].min() >= 0 and learnt[0].max() == 1

    def test_names_are_spelt_and_read_back(self):
        every = np.arange(10)
        for k, language in enumerate(digits.LANGUAGES):
            assert tuple(digits.written(digits.captions(every, np.full(10, k)))) == digits.NAMES[language]
        assert [digits.shown(letter) for letter in digits.SPELT["ko"][3]] == ["ㅅ", "ㅏ", "ㅁ"]

    def test_a_drawing_is_counted_as_the_data_set_was(self):
        bitmap = np.zeros((32, 32), bool)
        bitmap[4:28, 14:18] = True  # a bar of 24 × 4 becomes one of 32 × 5
        pixels = digits.counted(bitmap).reshape(8, 8)
        assert pixels.sum() * 16 == 32 * 5 and not pixels[:, :3].any() and not pixels[:, 5:].any()
        with pytest.raises(ValueError, match="empty"):
            digits.counted(np.zeros((32, 32)))

    def test_a_picture_of_ones_own(self):
        drawn = answers.write_pixels(digits.pictures(held_out=True)[0][2])
        own, given = (
            answer(asked, "gru", "en")
            for asked in (Asked("vector_to_sequence", drawn=drawn), Asked("vector_to_sequence"))
        )
        assert own.text == given.text and own.more["truth"] is None

    @pytest.mark.parametrize("drawn", ["0" * 64, "1" * 63, "z" * 64])
    def test_no_picture_is_refused(self, drawn):
        with pytest.raises(Refused, match="drawing"):
            answer(Asked("vector_to_sequence", drawn=drawn), "gru", "en")


class TestForecasts:
    def test_the_naive_forecast_is_todays_price(self):
        forecast = answer(Asked(), "gru", "en").more["forecast"]
        prices, known = forecast.given.prices, forecast.given.known
        assert forecast.errors["naive"] == pytest.approx(np.sqrt(np.mean(np.diff(prices)[known:] ** 2)))
        assert forecast.errors["network"] == pytest.approx(np.sqrt(np.mean((forecast.said - prices[1:])[known:] ** 2)))

    def test_no_batch_has_a_week_for_validation_or_held_out(self):
        run = trained.load("sequence_to_sequence", "prices", "lstm").run
        series = [prepared(prices) for prices in table()[2].T]
        learnt = {change for given in series for change in given.changes[: given.learnt + 1].tolist()}
        assert all(given.learnt == 62 and given.known == 78 and len(given.changes) == 105 for given in series)
        for update in range(20):
            assert {change for rows in run.batch(update) for change in rows.reshape(-1).tolist()} <= learnt

    def test_no_price_is_seen_before_its_day(self):
        run = trained.load("sequence_to_sequence", "prices", "lstm").run
        prices = np.random.default_rng(0).standard_normal(60).cumsum()
        changed = prices.copy()
        changed[50:] += 7
        np.testing.assert_array_equal(run.forecast(prices).said[:50], run.forecast(changed).said[:50])

    @pytest.mark.parametrize(
        "prices", [[1.0] * 20, [1, 2, 3], [1.0] * 15 + [np.nan] + [2.0] * 5, list(range(3000))], ids=str.__class__
    )
    def test_what_is_no_series_is_refused(self, prices):
        with pytest.raises(ValueError, match=r"expected|finite"):
            prepared(prices)


class TestTranslation:
    def test_a_beam_is_at_least_as_likely_as_the_greedy_text(self):
        run = trained.load("encoder_decoder", "none", "rnn").run
        for text in ("이십삼", "구천팔백칠십육", "만"[:0] + "천일"):
            greedy, wide = beam(run, text, 1), beam(run, text, 4)
            assert wide[0].log >= greedy[0].log - 1e-5 and len(wide) <= 4
            assert run.corpus.written(greedy[0].symbols[:, None]) == run.translate([text])[0]

    @pytest.mark.parametrize("cell", CELLS)
    def test_dates_of_two_centuries(self, cell):
        days = {"2026년 8월 19일": "August 19, 2026", "1900년 1월 1일": "January 1, 1900", "2099년 12월 31일": None}
        for source, wanted in days.items():
            found = answer(Asked("encoder_decoder", source=source), cell, "en")
            assert found.text == found.more["truth"] and wanted in (None, found.text)

    @pytest.mark.parametrize("share", [0, 50, 100])
    def test_teacher_forcing(self, share):
        found = answer(Asked("encoder_decoder", source="이십삼", teacher=share), "gru", "en")
        assert found.text == found.more["truth"] == "twenty-three"

    def test_attention_shares_sum_to_one(self):
        found = answer(Asked("encoder_decoder", attention="additive"), "gru", "en")
        shares = found.more["shares"]
        assert shares.shape == (len(found.parts[1].says), len("이십삼"))
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)

    def test_the_decoder_starts_where_the_encoder_ends(self):
        encoder, decoder = answer(Asked("encoder_decoder"), "lstm", "en").parts
        for state in ("h", "c"):
            np.testing.assert_array_equal(decoder.trace.initial[state], encoder.trace[state][-1])

    @pytest.mark.parametrize("source", ["", "twenty", "십만", "2026년 13월 1일"])
    def test_what_is_no_number_is_refused(self, source):
        with pytest.raises(Refused, match="expected a number"):
            answer(Asked("encoder_decoder", source=source), "gru", "en")


def test_four_wirings_of_one_network():
    trace = answer(Asked("sequence_to_vector"), "gru", "ko").parts[0].trace
    rows = wirings(trace)
    assert list(rows) == list(FORMS)
    every, last = rows["sequence_to_sequence"], rows["sequence_to_vector"]
    assert every[1].all() and last[1].tolist() == [False] * (trace.T - 1) + [True]
    assert every[0][-1] == pytest.approx(last[0][-1]) == pytest.approx(1)  # at the end the loss is the same
    assert every[0][0] != pytest.approx(last[0][0])
    assert rows["encoder_decoder"][1].sum() == trace.T - trace.T // 2


def test_a_text_of_an_address_has_an_end():
    with pytest.raises(ValueError, match="at most 5"):
        Text("x", 5).read("123456")
