"""The Experiment: one set of bounds for constructor, URL and JSON, and round trips that lose nothing."""

import json
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from explorer import Experiment, perform
from explorer.cells import CELLS
from explorer.datasets import DATASETS
from explorer.experiment import KINDS, Numbers, Place
from explorer.initialise import SCHEMES
from explorer.settings import Choice, Number, Switch
from explorer.surgery import Operation, Operations

NAMES = [field.name for field in fields(Experiment)]
NUMBERS = [name for name, kind in KINDS.items() if isinstance(kind, Number)]
# The most that a link may ask for, written out: read from the table, it would follow a mistake in the table.
MOST = {
    "T": 500,
    "H": 64,
    "D": 16,
    "layers": 3,
    "input_seed": 9999,
    "seed": 9999,
    "gain": 4,
    "forget_bias": 6,
}
LEAST = {"T": 2, "H": 1, "D": 1, "layers": 1, "input_seed": 0, "seed": 0, "gain": 0, "forget_bias": -2}
HOSTILE = [
    "",
    " ",
    "0x10",
    "1e9",
    "1e999",
    "-1",
    "nan",
    "inf",
    "-inf",
    "NaN",
    "１２３４５",
    "1" * 5000,
    "9" * 400,
    "None",
    "true",
    "[1]",
    "{}",
    "<script>alert(1)</script>",
    "**bold** [link](https://example.org) $x$",
    "' OR 1=1 --",
    "__import__('os').system('true')",
    "../../etc/passwd",
    "\x00",
    "\ud800",
    "\u202e",
    "{name}",
    "%s%n",
    "🧠" * 1000,
]

# Numbers like any other: what is hostile to one setting is fine for another.
FINE = [("numbers", "-1"), ("forget_bias", "-1"), ("numbers", "１２３４５")]


def at_hand(digits: int):
    """Numbers on the grid that a user meets: so many digits after the point."""
    return some.integers(-(10**9), 10**9).map(lambda n: n / 10**digits).filter(lambda x: abs(x) <= 1e6)


TYPED = at_hand(2)


@some.composite
def experiments(draw, numbers=TYPED):
    """Any experiment that the widgets can make."""
    settings = {}
    for name, kind in KINDS.items():
        match kind:
            case Choice(options=options):
                settings[name] = draw(some.sampled_from(options))
            case Switch():
                settings[name] = draw(some.booleans())
            case Number(low=low, high=high, step=step):
                settings[name] = round(low + step * draw(some.integers(0, round((high - low) / step))), 6)
    if settings["input"] == "own" or draw(some.booleans()):
        settings["numbers"] = tuple(draw(some.lists(numbers, min_size=1, max_size=12)))
    low, high, _ = DATASETS[settings["input"]].widths
    settings["D"] = draw(some.integers(low, high))
    if settings["input"] == "own":
        settings["numbers"] *= settings["D"]
    step = some.integers(1, settings["T"]).map(str)
    settings["loss"] = draw(some.sampled_from(["last", "all"]) | step)
    first = draw(some.integers(1, settings["T"]))
    pin = Operation(CELLS[settings["cell"]].gates[0], first, None, 0.5, draw(some.integers(1, settings["H"])))
    settings["surgery"] = (pin,) if draw(some.booleans()) else ()
    return Experiment(**settings)


