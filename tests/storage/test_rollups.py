"""Rollups: always exact and never stale, whoever changes candles and when."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import pytest
from psycopg2 import sql

from klineboard.jobs.roll_up import roll_up, roll_up_series
from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE, Interval
from klineboard.market.kline import COLUMNS, Kline
from klineboard.market.series import Series
from klineboard.settings import PROJECT_ROOT
from klineboard.storage.aggregation import aggregate, rollup_lengths
from klineboard.storage.charts import stored_versions
from klineboard.storage.database import Cursor, Database
from klineboard.storage.klines import newest_klines
from klineboard.storage.rollups import pending, refresh
from klineboard.storage.series import to_moment, to_time

from ..candles import START, make_klines, store_into

DAYS = 40
Row = tuple[object, ...]


def _random_klines(chance: random.Random, count: int) -> list[Kline]:
    """Return candles of 15 minutes with holes, some of them off the grid."""
    klines = []
    for _ in range(count):
        time = START + chance.randrange(DAYS * 96) * 15 * MINUTE
        if chance.random() < 0.1:
            time += chance.randrange(15 * MINUTE)
        low, opened, closed, high = sorted(
            Decimal(chance.randrange(10**8)).scaleb(-chance.randrange(9))
            for _ in range(4)
        )
        volumes = [f"{chance.random() * 100:.8f}" for _ in range(4)]
        klines.append(
            Kline(
                time,
                f"{opened:f}",
                f"{high:f}",
                f"{low:f}",
                f"{closed:f}",
                volumes[0],
                time + 15 * MINUTE - 1,
                volumes[1],
                chance.randrange(1000),
                volumes[2],
                volumes[3],
            )
        )
    return list({kline.open_time: kline for kline in klines}.values())


def _expected(klines: Sequence[Kline], shown: Interval, end: int) -> list[Row]:
    """Aggregate in plain Python: the very same, written the other way."""
    buckets: defaultdict[int, list[Kline]] = defaultdict(list)
    for kline in sorted(klines):
        if shown.floor(kline.open_time) < end:
            buckets[shown.floor(kline.open_time)].append(kline)
    newest = max((shown.floor(kline.open_time) for kline in klines), default=None)
    return [
        (
            opened,
            Decimal(group[0].open_price),
            max(Decimal(kline.high_price) for kline in group),
            min(Decimal(kline.low_price) for kline in group),
            Decimal(group[-1].close_price),
            sum(Decimal(kline.volume) for kline in group),
            max(kline.close_time for kline in group)
            if opened == newest
            else shown.add(opened) - 1,
            sum(Decimal(kline.quote_asset_volume) for kline in group),
            sum(kline.number_of_trades for kline in group),
            sum(Decimal(kline.taker_buy_base_asset_volume) for kline in group),
            sum(Decimal(kline.taker_buy_quote_asset_volume) for kline in group),
        )
        for opened, group in sorted(buckets.items())
    ]


def _aggregates(
    cursor: Cursor, series: Series, shown: Interval, start: int, end: int
) -> list[Row]:
    made = aggregate(series, shown, start, end)
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    cursor.execute(
        sql.SQL("SELECT {} FROM ({}) AS made ORDER BY open_time").format(columns, made)
    )
    return [
        (to_time(row[0]), *row[1:6], to_time(row[6]), *row[7:])
        for row in cursor.fetchall()
    ]


def _check(database: Database, series: Series, chance: random.Random) -> None:
    with database.transaction() as cursor:
        klines = newest_klines(cursor, series, 1_000_000)
        for name in ("30m", "1h", "4h", "1d", "3d", "1w", "1M"):
            shown = INTERVALS[name]
            start = shown.floor(START + chance.randrange(-DAY, DAYS * DAY))
            end = start + chance.randrange(1, DAYS * DAY)
            expected = [
                row
                for row in _expected(klines, shown, end)
                if isinstance(row[0], int) and row[0] >= start
            ]
            assert _aggregates(cursor, series, shown, start, end) == expected, name


_BY_HAND = {
    "update": """UPDATE klines SET volume = volume + 0.5, high_price = high_price * 2
        WHERE symbol = %s AND interval = %s AND open_time >= %s AND open_time < %s""",
    # So little that no two candles meet.
    "move": """UPDATE klines SET open_time = open_time + interval '1 ms'
        WHERE symbol = %s AND interval = %s AND open_time >= %s AND open_time < %s""",
    "delete": """DELETE FROM klines
        WHERE symbol = %s AND interval = %s AND open_time >= %s AND open_time < %s""",
}


def _change(database: Database, series: Series, chance: random.Random) -> None:
    kind = chance.choice(["few", "many", *_BY_HAND])
    if kind not in _BY_HAND:
        klines = _random_klines(chance, 3 if kind == "few" else 200)
        store_into(database)(series.symbol, "15m", klines=klines)
        return
    start = START + chance.randrange(DAYS) * DAY
    end = start + chance.randrange(2 * DAY)
    with database.transaction() as cursor:
        values = (*series.key, to_moment(start), to_moment(end))
        cursor.execute(_BY_HAND[kind], values)


def test_aggregates_are_exact_after_any_changes(database: Database) -> None:
    chance = random.Random(1)
    series = Series("BTCUSDT", INTERVALS["15m"])
    store_into(database)("BTCUSDT", "15m", klines=_random_klines(chance, 800))
    for _ in range(12):
        _change(database, series, chance)
        if chance.random() < 0.7:
            roll_up_series(database, series)
        _check(database, series, chance)
        _change(database, series, chance)
        _check(database, series, chance)


def _stale(database: Database) -> list[tuple[str, str, int]]:
    with database.transaction() as cursor:
        cursor.execute("SELECT symbol, interval, day FROM stale_days ORDER BY 1, 2, 3")
        return [(*row[:2], to_time(row[2])) for row in cursor.fetchall()]


def _rows(database: Database, statement: str) -> list[Row]:
    with database.transaction() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_all_but_the_newest_day_is_rolled_up(database: Database) -> None:
    series = store_into(database)("BTCUSDT", "1h", 24 * 3 + 1)
    assert roll_up(database) == 3
    assert _stale(database) == [(*series.key, START + 3 * DAY)]
    assert _rows(database, "SELECT length, count(*) FROM rollups GROUP BY 1") == [
        ("1d", 3)
    ]
    assert roll_up(database) == 0


@pytest.mark.parametrize(
    ("interval", "lengths"),
    [
        ("1s", ["1m", "1h", "1d"]),
        ("1m", ["1h", "1d"]),
        ("30m", ["1h", "1d"]),
        ("1h", ["1d"]),
        ("12h", ["1d"]),
        ("1d", []),
        ("1M", []),
    ],
)
def test_rollups_are_longer_than_their_candles(
    interval: str, lengths: list[str]
) -> None:
    found = rollup_lengths(INTERVALS[interval])
    assert [length.name for length in found] == lengths


def test_days_and_longer_candles_are_not_marked(database: Database) -> None:
    store = store_into(database)
    for interval in ("1d", "3d", "1w", "1M"):
        store("BTCUSDT", interval, 10)
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET volume = 1")
        cursor.execute("DELETE FROM klines")
    assert _stale(database) == []


def test_seconds_are_rolled_up_into_minutes(database: Database) -> None:
    klines = make_klines("1s", 120) + make_klines("1s", 1, START + DAY)
    series = store_into(database)("BTCUSDT", "1s", klines=klines)
    roll_up_series(database, series)
    made = "SELECT length, number_of_trades FROM rollups ORDER BY length, open_time"
    assert _rows(database, made) == [
        ("1d", sum(range(120))),
        ("1h", sum(range(120))),
        ("1m", sum(range(60))),
        ("1m", sum(range(60, 120))),
    ]


def test_only_the_days_that_changed_are_made_again(database: Database) -> None:
    series = store_into(database)("BTCUSDT", "1h", 24 * 10)
    roll_up(database)
    with database.transaction() as cursor:
        cursor.execute(
            "DELETE FROM klines WHERE open_time IN (%s, %s)",
            (to_moment(START), to_moment(START + 5 * DAY + 3 * HOUR)),
        )
    marked = [day for _, _, day in _stale(database)]
    assert marked == [START, START + 5 * DAY, START + 9 * DAY]
    assert roll_up_series(database, series) == 2


def test_a_candle_that_moves_to_another_day_marks_both(database: Database) -> None:
    store_into(database)("BTCUSDT", "1h", 24 * 10)
    roll_up(database)
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE klines SET open_time = %s WHERE open_time = %s",
            (to_moment(START + 4 * DAY + 1), to_moment(START + 2 * DAY)),
        )
    days = [START + 2 * DAY, START + 4 * DAY, START + 9 * DAY]
    assert [day for _, _, day in _stale(database)] == days


def test_a_day_that_was_emptied_has_no_rollups(database: Database) -> None:
    series = store_into(database)("BTCUSDT", "1h", 24 * 3)
    roll_up(database)
    with database.transaction() as cursor:
        cursor.execute(
            "DELETE FROM klines WHERE open_time < %s", (to_moment(START + DAY),)
        )
    assert roll_up_series(database, series) == 1
    opens = "SELECT open_time FROM rollups ORDER BY 1"
    assert _rows(database, opens) == [(to_moment(START + DAY),)]


def test_a_table_that_was_emptied_has_no_rollups(database: Database) -> None:
    store_into(database)("BTCUSDT", "1h", 24 * 3)
    roll_up(database)
    with database.transaction() as cursor:
        cursor.execute("TRUNCATE klines")
    assert _rows(database, "SELECT FROM rollups") == _stale(database) == []
    assert _rows(database, "SELECT row_count FROM series") == [(0,)]


def test_what_happens_to_a_partition_is_marked_too(database: Database) -> None:
    store = store_into(database)
    minutes, hours = store("BTCUSDT", "1m", 1441), store("BTCUSDT", "1h", 25)
    roll_up(database)
    with database.transaction() as cursor:
        cursor.execute("DELETE FROM klines_1m WHERE open_time < '2024-01-01 00:05Z'")
    assert (*minutes.key, START) in _stale(database)
    with database.transaction() as cursor:
        cursor.execute("TRUNCATE klines_1m")
    assert _stale(database) == [(*hours.key, START + DAY)]
    counts = "SELECT interval, count(*) FROM rollups GROUP BY interval"
    assert _rows(database, counts) == [("1h", 1)]


def test_times_that_only_a_hand_inserts_do_no_harm(database: Database) -> None:
    store_into(database)("BTCUSDT", "1h", 24 * 3)
    with database.transaction() as cursor:
        for time in ("-infinity", "4000-01-01 BC", "1969-12-31", "20000-01-01"):
            cursor.execute(
                "UPDATE klines SET open_time = %s WHERE open_time = "
                "(SELECT max(open_time) FROM klines WHERE open_time < '2025-01-01')",
                (time,),
            )
    assert roll_up(database) == 3
    assert roll_up(database) == 0


def test_rolling_up_changes_no_version(database: Database) -> None:
    store_into(database)("BTCUSDT", "1h", 24 * 3)
    with database.transaction() as cursor:
        before = stored_versions(cursor, "BTCUSDT")
    roll_up(database)
    with database.transaction() as cursor:
        assert stored_versions(cursor, "BTCUSDT") == before


def test_nobody_waits_for_who_stores_candles_of_the_series(database: Database) -> None:
    store = store_into(database)
    series = store("BTCUSDT", "1h", 24 * 3)
    store("ETHUSDT", "1h", 24 * 3)
    with database.transaction() as other:
        other.execute("UPDATE klines SET volume = 1 WHERE symbol = 'BTCUSDT'")
        assert roll_up_series(database, series) == 0
        assert roll_up(database) == 2
    assert roll_up(database) == 2


def test_a_change_in_the_middle_of_a_refresh_is_marked_again(
    database: Database,
) -> None:
    series = store_into(database)("BTCUSDT", "1h", 24 * 3)
    with database.transaction() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        assert refresh(cursor, series) == 2
        writing = threading.Thread(
            target=_add_volume, args=(database, START + HOUR), daemon=True
        )
        writing.start()
        _wait_for_a_lock(database)
    writing.join(10)
    assert START in [day for _, _, day in _stale(database)]
    _check(database, series, random.Random(0))


def _add_volume(database: Database, open_time: int) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE klines SET volume = volume + 1 WHERE open_time = %s",
            (to_moment(open_time),),
        )


def _wait_for_a_lock(database: Database) -> None:
    for _ in range(1000):
        if _rows(database, "SELECT FROM pg_locks WHERE NOT granted"):
            return
    raise AssertionError("nobody waits for a lock")


def test_writers_and_refreshers_together_lose_nothing(database: Database) -> None:
    series = store_into(database)("BTCUSDT", "15m", 96 * 6)
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(15):
                if seed % 2:
                    roll_up_series(database, series)
                else:
                    _add_volume(
                        database, START + chance.randrange(96 * 6) * 15 * MINUTE
                    )
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    roll_up_series(database, series)
    _check(database, series, random.Random(0))


def test_what_was_stored_before_is_marked_by_the_migration(
    database: Database,
) -> None:
    store = store_into(database)
    store("BTCUSDT", "1h", 3)
    store("BTCUSDT", "1h", 30, START + 40 * DAY)
    store("BTCUSDT", "1d", 3)
    marked = _stale(database)
    with database.transaction() as cursor:
        cursor.execute("DELETE FROM stale_days")
        cursor.execute(_marking())
    assert (
        _stale(database)
        == marked
        == [("BTCUSDT", "1h", START + n * DAY) for n in (0, 40, 41)]
    )


def _marking() -> str:
    path = PROJECT_ROOT / "klineboard/storage/migrations/0004_rollups.sql"
    text = path.read_text(encoding="utf-8")
    return text[text.rindex("INSERT INTO stale_days") :]


def test_series_that_wait_are_listed(database: Database) -> None:
    store = store_into(database)
    series = store("ETHUSDT", "1h", 25)
    store("BTCUSDT", "1h", 24)
    with database.transaction() as cursor:
        assert pending(cursor) == [series]
