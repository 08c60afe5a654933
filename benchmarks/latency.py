"""How long a student waits: until the first picture, and after each key press.

    python benchmarks/latency.py [--starts 3] [--presses 40]

Starts the app itself and looks at it in headless Chromium ($CHROMIUM, a chromium on the system, or
Playwright's own). A start runs from the command to the finished picture of Home; a key press from its keydown
event to the last repaint that it caused in any chart, both taken from the page's own clock.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from playwright.sync_api import Locator, Page, sync_playwright
from serving import ROOT, load_average, quantile, server, table, verdict, wait_until_up

sys.path.insert(0, str(ROOT))
from tests.browser.chromium import ARGUMENTS, find

WINDOW = {"width": 1366, "height": 768}
PICTURE_WITHIN = 30_000  # ms
QUIET = 400  # ms without a repaint, after which a key press has had all its effect
START_S, KEY_MS, AIM_MS = 6.0, 200, 130  # the bars, and the aim for a key
STAGE, FRAME_MS = "Stage, step", 16  # drawn in the browser alone
FINISHED = """() =>
  document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning' &&
  document.querySelectorAll('.gate-chart').length === CHARTS &&
  document.querySelector('.gate-chart svg.main-svg') &&
  [...document.querySelectorAll('.gate-chart .plot')].every((plot) =>
    plot.querySelector('svg.main-svg') || plot.getBoundingClientRect().top > innerHeight + 150) &&
  !document.querySelector('[data-testid=stException]')"""

# Times the keys: each change inside a chart, at the end of the frame that shows it. The counter that a chart
# keeps of its drawings tells that at least one was really drawn anew.
STOPWATCH = """() => {
  const watch = (window.stopwatch = { key: 0, seen: 0, drawn: 0 });
  const painted = () => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => (watch.seen = performance.now());
    channel.port2.postMessage(0);
  });
  new MutationObserver((changes) => {
    const inside = changes.filter(({ target }) => target.parentElement?.closest('.gate-chart'));
    if (!inside.length) return;
    watch.drawn += inside.filter(({ attributeName }) => attributeName === 'data-drawn').length;
    painted();
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
  const start = ({ timeStamp }) => Object.assign(watch, { key: timeStamp, seen: 0, drawn: 0 });
  addEventListener('keydown', start, true);
}"""
SETTLED = """() => stopwatch.drawn > 0 && performance.now() - stopwatch.seen > QUIET &&
  document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"""


# Times each key on the stage: from its event to the end of the frame that follows.
FRAMES = """() => {
  window.frames_ = [];
  addEventListener('keydown', ({ timeStamp }) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => frames_.push(performance.now() - timeStamp);
    channel.port2.postMessage(0);
  }), true);
}"""


def finished(page: Page, charts: int) -> None:
    """Wait for the run to end and for all charts in sight to be drawn; the others wait for the eye."""
    page.wait_for_function(FINISHED.replace("CHARTS", str(charts)), timeout=PICTURE_WITHIN)


def first_picture(browser) -> float:
    """Seconds from the start command to the finished picture of Home."""
    began = time.perf_counter()
    with server() as (process, port):
        wait_until_up(process, port)
        page = browser.new_page(viewport=WINDOW)
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        finished(page, 1)
        taken = time.perf_counter() - began
        page.close()
    return taken


def press(page: Page, slider: Locator, key: str) -> float:
    """Milliseconds from the key to the last repaint."""
    slider.press(key)
    page.wait_for_function(SETTLED.replace("QUIET", str(QUIET)), timeout=PICTURE_WITHIN)
    watch = page.evaluate("() => stopwatch")
    return watch["seen"] - watch["key"]


def keys(browser, port: int, address: str, slider: str, charts: int, presses: int) -> list[float]:
    """The times of so many presses of an arrow key on a slider, most of them to a value not seen before."""
    page = browser.new_page(viewport=WINDOW)
    page.goto(f"http://127.0.0.1:{port}/{address}")
    finished(page, charts)
    handle = page.locator(f"[class*='st-key-{slider}'] input[type=range]")
    handle.focus()
    page.evaluate(STOPWATCH)
    times = []
    for k in range(presses + 2):
        times.append(press(page, handle, "ArrowLeft" if k % 5 == 4 else "ArrowRight"))
    if page.locator("[data-testid=stException]").count():
        raise RuntimeError(f"an exception on {address}")
    page.close()
    return times[2:]  # the first two warm the browser up


def stage_keys(browser, port: int, presses: int) -> list[float]:
    """Milliseconds from a key on the stage to the painted frame; the server has no part in it.

    A key comes at any time between two frames, as from a hand. Right behind a frame, where waiting for the one before
    would put it, it would always wait for the whole of the next.
    """
    page = browser.new_page(viewport=WINDOW)
    page.goto(f"http://127.0.0.1:{port}/unrolled?T=200&H=32")
    page.wait_for_function("() => document.querySelector('.stage')?.dataset.drawn", timeout=PICTURE_WITHIN)
    page.wait_for_timeout(1000)
    page.evaluate(FRAMES)
    moments = random.Random(0)
    for k in range(presses + 2):
        page.wait_for_timeout(moments.uniform(50, 150))
        before = page.evaluate("() => document.querySelector('.stage').stage.cursor.step")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"() => frames_.length > {k}", timeout=PICTURE_WITHIN)
        if page.evaluate("() => document.querySelector('.stage').stage.cursor.step") != before + 1:
            raise RuntimeError("a key did not move the stage")
    times = page.evaluate("() => frames_")
    page.close()
    return times[2:]


def measure(starts: int, presses: int) -> tuple[list[float], dict[str, list[float]]]:
    """All starts in seconds, all keys in milliseconds."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        try:
            begun = [first_picture(browser) for _ in range(starts)]
            with server() as (process, port):
                wait_until_up(process, port)
                times = {
                    "Gates, sequence length": keys(browser, port, "gates?T=200&H=32", "T_", 4, presses),
                    STAGE: stage_keys(browser, port, presses),
                }
        finally:
            browser.close()
    return begun, times


