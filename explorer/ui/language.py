"""The language of the page: the browser's at first, then as chosen."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.i18n import LANGUAGES, words


def of_browser() -> str:
    """The language that fits the visitor's browser best."""
    locale = (st.context.locale or "").lower()
    return "ko" if locale.startswith("ko") else "en"


def current() -> str:
    """The language of this visitor's pages."""
    chosen = st.session_state["view"].lang
    return chosen if chosen in LANGUAGES else of_browser()


def say(key: str, /, **values) -> str:
    """The words for a key in the visitor's language."""
    return words(current())(key, **values)


def speaker() -> Callable[..., str]:
    """The same as a function of one language, for figures."""
    return words(current())
