"""A class on one server: N visitors of the Gates page, each moving the sequence length every 2 to 5 seconds.

    python benchmarks/load.py [--sessions 100] [--seconds 35] [--long]

Starts the app itself and speaks Streamlit's websocket protocol on loopback, as a browser does: a deep link
first, then all widget values with each change, and messages that the visitor already has as references.
A time runs from the change sent to the run reported as finished, when all of the page has arrived.
With --long one more visitor has a network run over a million steps all the while, and looks on.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil
from serving import load_average, quantile, server, table, verdict, wait_until_up
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

PAGE, START = "gates", "T=200"
LENGTHS = range(160, 241)
CHARTS = {"chart_gates", "chart_unit", "chart_saturation", "chart_half_life"}
LONG = "n=1000000&H=64&layers=3&by=numpy"  # of the page of long sequences: takes longer than all else here
LOOK = 1.0  # seconds between two looks at it, as in a browser
PAUSE = (2.0, 5.0)  # seconds between two changes of one visitor
ARRIVAL = 8.0  # seconds over which the class arrives
RUN_WITHIN = 30.0  # seconds, beyond which a run counts as an error
P95_MS, RSS_MB = 150, 500  # the bars
SUCCESS, EARLY = ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN


class Wrong(Exception):
    """The server showed something other than the page that was asked for."""


def widget_state(element, known: dict[str, WidgetState]) -> WidgetState | None:
    """What a browser sends back for a widget, None for others: as told, as known, or its default."""
    kind = element.WhichOneof("type")
    if kind not in ("slider", "selectbox", "number_input", "checkbox", "button_group"):
        return None
    widget = getattr(element, kind)
    if not widget.set_value and widget.id in known:
        return known[widget.id]
    state = WidgetState(id=widget.id)
    match kind:
        case "slider" if widget.options:
            default = [widget.options[round(k)] for k in widget.default]
            state.string_array_value.data.extend(widget.raw_value if widget.set_value else default)
        case "slider":
            state.double_array_value.data.extend(widget.value if widget.set_value else widget.default)
        case "selectbox":
            state.string_value = widget.raw_value if widget.set_value else widget.options[widget.default]
        case "number_input":
            state.int_value = round(widget.value if widget.set_value else widget.default)
        case "checkbox":
            state.bool_value = widget.value if widget.set_value else widget.default
        case "button_group":
            default = [widget.options[k].content for k in widget.default]
            state.string_array_value.data.extend(widget.raw_values if widget.set_value else default)
    return state


def user_key(widget_id: str) -> str:
    """The key that the app gave a widget: "$$ID-hash-key"."""
    return widget_id.split("-", 2)[-1]


@dataclass
class Run:
    """What one run of the page sent."""

    finished: int = EARLY
    charts: dict = field(default_factory=dict)
    widgets: dict = field(default_factory=dict)
    buttons: dict = field(default_factory=dict)
    progress: str = ""
    page: str = ""
    bytes: int = 0


class Visitor:
    """One browser tab, as far as the server can tell."""

    def __init__(self, socket, port: int, page: str = PAGE, query: str = START):
        self.socket, self.page, self.url = socket, page, f"http://127.0.0.1:{port}/{page}"
        self.query, self.page_hash, self.fragment = query, "", ""
        self.widgets: dict[str, WidgetState] = {}
        self.cached: dict[str, list] = {}  # hash -> [message, run in which it was last used]
        self.runs = 0
        self.oldest = 2

    async def ask(self, changed: WidgetState | None = None, fragment: str = "") -> Run:
        """Send all widget values, one of them changed, and take in the page that follows, or a fragment of it."""
        if changed:
            self.widgets[changed.id] = changed
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string, rerun.page_script_hash = self.query, self.page_hash
        rerun.page_name, rerun.fragment_id = "" if self.page_hash else self.page, fragment
        rerun.widget_states.widgets.extend(self.widgets.values())
        rerun.cached_message_hashes.extend(self.cached)
        rerun.context_info.url, rerun.context_info.locale = self.url, "en-US"
        rerun.context_info.timezone, rerun.context_info.color_scheme = "UTC", "light"
        await self.socket.send(message.SerializeToString())
        async with asyncio.timeout(RUN_WITHIN):
            return await self.take_in()

    async def take_in(self) -> Run:
        """All messages up to the end of a run that nothing cut short."""
        run = Run()
        async for data in self.socket:
            run.bytes += len(data)
            message = ForwardMsg.FromString(data)
            match message.WhichOneof("type"):
                case "new_session":
                    run = Run(bytes=run.bytes)
                    self.page_hash = message.new_session.page_script_hash
                    self.oldest = message.new_session.config.max_cached_message_age
                case "navigation":
                    navigation = message.navigation
                    names = {page.page_script_hash: page.url_pathname for page in navigation.app_pages}
                    self.page_hash = navigation.page_script_hash
                    run.page = names.get(self.page_hash, "")
                case "page_info_changed":
                    self.query = message.page_info_changed.query_string
                case "auto_rerun":
                    self.fragment = message.auto_rerun.fragment_id
                case "page_not_found":
                    raise Wrong("page not found")
                case "delta":
                    self.keep(message)
                    self.show(run, message.delta)
                case "ref_hash":
                    if message.ref_hash not in self.cached:
                        raise Wrong("a reference to a message that was never sent")
                    self.cached[message.ref_hash][1] = self.runs
                    self.show(run, self.cached[message.ref_hash][0].delta)
                case "script_finished" if message.script_finished != EARLY:
                    run.finished = message.script_finished
                    self.forget()
                    self.widgets = run.widgets
                    return run
        raise Wrong("the server closed the connection")

    def keep(self, message: ForwardMsg) -> None:
        """Cache a message that the server says will come as a reference next time."""
        if message.metadata.cacheable:
            self.cached.setdefault(message.hash, [message, self.runs])

    def forget(self) -> None:
        """At the end of a run: drop cached messages that have not been used for a while."""
        self.runs += 1
        self.cached = {key: kept for key, kept in self.cached.items() if self.runs - kept[1] <= self.oldest}

    def show(self, run: Run, delta) -> None:
        """What matters of one element."""
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        match element.WhichOneof("type"):
            case "exception":
                raise Wrong(f"exception on the page: {element.exception.type} {element.exception.message}")
            case "button":
                run.buttons[user_key(element.button.id)] = element.button.id
            case "progress":
                run.progress = element.progress.text
            case "bidi_component":
                run.charts[user_key(element.bidi_component.id)] = element.bidi_component
            case _ if state := widget_state(element, self.widgets):
                run.widgets[state.id] = state

    def slider(self, length: int) -> WidgetState:
        """The sequence-length slider, moved."""
        for state in self.widgets.values():
            if user_key(state.id).startswith("T_"):
                return WidgetState(id=state.id, double_array_value={"data": [length]})
        raise Wrong("no slider of the sequence length")


def check(run: Run, length: int) -> None:
    """The page is Gates, complete, and of the length that was asked for."""
    if run.finished != SUCCESS or run.page != PAGE:
        raise Wrong(f"ended with {run.finished} on page {run.page!r}")
    if set(run.charts) != CHARTS:
        raise Wrong(f"other charts than expected: {sorted(run.charts)}")
    for name, component in run.charts.items():
        if f"_T{length}_H32_".encode() not in component.bytes:
            raise Wrong(f"{name} shows another experiment")


@dataclass
class Class:
    """What all visitors saw."""

    arrivals: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    lengths: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    long: str = ""  # how far the long run has come


@asynccontextmanager
async def tab(port: int, *place):
    """A Visitor with a connection."""
    stream = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with connect(stream, subprotocols=["streamlit"], max_size=None, ping_interval=None) as socket:
        yield Visitor(socket, port, *place)


async def run_long(port: int, end: float, seen: Class) -> None:
    """Start a long run and look on until `end`; it must not be over by then."""
    try:
        async with tab(port, "long", LONG) as visitor:
            offered = await visitor.ask()
            press = WidgetState(id=offered.buttons["press_long"], trigger_value=True)
            run = await visitor.ask(press)
            while run.progress and time.perf_counter() < end:
                seen.long = run.progress
                await asyncio.sleep(LOOK)
                run = await visitor.ask(fragment=visitor.fragment)
            if not run.progress:
                seen.errors.append(f"the long run was over too early, at {seen.long or 'once'}")
    except (Wrong, KeyError, OSError, TimeoutError, WebSocketException) as error:
        seen.errors.append(f"the long run: {type(error).__name__} {error}")


async def visit(port: int, seed: int, delay: float, start: float, seconds: float, seen: Class) -> None:
    """Come in by a deep link; from `start` on move the slider for `seconds`."""
    draw = random.Random(seed)
    await asyncio.sleep(delay)
    try:
        began = time.perf_counter()
        async with tab(port) as visitor:
            check(await visitor.ask(), 200)
            seen.arrivals.append(time.perf_counter() - began)
            await asyncio.sleep(max(0.0, start - time.perf_counter()) + draw.uniform(0, PAUSE[1]))
            while time.perf_counter() < start + seconds:
                length = draw.choice(LENGTHS)
                began = time.perf_counter()
                run = await visitor.ask(visitor.slider(length))
                seen.times.append(time.perf_counter() - began)
                check(run, length)
                seen.bytes.append(run.bytes)
                seen.lengths.add(length)
                await asyncio.sleep(draw.uniform(*PAUSE))
    except (Wrong, OSError, TimeoutError, WebSocketException) as error:
        seen.errors.append(f"visitor {seed}: {type(error).__name__} {error}")


@dataclass
class Watched:
    """The server's processor time and memory over the measured time."""

    cpu: float = 0.0  # percent of one core
    peak: float = 0.0  # MB


