"""The live page with 20,000 candles: frames a second, and how soon a candle moves.

Run alone, it measures over a relay that is fed by itself::

    python -m tests.bench.live_page
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page

from klineboard.settings import Settings
from klineboard.storage import embedded
from klineboard.storage.database import Database
from tests.browser.board import NOW, create_database
from tests.browser.chromium import find_chromium, launched
from tests.browser.live_market import KEYS, MINUTES, fill_minutes, followed, minute

CANDLES = 20_000
FRAMES_WANTED = 30.0
DELAY_WANTED_MS = 150.0
_MEASURED_MS = 4000
_LOADED_WITHIN_MS = 60_000

# Counts the frames from now on, and keeps how long each took.
_COUNT_FRAMES = """() => {
  const frames = [];
  let before = performance.now();
  const count = (now) => {
    frames.push(now - before);
    before = now;
    if (globalThis.counting) requestAnimationFrame(count);
  };
  globalThis.counting = true;
  globalThis.frames = frames;
  requestAnimationFrame(count);
}"""

# Writes down how old each event is when the frame that shows it has been drawn: the
# chart draws in a frame that it asked for before this one was asked for.
WATCH_EVENTS = """() => {
  globalThis.delays = [];
  const stage = document.getElementById("stage");
  new MutationObserver(() => {
    const event = Number(stage.dataset.event);
    requestAnimationFrame(() => setTimeout(() => {
      globalThis.delays.push(Date.now() - event);
    }));
  }).observe(stage, { attributeFilter: ["data-event"] });
}"""


class Frames(NamedTuple):
    """How smoothly the chart moves.

    Attributes:
        a_second: Over the whole time, by wheel and by drag.
        slowest_ms: The longest time between two frames but for one in a hundred.
    """

    a_second: float
    slowest_ms: float


class Delays(NamedTuple):
    """From the stamp on an event to the frame that shows it (ms)."""

    median: float
    p95: float


def open_live_page(browser: Browser, address: str, candles: int = CANDLES) -> Page:
    """Open the live page and wait until it is live and holds so many candles.

    Args:
        browser: A running one.
        address: Of the web application, without a path.
        candles: How many past ones of BTCUSDT 1m.
    """
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/live?symbol=BTCUSDT&interval=1m&candles={candles}")
    page.wait_for_function(
        "candles => Number(document.getElementById('stage').dataset.candles) >= candles"
        " && document.getElementById('stage').dataset.state === 'live'",
        arg=candles,
        timeout=_LOADED_WITHIN_MS,
    )
    return page


def scrolling_frames(page: Page) -> Frames:
    """Scroll an open live page back and forth, and count its frames."""
    stage = page.locator("#plot").bounding_box()
    assert stage is not None
    middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 3
    page.mouse.move(*middle)
    # Far out, so that a frame shows thousands of candles and not a hundred.
    for _ in range(12):
        page.mouse.wheel(0, 200)
    page.evaluate(_COUNT_FRAMES)
    began = time.monotonic()
    while (time.monotonic() - began) * 1000 < _MEASURED_MS:
        _drag(page, middle, 300)
        for _ in range(10):
            page.mouse.wheel(-120, 0)
        _drag(page, middle, -300)
    page.evaluate("() => { globalThis.counting = false; }")
    frames: list[float] = page.evaluate("() => globalThis.frames")
    slowest = statistics.quantiles(frames, n=100)[-1]
    return Frames(1000 * len(frames) / sum(frames), slowest)


def _drag(page: Page, start: tuple[float, float], distance: float) -> None:
    x, y = start
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + distance, y, steps=20)
    page.mouse.up()


def event_delays(page: Page, send: Callable[[int], None], count: int = 60) -> Delays:
    """Send events, a dozen a second, and see how soon an open page shows them.

    Args:
        page: An open live page.
        send: Makes the exchange or the relay tell an update whose event time (ms) it
            is given: the wall clock's, since page and test run on one machine.
        count: How many.
    """
    page.evaluate(WATCH_EVENTS)
    for number in range(count):
        send(int(time.time() * 1000))
        page.wait_for_function(
            "count => globalThis.delays.length > count", arg=number, polling=20
        )
        # Not in step with the frames, as an exchange is not.
        page.wait_for_timeout(37 + 13 * (number % 5))
    delays: list[float] = page.evaluate("() => globalThis.delays")
    return Delays(statistics.median(delays), statistics.quantiles(delays, n=20)[-1])


def measure(settings: Settings) -> tuple[Frames, Delays]:
    """Measure both over a page and a relay of one's own."""
    executable = find_chromium()
    if executable is None:
        raise RuntimeError("no Chromium found; on Debian: sudo apt install chromium")
    create_database(settings)
    database = Database(settings)
    fill_minutes(database, NOW - dt.timedelta(minutes=CANDLES + 100))
    database.close()
    with followed(settings) as live, launched(executable) as browser:
        live.relay.load(MINUTES, [minute(n) for n in range(-1000, 0)])
        page = open_live_page(browser, live.url)

        prices = itertools.cycle(range(60_000, 60_050))

        def send(event_time: int) -> None:
            live.relay.update(MINUTES, minute(0, next(prices)), event_time)

        delays = event_delays(page, send)
        return scrolling_frames(page), delays


def live_page_rows() -> list[tuple[str, str, str, bool]]:
    """Measure the page over a database and a relay of its own."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="klineboard-bench-"))
    target = embedded.start(folder / "postgres")
    keys = {
        **KEYS,
        "POSTGRES_HOST": target["host"],
        "POSTGRES_PORT": target["port"],
        "POSTGRES_USER": target["user"],
        "POSTGRES_DB": "live_page",
        "DATA_DIR": str(folder),
    }
    try:
        frames, delays = measure(Settings.load(keys, Path("/nonexistent/.env")))
    finally:
        embedded.leave(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)
    return [
        (
            f"/live with {CANDLES:,} candles: frames a second",
            f"{frames.a_second:.0f}",
            f">= {FRAMES_WANTED:.0f}",
            frames.a_second >= FRAMES_WANTED,
        ),
        ("  99% of the frames within ms", f"{frames.slowest_ms:.0f}", "", True),
        (
            "  relay's update to candle on screen: p50 / p95 ms",
            f"{delays.median:.0f} / {delays.p95:.0f}",
            f"p50 < {DELAY_WANTED_MS:.0f}",
            delays.median < DELAY_WANTED_MS,
        ),
    ]


def main() -> None:
    """Print the figures."""
    for name, value, asked, met in live_page_rows():
        mark = "" if not asked else "ok" if met else "MISSED"
        sys.stdout.write(f"{name:<52}{value:>18}  {asked:<10}{mark}\n")


if __name__ == "__main__":
    main()