def report(begun: list[float], times: dict[str, list[float]]) -> bool:
    """Print the table; whether all bars hold."""
    middle = quantile(begun, 0.5)
    passed = [middle <= START_S]
    rows = [
        ("", "median", "p95", "bar for the median", ""),
        (
            f"start command → Home drawn ({len(begun)} starts)",
            f"{middle:.1f} s",
            f"{max(begun):.1f} s (slowest)",
            f"≤ {START_S:g} s",
            verdict(passed[0]),
        ),
    ]
    for name, values in times.items():
        median = quantile(values, 0.5)
        most, aim = (FRAME_MS, FRAME_MS) if name == STAGE else (KEY_MS, AIM_MS)
        passed.append(median <= most)
        word = verdict(passed[-1]) + (", aim met" if median <= aim < most else "")
        bar = f"≤ {most} ms" + (f", aim {aim} ms" if aim < most else "")
        head = f"{name}: key → last repaint ({len(values)} keys)"
        rows.append((head, f"{median:.0f} ms", f"{quantile(values, 0.95):.0f} ms", bar, word))
    rows.append(("load average, 1 and 5 minutes", load_average(), "", "", ""))
    print(table(rows))
    return all(passed)


def main() -> int:
    """Measure; 1 if a bar fails."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--starts", type=int, default=3, help="starts of the server, 1 to 20")
    parser.add_argument("--presses", type=int, default=40, help="key presses a page, 5 to 200")
    options = parser.parse_args()
    if not (1 <= options.starts <= 20 and 5 <= options.presses <= 200):
        parser.error("--starts from 1 to 20, --presses from 5 to 200")
    return 0 if report(*measure(options.starts, options.presses)) else 1


if __name__ == "__main__":
    sys.exit(main())
