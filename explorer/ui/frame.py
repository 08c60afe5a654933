"""What all pages share: the sidebar, the notes, and the way to a page for a visitor who came in by a deep link."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from threadpoolctl import threadpool_limits

from explorer.experiment import KINDS, Fallback, Place
from explorer.i18n import LANGUAGES
from explorer.links import Strange
from explorer.measures import gradient_overflow, overflow
from explorer.settings import Choice, Number, Switch
from explorer.ui import operating, settings, state
from explorer.ui.drawing import network_name, performed
from explorer.ui.language import current, literal, say

HOME = "home"
PAGES = {  # in the order of the navigation; the settings that a page shows itself, or that mean nothing there
    HOME: ("forget_bias",),
    "unrolled": ("reset_after", "z_keeps"),
    "gates": (),
    "gradients": ("T", "gain", "forget_bias", "activation"),
    "training": ("cell", "activation", "input", "D", "input_seed", "T", "forget_bias", "loss"),
    "forms": tuple(name for name in KINDS if name != "cell"),  # the networks are trained already
    "long": ("T", "input", "D", "input_seed"),
}


@st.cache_resource(show_spinner=False)
def settle() -> None:
    """Once a server: habits of the machine that would stall a full class.

    Matrix products stay on one thread, because threads of many visitors at once wait for one another. What the
    imports left is taken out of every later garbage collection, and a collection comes once a few runs instead of
    dozens of times a run.
    """
    threadpool_limits(1)
    gc.set_threshold(50_000, 20, 20)
    gc.collect()
    gc.freeze()


@contextmanager
def turn():
    """One visitor's run after the other.

    Runs that share the interpreter all end late; one after the other, most end early: with a full class the
    slowest answers come in half the time. A long run holds the others up only so long.
    """
    mine = TURN.acquire(timeout=LONGEST_TURN)
    try:
        yield
    finally:
        if mine:
            TURN.release()


TURN = Lock()
LONGEST_TURN = 0.3  # seconds


def path(page: str) -> str:
    """The file of a page."""
    return f"pages/{page}.py"


def enter(file: str) -> None:
    """First line of every page: begin again where Streamlit let a visitor in past app.py.

    With a folder named pages/, the first deep link after a server start runs the page alone.
    """
    if "framed" not in st.session_state:
        PagesManager.uses_pages_directory = False
        query = st.query_params
        st.switch_page(path(Path(file).stem), query_params=[(key, one) for key in query for one in query.get_all(key)])


def pages() -> dict:
    """The pages by name, in the visitor's language; made once a visitor, because each looks its file up."""
    made = st.session_state.setdefault("pages", {})
    if current() not in made:
        made[current()] = {name: st.Page(path(name), title=say(f"page.{name}"), default=name == HOME) for name in PAGES}
    return made[current()]


def navigation():
    """The page that is asked for."""
    page = st.navigation(list(pages().values()), position="hidden")
    st.session_state["framed"] = True
    return page


def sidebar(page_name: str) -> None:
    """Language, pages, and the experiment."""
    with st.sidebar:
        st.segmented_control(
            say("setting.language"),
            list(LANGUAGES),
            format_func=LANGUAGES.get,
            required=True,
            label_visibility="collapsed",
            **state.controlled("language", current(), lambda new: state.look(lang=new)),
        )
        address = state.address()
        for page in pages().values():
            st.page_link(page, query_params=address)
        st.subheader(say("setting.experiment"))
        settings.in_sight(PAGES[page_name])
        if settings.others(PAGES[page_name]):
            more = st.expander(say("setting.more"), key="more", on_change="rerun")
            if more.open:  # what nobody sees costs nothing
                with more:
                    settings.folded(PAGES[page_name])
        st.button(say("setting.reset"), on_click=state.reset, width="stretch")


def notes(of: str = "experiment") -> None:
    """What the link asked for and could not have; what went out of bounds.

    of   what the page runs: the "experiment", a "training", or something "else"
    """
    with st.container():  # always there, so that what follows keeps its place
        operating.note(here=of == "experiment")
        _draw_notes()
        if of == "training":
            _note_room()
        elif of == "experiment":
            _note_overflow()


def _draw_notes() -> None:
    _draw_strange()
    for fallback in state.fallbacks():
        key = "note.fallback" if fallback.used else "note.left_out"
        name = literal(say(f"setting.{fallback.name}"))
        st.warning(say(key, name=name, given=literal(fallback.given), used=_as_on_its_widget(fallback)))
    for way in state.ways():
        key = "note.way" if way.used else "note.left_out"
        st.warning(say(key, name=say(f"link.{way.name}"), given=literal(way.given), used=literal(way.used)))


def _draw_strange() -> None:
    """What is not as it should be in the link itself: a note for each kind of mistake, which names the first ones."""
    found = list(dict.fromkeys(state.strange()))
    for reason in dict.fromkeys(one.reason for one in found):
        some = [one for one in found if one.reason == reason]
        listed = ", ".join(map(_strange, some[:NAMED]))
        if len(some) > NAMED:
            listed = say("note.link_more", list=listed, count=f"{len(some) - NAMED:,}")
        st.warning(say(f"note.link_{reason}", list=listed, given=some[0].given, used=some[0].used))


NAMED = 3


def _strange(one: Strange) -> str:
    given, used = (f"“{literal(' '.join(text.split()))}”" for text in (one.given, one.used))
    match one.reason:
        case "unknown":
            return say("note.link_meant", given=given, used=used) if one.used else given
        case "repeated":
            return f"{given}: {used}"
    return used


def _as_on_its_widget(fallback: Fallback) -> str:
    """What is used instead, as the widget of the setting says it, not as a link does."""
    kind, used = KINDS.get(fallback.name) or state.TRAINED.get(fallback.name), fallback.used
    if isinstance(kind, Switch):
        return say("note.on" if kind.read(used) else "note.off")
    if isinstance(kind, Choice) or (isinstance(kind, Place) and used in kind.options):
        return say(f"choice.{fallback.name}.{used}")
    return used.replace("-", "−") if isinstance(kind, Number) else used


def _note_room() -> None:
    for fallback in state.shrunk():
        name = say(f"setting.{fallback.name}")
        st.warning(say("note.no_room", name=name, given=fallback.given, used=fallback.used))


def _note_overflow() -> None:
    experiment = state.experiment()
    made, network = performed(experiment), network_name(experiment)
    if step := overflow(made.trace):
        st.warning(say("note.overflow", network=network, step=step))
    elif step := gradient_overflow(made.grads):
        st.warning(say("note.overflow_back", network=network, step=step))


def dress() -> None:
    """The few rules of style that Streamlit's theme cannot say."""
    projector = PROJECTOR if state.view().projector else ""
    words = f"--upload: '{say('upload.button')}'; --kinds: '{say('upload.kinds')}';"
    st.html(f"<style>{STYLE}{projector}:root {{ {words} }}</style>")


PROJECTOR = "html { font-size: 24px !important; } .stMainBlockContainer { max-width: none !important; }"
STYLE = (Path(__file__).parent / "frame.css").read_text(encoding="utf-8")