async def watch(pid: int, start: float, seconds: float, watched: Watched) -> None:
    """Sample the memory until the end; take the processor time from `start` on."""
    process = psutil.Process(pid)
    used = since = None
    while (now := time.perf_counter()) < start + seconds:
        watched.peak = max(watched.peak, process.memory_info().rss / 1e6)
        busy = sum(process.cpu_times()[:2])
        if now >= start:
            if since is None:
                used, since = busy, now
            else:
                watched.cpu = 100 * (busy - used) / (now - since)
        await asyncio.sleep(0.25)
    watched.peak = max(watched.peak, process.memory_info().rss / 1e6)


async def hold_class(pid: int, port: int, sessions: int, seconds: float, long: bool) -> tuple[Class, Watched]:
    """Let the class in, let it work, and look on; with a long run in the background or without."""
    seen, watched = Class(), Watched()
    start = time.perf_counter() + ARRIVAL
    visits = [visit(port, k, ARRIVAL * k / sessions, start, seconds, seen) for k in range(sessions)]
    if long:
        visits.append(run_long(port, start + seconds, seen))
    await asyncio.gather(watch(pid, start, seconds, watched), *visits)
    return seen, watched


def report(seen: Class, watched: Watched, sessions: int, seconds: float) -> bool:
    """Print the table; whether all bars hold."""
    times = [1000 * value for value in seen.times]
    p95 = quantile(times, 0.95)
    bars = (p95 <= P95_MS, not seen.errors and bool(times), watched.peak < RSS_MB)
    rows = [
        (f"{sessions} visitors of Gates for {seconds:g} s", "measured", "bar", ""),
        ("change → page complete, median", f"{quantile(times, 0.5):.0f} ms", "", ""),
        ("change → page complete, p95", f"{p95:.0f} ms", f"≤ {P95_MS} ms", verdict(bars[0])),
        ("change → page complete, slowest", f"{max(times, default=0):.0f} ms", "", ""),
        ("errors", str(len(seen.errors)), "0", verdict(bars[1])),
        ("server memory, peak", f"{watched.peak:.0f} MB", f"< {RSS_MB} MB", verdict(bars[2])),
        ("server processor time", f"{watched.cpu:.0f} % of a core", "", ""),
        ("changes", f"{len(times)}, {len(times) / seconds:.1f} a second", "", ""),
        ("different lengths T", str(len(seen.lengths)), "", ""),
        ("bytes a change, median", f"{quantile(seen.bytes, 0.5) / 1000:.0f} kB", "", ""),
        ("first page of a visitor, p95", f"{1000 * quantile(seen.arrivals, 0.95):.0f} ms", "", ""),
        ("load average, 1 and 5 minutes", load_average(), "", ""),
    ]
    if seen.long:
        rows.append(("long run meanwhile, at last", seen.long, "", ""))
    print(table(rows))
    for line in seen.errors[:10]:
        print("error:", line)
    return all(bars)


def main() -> int:
    """Run the class; 1 if a bar fails."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sessions", type=int, default=100, help="visitors, 1 to 500")
    parser.add_argument("--seconds", type=float, default=35, help="measured time, 5 to 600")
    parser.add_argument("--long", action="store_true", help="with a run over a million steps in the background")
    options = parser.parse_args()
    if not (1 <= options.sessions <= 500 and 5 <= options.seconds <= 600):
        parser.error("--sessions from 1 to 500, --seconds from 5 to 600")
    with server() as (process, port):
        wait_until_up(process, port)
        seen, watched = asyncio.run(hold_class(process.pid, port, options.sessions, options.seconds, options.long))
    return 0 if report(seen, watched, options.sessions, options.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
