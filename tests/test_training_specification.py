"""The Training: one set of bounds for constructor, URL and JSON, and round trips that lose nothing."""

import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from explorer import Experiment, Training
from explorer.experiment import KINDS as SHARED
from explorer.settings import Choice, Number, Switch
from explorer.training import Translating
from explorer.training.specification import VOLUME
from explorer.training.tasks import TASKS

KINDS = Training.kinds()

# The most that a link may ask for, written out: read from the table, it would follow a mistake in the table.
MOST = {"distance": 400, "H": 64, "layers": 3, "updates": 20_000, "B": 128, "truncate": 400, "rate": 10, "clip_at": 100}
LEAST = {"distance": 1, "H": 1, "layers": 1, "updates": 1, "B": 1, "truncate": 0, "rate": 1e-5, "clip_at": 0.001}
HOSTILE = ["", "nan", "inf", "-1", "1e999", "9" * 400, "None", "{}", "<script>", "\x00", "１２", "../..", "🧠" * 1000]


@some.composite
def trainings(draw):
    """Any training that widgets can make."""
    chosen = {}
    for name, kind in KINDS.items():
        match kind:
            case Choice(options=options):
                chosen[name] = draw(some.sampled_from(options))
            case Switch():
                chosen[name] = draw(some.booleans())
            case Number(low=low, high=high, step=int()):
                chosen[name] = draw(some.integers(low, high))
            case Number(low=low, high=high):
                chosen[name] = draw(some.floats(low, high))
    low, high, _ = TASKS[chosen["task"]].distances
    chosen["distance"] = min(max(chosen["distance"], low), high)
    chosen["B"] = min(chosen["B"], max(1, VOLUME // (420 * chosen["H"] * chosen["layers"])))
    return Training(**chosen)


@given(trainings())
@settings(max_examples=60, deadline=None)
def test_address_and_json_lead_back(training):
    assert Training.from_query(training.to_query()) == (training, ())
    assert Training.from_json(training.to_json()) == (training, ())


def test_the_default_has_an_empty_address_and_so_has_each_tasks_usual_distance():
    assert Training().to_query() == {}
    for task in TASKS:
        query = Training(task=task).to_query()
        assert query == ({} if task == "recall" else {"task": task})
        assert Training.from_query(query)[0].distance == TASKS[task].distances[2]


def test_what_it_shares_with_an_experiment_has_the_same_key_bounds_and_default():
    for name in set(KINDS) & set(SHARED):
        assert KINDS[name] is SHARED[name] and getattr(Training(), name) == getattr(Experiment(), name)
    theirs = {kind.key for name, kind in SHARED.items() if name not in KINDS}
    assert not theirs & {kind.key for kind in KINDS.values()}
    assert len({kind.key for kind in KINDS.values()}) == len(KINDS)


def test_a_translation_has_an_address_too():
    assert Translating().to_query() == {} and len({kind.key for kind in Translating.kinds().values()}) == len(
        Translating.kinds()
    )
    for changes in ({"corpus": "dates"}, {"most": 777}, {"corpus": "dates", "most": 73_049, "teacher": 0.25, "E": 3}):
        translating = Translating(**changes)
        assert Translating.from_query(translating.to_query()) == (translating, ())
        assert Translating.from_json(translating.to_json()) == (translating, ())
    with pytest.raises(ValueError, match="most: expected 100 to 73049 with dates, but got 100000"):
        Translating(corpus="dates", most=100_000)
    translating, (refused,) = Translating.from_query({"corpus": "dates", "most": "100000", "seed": "7"})
    assert (translating.most, translating.seed, refused.name) == (10_000, 7, "most")
    assert Translating(B=128, H=64).B == 128
    with pytest.raises(ValueError, match="may be at most 500000, but is 737280"):
        Translating(B=128, H=64, layers=3)


def test_it_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Training().rate = 1.0


@pytest.mark.parametrize("name", MOST)
def test_bounds(name):
    for value in (MOST[name], LEAST[name]):
        assert getattr(Training(**{"task": "recall", "B": 2, "H": 2} | {name: value}), name) == value
    for beyond in (MOST[name] * 1.001 + (isinstance(MOST[name], int)), LEAST[name] - 1, float("nan"), None, True, "x"):
        if name == "distance" and beyond is None:
            continue
        with pytest.raises(ValueError, match=f"{name}: "):
            Training(**{name: beyond})


def test_no_training_is_too_large_as_a_whole():
    with pytest.raises(ValueError, match="may be at most 500000, but is 9854976: take a smaller distance, B or H"):
        Training(distance=400, B=128, H=64, layers=3)
    training, refused = Training.from_query({"distance": "400", "batch": "128", "H": "64", "layers": "3", "seed": "7"})
    assert training.T * training.B * training.H * training.layers <= VOLUME and training.seed == 7
    assert {fallback.name for fallback in refused} <= {"distance", "B", "H", "layers"} and refused


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_address_costs_only_itself(text):
    for name, kind in KINDS.items():
        training, refused = Training.from_query({kind.key: text, "task": "parity"} | {kind.key: text})
        assert [fallback.name for fallback in refused] == [name] or getattr(training, name) == kind.read(text)
        assert len(refused[0].given) <= 40 if refused else True
    with pytest.raises(ValueError):
        Training.from_json("[" + text)


def test_a_distance_that_the_task_does_not_have():
    with pytest.raises(ValueError, match="distance: expected 10 to 400 with order, but got 3"):
        Training(task="order", distance=3)
    training, (refused,) = Training.from_query({"task": "order", "distance": "3"})
    assert training.distance == 50 and (refused.given, refused.used) == ("3", "50")
    assert Training(distance=3).replace(task="order").distance == 50
    assert Training(distance=13).replace(task="recall", H=4).distance == 13


def test_json_names_all_settings():
    assert set(json.loads(Training().to_json())) == {field.name for field in fields(Training)}
    assert Training.from_json('{"nonsense": 1}')[1][0].name == "nonsense"
    with pytest.raises(ValueError, match="but got a list"):
        Training.from_json("[1]")
