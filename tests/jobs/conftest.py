"""A collector on the simulated exchange, and the truth to compare with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from klineboard.jobs.collect import Result
from klineboard.jobs.collect_all import Collector, Order
from klineboard.market.interval import INTERVALS
from klineboard.market.kline import Kline
from klineboard.market.moment import parse_moment as at
from klineboard.market.series import Series
from klineboard.settings import Settings
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from klineboard.storage.klines import newest_klines
from tests.candles import csv_of_table
from tests.conftest import MakeSettings

Collect = Callable[..., list[Result]]
START = at("2024-01-01")


class SilentDisplay:
    """Shows nothing; a test may look at each step."""

    def __init__(self, on_progress: Callable[[], None] = lambda: None) -> None:
        self._on_progress = on_progress

    def progress(
        self, series: Series, done: int, expected: int, budget: float | None
    ) -> None:
        assert 0 <= done <= expected
        self._on_progress()

    def finished(self, result: Result) -> None:
        pass

    def run(self) -> AbstractContextManager[object]:
        return nullcontext()


def series_of(*names: str) -> list[Series]:
    """Return series from names such as ``BTCUSDT 1h``."""
    split = (name.split() for name in names)
    return [Series(symbol, INTERVALS[interval]) for symbol, interval in split]


BTC_HOURS = series_of("BTCUSDT 1h")[0]


@pytest.fixture
def csv_folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "csv"


@pytest.fixture
def collect(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> Collect:
    """Run the collector once over the named series."""

    def run(
        *names: str,
        start: int = START,
        end: int | None = None,
        on_progress: Callable[[], None] = lambda: None,
    ) -> list[Result]:
        settings = make_settings(
            BINANCE_API_URL=simulator.url, DATABASE_WAIT_SECONDS="5"
        )
        display = SilentDisplay(on_progress)
        collector = Collector(settings, database, display, first_backoff=0.001)
        return collector.run(Order(series_of(*names or ("BTCUSDT 1h",)), start, end))

    return run


def truth(
    simulator: Simulator, series: Series = BTC_HOURS, start: int = START
) -> list[Kline]:
    """Return the closed candles that the exchange has, without tampering."""
    now = simulator.clock.now()
    klines = simulator.market.klines(
        series.symbol, series.interval, start, now, 1_000_000, now
    )
    return [kline for kline in klines if kline.close_time < now]


def stored(database: Database, series: Series = BTC_HOURS) -> list[Kline]:
    """Return all stored candles."""
    with database.transaction() as cursor:
        return newest_klines(cursor, series, 1_000_000)


def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    """Return what a query gives."""
    with database.transaction() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def assert_csv_equals_table(
    database: Database, folder: Path, series: Series = BTC_HOURS
) -> None:
    """Compare a file with the table, byte by byte."""
    with database.transaction() as cursor:
        expected = csv_of_table(cursor, series)
    assert (folder / series.file_name).read_bytes() == expected


@pytest.fixture
def settings_for(make_settings: MakeSettings, simulator: Simulator) -> MakeSettings:
    """Settings of a relay of bitcoin's minutes."""

    def make(**keys: str) -> Settings:
        return make_settings(
            **{
                "BINANCE_API_URL": simulator.url,
                "BINANCE_STREAM_URL": simulator.stream_url,
                "SYMBOLS": "BTCUSDT",
                "INTERVALS": "1m",
                "STREAM_COINS": "BTC",
                "STALL_SECONDS": "30",
                "DATABASE_WAIT_SECONDS": "5",
                **keys,
            }
        )

    return make