class TestRoundTrips:
    @given(experiments())
    @example(Experiment(input="korean", D=1))
    @example(Experiment(input="own", numbers=(0.5, -1.0), T=2, loss="2"))
    @example(Experiment(T=7, loss="7"))
    def test_a_link_brings_back_the_experiment(self, experiment):
        query = experiment.to_query()
        assert all(isinstance(value, str) for value in query.values())
        assert Experiment.from_query(query) == (experiment, ())

    @given(experiments(numbers=some.floats(-1e6, 1e6)))
    @example(Experiment(input="english", D=1))
    @example(Experiment(input="own", numbers=(1 / 3, 1e-300), T=2))
    def test_a_file_brings_back_the_experiment(self, experiment):
        assert Experiment.from_json(experiment.to_json()) == (experiment, ())

    @given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=8))
    def test_a_link_brings_back_every_digit_of_own_numbers(self, numbers):
        experiment = Experiment(input="own", numbers=tuple(numbers))
        assert Experiment.from_query(experiment.to_query())[0].numbers == experiment.numbers

    @given(some.floats(0, 4), some.floats(-2, 6))
    @example(1.234567, 0.1)
    def test_a_link_brings_back_every_digit_of_a_number(self, gain, bias):
        experiment = Experiment(gain=gain, forget_bias=bias)
        assert Experiment.from_query(experiment.to_query())[0] == experiment

    def test_the_default_needs_no_query(self):
        assert Experiment().to_query() == {}
        assert Experiment.from_query({}) == (Experiment(), ())

    @pytest.mark.parametrize("name", DATASETS)
    def test_an_input_at_its_usual_width_needs_no_width_in_the_link(self, name):
        usual = Experiment().replace(input=name, **({"numbers": (1, 2)} if name == "own" else {}))
        assert set(usual.to_query()) <= {"input", "x"}

    def test_only_what_differs_is_written(self):
        assert Experiment(H=8, gain=1.5, z_keeps=False).to_query() == {
            "H": "8",
            "gain": "1.5",
            "z_keeps": "0",
        }

    def test_each_setting_has_a_key_of_its_own(self):
        assert len({kind.key for kind in KINDS.values()}) == len(NAMES)

    def test_the_file_names_every_setting(self):
        assert list(json.loads(Experiment().to_json())) == NAMES


