"""`pip install -e .` promises the engine with NumPy and nothing else: here is an environment that has nothing else."""

import os
import re
import subprocess
import tomllib
import venv
from pathlib import Path

import numpy as np
import pytest

from explorer import Experiment, perform
from explorer.__main__ import main
from explorer.command.version import version
from tests.test_readme import EXAMPLES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "explorer"


class Environment:
    """A Python with NumPy, lent from where it is installed, and this project, as `pip install -e .` links it."""

    def __init__(self, folder: Path):
        self.folder = folder
        venv.create(folder / "alone", symlinks=os.name != "nt")
        (self.python,) = (path for path in folder.glob("alone/*/python*") if path.stem == "python")
        (packages,) = [path for path in folder.rglob("site-packages") if path.is_dir()]
        installed = Path(np.__file__).parents[1]
        for lent in (installed / "numpy", installed / "numpy.libs"):
            if lent.exists():
                (packages / lent.name).symlink_to(lent, target_is_directory=True)
        (packages / "project.pth").write_text(f"{ROOT}\n", encoding="utf-8")

    def __call__(self, *arguments) -> subprocess.CompletedProcess:
        environment = {name: what for name, what in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [self.python, *map(str, arguments)],
            cwd=self.folder,
            env={**environment, "EXPLORER_CACHE": str(self.folder / "cache"), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def explorer(self, *arguments) -> str:
        """What `python -m explorer` prints."""
        done = self("-W", "error", "-m", "explorer", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def sentence(self, *arguments) -> str:
        """The one sentence with which it refuses."""
        done = self("-m", "explorer", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment"))


@pytest.mark.parametrize("package", ["plotly", "pandas", "safetensors", "joblib", "distributed", "torch", "cachetools"])
def test_it_has_nothing_else(package, alone):
    done = alone("-c", f"import {package}")
    assert done.returncode == 1 and f"No module named '{package}'" in done.stderr


@pytest.mark.parametrize(
    "settings", ["", "input='prices', D=6, T=500", "cell='gru', layers=3", "cell='rnn', input='korean'"]
)
def test_an_experiment_is_the_same(settings, alone):
    ask = f"perform(Experiment({settings})).grads.params['weight_hh'].sum()"
    done = alone("-c", f"from explorer import Experiment, perform; print(repr(float({ask})))")
    assert done.stderr == ""
    assert float(done.stdout) == pytest.approx(eval(ask, {"perform": perform, "Experiment": Experiment}), rel=1e-9)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_readme(example, alone):
    done = alone("-c", example)
    assert done.stderr == "" and done.stdout.splitlines() == re.findall(r"^# (.*)$", example, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace"],
        ["trace", "cell=gru&T=200&loss=all"],
        ["trace", "T=60", "--method", "parallel"],
        ["trace", "--length", "2000", "--input", "prices"],
        ["trace", "cell=rnn&H=8", "--length", "2000", "--input", "needle", "--method", "parallel"],
        ["sweep", "cell=rnn&T=20&H=4", "--points", "3", "--seeds", "1", "--no-cache"],
        ["sweep", "T=20&H=4", "--over", "forget_bias", "--points", "2", "--seeds", "2", "--jobs", "2", "--no-cache"],
    ],
    ids=" ".join,
)
def test_the_command_line_says_the_same(arguments, alone, capsys):
    main(arguments)
    assert alone.explorer(*arguments) == capsys.readouterr().out


def test_the_default_sweep_is_kept_and_written(alone):
    asked = ["sweep", "cell=rnn&T=20&H=4", "--points", "3", "--seeds", "1", "--out", "map.npz", "--force"]
    for _ in range(2):
        assert "3 x 20 numbers written to map.npz" in alone.explorer(*asked)
    assert len(list((alone.folder / "cache").rglob("*.npy"))) == 3


def test_it_says_its_version(alone):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert alone.explorer("--version") == f"gate-explorer {project['version']}\n"
    assert version() == project["version"]


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["trace", "T=5", "--method", "torch"], "torch"),
        (["trace", "--length", "50", "--method", "torch-parallel"], "torch"),
        (["sweep", "T=20", "--dask", "tcp://127.0.0.1:1"], "distributed"),
        (["train", "--form", "sequence_to_sequence", "--out", "made"], "safetensors"),
        (["train", "--table"], "safetensors"),
        (["trace", "--length", "1000", "--input", ROOT / "explorer/datasets/prices.csv"], "pandas"),
    ],
    ids=str,
)
def test_what_is_missing_is_said(arguments, missing, alone):
    assert f"{missing}" in (told := alone.sentence(*arguments)) and "installed" in told
    assert not (alone.folder / "made").exists()


def test_every_file_of_the_package_is_shipped():
    """A wheel has what these patterns say, and would be without its numbers, words or styles otherwise."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["explorer"]
    shipped = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    there = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert there and there == shipped & there, sorted(there - shipped)
    assert PACKAGE / "datasets/prices.csv" in shipped
    assert project["project"]["dependencies"] == ["numpy>=2.2,<3"]
