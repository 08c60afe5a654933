"""What a visitor sees, kept in one place and written to the URL.

The URL is the truth, unless a widget was touched in this run: a deep link, the back button and a copied
address all arrive here, and a widget's late answer cannot bring an older address back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import parse_qsl, urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.common import user_key_from_element_id

from explorer import links
from explorer.experiment import KINDS, Experiment, Fallback
from explorer.i18n import LANGUAGES
from explorer.inputs.tables import Reading
from explorer.long_run import Long
from explorer.naming import DIALECTS
from explorer.performing import FAIR
from explorer.settings import Choice, Number, Switch, setting
from explorer.sweep import Sweep
from explorer.trained.asking import Asked
from explorer.training import Training
from explorer.training.racing import Entrants

ASKS = ("vanish", "why", "travel", "reach", "wiring", "help", "edge", "plane")
QUANTITIES = ("f", "i", "g", "c", "o", "h", "r", "z", "n", "dh", "dc", *(f"da_{gate}" for gate in "figorznh"))


def kinds(part: type) -> dict:
    """The settings of a part, {name: kind}."""
    return {f.name: f.metadata["kind"] for f in fields(part)}


@dataclass(frozen=True)
class View:
    """How the visitor looks at the experiment; nothing here changes a number.

    lang       "en", "ko", or "auto" for the browser's
    step, unit the cursor, both counted from 1
    update     of a training that is looked back on; the greatest is the newest
    level, quantity, back   where the stage stands: the cell, one formula, one sum; values or gradients
    names      how gates are named and in which order they are listed (`explorer.naming`)
    projector  everything half as large again, the sidebar folded
    ask        the question of the laboratory that is open
    fair, later, clip, window   what it compares by; the later step of a pair; the limit of clipping as a power of ten;
               the window of truncated backpropagation
    first, last                 the steps of a long sequence that are looked at
    axis, seeds                 what its sweep sweeps where the cell has it; how many seeds it averages over
    """

    lang: str = setting("auto", Choice("lang", ("auto", *LANGUAGES)))
    step: int = setting(5, Number("t", 1, 500))
    unit: int = setting(1, Number("u", 1, 64))
    update: int = setting(20_000, Number("after", 0, 20_000))
    level: int = setting(1, Number("level", 1, 3))
    quantity: str = setting("f", Choice("q", QUANTITIES))
    back: bool = setting(False, Switch("back"))
    names: str = setting("pytorch", Choice("names", DIALECTS))
    projector: bool = setting(False, Switch("projector"))
    ask: str = setting("vanish", Choice("ask", ASKS))
    fair: str = setting("seed", Choice("fair", FAIR))
    later: int = setting(500, Number("to", 1, 500))
    clip: float = setting(1.0, Number("limit", -6.0, 6.0, 0.1))
    window: int = setting(20, Number("win", 1, 500))
    first: int = setting(1, Number("first", 1, 1_000_000))
    last: int = setting(1_000_000, Number("last", 1, 1_000_000))
    axis: str = setting("forget_bias", kinds(Sweep)["axis"])
    seeds: int = setting(8, kinds(Sweep)["seeds"])


TRAINED = Training.kinds()
# beside the experiment, each with keys of its own in the URL
PARTS = {"view": View, "long": Long, "entrants": Entrants, "asked": Asked, "reading": Reading}
# all that a link may say
KNOWN = {kind.key: kind for part in (Experiment, Training, *PARTS.values()) for kind in kinds(part).values()}


def _part_from(part: type, query) -> tuple[object, tuple[Fallback, ...]]:
    """A part of a URL, and what in it could not be had, by its keys; each costs only itself."""
    known, good, refused = kinds(part), {}, {}
    for name, kind in known.items():
        if (given := query.get(kind.key)) is None:
            continue
        try:
            good[name] = kind.read(given)
        except ValueError:
            refused[name] = given
    made = part(**good)
    used = {name: known[name].write(getattr(made, name)) for name in refused}
    return made, tuple(Fallback(known[name].key, given[:40], used[name]) for name, given in refused.items())


def _part_query(part) -> dict[str, str]:
    return {
        kind.key: kind.write(getattr(part, name))
        for name, kind in kinds(type(part)).items()
        if getattr(part, name) != getattr(type(part)(), name)
    }


def arrive() -> None:
    """At the start of a run: hear what the browser shows, where this is the first run of a session.

    It shows something if its tab is older than the session: the server was started anew, or has given the tab up.
    """
    there = get_script_run_ctx().session_state.get_widget_states()
    st.session_state.setdefault("shown", {one.id: one for one in there})
    st.session_state["bound"] = []


def restore() -> None:
    """At the start of a run: take the experiment and all parts from the URL, unless a widget has just changed them.

    What the URL asked for and could not have is said until something is set, or another URL is opened.
    """
    state = st.session_state
    if state.get("touched") and "experiment" in state:
        return
    query, strange = links.read(get_script_run_ctx().query_string, KNOWN)
    state["experiment"], left = Experiment.from_query(query)
    state["training"], left_too = Training.from_query(query)
    ways = ()
    for name, part in PARTS.items():
        state[name], not_had = _part_from(part, query)
        ways += not_had
    if query != state.get("published"):
        left_too = tuple(one for one in left_too if one.name not in KINDS)  # what they share, once
        state.update(strange=strange, fallbacks=(*left, *left_too), ways=ways, shrunk=())


def settle(said: str | None) -> None:
    """At the end of a run: where a tab is older than its session, take what it shows and the URL does not have.

    Its widgets have kept what they showed, so that nobody's hand is moved back. What differs from the URL was set on
    its way to the server, or is no setting.

    said   by the tab: "stayed"; "moved" if it has another address since: then that is the truth
    """
    shown, bound = st.session_state["shown"], st.session_state["bound"]
    st.session_state.update(shown={}, bound=[])
    other = [(key, changed) for key, value, changed in bound if st.session_state.get(key) != value]
    taken = _taken(shown) if other and said == "stayed" else ()
    for key, changed in other:
        if key in taken:
            changed(st.session_state[key])
    if other:
        st.rerun()


def _taken(shown: Mapping) -> set[str]:
    """The keys of the widgets that have taken what the browser shows, as one that is disabled does not."""
    context = get_script_run_ctx()
    now = {one.id: one for one in context.session_state.get_widget_states()}
    drawn = context.shared.widget_ids_this_run
    return {user_key_from_element_id(one) for one in shown if one in drawn and now.get(one) == shown[one]}


def publish() -> None:
    """At the end of a run: write experiment and view to the URL."""
    st.session_state["touched"] = False
    query = address()
    st.session_state["published"] = query
    if st.query_params.to_dict() != query or _address_bar() not in (None, query):
        st.query_params.from_dict(query)


def _address_bar() -> dict[str, str] | None:
    """What the browser shows, where it tells: a link to the page that it stands on leaves it as it was."""
    return dict(parse_qsl(urlsplit(st.context.url).query)) if st.context.url else None


def left_out(parts: int) -> None:
    """The link had so many parts that Streamlit has taken it for none."""
    st.session_state["strange"] = (links.Strange("long", f"{parts:,}"),)


def address() -> dict[str, str]:
    """The query parameters of what is shown."""
    query = training().to_query() | experiment().to_query()  # what they share is the same in both
    for name in PARTS:
        query |= _part_query(st.session_state[name])
    return query


def address_of(asked: Experiment, place: dict) -> dict[str, str]:
    """The query parameters of another experiment and place, the visitor's language and ways kept."""
    return asked.to_query() | _part_query(View(**_ways(), **place))


