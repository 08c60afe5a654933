"""Where a command cannot write, it says so before it begins; what is there is replaced only by --force."""

import os
import resource
import tempfile
from pathlib import Path

import numpy as np
import pytest

from explorer.__main__ import main
from explorer.command.outputs import Output
from explorer.trained import FOLDER
from tests.command.running import left, refused, start

TRACE, STREAM, SWEEP = ["trace", "T=5"], ["trace", "--length", "9000000"], ["sweep", "T=20", "--points", "81"]
COMMANDS = (TRACE, STREAM, [*TRACE, "--method", "parallel"], ["trace", "--length", "9000", "cell=rnn"], SWEEP)


@pytest.fixture
def nothing_works(monkeypatch):
    """Whatever begins to work fails."""

    def fail(*_, **__):
        pytest.fail("it has begun")

    places = "__main__.perform", "__main__.stream", "__main__.streamed", "sweep_command.results", "trained.train"
    for place in places:
        monkeypatch.setattr(f"explorer.{place}", fail)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder with what may stand in the way."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "there.npz").write_bytes(b"kept")
    (tmp_path / "folder.npz").mkdir()
    os.mkfifo(tmp_path / "pipe.npz")
    for name, target in (
        ("dangling", "nowhere/x.npz"),
        ("loop", "loop.npz"),
        ("device", "/dev/null"),
        ("link", "there.npz"),
    ):
        (tmp_path / f"{name}.npz").symlink_to(target)
    return tmp_path


def sentence(arguments, capsys) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    told = capsys.readouterr()
    assert (end.value.code, told.out) == (2, "") and told.err.count("\n") == 1
    return told.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("missing/run.npz", "there is no folder missing: make it, or choose another"),
        ("missing/deeper/run.npz", "there is no folder missing/deeper"),
        ("file/run.npz", "file is no folder"),
        ("folder.npz", "folder.npz is a folder: name a file"),
        ("pipe.npz", "pipe.npz is no ordinary file"),
        ("device.npz", "device.npz is no ordinary file"),
        ("dangling.npz", "dangling.npz cannot be written"),
        ("loop.npz", "loop.npz cannot be written"),
        ("/proc/run.npz", "/proc/run.npz cannot be written"),
        ("a" * 300 + ".npz", "File name too long"),
        ("there.npz", "there.npz is there already: add --force to replace it, or choose another name"),
        ("link.npz", "link.npz is there already"),
        ("run.txt", "--out must end in .npz"),
        ("file", "--out must end in .npz"),
        ("", "--out must end in .npz"),
    ],
)
def test_a_file_that_cannot_be_written(command, out, why, places, nothing_works, capsys):
    before = left(places)
    assert why in sentence([*command, "--out", out], capsys)
    assert left(places) == before and (places / "there.npz").read_bytes() == b"kept"
    if "--force" not in why and "already" not in why:
        assert why in sentence([*command, "--out", out, "--force"], capsys)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--out", "file"], "file is a file: name a folder"),
        (["--out", "file/made"], "file is no folder"),
        (["--out", "/proc/made"], "/proc/made cannot be written"),
        (["--out", "/proc"], "/proc/log.txt cannot be written"),
        (["--out", "/proc", "--choose"], "/proc/choice.txt cannot be written"),
        ([], "sequence_to_sequence_prices_rnn.safetensors is there already: add --force"),
        (["--form", "encoder_decoder", "--cell", "gru"], "encoder_decoder_none_gru.safetensors is there already"),
        (["--choose"], "choice.txt is there already: add --force to add to it"),
    ],
    ids=str,
)
def test_a_folder_that_cannot_be_written(arguments, why, places, nothing_works, capsys):
    before = {path: path.read_bytes() for path in FOLDER.iterdir()}
    assert why in sentence(["train", *arguments], capsys)
    assert {path: path.read_bytes() for path in FOLDER.iterdir()} == before


