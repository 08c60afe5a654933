"""The command line as a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SENTENCE = "python -m explorer: stopped before it was finished; no file is left half-written"


def start(arguments, folder: Path, *flags: str, stdout=subprocess.PIPE) -> subprocess.Popen:
    """`python -m explorer` in a folder, as the shell of a terminal starts it: Ctrl-C reaches its whole group."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a child would pass over it, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    return subprocess.Popen(
        [sys.executable, *flags, "-m", "explorer", *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def run(arguments, folder: Path) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command that ends by itself."""
    process = start(arguments, folder)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def left(folder: Path) -> list[str]:
    """Every file in a folder and in the folder for temporary ones below it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def refused(arguments, folder: Path) -> str:
    """The one sentence with which a command refuses to begin."""
    code, out, err = run(arguments, folder)
    assert (code, out) == (2, "") and err.count("\n") == 1, err
    assert err.startswith("python -m explorer")
    return err