def address_to_train(asked: Training, entrants: Entrants) -> dict[str, str]:
    """The query parameters of another training, the visitor's language and ways kept."""
    return asked.to_query() | _part_query(entrants) | _part_query(View(**_ways()))


def _ways() -> dict:
    return {name: getattr(st.session_state["view"], name) for name in ("lang", "names", "projector")}


def experiment() -> Experiment:
    """What is run."""
    return st.session_state["experiment"]


def view(T: int | None = None, H: int | None = None) -> View:
    """How it is looked at, the cursor inside the experiment, or inside T steps and H units.

    What is kept, and what the URL says, is the cursor as it was set: it comes back with a longer sequence.
    """
    kept = st.session_state["view"]
    T, H = T or experiment().T, H or experiment().H
    inside = {name: min(getattr(kept, name), T) for name in ("step", "later", "window")}
    return replace(kept, unit=min(kept.unit, H), **inside)


def shrunk() -> tuple[Fallback, ...]:
    """What of the training had to become smaller so that another setting could grow."""
    return st.session_state.get("shrunk", ())


def fallbacks() -> tuple[Fallback, ...]:
    """What of the experiment and the training the URL asked for and could not have."""
    return st.session_state.get("fallbacks", ())


def ways() -> tuple[Fallback, ...]:
    """What of the other parts it asked for and could not have, by their keys in the URL."""
    return st.session_state.get("ways", ())


