"""What the benchmarks of the running app share: the server, started as the README says, and the table."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
START_WITHIN = 60  # seconds


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def server() -> Iterator[tuple[subprocess.Popen, int]]:
    """`streamlit run app.py` on a free port, killed at the end; its process and port, before it answers.

    Raises RuntimeError if its log holds a traceback when it ends.
    """
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    settings = {"STREAMLIT_SERVER_HEADLESS": "true", "STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--server.headless=true"],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, port
        finally:
            process.kill()
            process.wait(10)
        log.seek(0)
        text = log.read().decode(errors="replace")
    if "Traceback" in text:
        raise RuntimeError(f"the server's log holds a traceback:\n{text[-4000:]}")


def wait_until_up(process: subprocess.Popen, port: int) -> None:
    """Return as soon as the server answers."""
    give_up = time.perf_counter() + START_WITHIN
    while time.perf_counter() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise RuntimeError(f"the server did not answer within {START_WITHIN} s")


def quantile(values: Sequence[float], q: float) -> float:
    """The value that a share q of all values does not exceed, NaN without values."""
    return float(np.quantile(values, q)) if len(values) else float("nan")


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first row the head."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def verdict(passed: bool) -> str:
    """The word in the table."""
    return "PASS" if passed else "FAIL"


def load_average() -> str:
    """How busy the machine is, over 1 and 5 minutes."""
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return ", ".join(f"{value:.1f}" for value in os.getloadavg()[:2])
