"""What may import what: the library stays light, and the arrows between its parts point one way."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("streamlit", "plotly", "pandas", "torch", "jax", "keras", "matplotlib", "scipy")

# a library -> the only places that may import it
ONLY_IN = {
    "streamlit": ("app.py", "pages/", "explorer/ui/"),
    "plotly": ("explorer/figures/", "explorer/export/", "explorer/ui/"),
    "torch": ("explorer/torch_path.py", "explorer/torch_proof.py", "explorer/weights/"),
    "pandas": ("explorer/inputs/tables.py",),
    "openpyxl": ("explorer/inputs/",),
    "pyarrow": ("explorer/inputs/",),
    "jax": (),
    "keras": (),
    "dask": ("explorer/cluster.py",),
    "distributed": ("explorer/cluster.py",),
    "pages": (),
    "app": (),
    "tests": (),
    "explorer.ui": ("app.py", "pages/", "explorer/ui/"),
}
# a place -> the only parts of the explorer that it may import
ONLY = {
    "explorer/check.py": (),
    "explorer/cells/": ("explorer.cells", "explorer.trace", "explorer.check"),
    "explorer/trace.py": ("explorer.cells.base", "explorer.check"),
    "explorer/unroll.py": ("explorer.cells", "explorer.trace", "explorer.check", "explorer.habits"),
    "explorer/habits.py": (),
    "explorer/chunk_loops.py": ("explorer.cells",),
    "explorer/datasets/": ("explorer.datasets", "explorer.check"),
    "explorer/leaving.py": (),
    "explorer/replacing.py": ("explorer.leaving",),
    "explorer/cluster.py": (),
    "explorer/command/outputs.py": ("explorer.replacing",),
    "explorer/command/version.py": (),
    "explorer/inputs/": ("explorer.inputs", "explorer.settings"),
    "explorer/settings.py": (),
    "explorer/jobs.py": (),
    "explorer/worker.py": (),
    "explorer/corpora/": ("explorer.corpora", "explorer.check"),
    "explorer/forms.py": ("explorer.check",),
    "explorer/links.py": (),
}
SHOWING = ("explorer.figures", "explorer.export")  # the rule for explorer.ui is above
RUNNING = (
    *("explorer.unroll", "explorer.performing", "explorer.torch_path", "explorer.training"),
    *("explorer.proof", "explorer.torch_proof"),
    *("explorer.parallel_time", "explorer.torch_parallel", "explorer.stream"),
)
# a place -> what it never imports
NEVER = {
    "explorer/initialise.py": SHOWING,
    "explorer/equations.py": (*SHOWING, *RUNNING),
    "explorer/experiment.py": (*SHOWING, *RUNNING),
    "explorer/surgery.py": (*SHOWING, *RUNNING),
    "explorer/forms.py": (*SHOWING, *RUNNING),
    "explorer/performing.py": SHOWING,
    "explorer/measures.py": (*SHOWING, *RUNNING),
    "explorer/jacobian.py": (*SHOWING, *RUNNING),
    "explorer/fixed_points.py": SHOWING,
    "explorer/paths.py": (*SHOWING, *RUNNING),
    "explorer/deep.py": (*SHOWING, *RUNNING),
    "explorer/scaled.py": (*SHOWING, *RUNNING),
    "explorer/torch_path.py": SHOWING,
    "explorer/torch_proof.py": (*SHOWING, *RUNNING),
    "explorer/proof.py": SHOWING,
    "explorer/parallel_time.py": SHOWING,
    "explorer/torch_parallel.py": SHOWING,
    "explorer/stream.py": SHOWING,
    "explorer/training/": SHOWING,
    "explorer/weights/": SHOWING,
    "explorer/command/": SHOWING,
    "explorer/figures/": (
        *("explorer.run", "explorer.backprop", "explorer.perform", "explorer.export"),
        *RUNNING,
    ),
}


def imports(source: str, path: str):
    """(line, dotted name) of every import in a file; what a relative one means is worked out."""
    package = path.removesuffix(".py").removesuffix("/__init__").split("/")
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{name.name}") for name in node.names)


def is_in(path: str, places) -> bool:
    return any(path == place or (place.endswith("/") and path.startswith(place)) for place in places)


def part_of(name: str, modules) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def wrong_arrows(source: str, path: str):
    """One sentence for every import that the tables forbid."""
    for line, name in imports(source, path):
        for library, places in ONLY_IN.items():
            if part_of(name, [library]) and not is_in(path, places):
                yield f"{path}:{line} imports {name}: only {', '.join(places) or 'nobody'} may"
        for place, allowed in ONLY.items():
            if is_in(path, [place]) and part_of(name, ["explorer"]) and not part_of(name, allowed):
                yield f"{path}:{line} imports {name}: {place} may import {', '.join(allowed) or 'no part'}"
        for place, forbidden in NEVER.items():
            if is_in(path, [place]) and part_of(name, forbidden):
                yield f"{path}:{line} imports {name}: {place} never does"


FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("app.py"), *ROOT.glob("explorer/**/*.py"), *ROOT.glob("pages/**/*.py")]
)


@pytest.mark.parametrize("path", FILES)
def test_arrows_point_one_way(path):
    wrong = list(wrong_arrows((ROOT / path).read_text(encoding="utf-8"), path))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [path for path in FILES if path == "app.py" or path.startswith("pages/")])
def test_a_page_loads_the_explorer_from_one_end(path):
    """Visitors who come to a fresh server at once would break one another's imports."""
    ours = [name for _, name in imports((ROOT / path).read_text(encoding="utf-8"), path) if name.startswith("explorer")]
    assert ours[0].startswith("explorer.ui")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("explorer/measures.py", "import streamlit as st"),
        ("explorer/unroll.py", "def f():\n    import plotly.graph_objects as go"),
        ("explorer/initialise.py", "from torch.nn import LSTM"),
        ("explorer/cells/lstm.py", "from explorer.unroll import run"),
        ("explorer/cells/lstm.py", "from ..unroll import run"),
        ("explorer/cells/__init__.py", "from .. import unroll"),
        ("explorer/unroll.py", "from explorer import figures"),
        ("explorer/figures/gates.py", "from explorer import run"),
        ("explorer/figures/gates.py", "from explorer.unroll import backprop"),
        ("explorer/figures/gates.py", "from explorer.ui.state import settings"),
        ("explorer/export/picture.py", "import explorer.ui"),
        ("explorer/check.py", "from explorer.trace import Named"),
        ("pages/home.py", "import torch"),
        ("explorer/inputs/grids.py", "import pandas as pd"),
        ("explorer/long_series.py", "def f():\n    import pyarrow.parquet"),
        ("explorer/inputs/cells.py", "from explorer.long_series import series"),
    ],
)
def test_a_wrong_arrow_is_seen(path, source):
    (sentence,) = wrong_arrows(source, path)
    assert sentence.startswith(f"{path}:{len(source.splitlines())} imports ")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("explorer/ui/frame.py", "import streamlit as st\nfrom explorer.figures import gates"),
        ("explorer/figures/gates.py", "import plotly.graph_objects as go\nfrom explorer.trace import Trace"),
        ("explorer/torch_path.py", "import torch\nfrom explorer.cells import CELLS"),
        ("explorer/cells/lstm.py", "from .base import Cell\nfrom explorer.trace import Trace"),
        ("app.py", "import streamlit\nfrom explorer.ui import frame"),
    ],
)
def test_a_right_arrow_is_let_through(path, source):
    assert not list(wrong_arrows(source, path))


def test_the_tables_speak_of_files_that_exist():
    """At least those of the engine: a renamed file would otherwise be free of its rules."""
    for place in ("explorer/check.py", "explorer/cells/", "explorer/trace.py", "explorer/unroll.py"):
        assert place in ONLY and (ROOT / place).exists()
    assert len(FILES) > 10


def test_the_library_needs_numpy_only():
    """In a fresh interpreter, with every lesson and figure installed beside it."""
    code = "import explorer, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "numpy" in loaded and "explorer" in loaded
    assert not loaded & set(HEAVY)
    assert "explorer.training" not in json.loads(done.stdout)


def test_the_public_names_are_there():
    import explorer

    assert {"run", "backprop", "init_params", "Trace", "Gradients"} <= set(explorer.__all__)
    assert all(hasattr(explorer, name) for name in explorer.__all__)
    assert not hasattr(explorer, "TrainingRuns")
