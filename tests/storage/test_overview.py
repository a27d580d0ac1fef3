"""The facts about each series, against the real database."""

from __future__ import annotations

from klineboard.market.coverage import Hole
from klineboard.market.interval import DAY, HOUR, INTERVALS
from klineboard.market.series import Series
from klineboard.storage.database import Database
from klineboard.storage.overview import (
    SeriesFacts,
    read_contact,
    read_facts,
    read_origin,
    read_sparks,
)
from klineboard.storage.series import series_lock, sync_gaps

from ..candles import START, make_klines, store_into


def _facts(database: Database, *expected: Series) -> list[SeriesFacts]:
    with database.transaction() as cursor:
        return read_facts(cursor, expected)


def test_the_ends_of_a_series_are_told(database: Database) -> None:
    store_into(database)(count=3)
    (facts,) = _facts(database)
    assert facts.rows == 3
    assert (facts.first_open, facts.last_open) == (START, START + 2 * HOUR)
    assert facts.last_close == START + 3 * HOUR - 1
    assert facts.last_price == "102.50000000"


def test_rows_that_a_hand_inserted_need_nothing_else(database: Database) -> None:
    store_into(database)(count=3)
    (facts,) = _facts(database)
    assert facts.gaps == ()
    assert (facts.searched_from, facts.last_run, facts.status) == (None, None, None)


def test_an_expected_series_is_there_without_a_row(database: Database) -> None:
    wanted = Series("ETHUSDT", INTERVALS["1h"])
    store_into(database)(count=1)
    first, second = _facts(database, wanted)
    assert (first.series, first.rows) == (wanted, 0)
    assert second.series.symbol == "BTCUSDT"


def test_a_series_of_no_interval_is_left_out(database: Database) -> None:
    store_into(database)(count=1)
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET interval = '7m'")
    assert [str(facts.series) for facts in _facts(database)] == ["BTCUSDT 1h"]


def test_the_price_a_day_ago_closed_at_that_time(database: Database) -> None:
    store_into(database)(count=30)
    (facts,) = _facts(database)
    assert facts.last_price == "129.50000000"
    assert facts.earlier_price == "105.50000000"
    assert facts.earlier_close == START + 6 * HOUR - 1


def test_in_an_outage_the_price_a_day_ago_is_the_last_before(
    database: Database,
) -> None:
    klines = make_klines("1h", 30)
    store_into(database)(klines=klines[:4] + klines[10:])
    (facts,) = _facts(database)
    assert facts.earlier_price == "103.50000000"


def test_digits_come_from_the_tick_size(database: Database) -> None:
    store_into(database)(count=1)
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO symbols (symbol, status, base_asset, quote_asset, tick_size) "
            "VALUES ('BTCUSDT', 'BREAK', 'BTC', 'USDT', 0.00010000)"
        )
    (facts,) = _facts(database)
    assert (facts.price_digits, facts.status) == (4, "BREAK")


def test_digits_come_from_the_prices_where_no_tick_size_is_known(
    database: Database,
) -> None:
    kline = make_klines("1h", 1)[0]._replace(close_price="0.00000712")
    store_into(database)("SHIBUSDT", klines=[kline])
    (facts,) = _facts(database)
    assert facts.price_digits == 8


def test_a_series_that_a_collector_holds_is_told(database: Database) -> None:
    series = Series("BTCUSDT", INTERVALS["1h"])
    other = Series("BTCUSDT", INTERVALS["1d"])
    with series_lock(database, series) as held:
        assert held
        states = [facts.collecting for facts in _facts(database, series, other)]
    assert states == [True, False]
    assert not _facts(database, series)[0].collecting


def test_gaps_are_told(database: Database) -> None:
    series = store_into(database)(count=1)
    hole = Hole(START + HOUR, START + 5 * HOUR)
    with database.transaction() as cursor:
        sync_gaps(cursor, series, [hole])
    (facts,) = _facts(database)
    assert [gap.hole for gap in facts.gaps] == [hole]


def test_the_last_run_is_the_last_that_did_something(database: Database) -> None:
    store_into(database)(count=1)
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO collection_runs (started_at, symbol, interval, status, error) "
            "VALUES (now(), 'BTCUSDT', '1h', 'failed', 'no network'), "
            "(now(), 'BTCUSDT', '1h', 'skipped', NULL)"
        )
    (facts,) = _facts(database)
    assert facts.last_run is not None
    assert (facts.last_run.status, facts.last_run.error) == ("failed", "no network")


def test_sparks_end_with_the_newest_close(database: Database) -> None:
    store_into(database)(count=5)
    with database.transaction() as cursor:
        sparks = read_sparks(cursor, 3)
    assert sparks == {("BTCUSDT", "1h"): [102.5, 103.5, 104.5]}


def test_an_empty_database_knows_of_no_contact_and_no_origin(
    database: Database,
) -> None:
    with database.transaction() as cursor:
        assert read_contact(cursor) == (None, None, None, 0)
        assert read_origin(cursor) is None


def test_a_candle_of_a_day_closes_a_day_before_the_next(database: Database) -> None:
    store_into(database)("BTCUSDT", "1d", 3)
    (facts,) = _facts(database)
    assert facts.earlier_close == START + 2 * DAY - 1
