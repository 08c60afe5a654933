"""A command that is stopped ends with one sentence and its code, whenever it is, and leaves nothing unfinished."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from explorer.leaving import surely
from explorer.replacing import whole
from tests.command.running import SENTENCE, left, start

LONG = ["sweep", "cell=rnn&T=500&H=64", "--points", 81, "--seeds", 32, "--no-cache"]
STREAM = ["trace", "--length", 2_000_000, "--H", 8, "--out", "run.npz"]


def stop(process, by=signal.SIGINT) -> list[str]:
    """Send a signal to the group, as a terminal does; the rest of stderr. Nothing that was started lives on."""
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, by)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + by
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    return err.splitlines()


def until(stream, *words: str) -> None:
    """Read lines up to one with one of the words in it."""
    for line in stream:
        if any(word in line for word in words):
            return
    pytest.fail(f"ended before it said {words[0]}")


@pytest.mark.parametrize(
    "module", ["numpy.exceptions", "explorer.cells.base", "explorer.corpora.digits", "explorer.training"]
)
def test_while_it_starts(module, tmp_path):
    process = start(STREAM, tmp_path, "-X", "importtime")
    until(process.stderr, module)
    *imports, last = stop(process)
    assert last == SENTENCE and all(line.startswith("import time:") for line in imports)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [
        STREAM,
        [*STREAM, "--method", "parallel"],
        [*STREAM, "--method", "torch"],
        [*LONG, "--jobs", 1],
        [*LONG, "--jobs", 2],
    ],
    ids=["engine", "parallel", "torch", "one process", "two processes"],
)
def test_while_it_computes(arguments, tmp_path):
    process = start(arguments, tmp_path)
    time.sleep(2.5)  # it takes a quarter of a minute and more
    *progress, last = stop(process)
    assert last == SENTENCE and all(line.endswith(" s left") for line in progress)
    assert left(tmp_path) == []


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGHUP])
def test_by_another_signal(by, tmp_path):
    process = start([*LONG, "--jobs", 2], tmp_path)
    time.sleep(1.5)
    assert stop(process, by)[-1] == SENTENCE
    assert left(tmp_path) == []


def test_while_its_processes_start(tmp_path):
    process = start([*LONG, "--jobs", 2], tmp_path)
    while len(psutil.Process(process.pid).children()) < 2:
        time.sleep(0.002)
    assert stop(process) == [SENTENCE]
    assert left(tmp_path) == []


def test_while_it_trains(tmp_path):
    """What was finished before stays whole."""
    process = start(["train", "--form", "sequence_to_vector", "--variant", "ko", "--out", "made"], tmp_path)
    until(process.stdout, "update")
    assert stop(process) == [SENTENCE]
    assert left(tmp_path) == []


def size(path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # that was a look whether the folder can be written to
        return 0


def test_while_it_writes(tmp_path):
    """The file that was there before is still what it was."""
    np.savez(tmp_path / "run.npz", before=np.arange(3))
    process = start(["trace", "--length", 40_000, "--H", 16, "--out", "run.npz", "--force"], tmp_path)
    while not any(map(size, tmp_path.glob(".*.part"))):
        assert process.poll() is None
        time.sleep(0.0005)
    assert stop(process)[-1] == SENTENCE
    assert left(tmp_path) == ["run.npz"]
    with np.load(tmp_path / "run.npz") as file:
        assert list(file["before"]) == [0, 1, 2]


def test_one_who_is_told_to_pass_over_a_signal_does(tmp_path):
    """As by nohup, whose children do not hear that the terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(STREAM, tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    stop(process)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, MemoryError, SystemExit])
def test_a_file_is_whole_or_not_there(error, tmp_path):
    place = tmp_path / "file"
    place.write_text("before", encoding="utf-8")
    with pytest.raises(error), whole(place) as file:
        file.write(b"half")
        raise error
    assert left(tmp_path) == ["file"] and place.read_text(encoding="utf-8") == "before"
    with whole(place) as file:
        file.write(b"after")
    assert left(tmp_path) == ["file"] and place.read_bytes() == b"after"


def test_a_file_keeps_its_rights(tmp_path):
    place = tmp_path / "file"
    place.touch(mode=0o640)
    with whole(place):
        pass
    assert place.stat().st_mode & 0o777 == 0o640


def test_what_is_put_in_order_is_put_in_order_once():
    done = []
    with pytest.raises(ValueError), surely(lambda: done.append(1)), surely(lambda: done.append(2)):
        raise ValueError
    assert done == [2, 1]


def test_a_library_leaves_signals_alone():
    code = "import signal, explorer; assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    subprocess.run([sys.executable, "-c", code], check=True)