class TestBounds:
    @pytest.mark.parametrize("name", NUMBERS)
    def test_are_the_ones_on_paper(self, name):
        assert (KINDS[name].low, KINDS[name].high) == (LEAST[name], MOST[name])

    def test_numbers_are_all_listed(self):
        assert set(NUMBERS) == set(MOST) == set(LEAST)

    @pytest.mark.parametrize("name", NUMBERS)
    def test_hold_in_constructor_link_and_file(self, name):
        kind, fit = KINDS[name], {"input": "english", "D": 8}  # it takes every width
        for value in (kind.low, kind.high):
            experiment = Experiment(**fit | {name: value})
            assert getattr(experiment, name) == value
            assert Experiment.from_query({"input": "english", kind.key: f"{value}"}) == (experiment, ())
            assert Experiment.from_json(json.dumps(fit | {name: value})) == (experiment, ())
        for value in (kind.low - kind.step, kind.high + kind.step, kind.high * 1000 + 1):
            with pytest.raises(ValueError, match=f"^{name}: expected .* from .* to .*but got"):
                Experiment(**fit | {name: value})
            for experiment, fallbacks in (
                Experiment.from_query({"input": "english", kind.key: f"{value}"}),
                Experiment.from_json(json.dumps(fit | {name: value})),
            ):
                assert experiment == Experiment(input="english", D=8)
                assert [fallback.name for fallback in fallbacks] == [name]

    @pytest.mark.parametrize("name", NUMBERS)
    @pytest.mark.parametrize("value", ["nan", "inf", "-inf", float("nan"), float("inf"), None, [], {}, "x", True])
    def test_no_number_at_all_is_refused(self, name, value):
        if (name, value) == ("D", None):
            return  # as many as the input usually has
        with pytest.raises(ValueError, match=f"^{name}: "):
            Experiment(**{name: value})

    @pytest.mark.parametrize("name", [name for name in NUMBERS if isinstance(KINDS[name].step, int)])
    def test_a_whole_number_is_whole(self, name):
        value = KINDS[name].low + 0.5
        with pytest.raises(ValueError, match="a whole number"):
            Experiment(**{name: value})
        assert isinstance(getattr(Experiment(), name), int)

    @pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if isinstance(kind, Choice)])
    def test_only_names_of_the_registry(self, name):
        registry = {
            "cell": CELLS,
            "activation": CELLS["rnn"].options["activation"],
            "input": DATASETS,
            "scheme": SCHEMES,
        }[name]
        assert set(KINDS[name].options) == set(registry)
        for value in ("LSTM", "lstm ", "", "__class__", None, 1, [], ("lstm",)):
            with pytest.raises(ValueError, match=f"^{name}: expected one of"):
                Experiment(**{name: value})

    @pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if isinstance(kind, Switch)])
    def test_a_switch_is_on_or_off(self, name):
        for value, wanted in ((True, True), (False, False), ("1", True), ("0", False)):
            assert getattr(Experiment(**{name: value}), name) is wanted
        for value in ("true", "", "2", 2, -1, None, [], "yes", float("nan")):
            with pytest.raises(ValueError, match=f"^{name}: expected 0 or 1"):
                Experiment(**{name: value})

    def test_every_kind_is_covered_here(self):
        assert {type(kind) for kind in KINDS.values()} == {Choice, Switch, Number, Numbers, Operations, Place}

    @pytest.mark.parametrize("loss", ["0", "-1", "501", "1.5", "first", "", "nan", None, [], True, "last "])
    def test_a_loss_sits_somewhere(self, loss):
        with pytest.raises(ValueError, match=r"^loss: expected"):
            Experiment(T=500, loss=loss)
        experiment, fallbacks = Experiment.from_json(json.dumps({"T": 500, "loss": loss}))
        assert (experiment, [f.name for f in fallbacks]) == (Experiment(T=500), ["loss"])

    def test_a_loss_sits_inside_the_sequence(self):
        with pytest.raises(ValueError, match=r"^loss: expected a step from 1 to 50, but got 51"):
            Experiment(T=50, loss="51")
        experiment, fallbacks = Experiment.from_query({"T": "50", "loss": "51"})
        assert experiment == Experiment(T=50)
        assert [(f.name, f.given, f.used) for f in fallbacks] == [("loss", "51", "last")]

    def test_a_loss_needs_the_length_that_is_used(self):
        experiment, fallbacks = Experiment.from_query({"T": "9999", "loss": "200"})
        assert experiment == Experiment()  # T fell back to 100, so step 200 is not there
        assert {f.name for f in fallbacks} == {"T", "loss"}

    def test_a_width_fits_its_input(self):
        with pytest.raises(ValueError, match=r"^D: expected a whole number from 2 to 16 with clue, got 1"):
            Experiment(input="clue", D=1)
        experiment, fallbacks = Experiment.from_query({"input": "clue", "D": "1"})
        assert (experiment.D, [(f.name, f.given, f.used) for f in fallbacks]) == (5, [("D", "1", "5")])

    def test_own_input_needs_numbers(self):
        with pytest.raises(ValueError, match=r"^input: own needs numbers"):
            Experiment(input="own")
        for experiment, fallbacks in (
            Experiment.from_query({"input": "own"}),
            Experiment.from_query({"input": "own", "x": "1,two"}),
            Experiment.from_json('{"input": "own", "numbers": []}'),
        ):
            assert experiment == Experiment()
            assert "input" in [f.name for f in fallbacks]

    def test_own_numbers_are_bounded(self):
        for numbers in ([1e7], [0] * 501, ["x"], "1,nan", "1;inf", [[1, 2]], [True], 5, {"a": 1}):
            with pytest.raises(ValueError, match=r"^numbers: "):
                Experiment(numbers=numbers)
            experiment, fallbacks = Experiment.from_json(json.dumps({"numbers": numbers}))
            assert (experiment, [f.name for f in fallbacks]) == (Experiment(), ["numbers"])
        assert len(Experiment(numbers=[0] * 500).numbers) == 500

    @pytest.mark.parametrize(("count", "D"), [(1, 2), (5, 2), (5, 16), (500, 3)])
    def test_own_numbers_come_in_whole_rows(self, count, D):
        numbers = (0.5,) * count
        with pytest.raises(ValueError, match=rf"^D: expected rows .*, but {count} are no rows of {D}$"):
            Experiment(input="own", numbers=numbers, D=D)
        query = {"input": "own", "x": ",".join(["0.5"] * count), "D": str(D)}
        experiment, fallbacks = Experiment.from_query(query)
        assert experiment == Experiment(input="own", numbers=numbers)
        assert [(f.name, f.given, f.used) for f in fallbacks] == [("D", str(D), "1")]

    def test_several_columns_of_ones_own_are_several_inputs(self):
        e = Experiment(input="own", numbers=(1, 2, 3, 4, 5, 6), D=2, T=4, H=3)
        assert Experiment.from_query(e.to_query()) == (e, ())
        drawn = perform(e).input
        np.testing.assert_array_equal(drawn.x[:, 0], [[1, 2], [3, 4], [5, 6], [0, 0]])
        assert drawn.given == 3 and len(drawn.channels) == 2
        assert Experiment.from_query({"input": "own", "x": "1,2,3,4,5,6"})[0].D == 1, "as before there was a width"
        assert e.replace(numbers=(1, 2, 3, 4)).D == 2 and e.replace(numbers=(1, 2, 3)).D == 1

    def test_minus_zero_is_zero(self):
        assert str(Experiment(gain=-0.0).gain) == str(Experiment(gain="-0").gain) == "0.0"


