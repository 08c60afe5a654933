"""Spoiled files of every format are read or refused, within a gibibyte and in seconds: 200 each, 2,000 where CI is."""

import os
import subprocess
import sys

import pytest

from tests.inputs.fuzz import spoiled

COUNT = 2000 if os.environ.get("CI") else 200


@pytest.mark.skipif(sys.platform == "win32", reason="memory cannot be bounded there")
@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "parquet", "npy"])
def test_spoiled_files_are_read_or_refused(kind):
    arguments = [sys.executable, "-m", "tests.inputs.fuzz", kind, str(COUNT), "1"]
    done = subprocess.run(arguments, capture_output=True, text=True, encoding="utf-8", timeout=1200)
    assert done.returncode == 0, f"seed {done.stdout.split()[-1:]}: {done.stderr[-2000:]}"
    assert "'read'" in done.stdout, "some are whole enough"


def test_they_are_spoiled():
    import numpy as np

    data = bytes(range(100))
    assert sum(spoiled(data, np.random.default_rng(seed)) != data for seed in range(50)) > 40
