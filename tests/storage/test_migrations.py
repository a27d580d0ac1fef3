"""A database of an older program keeps all it has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from psycopg2 import sql

from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series
from klineboard.storage import database as database_module
from klineboard.storage.database import Database, migrate
from klineboard.storage.klines import ensure_view, newest_klines, store_klines
from klineboard.storage.series import read_state
from tests.candles import make_klines

MIGRATIONS = Path(database_module.__file__).parent / "migrations"
HOURS = Series("BTCUSDT", INTERVALS["1h"])
MINUTES = Series("BTCUSDT", INTERVALS["1m"])


@pytest.fixture
def old(database: Database, tmp_path: Path) -> Database:
    """A database before its candles were partitioned."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in sorted(MIGRATIONS.glob("000[12]_*.sql")):
        shutil.copy(path, folder)
    with database.transaction() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert migrate(database, folder) == [1, 2]
    return database


def fill(database: Database) -> None:
    """Store as the old program did: all into one table."""
    with database.transaction() as cursor:
        for interval, count in (("1h", 30), ("1m", 50)):
            for kline in make_klines(interval, count):
                cursor.execute(
                    "INSERT INTO klines SELECT 'BTCUSDT', %s, "
                    "timestamptz 'epoch' + %s * interval '1 ms', %s, %s, %s, %s, %s, "
                    "timestamptz 'epoch' + %s * interval '1 ms', %s, %s, %s, %s",
                    (interval, *kline),
                )
        cursor.execute(
            "INSERT INTO klines SELECT symbol, '7h', open_time, 1, 1, 1, 1, "
            "1, open_time, 1, 1, 1, 1 FROM klines WHERE interval = '1h' LIMIT 1"
        )
        ensure_view(cursor, HOURS)
        cursor.execute(
            "CREATE VIEW mine AS SELECT open_time, close_price FROM btcusdt_1h; "
            "CREATE ROLE reader; GRANT SELECT ON btcusdt_1h TO reader"
        )


def test_partitioning_keeps_candles_counts_views_and_grants(old: Database) -> None:
    fill(old)
    try:
        with old.transaction() as cursor:
            before = read_state(cursor, HOURS), read_state(cursor, MINUTES)
        assert 3 in migrate(old)
        with old.transaction() as cursor:
            assert (read_state(cursor, HOURS), read_state(cursor, MINUTES)) == before
            assert newest_klines(cursor, HOURS, 99) == make_klines("1h", 30)
            assert newest_klines(cursor, MINUTES, 99) == make_klines("1m", 50)
            cursor.execute("SELECT count(*) FROM mine")
            assert cursor.fetchone() == (30,)
            cursor.execute(
                "SELECT has_table_privilege('reader', 'btcusdt_1h', 'select')"
            )
            assert cursor.fetchone() == (True,)
            cursor.execute(
                "SELECT relname, n FROM (SELECT tableoid::regclass::text "
                "AS relname, count(*) AS n FROM klines GROUP BY 1) AS parts ORDER BY 1"
            )
            assert cursor.fetchall() == [("klines_1m", 50), ("klines_longer", 31)]
    finally:
        with old.transaction() as cursor:
            cursor.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_views_follow_the_new_table(old: Database) -> None:
    fill(old)
    try:
        migrate(old)
        with old.transaction() as cursor:
            store_klines(cursor, HOURS, make_klines("1h", 31)[30:])
            cursor.execute("SELECT count(*) FROM mine")
            assert cursor.fetchone() == (31,)
    finally:
        with old.transaction() as cursor:
            cursor.execute("DROP OWNED BY reader; DROP ROLE reader")


@pytest.mark.parametrize("table", ["klines", "klines_1m"])
def test_counts_are_kept_whichever_table_is_named(
    database: Database, table: str
) -> None:
    with database.transaction() as cursor:
        store_klines(cursor, HOURS, make_klines("1h", 3))
        store_klines(cursor, MINUTES, make_klines("1m", 5))

        def counts() -> list[int]:
            cursor.execute("SELECT row_count FROM series ORDER BY interval")
            return [count for (count,) in cursor.fetchall()]

        assert counts() == [3, 5]

        def change(statement: str) -> None:
            cursor.execute(sql.SQL(statement).format(table=sql.Identifier(table)))

        change("DELETE FROM {table} WHERE interval = '1m' AND number_of_trades < 2")
        assert counts() == [3, 3]
        change("UPDATE {table} SET symbol = 'X' WHERE interval = '1m'")
        cursor.execute("SELECT row_count FROM series WHERE symbol = 'X'")
        assert cursor.fetchone() == (3,)
        change("TRUNCATE {table}")
        cursor.execute("SELECT sum(row_count) FROM series")
        assert cursor.fetchone() == (0 if table == "klines" else 3,)
