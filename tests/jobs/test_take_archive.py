"""Whole months and days from the archive, and REST for the rest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from klineboard.errors import SettingsError
from klineboard.jobs.collect import Result
from klineboard.jobs.collect_all import Collector, Order
from klineboard.market.archive import ArchiveFile, parse_period
from klineboard.market.interval import DAY, HOUR, INTERVALS
from klineboard.market.moment import parse_moment as at
from klineboard.market.series import Series
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.conftest import MakeSettings
from tests.jobs.conftest import (
    BTC_HOURS,
    START,
    SilentDisplay,
    rows,
    series_of,
    stored,
    truth,
)

HALF_HOURS = Series("BTCUSDT", INTERVALS["30m"])
ASKED = "/api/v3/klines"

Take = Callable[..., list[Result]]


def file_of(period: str, series: Series = HALF_HOURS) -> ArchiveFile:
    return ArchiveFile(series, parse_period(period))


JANUARY, FEBRUARY = file_of("2024-01"), file_of("2024-02")


@pytest.fixture
def collector_for(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> Callable[..., Collector]:
    def make(
        url: str = "",
        stop: threading.Event | None = None,
        on_progress: Callable[[], None] = lambda: None,
    ) -> Collector:
        settings = make_settings(
            BINANCE_API_URL=simulator.url,
            BINANCE_ARCHIVE_URL=url or simulator.url,
            DATABASE_WAIT_SECONDS="5",
        )
        display = SilentDisplay(on_progress)
        return Collector(settings, database, display, stop, first_backoff=0.001)

    return make


@pytest.fixture
def take(collector_for: Callable[..., Collector]) -> Take:
    """Run the collector once, with the simulator's archive."""

    def run(
        *names: str,
        source: str | None = None,
        start: int = START,
        end: int | None = None,
        url: str = "",
        on_progress: Callable[[], None] = lambda: None,
    ) -> list[Result]:
        series = series_of(*names or ("BTCUSDT 30m",))
        collector = collector_for(url, on_progress=on_progress)
        return collector.run(Order(series, start, end, source))

    return run


def taken(database: Database) -> list[tuple[object, ...]]:
    """Return the files that were taken, with their rows and differing candles."""
    return rows(
        database,
        "SELECT symbol, interval, period, rows, differing FROM archive_files "
        "ORDER BY symbol, interval, period",
    )


def asked_for(simulator: Simulator, file: ArchiveFile) -> int:
    return simulator.statistics.asked(file.path)


def test_months_come_from_the_archive_and_the_rest_by_rest(
    take: Take, simulator: Simulator, database: Database
) -> None:
    (result,) = take()
    assert (result.status, result.error, result.warnings) == ("ok", None, [])
    assert stored(database, HALF_HOURS) == truth(simulator, HALF_HOURS)
    assert taken(database) == [
        ("BTCUSDT", "30m", "2024-01", 1488, 0),
        ("BTCUSDT", "30m", "2024-02", 1392, 0),
    ]
    # The first candle, and the newest day; an empty gap would be asked for twice.
    assert simulator.statistics.asked(ASKED) == 2
    assert rows(database, "SELECT * FROM corrections") == []
