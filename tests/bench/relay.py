"""The relay as a whole: from the exchange's event to the screen, and its memory."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Page

from klineboard.market.interval import HOUR
from klineboard.settings import PROJECT_ROOT
from klineboard.simulator import LISTINGS, Simulator, utc
from tests.bench.live_page import WATCH_EVENTS, Delays, open_live_page
from tests.bench.processes import free_port, running
from tests.browser.chromium import find_chromium, launched

Row = tuple[str, str, str, bool]

_EVENTS = 30
_DELAY_WANTED_MS = 150.0
_MEMORY_HOURS = 24
_MEMORY_SPEED = 1_440.0
_INTERVALS = ("1m", "3m", "5m", "15m", "1h")
_SYMBOLS = 10
# What Python's own allocator moves; a leak of one object a candle would be ten times
# as much.
_FLAT_BYTES = 6e6


def relay_rows() -> list[Row]:
    """Measure the way to the screen, then a day of fifty streams."""
    delays = exchange_to_screen()
    hours, memory = day_of_streams()
    growth = memory[-1] - memory[0]
    return [
        (
            "exchange's event to candle on screen: p50 / p95 ms",
            f"{delays.median:.0f} / {delays.p95:.0f}",
            f"p50 < {_DELAY_WANTED_MS:.0f}",
            delays.median < _DELAY_WANTED_MS,
        ),
        (
            f"{_SYMBOLS * len(_INTERVALS)} streams for {hours:.0f} simulated hours, MB "
            "at 6 / 12 / 18 / 24 h",
            " / ".join(f"{one / 1e6:.0f}" for one in memory),
            "flat",
            growth < _FLAT_BYTES,
        ),
    ]


def exchange_to_screen() -> Delays:
    """Return how old the exchange's own events are when the screen shows them."""
    executable = find_chromium()
    if executable is None:
        raise RuntimeError("no Chromium found; on Debian: sudo apt install chromium")
    with _rig(Simulator(speed=1.0), {"INTERVALS": "1h"}) as (settings, _):
        page_address = f"http://127.0.0.1:{settings['WEB_PORT']}"
        health = f"{page_address}/health"
        with running(["app.py"], settings, health), launched(executable) as browser:
            page = open_live_page(browser, page_address, 450)
            return _natural_delays(page)


def _natural_delays(page: Page) -> Delays:
    page.evaluate(WATCH_EVENTS)
    page.wait_for_function(
        "count => globalThis.delays.length >= count", arg=_EVENTS, timeout=180_000
    )
    delays: list[float] = page.evaluate("() => globalThis.delays")
    return Delays(statistics.median(delays), statistics.quantiles(delays, n=20)[-1])


def day_of_streams() -> tuple[float, list[float]]:
    """Return the simulated hours, and the relay's memory at each quarter (bytes)."""
    symbols = [name for name in LISTINGS if name.endswith("USDT")][:_SYMBOLS]
    begin = utc("2024-06-01T00:00:30")
    simulator = Simulator(now=begin, speed=_MEMORY_SPEED, weight_limit=10**9)
    keys = {"SYMBOLS": ",".join(symbols), "INTERVALS": ",".join(_INTERVALS)}
    memory: list[float] = []
    with _rig(simulator, keys) as (_, relay):
        for quarter in range(1, 5):
            until = begin + quarter * _MEMORY_HOURS * HOUR / 4
            while simulator.clock.now() < until:
                time.sleep(0.05)
            memory.append(float(relay.memory_info().rss))
        hours = (simulator.clock.now() - begin) / HOUR
    return hours, memory


@contextmanager
def _rig(
    simulator: Simulator, keys: dict[str, str]
) -> Iterator[tuple[dict[str, str], psutil.Process]]:
    """A relay that follows a simulator, as a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="klineboard-bench-"))
    port = free_port()
    with ExitStack() as parts:
        parts.callback(shutil.rmtree, folder, ignore_errors=True)
        parts.enter_context(simulator)
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATA_DIR": str(folder / "data"),
            "LOG_DIR": str(folder / "logs"),
            "BINANCE_API_URL": simulator.url,
            "BINANCE_STREAM_URL": simulator.stream_url,
            "COINGECKO_API_URL": simulator.url,
            "STREAM_PORT": str(port),
            "WEB_PORT": str(free_port()),
            "SYMBOLS": "BTCUSDT",
            "STREAM_COINS": "BTC",
            **keys,
        }
        relay = subprocess.Popen(
            [sys.executable, "stream_kline_data.py"],
            env=settings,
            cwd=PROJECT_ROOT,
            stdout=subprocess.DEVNULL,
        )
        parts.callback(relay.wait, 30)
        parts.callback(relay.terminate)
        if not simulator.streams.wait_for_connections(1, timeout=60):
            raise RuntimeError("the relay did not connect")
        yield settings, psutil.Process(relay.pid)


def main() -> None:
    """Print the figures."""
    for name, value, asked, met in relay_rows():
        mark = "ok" if met else "MISSED"
        sys.stdout.write(f"{name}: {value} ({asked}: {mark})\n")


if __name__ == "__main__":
    main()
