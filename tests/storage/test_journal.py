"""What runs did and which candles they replaced, against the real database."""

from __future__ import annotations

import datetime as dt

from klineboard.market.interval import HOUR, INTERVALS
from klineboard.market.series import Series
from klineboard.storage.database import Database
from klineboard.storage.journal import (
    Correction,
    PastRun,
    read_corrections,
    read_last_corrections,
    read_runs,
)
from klineboard.storage.runs import record_run

from ..candles import START, make_klines, store_into

HOURS = Series("BTCUSDT", INTERVALS["1h"])
DAYS = Series("BTCUSDT", INTERVALS["1d"])


def _runs(database: Database, series: Series | None, limit: int = 9) -> list[PastRun]:
    with database.transaction() as cursor:
        return read_runs(cursor, series, limit)


def _corrections(database: Database, series: Series | None) -> list[Correction]:
    with database.transaction() as cursor:
        return read_corrections(cursor, series, 9)


def _record(database: Database) -> None:
    started = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    with database.transaction() as cursor:
        record_run(cursor, HOURS, started, status="ok", rows_stored=7, requests=2)
        record_run(cursor, DAYS, started, status="failed", error="no network")
        record_run(cursor, HOURS, started, status="skipped")


def test_runs_come_newest_first_and_in_full(database: Database) -> None:
    _record(database)
    newest, failed, first = _runs(database, None)
    assert (newest.status, failed.error) == ("skipped", "no network")
    assert first[:3] == ("BTCUSDT", "1h", START)
    assert first[4:] == ("ok", 7, 0, 2, None)


def test_runs_of_one_series_are_its_own(database: Database) -> None:
    _record(database)
    assert [run.status for run in _runs(database, HOURS)] == ["skipped", "ok"]
    assert [run.status for run in _runs(database, HOURS, 1)] == ["skipped"]
    assert _runs(database, Series("ADAUSDT", INTERVALS["1h"])) == []


def test_a_correction_keeps_the_digits_of_both_rows(database: Database) -> None:
    store = store_into(database)
    store(count=2)
    (kline,) = make_klines("1h", 1)
    # The volume's number is the same, with fewer digits.
    store(klines=[kline._replace(close_price="100.75", volume="0.1234567800")])
    (correction,) = _corrections(database, HOURS)
    assert correction.open_time == START
    assert correction.columns == ["close_price"]
    assert correction.stored["close_price"] == "100.50000000"
    assert correction.replacement["close_price"] == "100.75"
    assert correction.stored["volume"] == "0.12345678"
    assert correction.stored["close_time"] == START + HOUR - 1
    assert correction.stored["number_of_trades"] == 0


def test_corrections_of_one_series_are_its_own(database: Database) -> None:
    store = store_into(database)
    for interval in ("1h", "1d"):
        store(interval=interval, count=1)
        (kline,) = make_klines(interval, 1)
        store(interval=interval, klines=[kline._replace(number_of_trades=5)])
    assert [c.interval for c in _corrections(database, None)] == ["1d", "1h"]
    assert [c.interval for c in _corrections(database, DAYS)] == ["1d"]
    assert _corrections(database, DAYS)[0].columns == ["number_of_trades"]


def test_the_last_correction_of_each_series_is_told(database: Database) -> None:
    store = store_into(database)
    store("ADAUSDT", count=1)
    store(count=3)
    for n, kline in enumerate(make_klines("1h", 3)):
        store(klines=[kline._replace(number_of_trades=n + 5)])
    with database.transaction() as cursor:
        last = read_last_corrections(cursor)
    assert list(last) == [HOURS.key]
    assert last[HOURS.key].open_time == START + 2 * HOUR


def test_a_nan_that_a_hand_wrote_is_no_trouble(database: Database) -> None:
    store = store_into(database)
    store(count=1)
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET volume = 'NaN'")
    store(count=1)
    (correction,) = _corrections(database, HOURS)
    assert (correction.columns, correction.stored["volume"]) == (["volume"], "NaN")
