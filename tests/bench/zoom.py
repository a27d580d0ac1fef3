"""From eight years of minutes to one minute in ten zooms, in headless Chromium.

Run alone, it loads 4.4 million candles into a folder of its own and measures::

    python -m tests.bench.zoom
"""

from __future__ import annotations

import io
import math
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE
from klineboard.market.series import Series
from klineboard.settings import Settings
from klineboard.storage import embedded, rollups
from klineboard.storage.database import Database, migrate
from tests.bench.processes import environment, free_port, running
from tests.browser.chromium import find_chromium, launched
from tests.browser.zooming import Zoom, blank_frames, hover, watch, zoom

CANDLES = 4_400_000
ZOOMS = 10
WANTED_MS = 300.0
MINUTES = Series("BTCUSDT", INTERVALS["1m"])
_AT_ONCE = 100 * DAY // MINUTE
_RUNS = 3


def zoom_rows(folder: Path) -> list[tuple[str, str, str, bool]]:
    """Load the minutes and measure the ten zooms over the real web application.

    Args:
        folder: For the database and all else; an empty one.
    """
    executable = find_chromium()
    if executable is None:
        raise RuntimeError("no Chromium found; on Debian: sudo apt install chromium")
    web_port = free_port()
    keys = {
        **environment(folder, free_port(), web_port),
        "SYMBOLS": "BTCUSDT",
        "INTERVALS": "1m",
    }
    page_url = f"http://127.0.0.1:{web_port}"
    try:
        load_minutes(Settings.load(keys, Path("/nonexistent/.env")))
        with running(["app.py"], keys, f"{page_url}/health"):
            with launched(executable) as browser:
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                runs = [ten_zooms(page, page_url) for _ in range(_RUNS)]
                blank = blank_frames(page)
    finally:
        embedded.leave(folder / "data" / "postgres")
    return _rows(runs, blank)


def _rows(runs: list[list[Zoom]], blank: int) -> list[tuple[str, str, str, bool]]:
    times = sorted(done.milliseconds for run in runs for done in run)
    slowest = times[-1]
    each = [
        statistics.median(run[n].milliseconds for run in runs) for n in range(ZOOMS)
    ]
    names = dict.fromkeys(done.interval for done in runs[-1])
    ends_in_minutes = all(run[-1].interval == "1m" for run in runs)
    return [
        (
            f"{CANDLES:,} minutes, {ZOOMS} zooms: slowest picture, ms",
            f"{slowest:.0f}",
            f"< {WANTED_MS:.0f}",
            slowest < WANTED_MS and ends_in_minutes,
        ),
        ("  median ms", f"{statistics.median(times):.0f}", "", True),
        ("  each zoom's median ms", " ".join(f"{ms:.0f}" for ms in each), "", True),
        ("  intervals on the way", " ".join(names), "", True),
        ("  frames without a candle", f"{blank}", "0", blank == 0),
    ]


def ten_zooms(page: Page, page_url: str) -> list[Zoom]:
    """Open all that is stored, and zoom to the newest minutes with the wheel."""
    page.goto(f"{page_url}/?symbol=BTCUSDT&range=All")
    page.locator("#chart-panel:not([data-loading])").wait_for()
    page.locator("#series a").first.wait_for()
    watch(page)
    hover(page, 0.9)
    # A person looks before the hand moves on; the page uses the time.
    page.wait_for_timeout(1000)
    zooms = []
    for _ in range(ZOOMS):
        zooms.append(zoom(page, 3))
        page.wait_for_timeout(500)
    return zooms


def load_minutes(settings: Settings, candles: int = CANDLES) -> None:
    """Store the last so many minutes by COPY, and all that is made of them."""
    database = Database(settings)
    migrate(database)
    end = int(time.time() * 1000) // MINUTE * MINUTE
    for first in range(end - candles * MINUTE, end, _AT_ONCE * MINUTE):
        last = min(first + _AT_ONCE * MINUTE, end)
        text = io.StringIO("".join(_lines(range(first, last, MINUTE))))
        with database.transaction() as cursor:
            cursor.copy_expert("COPY klines FROM STDIN", text)
    while True:
        with database.transaction() as cursor:
            if not rollups.refresh(cursor, MINUTES):
                break
    with database.transaction() as cursor:
        cursor.execute("ANALYZE klines")
        cursor.execute("INSERT INTO origin (name) VALUES ('simulated')")
    database.close()


def _lines(times: range) -> Iterator[str]:
    """Return minutes as COPY reads them: a wave of waves, so that each scale moves."""
    close = _price(times[0] - MINUTE)
    for opened in times:
        start, close = close, _price(opened)
        low, high = min(start, close) - 3, max(start, close) + 3
        yield (
            f"BTCUSDT\t1m\t{_moment(opened)}\t{start:.2f}\t{high:.2f}\t{low:.2f}\t"
            f"{close:.2f}\t12.34567\t{_moment(opened + MINUTE - 1)}\t"
            f"{close * 12.34567:.7f}\t345\t6.17283\t{close * 6.17283:.7f}\n"
        )


def _price(time_: int) -> float:
    slow, day = math.sin(time_ / (400 * DAY)), math.sin(time_ / (3 * DAY))
    return 30_000 + 18_000 * slow + 1500 * day + 60 * math.sin(time_ / HOUR)


def _moment(time_: int) -> str:
    seconds, milliseconds = divmod(time_, 1000)
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
    return f"{clock}.{milliseconds:03d}+00"


def main() -> None:
    """Print the figures."""
    folder = Path(tempfile.mkdtemp(prefix="klineboard-bench-"))
    try:
        rows = zoom_rows(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, value, asked, met in rows:
        mark = "" if not asked else "ok" if met else "MISSED"
        sys.stdout.write(f"{name:<56}{value:>24}  {asked:<8}{mark}\n")


if __name__ == "__main__":
    main()
