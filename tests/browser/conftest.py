"""A server of our own for each test run, and pages that must stay free of errors and of strangers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import ARGUMENTS, find

ROOT = Path(__file__).resolve().parents[2]
# Streamlit looks for its server below a deep link first and at the root next: two 404s that are no faults of ours.
PROBES = re.compile(r"/(unrolled|gates|gradients|forms|long|training)/_stcore/(health|host-config)$")


# Whether the page has asked its server for something and has heard nothing since.
ASKING = """(() => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (...message) {
    if (!this.heard) this.addEventListener("message", (this.heard = () => { window.asking = false; }));
    window.asking = true;
    return send.apply(this, message);
  };
})()"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": find(), "args": ARGUMENTS}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start(log: Path, port: int, *options: str) -> subprocess.Popen:
    """A fresh server, started as the README says, once it answers."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options]
    address = ["--server.address", "127.0.0.1", "--server.headless", "true"]
    with log.open("a", encoding="utf-8") as output:
        server = subprocess.Popen(
            [*command, *address], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}", server, log)
    except BaseException:
        end(server)
        raise
    return server


def end(server: subprocess.Popen, how=signal.SIGTERM) -> None:
    os.killpg(server.pid, how)
    server.wait(10)


@contextmanager
def serving(log: Path, *options: str):
    """A fresh server; at its end its log must be free of tracebacks."""
    port = free_port()
    server = start(log, port, *options)
    try:
        yield f"http://127.0.0.1:{port}"
        fine(log)
    finally:
        end(server)


def fine(log: Path) -> None:
    assert "Traceback" not in log.read_text(encoding="utf-8"), log.read_text(encoding="utf-8")[-4000:]


def _wait_until_healthy(url: str, server, log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read() == b"ok":
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer in 30 s: {log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests that need no cold one."""
    with serving(tmp_path_factory.mktemp("server") / "log") as url:
        yield url


@pytest.fixture
def cold_server(tmp_path):
    """A server that nobody has visited yet."""
    with serving(tmp_path / "log") as url:
        yield url


@pytest.fixture
def visit(new_context):
    """visit(url, **context) -> a page, opened and finished; at the end no error and no foreign request."""
    seen: list[str] = []

    def open_page(url: str, **context) -> Page:
        context = {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **context}
        page = new_context(**context).new_page()
        page.add_init_script(ASKING)
        page.on("pageerror", lambda error: seen.append(f"page error: {error}"))
        page.on("console", lambda message: _note_console(message, seen))
        page.on("request", lambda request: _note_stranger(request.url, seen))
        page.goto(url)
        until_quiet(page)
        return page

    yield open_page
    assert not seen, seen


def _note_console(message, seen) -> None:
    if message.type == "error" and not PROBES.search(message.location.get("url", "")):
        seen.append(f"console: {message.text} {message.location}")


def _note_stranger(url: str, seen) -> None:
    if not re.match(r"(http|ws)://127\.0\.0\.1:\d+/|blob:|data:", url):
        seen.append(f"foreign request: {url}")


def settle(page: Page) -> None:
    """Wait until what was done to a page is answered: until it is quiet again."""
    # a widget waits a moment before it speaks, by the clock of the page
    page.evaluate("() => new Promise((done) => setTimeout(done, 250))")
    until_quiet(page)


def until_quiet(page: Page) -> None:
    """Wait until the script has run and all charts are drawn; no exception may be on the page.

    Quiet lasts some time and some frames: these come later where the browser has much to do.
    """
    page.wait_for_function(
        """() => {
             const outOfSight = (plot) => {
               const { top, bottom } = plot.getBoundingClientRect();
               return bottom < -150 || top > innerHeight + 150;
             };
             const app = document.querySelector('[data-testid=stApp]');
             const plots = [...document.querySelectorAll('.gate-chart .plot')];
             const quiet = app?.dataset.testConnectionState === 'CONNECTED'
               && app.dataset.testScriptState === 'notRunning'
               && document.querySelector('h1') && (plots.some((plot) => plot.dataset.drawn || outOfSight(plot))
                 || document.querySelector('.stage')?.dataset.drawn)
               && plots.every((plot) => !plot.dataset.waiting || outOfSight(plot));
             if (!quiet || window.asking) window.quietSince = undefined;
             else window.quietSince ??= { time: performance.now(), frames: 0 };
             const { time, frames } = window.quietSince ?? { frames: 0 };
             if (window.quietSince) window.quietSince.frames++;
             if (frames < 9 || performance.now() - time < 250) return false;
             window.quietSince = undefined;
             return true;
           }""",
        timeout=60_000,  # a page may wait for its turn while all else is tested
    )
    expect(page.get_by_test_id("stException")).to_have_count(0)


def chart(page: Page, name: str):
    """The chart of a name."""
    return page.locator(f".st-key-chart_{name}")


def figure(page: Page, name: str) -> dict:
    """What Plotly drew: {"x", "y", "z": numbers, "name", "type"} a trace, and the range of the time axis."""
    plot = chart(page, name).locator(".plot")
    plot.scroll_into_view_if_needed()
    settle(page)
    return plot.evaluate(
        """(plot) => ({
             range: plot._fullLayout.xaxis.range,
             drawn: Number(plot.dataset.drawn),
             colours: plot._fullLayout.paper_bgcolor,
             traces: plot._fullData.map((t) => ({
               name: t.name, type: t.type,
               x: t.x && Array.from(t.x), y: t.y && t.type !== 'heatmap' && Array.from(t.y),
               z: t.type === 'heatmap' && Array.from(t.z, (row) => Array.from(row)),
             })),
           })"""
    )