def within(experiment):
    """No link or file asks for more work than the widgets do."""
    for name in NUMBERS:
        assert LEAST[name] <= getattr(experiment, name) <= MOST[name]
    low, high, _ = DATASETS[experiment.input].widths
    assert low <= experiment.D <= high
    assert len(experiment.numbers) <= 500
    assert 0 <= experiment.steps_with_loss[0] <= experiment.steps_with_loss[-1] < experiment.T


texts = some.text(max_size=40) | some.sampled_from(HOSTILE) | some.integers().map(str) | some.floats().map(str)
keys = some.sampled_from([kind.key for kind in KINDS.values()]) | some.text(max_size=5)
values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


class TestAnythingMayCome:
    @given(some.dictionaries(keys, texts | some.text(min_size=300), max_size=8))
    def test_a_link_never_fails(self, query):
        experiment, fallbacks = Experiment.from_query(query)
        within(experiment)
        assert Experiment.from_query(experiment.to_query()) == (experiment, ())
        for fallback in fallbacks:
            assert fallback.name in NAMES
            assert len(fallback.given) <= 40
            assert fallback.used == KINDS[fallback.name].write(getattr(experiment, fallback.name))

    @pytest.mark.parametrize("name", NAMES)
    def test_a_bad_value_costs_only_itself(self, name):
        query = {"cell": "gru", "T": "60", "H": "7", "seed": "3", KINDS[name].key: "\x00<b>"}
        experiment, fallbacks = Experiment.from_query(query)
        assert [(f.name, f.given) for f in fallbacks] == [(name, "\x00<b>")]
        kept = {"cell": "gru", "T": 60, "H": 7, "seed": 3}
        kept.pop(name, None)
        assert experiment == Experiment(**kept)

    @pytest.mark.parametrize("value", HOSTILE)
    @pytest.mark.parametrize("name", [name for name in NAMES if name not in ("seed", "input_seed")])
    def test_hostile_values_are_named(self, name, value):
        if (name, value) in FINE:
            return
        experiment, fallbacks = Experiment.from_query({KINDS[name].key: value})
        assert experiment == Experiment()
        assert [(f.name, f.given) for f in fallbacks] == [(name, value[:40])]

    def test_what_belongs_to_others_is_ignored(self):
        assert Experiment.from_query({"lang": "ko", "t": "5", "utm_source": "x"}) == (Experiment(), ())

    @given(some.text(max_size=60) | values.map(json.dumps) | some.text(max_size=20).map('{"T": '.__add__))
    @example("")
    @example("null")
    @example("[]")
    @example("{")
    @example("[" * 100_000)
    @example('{"numbers": ' + "9" * 5000 + "}")
    @example("\ufeff{}")
    def test_a_file_is_read_or_refused_in_one_sentence(self, text):
        try:
            experiment, _ = Experiment.from_json(text)
        except ValueError as error:
            assert str(error).startswith("expected a JSON object of settings")
            assert "\n" not in str(error)
        else:
            within(experiment)

    @given(some.dictionaries(some.sampled_from(NAMES) | some.text(max_size=4), values, max_size=6))
    def test_a_file_of_anything_gives_an_experiment(self, settings):
        experiment, fallbacks = Experiment.from_json(json.dumps(settings))
        within(experiment)
        unknown = [name for name in settings if name not in NAMES]
        assert {f.name for f in fallbacks} >= set(unknown)
        assert all(f.used == "" for f in fallbacks if f.name in unknown)

    @pytest.mark.parametrize("depth", [10, 100, 300, 500, 900, 950, 980])
    @pytest.mark.parametrize("name", ["cell", "numbers", "T", "loss", "z_keeps", "unknown"])
    def test_a_deep_file_gives_an_experiment_or_a_sentence(self, name, depth):
        text = f'{{"{name}": ' + "[" * depth + "]" * depth + "}"
        try:
            assert Experiment.from_json(text)[0] == Experiment()
        except ValueError as error:
            assert str(error).startswith("expected a JSON object")

    def test_the_refusal_says_what_came(self):
        with pytest.raises(ValueError, match="but got a list"):
            Experiment.from_json("[1, 2]")


