"""Designs of the table ``klines``, measured with five symbols' minutes of eight years.

``python -m tests.bench.storage_designs [--rows N]``: each design is filled with the
same rows in the same order (the symbols take turns, a month each, as collectors that
run side by side leave them), then asked the same questions. The server is the embedded
one with its default settings.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor as Cursor

from klineboard.storage import embedded

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT")
_ROWS = 4_400_000
_MONTH = 43_200
_BEGIN = "2018-01-01T00:00:00Z"

_COLUMNS = """
    symbol text NOT NULL, interval text NOT NULL, open_time timestamptz NOT NULL,
    open_price numeric NOT NULL, high_price numeric NOT NULL,
    low_price numeric NOT NULL, close_price numeric NOT NULL, volume numeric NOT NULL,
    close_time timestamptz NOT NULL, quote_asset_volume numeric NOT NULL,
    number_of_trades integer NOT NULL, taker_buy_base_asset_volume numeric NOT NULL,
    taker_buy_quote_asset_volume numeric NOT NULL"""
_KEY = "PRIMARY KEY (symbol, interval, open_time)"
_YEARS = range(2017, 2028)

ONE_TABLE = f"CREATE TABLE klines ({_COLUMNS}, {_KEY});"
BY_INTERVAL = f"""
CREATE TABLE klines ({_COLUMNS}, {_KEY}) PARTITION BY LIST (interval);
CREATE TABLE klines_1m PARTITION OF klines FOR VALUES IN ('1m');
CREATE TABLE klines_longer PARTITION OF klines DEFAULT;"""
BY_INTERVAL_AND_YEAR = f"""
CREATE TABLE klines ({_COLUMNS}, {_KEY}) PARTITION BY LIST (interval);
CREATE TABLE klines_1m PARTITION OF klines FOR VALUES IN ('1m')
    PARTITION BY RANGE (open_time);
CREATE TABLE klines_longer PARTITION OF klines DEFAULT;""" + "".join(
    f"CREATE TABLE klines_1m_{year} PARTITION OF klines_1m "
    f"FOR VALUES FROM ('{year}-01-01Z') TO ('{year + 1}-01-01Z');"
    for year in _YEARS
)
BY_SYMBOL = f"""
CREATE TABLE klines ({_COLUMNS}, {_KEY}) PARTITION BY LIST (symbol);""" + "".join(
    f"CREATE TABLE klines_{symbol} PARTITION OF klines FOR VALUES IN ('{symbol}');"
    for symbol in SYMBOLS
)
# BRIN cannot enforce a key: it stands beside it, for ranges of time.
WITH_BRIN = (
    ONE_TABLE + "CREATE INDEX klines_brin ON klines USING brin (symbol, open_time);"
)
COVERING = ONE_TABLE.replace(_KEY, f"{_KEY} INCLUDE (close_price)")

DESIGNS = {
    "one table": ONE_TABLE,
    "by interval": BY_INTERVAL,
    "by interval and year": BY_INTERVAL_AND_YEAR,
    "by symbol": BY_SYMBOL,
    "one table, BRIN besides": WITH_BRIN,
    "one table, key covers close": COVERING,
}

_FILL = """
INSERT INTO klines
SELECT %(symbol)s, '1m', opened, price, price + 12.34000000, price - 11.98000000,
    price + 3.21000000, 12.34567000 + n %% 97, opened + interval '59.999 s',
    350000.12345678 + n %% 9973, 800 + n %% 700, 6.17283500 + n %% 89,
    175000.06172839 + n %% 997
FROM (SELECT n, timestamptz '2018-01-01Z' + n * interval '1 minute' AS opened,
        (30000 + n %% 40009)::numeric(20, 8) AS price
    FROM generate_series(%(first)s, %(last)s) n) AS made"""

_NEWEST = """
SELECT * FROM klines WHERE symbol = %s AND interval = '1m'
ORDER BY open_time DESC LIMIT 1000"""
_HOURS = """
SELECT date_bin('1 hour', open_time, 'epoch') AS hour, max(high_price), min(low_price),
    sum(volume), sum(quote_asset_volume), sum(number_of_trades), min(open_time),
    max(open_time)
FROM klines WHERE symbol = %s AND interval = '1m'
    AND open_time >= %s::timestamptz AND open_time < %s::timestamptz