def strange() -> tuple[links.Strange, ...]:
    """What of the URL is not as it should be."""
    return st.session_state.get("strange", ())


def change(**settings) -> None:
    """Change settings of the experiment, of the training, or what they share, from a widget."""
    touch()
    of_experiment = {name: new for name, new in settings.items() if name in KINDS}
    of_training = {name: new for name, new in settings.items() if name in TRAINED}
    st.session_state["experiment"] = experiment().replace(**of_experiment)
    st.session_state["training"], st.session_state["shrunk"] = training().with_room(**of_training)
    if "names" in settings:
        st.session_state["entrants"] = Entrants(settings["names"])


def training() -> Training:
    """What is trained: it shares the network's settings with the experiment."""
    return st.session_state["training"]


def entrants() -> tuple[str, ...]:
    """The networks that are trained side by side."""
    return st.session_state["entrants"].names


def long() -> Long:
    """What the page of long sequences asks beside the experiment."""
    return st.session_state["long"]


def change_long(**settings) -> None:
    """Change one of its settings from a widget."""
    touch()
    st.session_state["long"] = replace(long(), **settings)


def asked() -> Asked:
    """What is asked of the trained networks."""
    return st.session_state["asked"]


def ask(**settings) -> None:
    """Ask something else, from a widget."""
    touch()
    st.session_state["asked"] = replace(asked(), **settings)


def reading() -> Reading:
    """How a file of the visitor's is read, on whatever page."""
    return st.session_state["reading"]


def read(**settings) -> None:
    """Read it differently, from a widget."""
    touch()
    st.session_state["reading"] = replace(reading(), **settings)


def look(**settings) -> None:
    """Change the view from a widget."""
    touch()
    st.session_state["view"] = replace(st.session_state["view"], **settings)


def touch() -> None:
    """A widget has spoken: in this run it counts, not the URL."""
    st.session_state.update(touched=True, strange=(), fallbacks=(), ways=(), shrunk=())


def reset() -> None:
    """Back to the defaults; the visitor's language and ways stay."""
    touch()
    for left in [name for name in st.session_state if str(name).startswith(("typed_", "reading_of"))]:
        st.session_state.pop(left)
    ways_kept = View(**_ways())
    st.session_state["experiment"], st.session_state["training"] = Experiment(), Training()
    st.session_state.update({name: part() for name, part in PARTS.items()} | {"view": ways_kept})


def controlled(key: str, value, changed: Callable[[object], None]) -> dict:
    """The arguments of a widget that shows `value` and tells `changed` its new one.

    The widget never owns the value, so it may come and go with its page.
    """
    if key in map(user_key_from_element_id, st.session_state.get("shown", ())):
        st.session_state["bound"].append((key, value, changed))  # to be looked at when all is there
    elif st.session_state.get(key) != value:
        st.session_state[key] = value
    return {"key": key, "on_change": lambda: changed(st.session_state[key])}


def controlled_slider(key: str, value, changed: Callable[[object], None]) -> dict:
    """The same for a slider, which asks for its value in an expensive way unless it is told.

    It may be told only when its value is not also set through the session state in the same run.
    """
    known = st.session_state.get(key) == value
    return controlled(key, value, changed) | ({"value": value} if known else {})