class TestReplace:
    def test_an_input_brings_its_width(self):
        assert Experiment().replace(input="clue").D == 5
        assert Experiment(input="clue", D=7).replace(input="prices").D == 1
        assert Experiment().replace(input="clue", D=3).D == 3

    def test_a_loss_beyond_the_end_moves_to_the_end(self):
        assert Experiment(loss="80").replace(T=79).loss == "last"
        assert Experiment(loss="80").replace(T=80).loss == "80"
        assert Experiment(loss="all").replace(T=10).loss == "all"

    def test_nothing_else_moves(self):
        before = Experiment(cell="gru", H=9, seed=4, loss="3", input="clue", D=7, gain=0.5)
        after = before.replace(T=50)
        assert [name for name in NAMES if getattr(before, name) != getattr(after, name)] == ["T"]

    @given(experiments(), experiments())
    def test_every_widget_may_follow_every_other(self, before, after):
        """Each single change of a setting to a value that its widget offers is possible from everywhere."""
        for name in NAMES:
            value = getattr(after, name)
            if (name, value) == ("input", "own") and not before.numbers:
                continue  # the page gives an example then
            if name == "numbers" and before.input == "own" and not value:
                continue
            if name == "D" and before.input == "own":
                continue  # it comes with the numbers
            if name == "D":
                low, high, _ = DATASETS[before.input].widths
                value = min(max(value, low), high)
            if name == "loss" and value.isdigit():
                value = str(min(int(value), before.T))
            if name == "surgery":
                value = tuple(one for one in value if one.fits(before))
            within(before.replace(**{name: value}))

    @pytest.mark.parametrize("changes", [{"T": 501}, {"cell": "cnn"}, {"gain": "nan"}, {"input": "unknown"}])
    def test_bounds_hold_here_too(self, changes):
        with pytest.raises(ValueError, match=r"^\w+: expected"):
            Experiment().replace(**changes)


def test_it_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Experiment().T = 5
    assert hash(Experiment()) == hash(Experiment())
    assert Experiment(T=50) != Experiment(T=51)
    assert isinstance(Experiment(numbers=[1, 2]).numbers, tuple)


def test_options_are_those_of_the_cell():
    experiment = Experiment(activation="relu", z_keeps=False, reset_after=False)
    assert experiment.options == {}
    assert experiment.replace(cell="rnn").options == {"activation": "relu"}
    assert experiment.replace(cell="gru").options == {"reset_after": False, "z_keeps": False}


@pytest.mark.parametrize(("loss", "steps"), [("last", [9]), ("all", list(range(10))), ("1", [0]), ("7", [6])])
def test_the_loss_is_read_off_where_it_says(loss, steps):
    assert list(Experiment(T=10, loss=loss).steps_with_loss) == steps