GROUP BY hour"""
_CLOSES = """
SELECT close_price FROM klines WHERE symbol = %s AND interval = '1m'
ORDER BY open_time DESC LIMIT 1000"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one design needed: seconds, bytes, and medians of milliseconds."""

    filled_rows_per_second: float
    heap: int
    indexes: int
    newest: float
    newest_slowest: float
    month: float
    closes: float
    planning: float


def measure(cursor: Cursor, design: str, rows: int) -> Figures:
    """Fill a design and ask it.

    Args:
        cursor: Of a connection that commits by itself.
        design: The statements that make the table.
        rows: How many of each symbol.
    """
    cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    cursor.execute(design)
    began = time.perf_counter()
    for first in range(0, rows, _MONTH):
        last = min(first + _MONTH, rows) - 1
        for symbol in SYMBOLS:
            cursor.execute(_FILL, {"symbol": symbol, "first": first, "last": last})
    seconds = time.perf_counter() - began
    cursor.execute("VACUUM ANALYZE klines")
    cursor.execute("CHECKPOINT")
    cursor.execute(
        "SELECT sum(pg_relation_size(relid)), sum(pg_indexes_size(relid)) "
        "FROM pg_partition_tree('klines')"
        if "PARTITION" in design
        else "SELECT pg_relation_size('klines'), pg_indexes_size('klines')"
    )
    heap, indexes = cursor.fetchone() or (0, 0)
    newest = [_timed(cursor, _NEWEST, (s,)) for s in SYMBOLS for _ in range(9)]
    months = [
        _timed(
            cursor, _HOURS, (symbol, f"2018-{month:02}-01Z", f"2018-{month + 1:02}-01Z")
        )
        for symbol in SYMBOLS
        for month in (3, 5)
        for _ in range(3)
    ]
    closes = [_timed(cursor, _CLOSES, (s,)) for s in SYMBOLS for _ in range(9)]
    planning = [_planned(cursor, _NEWEST, (s,)) for s in SYMBOLS for _ in range(9)]
    return Figures(
        rows * len(SYMBOLS) / seconds,
        int(heap),
        int(indexes),
        statistics.median(newest),
        max(newest),
        statistics.median(months),
        statistics.median(closes),
        statistics.median(planning),
    )


def _timed(cursor: Cursor, statement: str, values: Sequence[object]) -> float:
    """Return the server's milliseconds, with those for writing the result as text."""
    cursor.execute(
        "EXPLAIN (ANALYZE, SERIALIZE TEXT, TIMING OFF, FORMAT JSON) " + statement,
        values,
    )
    row = cursor.fetchone()
    assert row is not None
    return float(row[0][0]["Execution Time"])


def _planned(cursor: Cursor, statement: str, values: Sequence[object]) -> float:
    """Return the milliseconds of making a plan."""
    cursor.execute("EXPLAIN (SUMMARY, FORMAT JSON) " + statement, values)
    row = cursor.fetchone()
    assert row is not None
    return float(row[0][0]["Planning Time"])


def table(found: dict[str, Figures]) -> str:
    """Return the figures as a table of Markdown."""
    lines = [
        "| design | rows/s filled | table | indexes | newest 1,000: median, slowest "
        "| 1m of a month to 1h | newest 1,000 closes | planning |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        lines.append(
            f"| {name} | {one.filled_rows_per_second:,.0f} | {one.heap / 1e6:,.0f} MB "
            f"| {one.indexes / 1e6:,.0f} MB | {one.newest:.1f}, "
            f"{one.newest_slowest:.1f} ms | {one.month:.0f} ms | {one.closes:.1f} ms "
            f"| {one.planning:.2f} ms |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every design in a server of its own, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.storage_designs")
    parser.add_argument("--rows", type=int, default=_ROWS, help="of each symbol")
    parser.add_argument("--only", action="append", choices=list(DESIGNS))
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="klineboard-designs-"))
    try:
        target = embedded.start(home / "postgres")
        connection = psycopg2.connect(**target, dbname="postgres")
        connection.autocommit = True
        found = {}
        with connection.cursor() as cursor:
            for name in options.only or DESIGNS:
                found[name] = measure(cursor, DESIGNS[name], options.rows)
                sys.stdout.write(f"{name}: {found[name]}\n")
                sys.stdout.flush()
        connection.close()
        sys.stdout.write(table(found))
    finally:
        embedded.leave(home / "postgres")
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
