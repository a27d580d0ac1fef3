"""The watch: in step with the candles, patient with everything else."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from klineboard.errors import Stopped
from klineboard.jobs.collect_all import Collector, Order
from klineboard.jobs.watch import watch as keep_watching
from klineboard.market.interval import HOUR
from klineboard.market.moment import parse_moment as at
from klineboard.settings import Settings
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.conftest import MakeSettings
from tests.jobs.conftest import START, SilentDisplay, rows, series_of, stored

RUNS = "SELECT count(*) FROM collection_runs"


class Watcher(Collector):
    """A collector whose pauses take no time; a test says what happens in them."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        in_pause: Callable[[int, float], None],
    ) -> None:
        super().__init__(settings, database, SilentDisplay())
        self.pauses: list[float] = []
        self._in_pause = in_pause

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._in_pause(len(self.pauses), seconds)


def stop_at(number: int) -> Callable[[int, float], None]:
    def in_pause(count: int, _seconds: float) -> None:
        if count >= number:
            raise Stopped

    return in_pause


def watch(watcher: Watcher, *names: str) -> None:
    with pytest.raises(Stopped):
        order = Order(series_of(*names), START, None)
        # The machine's own clock stands still: only the exchange's moves.
        keep_watching(watcher, order, clock=lambda: 0.0)


def test_collects_a_few_seconds_after_each_candle_closed(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> None:
    def time_passes(count: int, seconds: float) -> None:
        if count > 250:
            raise Stopped
        simulator.clock.advance(int(seconds * 1000))

    settings = make_settings(BINANCE_API_URL=simulator.url)
    watcher = Watcher(settings, database, time_passes)
    watch(watcher, "BTCUSDT 1h")
    assert rows(database, RUNS)[0][0] in (4, 5)
    assert max(watcher.pauses) <= 60
    newest = stored(database)[-1].open_time
    assert newest + 2 * HOUR > simulator.clock.now() - 4000


def test_an_exchange_that_is_away_is_told_once_with_the_way_out(
    make_settings: MakeSettings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings(BINANCE_API_URL="http://127.0.0.1:1")
    with caplog.at_level(logging.WARNING):
        watch(Watcher(settings, database, stop_at(8)), "BTCUSDT 1h")
    (message,) = [record.message for record in caplog.records]
    assert "127.0.0.1 not reached: connection refused" in message
    assert "make demo" in message


def test_a_ban_is_told_at_once_and_kept(
    make_settings: MakeSettings,
    simulator: Simulator,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulator.faults.add(kind="status", status=418, code=-1003, retry_after=3600)
    settings = make_settings(BINANCE_API_URL=simulator.url)
    watcher = Watcher(settings, database, stop_at(1))
    with caplog.at_level(logging.WARNING):
        watch(watcher, "BTCUSDT 1h")
    assert "banned this address" in caplog.text
    assert watcher.pauses[0] > 3500
    assert simulator.statistics.requests == 1


def test_a_symbol_that_does_not_exist_is_not_asked_for_again_and_again(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = make_settings(BINANCE_API_URL=simulator.url)
    watch(Watcher(settings, database, stop_at(10)), "BTCUSDT 1h", "NOPEUSDT 1h")
    assert rows(database, RUNS) == [(2,)]


def test_a_series_that_failed_is_tried_again_less_and_less_often(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> None:
    simulator.faults.add(kind="html", count=9999, path="/api/v3/klines")
    settings = make_settings(BINANCE_API_URL=simulator.url)
    watcher = Watcher(settings, database, stop_at(20))
    watch(watcher, "BTCUSDT 1h")
    between_runs = [pause for pause in watcher.pauses if pause >= 30]
    assert between_runs == [30, 60, 90, 120]


def test_a_database_that_blinks_does_not_end_the_watch(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = make_settings(BINANCE_API_URL=simulator.url, DATABASE_WAIT_SECONDS="5")

    def cut_connections(count: int, _seconds: float) -> None:
        if count > 6:
            raise Stopped
        simulator.clock.advance(HOUR)
        with database.transaction() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    watch(Watcher(settings, database, cut_connections), "BTCUSDT 1h")
    assert stored(database)[-1].open_time >= at("2024-03-01T15:00")
