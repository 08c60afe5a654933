"""The only part of the package that knows Streamlit: settings, language, caching, navigation, components.

All of it is loaded at once, and app.py and every page begin with it: where a class comes to a fresh server, one visitor
loads and the others wait. Modules that import one another break when two threads load them from two ends.
"""

from explorer.ui import (  # noqa: F401
    counting,
    forms,
    frame,
    laboratory,
    long_view,
    proving,
    questions,
    training_controls,
    training_times,
    training_view,
    trainings,
)
from explorer.ui.components import tab  # noqa: F401
from explorer.ui.forms import asking, showing, telling  # noqa: F401
