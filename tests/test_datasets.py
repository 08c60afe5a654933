"""What every input keeps to, and what each of them promises."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from plotly.data import stocks

from explorer.datasets import DATASETS, prices
from explorer.datasets.own import NotNumbers, read_numbers

OWN = (1.0, -0.5, 0.25, 0.0, 3.0)
every_dataset = pytest.mark.parametrize("name", DATASETS)
every_length = pytest.mark.parametrize("T", [2, 3, 7, 8, 104, 105, 106, 500])


def draw(name, T=20, D=None, seed=1, numbers=OWN):
    dataset = DATASETS[name]
    return dataset.draw(T, D or dataset.widths[2], seed, numbers)


class TestContract:
    @every_dataset
    @every_length
    def test_an_input_is_whole(self, name, T):
        for D in sorted(set(DATASETS[name].widths)):
            drawn = draw(name, T, D)
            assert drawn.x.shape == (T, 1, D)
            assert drawn.x.dtype == np.float64
            assert np.isfinite(drawn.x).all()
            assert len(drawn.steps) == T and len(drawn.channels) == D
            assert all(isinstance(label, str) for label in (*drawn.steps, *drawn.channels))
            assert len(set(drawn.channels)) == D and all(drawn.channels)

    @every_dataset
    @every_length
    def test_after_what_is_given_there_is_silence(self, name, T):
        drawn = draw(name, T)
        assert 1 <= drawn.given <= T
        assert not drawn.x[drawn.given :].any()
        assert not any(drawn.steps[drawn.given :])

    @every_dataset
    def test_a_longer_sequence_begins_like_a_shorter_one(self, name):
        short, long = draw(name, 30), draw(name, 200)
        np.testing.assert_array_equal(short.x, long.x[:30])
        assert short.steps == long.steps[:30]

    @every_dataset
    def test_widths_are_in_order(self, name):
        low, high, usual = DATASETS[name].widths
        assert 1 <= low <= usual <= high <= 16

    @every_dataset
    def test_the_same_seed_is_the_same_input(self, name):
        first, second = draw(name, seed=3), draw(name, seed=3)
        np.testing.assert_array_equal(first.x, second.x)
        assert (first.steps, first.channels, first.given) == (second.steps, second.channels, second.given)

    @every_dataset
    def test_the_seed_matters_where_it_is_said_to(self, name):
        x = [draw(name, seed=seed).x for seed in range(5)]
        same = [np.array_equal(x[0], other) for other in x[1:]]
        assert not any(same) if DATASETS[name].drawn else all(same)

    @every_dataset
    def test_one_input_cannot_spoil_the_next(self, name):
        draw(name).x[...] = 99
        assert np.abs(draw(name).x).max() < 99

    def test_names_are_those_of_the_registry(self):
        assert {name: dataset.name for name, dataset in DATASETS.items()} == {name: name for name in DATASETS}
        assert set(DATASETS) >= {"prices", "sine", "impulse", "clue", "own", "korean", "english"}


class TestPrices:
    TABLE = stocks()
    COMPANIES = tuple(column for column in TABLE.columns if column != "date")

    def test_are_the_ones_that_plotly_ships(self):
        drawn = draw("prices", 105, 6)
        np.testing.assert_allclose(drawn.x[:, 0] + 1, self.TABLE[list(self.COMPANIES)].to_numpy())
        assert drawn.channels == self.COMPANIES
        assert list(drawn.steps) == [f"{self.COMPANIES[0]} {date}" for date in self.TABLE["date"]]

    def test_the_file_has_every_number_of_plotlys(self):
        weeks, companies, numbers = prices.table()
        assert weeks == tuple(self.TABLE["date"]) and companies == self.COMPANIES
        np.testing.assert_array_equal(numbers, self.TABLE[list(self.COMPANIES)].to_numpy())

    def test_the_next_company_follows(self):
        drawn = draw("prices", 500, 1)
        one_after_another = np.concatenate([self.TABLE[company] for company in self.COMPANIES])[:500] - 1
        np.testing.assert_array_equal(drawn.x[:, 0, 0], one_after_another)
        assert drawn.steps[104].startswith(self.COMPANIES[0]) and drawn.steps[105].startswith(self.COMPANIES[1])
        assert drawn.given == 500

    @pytest.mark.parametrize("k", range(6))
    def test_each_input_starts_at_a_company_of_its_own(self, k):
        x = draw("prices", 210, 6).x[:, 0, k]
        np.testing.assert_array_equal(x[:105], self.TABLE[self.COMPANIES[k]] - 1)
        np.testing.assert_array_equal(x[105:], self.TABLE[self.COMPANIES[(k + 1) % 6]] - 1)

    def test_start_at_zero(self):
        assert not draw("prices", 2, 6).x[0].any()


class TestSine:
    def test_has_its_period(self):
        x = draw("sine", 400, 1).x[:, 0, 0]
        np.testing.assert_allclose(x, [math.sin(t / 5) for t in range(400)], atol=1e-15)

    def test_phases_are_spread_evenly(self):
        x = draw("sine", 100, 4).x[:, 0]
        np.testing.assert_allclose(x[:, 1], np.cos(np.arange(100) / 5), atol=1e-14)
        np.testing.assert_allclose(x[:, 2], -x[:, 0], atol=1e-14)


class TestClue:
    @pytest.mark.parametrize("D", [2, 3, 5, 16])
    def test_has_its_symbol(self, D):
        seen = set()
        for seed in range(80):
            drawn = draw("clue", 30, D, seed)
            first = drawn.x[0, 0]
            assert sorted(first) == [0] * (D - 1) + [1]
            assert first[-1] == 0
            assert drawn.channels[first.argmax()] == drawn.steps[0] == "ABCDEFGHIJKLMNO"[first.argmax()]
            assert not drawn.x[1:, 0, :-1].any() and drawn.x[1:, 0, -1].all()
            assert not any(drawn.steps[1:])
            seen.add(drawn.steps[0])
        assert len(seen) == D - 1, "every symbol comes up"

    def test_noise_has_width_one_half(self):
        noise = np.concatenate([draw("clue", 500, seed=seed).x[1:, 0, -1] for seed in range(20)])
        assert abs(noise.std() - 0.5) < 0.02 and abs(noise.mean()) < 0.02


def test_an_impulse_is_one_and_then_nothing():
    drawn = draw("impulse", 50, 3)
    assert (drawn.x[0] == 1).all() and not drawn.x[1:].any() and drawn.given == 1


class TestWords:
    def test_korean_is_the_sentence_of_the_textbook(self):
        drawn = draw("korean", 10)
        assert drawn.steps[:3] == ("추천해요", "굉장히", "좋다") and drawn.given == 3

    def test_english_has_its_words(self):
        drawn = draw("english", 10)
        assert " ".join(drawn.steps[: drawn.given]) == "I recommend it, it is really good"

    @pytest.mark.parametrize("name", ["korean", "english"])
    def test_a_word_is_a_vector_of_its_own(self, name):
        drawn = draw(name, 10, 16)
        given = drawn.x[: drawn.given, 0]
        assert len(np.unique(given, axis=0)) == drawn.given and given.all()

    def test_a_short_sequence_hears_the_first_words(self):
        assert draw("english", 2).steps == ("I", "recommend") and draw("english", 2).given == 2


class TestOwnNumbers:
    def test_come_first_then_silence(self):
        drawn = draw("own", 8)
        assert draw("own", 8, 2, numbers=(1, 2, 3, 4)).x[:3, 0].tolist() == [[1, 2], [3, 4], [0, 0]]
        assert list(drawn.x[:, 0, 0]) == [*OWN, 0, 0, 0] and drawn.given == 5
        assert list(draw("own", 3).x[:, 0, 0]) == list(OWN[:3])

    @pytest.mark.parametrize(
        ("text", "numbers"),
        [
            ("1", (1,)),
            ("1, 2, 3", (1, 2, 3)),
            ("1;2\n3\t4", (1, 2, 3, 4)),
            ("  0.5 −1  2e3 ", (0.5, -1, 2000)),
            (".5,-.25,+1", (0.5, -0.25, 1)),
            ("1,,2,", (1, 2)),
            ("1000000 -1000000", (1e6, -1e6)),
            ("0 " * 500, (0,) * 500),
        ],
    )
    def test_are_read(self, text, numbers):
        assert read_numbers(text) == numbers

    @pytest.mark.parametrize(
        ("text", "reason", "details"),
        [
            ("", "none", {}),
            (" ,;\n", "none", {}),
            ("0 " * 501, "many", {"most": 500, "count": 501}),
            ("1 two 3", "bad", {"place": 2, "piece": "two"}),
            ("1, nan", "bad", {"place": 2, "piece": "nan"}),
            ("inf", "bad", {"place": 1, "piece": "inf"}),
            ("1e7", "bad", {"place": 1, "piece": "1e7"}),
            ("-1000000.1", "bad", {"place": 1, "piece": "-1000000.1"}),
            ("1e999", "bad", {"place": 1, "piece": "1e999"}),
            ("0x10", "bad", {"place": 1, "piece": "0x10"}),
            ("a" * 100, "bad", {"place": 1, "piece": "a" * 20}),
        ],
    )
    def test_or_refused_with_the_reason(self, text, reason, details):
        with pytest.raises(NotNumbers) as refused:
            read_numbers(text)
        assert (refused.value.reason, refused.value.details) == (reason, details)
        assert re.match("expected .*, but", str(refused.value)) and "\n" not in str(refused.value)

    def test_may_be_larger_where_that_is_said(self):
        assert read_numbers("71234000 1e30", 1e30) == (71234000, 1e30)
        with pytest.raises(NotNumbers, match=r"between -1e\+30 and 1e\+30, but number 2 is '1e31'"):
            read_numbers("1 1e31", 1e30)

    @given(some.text())
    def test_any_text_is_read_or_refused(self, text):
        try:
            numbers = read_numbers(text)
        except NotNumbers as error:
            assert error.reason in ("none", "many", "bad")
        else:
            assert 1 <= len(numbers) <= 500 and all(abs(number) <= 1e6 for number in numbers)

    @given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=20))
    def test_what_python_writes_is_read_back(self, numbers):
        assert read_numbers(", ".join(map(repr, numbers))) == tuple(numbers)