def test_networks_are_replaced_by_force_only(places, capsys):
    which = ["train", "--form", "sequence_to_sequence", "--cell", "rnn", "--out", "made"]
    main(which)
    network, log = places / "made/sequence_to_sequence_prices_rnn.safetensors", places / "made/log.txt"
    made, lines = network.read_bytes(), log.read_text(encoding="utf-8")
    assert "written to made/" in capsys.readouterr().out
    network.write_bytes(b"kept")
    assert "is there already" in sentence(which, capsys)
    assert network.read_bytes() == b"kept"
    main([*which, "--force"])
    assert len(network.read_bytes()) == len(made)
    assert log.read_text(encoding="utf-8").startswith(lines) and log.read_text(encoding="utf-8").count("held out") == 2
    assert left(places / "made") == ["log.txt", network.name]


@pytest.mark.parametrize(
    "command",
    (TRACE, [*TRACE, "--method", "parallel"], ["trace", "--length", "50"], [*SWEEP[:3], "2", "--jobs", "1"]),
    ids=" ".join,
)
@pytest.mark.parametrize("name", ["there.npz", "link.npz"])
def test_a_file_is_replaced_by_force(command, name, places):
    before = left(places)
    main([*command, "--out", name, "--force"])
    assert left(places) == before and (places / "link.npz").is_symlink()
    with np.load(places / "there.npz") as file:
        assert file.files


def test_a_file_that_came_meanwhile_is_kept(tmp_path):
    out = Output(tmp_path / "run.npz", force=False)
    for taken in ("run.npz", "run-2.npz"):
        (tmp_path / taken).write_bytes(b"kept")
    assert out.write(lambda file: file.write(b"new")) == tmp_path / "run-3.npz"
    assert (tmp_path / "run.npz").read_bytes() == b"kept" and (tmp_path / "run-3.npz").read_bytes() == b"new"


@pytest.mark.parametrize(
    "command",
    (
        ["trace", "T=500"],
        ["trace", "--length", "5000"],
        ["sweep", "T=500", "--points", "81", "--seeds", "1", "--jobs", "1"],
    ),
    ids=" ".join,
)
def test_a_disk_that_is_full(command, tmp_path, monkeypatch):
    """As far as a bound on the size of files goes for one."""
    (tmp_path / "run.npz").write_bytes(b"kept")
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "temporary"))
    process = start([*command, "--out", "run.npz", "--force"], tmp_path)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
    _, err = process.communicate(timeout=60)
    *progress, last = err.splitlines()
    assert process.returncode == 2 and "run.npz cannot be written: File too large" in last
    assert all(line.endswith(" s left") for line in progress)
    assert [name for name in left(tmp_path) if "temporary" not in name] == ["run.npz"]
    assert (tmp_path / "run.npz").read_bytes() == b"kept"


@pytest.mark.parametrize(
    "arguments", (["trace", "T=5"], ["trace", "T=500"], ["--version"], ["train", "--table"]), ids=" ".join
)
def test_nowhere_to_print(arguments, tmp_path):
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = start(arguments, tmp_path, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and err.count("\n") == 1 and "No space left" in err


@pytest.fixture
def guest():
    """A folder of somebody else, as one sees it who is not root, and a file of theirs in it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run.npz").write_bytes(b"kept")
        os.chmod(folder, 0o555)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(before)
            os.chmod(folder, 0o755)


@pytest.mark.parametrize("name", ["new.npz", "run.npz"])
def test_no_right_to_a_folder(name, guest, nothing_works, capsys):
    told = sentence([*TRACE, "--out", str(guest / name), "--force"], capsys)
    assert f"{guest / name} cannot be written: Permission denied: choose another place" in told
    assert left(guest) == ["run.npz"]


@pytest.mark.parametrize(("out", "refused"), [("", "log.txt"), ("made", "made"), ("made/deeper", "made")])
def test_no_right_to_make_a_folder(out, refused, guest, nothing_works, capsys):
    told = sentence(["train", "--out", str(guest / out)], capsys)
    assert f"{guest / refused}" in told and "Permission denied" in told
    assert left(guest) == ["run.npz"]


@pytest.mark.parametrize("folder", ["/proc/cache", "file/cache"])
def test_runs_that_cannot_be_kept(folder, places, nothing_works, monkeypatch, capsys):
    monkeypatch.setenv("EXPLORER_CACHE", folder)
    assert "set EXPLORER_CACHE to another folder, or add --no-cache" in sentence(SWEEP, capsys)


def test_it_is_said_by_a_process_too(tmp_path):
    assert "there is no folder missing" in refused(["trace", "--out", "missing/run.npz"], tmp_path)
