"""The language of the page: the browser's at first, then as chosen."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import streamlit as st

from explorer.i18n import LANGUAGES, words

_current: ContextVar[str] = ContextVar("language", default="en")  # of the run in this thread


def choose(wanted: str) -> None:
    """At the start of a run: speak the wanted language, or the browser's."""
    locale = (st.context.locale or "").lower()
    _current.set(wanted if wanted in LANGUAGES else "ko" if locale.startswith("ko") else "en")


def current() -> str:
    """The language of this visitor's pages."""
    return _current.get()


def speaker() -> Callable[..., str]:
    """(key, **values) -> words, for figures."""
    return words(current())


def say(key: str, /, **values) -> str:
    """The words for a key in the visitor's language."""
    return words(current())(key, **values)


def literal(words: str) -> str:
    """Words in which nothing is markup: what a link or a visitor brings must not dress itself up."""
    return "".join(f"\\{letter}" if letter in MARKUP else letter for letter in words)


MARKUP = "\\`*_{}[]()<>#+-.!|~:$&"
