"""Candles for the live pages: two days of stored minutes, and what comes after them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from playwright.sync_api import Page, expect
from psycopg2.extras import execute_values

from klineboard.live.board import Board as LiveBoard
from klineboard.market.interval import HOUR, INTERVALS, MINUTE
from klineboard.market.kline import Kline
from klineboard.market.series import Series
from klineboard.settings import Settings
from klineboard.storage.database import Cursor, Database
from klineboard.storage.series import to_moment

from .board import NOW, Board, serve
from .relay import Relay, running

MINUTES = Series("BTCUSDT", INTERVALS["1m"])
HOURS = Series("BTCUSDT", INTERVALS["1h"])
ONLY_FOLLOWED = Series("SOLUSDT", INTERVALS["1m"])
"""Minutes of a coin of STREAM_COINS that nobody stores."""

KEYS = {
    "SYMBOLS": "BTCUSDT,ETHUSDT",
    "INTERVALS": "1m,1h",
    "STREAM_COINS": "BTC,SOL",
    "HISTORY_START": "2024-02-28",
}
STORED_FROM = NOW - dt.timedelta(days=2)
ADDRESS = "/live?symbol=BTCUSDT&interval=1m&candles=200&price=close"
STAGE = "#stage"

OpenLive = Callable[..., Page]
"""Opens the live page, and waits until it is live."""

OUTAGE = (NOW - dt.timedelta(minutes=100), NOW - dt.timedelta(minutes=70))
"""Half an hour without minutes."""

NEXT = int(NOW.timestamp() * 1000)
"""The open time of the first minute that is not stored (ms)."""

NEXT_HOUR = NEXT // HOUR * HOUR
"""The same of the hours."""


@dataclass
class Live:
    """A served page, and the relay that it follows."""

    page: Board
    relay: Relay

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.page.url


def fill_minutes(database: Database, first: dt.datetime = STORED_FROM) -> None:
    """Store minutes of BTCUSDT until NOW, with an outage, and a month of hours."""
    count = (NOW - first) // dt.timedelta(minutes=1)
    out = [(NOW - moment) // dt.timedelta(minutes=1) for moment in OUTAGE]
    minutes = [minute(n) for n in range(-count, 0) if not out[1] < -n <= out[0]]
    hours = [minute(n, step=HOUR, start=NEXT_HOUR) for n in range(-720, 0)]
    with database.transaction() as cursor:
        insert(cursor, MINUTES, minutes)
        insert(cursor, HOURS, hours)
        cursor.execute("INSERT INTO origin (name) VALUES ('binance')")
        cursor.execute(
            "INSERT INTO symbols (symbol, status, base_asset, quote_asset, tick_size) "
            "VALUES ('BTCUSDT', 'TRADING', 'BTC', 'USDT', 0.01)"
        )


def insert(cursor: Cursor, series: Series, klines: list[Kline]) -> None:
    """Store candles of a series."""
    rows = [
        (
            series.symbol,
            series.interval.name,
            to_moment(kline.open_time),
            *kline[1:6],
            to_moment(kline.close_time),
            *kline[7:],
        )
        for kline in klines
    ]
    execute_values(cursor, "INSERT INTO klines VALUES %s", rows, page_size=2000)


def minute(
    number: int, close: float | None = None, *, step: int = MINUTE, start: int = NEXT
) -> Kline:
    """Return the candle of a minute, 0 being the first that is not stored."""
    opened = start + number * step
    level = _level(number)
    shut = _level(number + 1) if close is None else close
    high, low = max(level, shut) + 9, min(level, shut) - 7
    return Kline(
        opened,
        f"{level:.2f}",
        f"{high:.2f}",
        f"{low:.2f}",
        f"{shut:.2f}",
        f"{80 + 60 * abs(math.sin(number)):.5f}",
        opened + step - 1,
        "4800000.00",
        1200 + number % 50,
        "40.00000",
        "2400000.00",
    )


def _level(number: int) -> float:
    slow, middle = math.sin(number / 310), math.sin(number / 47)
    return 60_000 + 800 * slow + 190 * middle + 35 * math.sin(number * 1.7)


@contextmanager
def followed(settings: Settings) -> Iterator[Live]:
    """Serve the page of these settings and a relay that follows nothing yet."""
    series = [
        Series(symbol, INTERVALS[name])
        for symbol in settings.symbols
        for name in settings.intervals
    ]
    coins = {
        coin: Series(f"{coin}USDT", INTERVALS["1m"]) for coin in settings.stream_coins
    }
    with running(lambda: LiveBoard(series, coins)) as relay:
        with serve(replace(settings, stream_port=relay.port)) as page:
            relay.set_state("live", NEXT)
            yield Live(page, relay)


def shows(page: Page, **values: object) -> None:
    """Expect what the stage says of its picture."""
    for name, value in values.items():
        expect(page.locator(STAGE)).to_have_attribute(f"data-{name}", str(value))


def moment(number: int) -> str:
    """Return the open time of a minute as the stage writes it."""
    time = dt.datetime.fromtimestamp((NEXT + number * MINUTE) / 1000, dt.UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ask_again(page: Page) -> None:
    """Do what a tab does that comes to the front."""
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
