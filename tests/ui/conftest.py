"""A server for all tests of the pages."""

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from explorer import performing
from explorer.ui import language, waiting
from tests.ui.visiting import forget


@pytest.fixture(autouse=True)
def a_server(monkeypatch):
    """A server whose front page somebody has already opened; like a real one it keeps its caches between visits.

    Without that visit, Streamlit takes the folder pages/ for its old kind of app at each run of an AppTest.
    An AppTest also asks for the words on a widget between two runs, when there is no visitor: it then gets
    the language of the last run.
    """
    made, spoken, last = PagesManager.__init__, language.current, ["en"]

    def make(self, *args, **kwargs):
        made(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    def current():
        if get_script_run_ctx(suppress_warning=True) is not None:
            last[0] = spoken()
        return last[0]

    monkeypatch.setattr(PagesManager, "__init__", make)
    # It looks through all installed packages for components, for every visitor; ours is no package.
    monkeypatch.setattr(BidiComponentManager, "discover_and_register_components", lambda *_, **__: None)
    monkeypatch.setattr(language, "current", current)


@pytest.fixture(autouse=True)
def no_jobs():
    """What a test has set going ends with it."""
    office = waiting.office  # a test may put another in its place
    yield
    if office.cache_info().currsize:
        office().close()


@pytest.fixture
def runs(monkeypatch):
    """The networks run since the test began, one entry a run; nothing is in the caches."""
    forget()
    found, real = [], performing.run

    def counted(*args, **kwargs):
        found.append(args[0])
        return real(*args, **kwargs)

    monkeypatch.setattr(performing, "run", counted)
    return found
