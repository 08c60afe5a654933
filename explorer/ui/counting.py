"""Find the counter: name the unit that counts, cut it, and see what breaks and where the count ends."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

import numpy as np
import streamlit as st
from cachetools import LRUCache, cached

from explorer.figures.training_lines import bars, follower
from explorer.numerals import text
from explorer.training import Training, TrainingRun, load
from explorer.training.counters import Following, followers, lesioned, score_by_count
from explorer.training.specification import VOLUME
from explorer.ui import state
from explorer.ui.language import current, say, speaker
from explorer.ui.training_view import exhibit, percent
from explorer.ui.trainings import Study

COUNTED = ("brackets", "anbn")
SEQUENCES = 64
BEYOND = (0.5, 1, 1.5, 2, 3)  # times the trained distance


def sequences(training: Training, distance: int, times: float = 1.0) -> int:
    """As many as there is room for, at most 64."""
    a_sequence = training.of.steps(distance) * training.H * training.layers
    return int(max(1, min(SEQUENCES, times * VOLUME // a_sequence)))


@cached(LRUCache(64), key=lambda study, name: (study.stands, name), lock=Lock())
def ranked(study: Study, name: str) -> tuple[Following, ...]:
    """The units of a network, the best counter first."""
    run = study.runs()[name]
    return followers(run, run.probe(B=sequences(run.training, run.training.distance, 0.5)))


@cached(LRUCache(64), key=lambda study, name, units: (study.stands, name, units), lock=Lock())
def broken(study: Study, name: str, units: tuple[int, ...]) -> tuple[dict[int, float], dict[int, float]]:
    """The score by count and by distance, without some units."""
    run = study.runs()[name]
    weights = lesioned(run, units)
    probe = run.probe(B=sequences(run.training, run.training.distance, 0.5))
    return score_by_count(run, probe, weights), {
        distance: run.score(distance, sequences(run.training, distance, 0.5), weights) for distance in distances(run)
    }


def distances(run: TrainingRun) -> list[int]:
    """Shorter and longer ones than the trained one."""
    trained, (low, _, _) = run.training.distance, run.task.distances
    return sorted({max(low, round(trained * times)) for times in BEYOND})


def find(study: Study, training: Training) -> None:
    """The game; before any training and during it, what it will be."""
    st.subheader(say("counter.question"), anchor=False)
    if study.task is not None or not study.saved:
        st.markdown(say("counter.later"))
        return
    names = [name for name, _ in study.entries]
    network, unit = st.columns([3, 4], vertical_alignment="bottom")
    with network:
        name = _pick("counter_of", say("counter.network"), names, names[-1], lambda n: say(f"network.{n}"))
    order = ranked(study, name)
    units = [0, *range(1, training.H + 1)]
    with unit:
        chosen = _pick("counter_unit", say("counter.unit"), units, 0, _unit_name)
    st.markdown(say("counter.explain"))
    whole = broken(study, name, ())
    cut = broken(study, name, (chosen - 1,)) if chosen else None
    one, other = st.columns(2)
    with one:
        _show_following(study, name, training, order, chosen)
    with other:
        _show_ranks(order, chosen, training)
    one, other = st.columns(2)
    with one:
        _show_broken("count", 0, whole, cut, training, chosen)
    with other:
        _show_broken("distance", 1, whole, cut, training, chosen)


def _unit_name(unit: int) -> str:
    return say("counter.none") if unit == 0 else say("counter.unit_k", unit=unit)


def _pick(key: str, label: str, options: list, usual, write):
    """A choice that is no setting: it is asked again in each visit."""
    kept = st.session_state.get(f"{key}_kept", usual)
    kept = kept if kept in options else usual

    def changed(new):
        st.session_state[f"{key}_kept"] = new
        state.touch()

    st.selectbox(
        label, options, format_func=write, **state.controlled(f"{key}_{current()}_{len(options)}", kept, changed)
    )
    return kept


@cached(LRUCache(64), key=lambda study, name: (study.stands, name), lock=Lock())
def course_of_one(study: Study, name: str) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """One sequence of the probe: its count (T,), and the states (T, H) of the last layer."""
    run = load(study.saved[[entry for entry, _ in study.entries].index(name)])
    probe = run.probe(B=8)
    longest = int(np.argmax(np.nan_to_num(probe.count).max(axis=0)))
    [trace] = run.model(run.weights, probe.x, probe.scored).memory.traces
    return probe.count[:, longest], {q: trace[q][:, longest].astype(float) for q in trace.cell.states}


def _show_following(study: Study, name: str, training: Training, order, chosen: int) -> None:
    count, states = course_of_one(study, name)
    rows, said = {}, say("counter.follow_none", most=f"{np.nanmax(count):.0f}")
    if chosen:
        best = next(one for one in order if one.unit == chosen - 1)
        values = states[best.state][:, best.unit]
        known = ~np.isnan(count)
        slope, start = (
            np.polyfit(values[known], count[known], 1) if np.ptp(values[known]) else (0.0, count[known].mean())
        )
        symbol = f"{'C' if best.state == 'c' else 'h'}[{chosen}]"
        rows = {symbol: slope * values + start}
        said = say("counter.follow_sentence", unit=symbol, r2=percent(best.r2), slope=text(best.slope))
    figure = follower(count, rows, speaker())
    exhibit("counter_unit", figure, said, training, title=say("counter.follow"))


def _show_ranks(order, chosen: int, training: Training) -> None:
    """The ranking is the answer: it is shown once a unit has been named."""
    if not chosen:
        st.markdown(f"**{say('counter.ranks')}**")
        st.markdown(say("counter.name_first"))
        return
    place = next(k for k, one in enumerate(_by_unit(order), 1) if one.unit == chosen - 1)
    best = order[0]
    st.markdown(f"**{say('counter.ranks')}**")
    st.markdown(
        say(
            "counter.ranks_sentence", unit=chosen, place=place, many=training.H,
            best=f"{'C' if best.state == 'c' else 'h'}[{best.unit + 1}]", r2=percent(best.r2),
        )
    )  # fmt: skip
    rows = [
        {
            say("counter.place"): k,
            say("axis.unit"): f"{'C' if one.state == 'c' else 'h'}[{one.unit + 1}]",
            say("counter.r2"): percent(one.r2),
            say("counter.slope"): text(one.slope),
        }
        for k, one in enumerate(order[:6], 1)
    ]
    st.table(rows)


def _by_unit(order) -> list[Following]:
    """Each unit once, by the better of its states."""
    return list({one.unit: one for one in reversed(order)}.values())[::-1]


def _show_broken(axis: str, k: int, whole, cut, training: Training, chosen: int) -> None:
    groups = {"whole": whole[k]} | ({"cut": cut[k]} if cut else {})
    mark = max(x for x in whole[1] if x <= training.distance) if axis == "distance" else None
    figure = bars(groups, axis, speaker(), mark=mark, marked=say("counter.trained"))
    means = {name: float(np.mean(list(shares.values()))) for name, shares in groups.items()}
    if axis == "distance":
        far = max(whole[1])
        said = say("counter.distance_sentence", distance=training.distance, far=far,
                   near_score=percent(whole[1][mark]), far_score=percent(whole[1][far]))  # fmt: skip
    elif cut:
        said = say("counter.count_sentence", unit=chosen, whole=percent(means["whole"]), cut=percent(means["cut"]))
    else:
        said = say("counter.count_whole", whole=percent(means["whole"]))
    exhibit(f"counter_{axis}", figure, said, training, title=say(f"counter.by_{axis}"))
