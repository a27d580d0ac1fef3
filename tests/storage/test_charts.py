"""Reading candles for charts, against the real database."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE
from klineboard.market.series import Series
from klineboard.storage.charts import (
    Candles,
    read_candles,
    read_json_columns,
    stored_series,
    stored_symbols,
    stored_versions,
)
from klineboard.storage.database import Database
from klineboard.storage.series import to_moment

from ..candles import START, between, make_klines, read_recorded, store_into
from ..conftest import recorded


def _read(
    database: Database, series: Series, shown: str, start: int, end: int
) -> Candles:
    with database.transaction() as cursor:
        return read_candles(cursor, series, INTERVALS[shown], start, end)


def _columns(
    database: Database,
    series: Series,
    start: int | None = None,
    end: int | None = None,
    limit: int = 1000,
) -> dict[str, str]:
    with database.transaction() as cursor:
        return read_json_columns(cursor, series, start, end, limit)


def test_json_columns_hold_the_stored_digits(database: Database) -> None:
    series = store_into(database)(count=2)
    columns = _columns(database, series)
    assert columns["open"] == "[100.10000000,101.10000000]"
    assert columns["volume"] == "[0.12345678,1.12345678]"
    assert columns["open_time"] == f"[{START},{START + HOUR}]"
    assert columns["close_time"] == f"[{START + HOUR - 1},{START + 2 * HOUR - 1}]"


def test_without_start_the_newest_come_and_rise(database: Database) -> None:
    series = store_into(database)(count=10)
    times = json.loads(_columns(database, series, limit=3)["open_time"])
    assert times == [START + 7 * HOUR, START + 8 * HOUR, START + 9 * HOUR]


def test_with_start_the_oldest_come(database: Database) -> None:
    series = store_into(database)(count=10)
    columns = _columns(database, series, START + HOUR, None, 2)
    assert json.loads(columns["open_time"]) == [START + HOUR, START + 2 * HOUR]


def test_the_end_is_included(database: Database) -> None:
    series = store_into(database)(count=10)
    columns = _columns(database, series, START, START + HOUR)
    assert json.loads(columns["open_time"]) == [START, START + HOUR]


def test_no_candles_are_empty_arrays(database: Database) -> None:
    columns = _columns(database, Series("BTCUSDT", INTERVALS["1h"]))
    assert set(columns.values()) == {"[]"}


def test_a_nan_that_a_hand_inserted_is_null_in_json(database: Database) -> None:
    series = store_into(database)(count=1)
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET volume = 'NaN', low_price = '-Infinity'")
    columns = _columns(database, series)
    assert columns["volume"] == columns["low"] == "[null]"


def test_an_own_interval_is_shown_as_stored_odd_times_too(database: Database) -> None:
    odd = START + 28 * MINUTE + 14_789
    series = store_into(database)(klines=make_klines("1h", 2, odd))
    candles = _read(database, series, "1h", START, START + DAY)
    assert candles.open_time == [odd, odd + HOUR]
    assert candles.close_time == [odd + HOUR - 1, odd + 2 * HOUR - 1]


def test_a_bucket_has_first_open_last_close_extremes_and_sums(
    database: Database,
) -> None:
    series = store_into(database)(count=8)
    candles = _read(database, series, "4h", START, START + DAY)
    assert candles.open_time == [START, START + 4 * HOUR]
    assert candles.open[0] == "100.10000000"
    assert candles.close[0] == "103.50000000"
    assert candles.high[0] == "103.90000000"
    assert candles.low[0] == "100.00000000"
    assert candles.volume[0] == "6.49382712"
    assert candles.number_of_trades[0] == 6


def test_a_bucket_that_an_outage_cut_closes_on_the_grid(database: Database) -> None:
    klines = make_klines("1h", 8)
    series = store_into(database)(klines=klines[:2] + klines[4:])
    candles = _read(database, series, "4h", START, START + DAY)
    assert candles.close_time[0] == START + 4 * HOUR - 1


def test_the_last_bucket_closes_where_its_last_candle_does(database: Database) -> None:
    series = store_into(database)(count=6)
    candles = _read(database, series, "4h", START, START + DAY)
    assert candles.close_time[-1] == START + 6 * HOUR - 1


def test_weeks_begin_on_mondays(database: Database) -> None:
    series = store_into(database)("BTCUSDT", "1d", 15)
    candles = _read(database, series, "1w", START, START + 30 * DAY)
    assert candles.open_time == [START, START + 7 * DAY, START + 14 * DAY]
    assert to_moment(START).weekday() == 0


def test_months_are_those_of_the_calendar(database: Database) -> None:
    series = store_into(database)("BTCUSDT", "1d", 70)
    candles = _read(database, series, "1M", START, START + 100 * DAY)
    opens = [to_moment(time).date() for time in candles.open_time]
    assert opens == [dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 3, 1)]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_recorded_hours_make_up_the_recorded_days(
    database: Database, symbol: str
) -> None:
    hours = read_recorded(recorded(f"binance-spot-{symbol}-1h-2018-2025.csv.gz"))
    days = read_recorded(recorded(f"binance-spot-{symbol}-1d-2018-2025.csv.gz"))
    start, end = START, START + 60 * DAY
    series = store_into(database)(symbol, klines=between(hours, start, end))
    candles = _read(database, series, "1d", start, end)
    expected = between(days, start, end)
    assert candles.open_time == [day.open_time for day in expected]
    assert candles.close_time == [day.close_time for day in expected]
    for column, name in [
        ("open", "open_price"),
        ("high", "high_price"),
        ("low", "low_price"),
        ("close", "close_price"),
        ("volume", "volume"),
        ("quote_asset_volume", "quote_asset_volume"),
        ("taker_buy_base_asset_volume", "taker_buy_base_asset_volume"),
        ("number_of_trades", "number_of_trades"),
    ]:
        ours = [Decimal(value) for value in getattr(candles, column)]
        assert ours == [Decimal(getattr(day, name)) for day in expected], column


def test_what_is_stored_is_listed_by_symbol_and_length(database: Database) -> None:
    store = store_into(database)
    store("ETHUSDT", "1d", 1)
    store("BTCUSDT", "4h", 1)
    store("BTCUSDT", "1h", 1)
    with database.transaction() as cursor:
        assert stored_symbols(cursor) == ["BTCUSDT", "ETHUSDT"]
        assert list(stored_versions(cursor, "BTCUSDT")) == ["1h", "4h"]
        assert [str(series) for series in stored_series(cursor)] == [
            "BTCUSDT 1h",
            "BTCUSDT 4h",
            "ETHUSDT 1d",
        ]


def test_a_version_changes_with_the_candles(database: Database) -> None:
    store = store_into(database)
    store(count=1)
    with database.transaction() as cursor:
        before = stored_versions(cursor, "BTCUSDT")
    store(count=2)
    with database.transaction() as cursor:
        assert stored_versions(cursor, "BTCUSDT") != before


def test_a_symbol_that_text_cannot_hold_is_unknown(database: Database) -> None:
    with database.transaction() as cursor:
        assert stored_versions(cursor, "BTC\0USDT") == {}
