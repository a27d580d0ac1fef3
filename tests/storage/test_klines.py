"""The table: exact digits, whole rows, counts that stay true."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from klineboard.market.interval import HOUR, INTERVALS
from klineboard.market.kline import Kline
from klineboard.market.moment import parse_moment as at
from klineboard.market.series import Series
from klineboard.storage.database import Database
from klineboard.storage.klines import ensure_view, newest_klines, store_klines
from klineboard.storage.market_caps import claim_refresh
from klineboard.storage.series import read_state, to_moment, to_time

SERIES = Series("BTCUSDT", INTERVALS["1h"])
OPEN = at("2023-05-28T17:00")


def candle(place: int = 0, **fields: str | int) -> Kline:
    opened = OPEN + place * HOUR
    kline = Kline(
        opened,
        "27252.26000000",
        "27424.44000000",
        "0.00000712",
        "27351.59000000",
        "123456789012345678.12345678",
        opened + HOUR - 1,
        "1.10",
        35260,
        "0.00000000",
        "1",
    )
    return kline._replace(**fields)  # type: ignore[arg-type]


def store(database: Database, *klines: Kline) -> tuple[int, int]:
    with database.transaction() as cursor:
        return store_klines(cursor, SERIES, klines)


def newest(database: Database, count: int = 10) -> list[Kline]:
    with database.transaction() as cursor:
        return newest_klines(cursor, SERIES, count)


def count_and_version(database: Database) -> tuple[int, int]:
    with database.transaction() as cursor:
        state = read_state(cursor, SERIES)
    return state.row_count, state.version


def test_digits_come_back_as_they_went_in(database: Database) -> None:
    assert store(database, candle()) == (1, 0)
    assert newest(database) == [candle()]


def test_times_off_the_grid_keep_their_milliseconds(database: Database) -> None:
    odd = candle(open_time=1518168494789, close_time=1518172094788)
    store(database, odd)
    assert newest(database) == [odd]


def test_the_same_candles_again_change_nothing(database: Database) -> None:
    store(database, candle(0), candle(1))
    before = count_and_version(database)
    assert store(database, candle(0), candle(1)) == (0, 0)
    assert count_and_version(database) == before


def test_a_row_is_replaced_as_a_whole_and_recorded(database: Database) -> None:
    store(database, candle(0), candle(1))
    replaced = candle(1, close_price="27300.00000000", number_of_trades=7)
    assert store(database, candle(0), replaced, candle(2)) == (1, 1)
    assert newest(database) == [candle(0), replaced, candle(2)]
    with database.transaction() as cursor:
        cursor.execute(
            "SELECT symbol, stored->>'number_of_trades', "
            "replacement->>'close_price' FROM corrections"
        )
        assert cursor.fetchall() == [("BTCUSDT", "35260", "27300.00000000")]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("DELETE FROM klines WHERE open_time >= '2023-05-28 18:00'", 1),
        ("UPDATE klines SET volume = 1", 3),
        ("UPDATE klines SET symbol = 'X' WHERE open_time < '2023-05-28 18:00'", 2),
        ("TRUNCATE klines", 0),
        ("INSERT INTO klines SELECT symbol, interval, open_time + interval '1 day', "
         "open_price, high_price, low_price, close_price, volume, close_time, "
         "quote_asset_volume, number_of_trades, taker_buy_base_asset_volume, "
         "taker_buy_quote_asset_volume FROM klines", 6),
    ],
)  # fmt: skip
def test_counts_and_versions_stay_true_whoever_changes_the_table(
    database: Database, statement: str, rows: int
) -> None:
    store(database, candle(0), candle(1), candle(2))
    _, version = count_and_version(database)
    with database.transaction() as cursor:
        cursor.execute(statement)
        cursor.execute("SELECT count(*) FROM klines WHERE symbol = 'BTCUSDT'")
        assert cursor.fetchone() == (rows,)
    count, newer = count_and_version(database)
    assert count == rows
    assert newer > version


def test_a_rolled_back_page_leaves_no_trace(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as cursor:
        store_klines(cursor, SERIES, [candle()])
        raise ZeroDivisionError
    assert newest(database) == []
    assert count_and_version(database) == (0, 0)


def test_names_with_quotes_make_a_view_and_no_harm(database: Database) -> None:
    series = Series('A"; DROP TABLE klines; --', INTERVALS["1M"])
    with database.transaction() as cursor:
        ensure_view(cursor, series)
        ensure_view(cursor, series)
        cursor.execute("SELECT count(*) FROM klines")
        assert cursor.fetchone() == (0,)


def test_moments_are_exact_to_the_millisecond() -> None:
    for time in (0, 1, 1518168494789, 253402300799999):
        assert to_time(to_moment(time)) == time


def test_only_one_of_many_takes_the_turn_to_ask_for_market_caps(
    database: Database,
) -> None:
    with database.transaction() as cursor:
        turns = [claim_refresh(cursor, 300) for _ in range(5)]
    assert turns == [True, False, False, False, False]
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE market_cap_refresh SET attempted_at = now() - interval '6 min'"
        )
        assert claim_refresh(cursor, 300)


def test_many_programs_may_make_the_same_view_at_once(database: Database) -> None:
    together = threading.Barrier(8)

    def make(_: int) -> None:
        with database.transaction() as cursor:
            cursor.execute("SELECT 1")
            together.wait(10)
            ensure_view(cursor, SERIES)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(8)))


def test_right_after_its_close_a_candle_with_fewer_trades_replaces_none(
    database: Database,
) -> None:
    """REST may lag behind its own clock; the stream told the whole candle."""
    whole = candle()
    half = candle(number_of_trades=7, volume="1")
    store(database, whole)

    def told(settled: int) -> list[Kline]:
        with database.transaction() as cursor:
            store_klines(cursor, SERIES, [half], settled=settled)
        return newest(database)

    assert told(settled=whole.close_time) == [whole]
    with database.transaction() as cursor:
        cursor.execute("SELECT count(*) FROM corrections")
        assert cursor.fetchone() == (0,)
    assert told(settled=whole.close_time + 1) == [half], "then it has the last word"


def test_more_trades_replace_at_any_time(database: Database) -> None:
    store(database, candle(number_of_trades=7))
    with database.transaction() as cursor:
        store_klines(cursor, SERIES, [candle()], settled=0)
    assert newest(database) == [candle()]
