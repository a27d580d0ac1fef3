"""Candles for tests that need any, and recorded ones for tests that need true ones."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from psycopg2 import sql

from klineboard.market.interval import INTERVALS
from klineboard.market.kline import COLUMNS, Kline, to_milliseconds
from klineboard.market.series import Series
from klineboard.storage.csv_files import header
from klineboard.storage.database import Cursor, Database
from klineboard.storage.klines import store_klines

START = 1_704_067_200_000
"""2024-01-01T00:00:00Z, a Monday."""

Store = Callable[..., Series]


def make_klines(interval: str, count: int, start: int = START) -> list[Kline]:
    """Return candles whose numbers tell their place: the first opens at 100.10."""
    step = INTERVALS[interval]
    return [
        Kline(
            open_time=step.add(start, n),
            open_price=f"{100 + n}.10000000",
            high_price=f"{100 + n}.90000000",
            low_price=f"{100 + n}.00000000",
            close_price=f"{100 + n}.50000000",
            volume=f"{n}.12345678",
            close_time=step.add(start, n + 1) - 1,
            quote_asset_volume=f"{n * 100}.10000001",
            number_of_trades=n,
            taker_buy_base_asset_volume=f"{n}.00000001",
            taker_buy_quote_asset_volume=f"{n}.20000000",
        )
        for n in range(count)
    ]


def store_into(database: Database) -> Store:
    """Return a function that stores candles, made up ones unless some are given."""

    def store(
        symbol: str = "BTCUSDT",
        interval: str = "1h",
        count: int = 24,
        start: int = START,
        klines: Sequence[Kline] | None = None,
    ) -> Series:
        series = Series(symbol, INTERVALS[interval])
        rows = make_klines(interval, count, start) if klines is None else klines
        with database.transaction() as cursor:
            store_klines(cursor, series, rows)
        return series

    return store


def csv_of_table(cursor: Cursor, series: Series) -> bytes:
    """Return what the CSV file must be, as PostgreSQL itself formats each value."""
    time = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
    columns = [time.format(n) if n.endswith("_time") else n for n in COLUMNS]
    rows = sql.SQL(
        "COPY (SELECT {} FROM klines WHERE symbol = {} AND interval = {} "
        "ORDER BY open_time) TO STDOUT (FORMAT csv)"
    ).format(sql.SQL(", ".join(columns)), *map(sql.Literal, series.key))
    expected = io.BytesIO(header().encode())
    expected.seek(0, io.SEEK_END)
    cursor.copy_expert(rows, expected)
    return expected.getvalue()


def read_recorded(path: Path) -> list[Kline]:
    """Return the candles of a recorded file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [_kline(row) for row in csv.reader(file)]


def _kline(row: Sequence[str]) -> Kline:
    return Kline(
        to_milliseconds(int(row[0])),
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        to_milliseconds(int(row[6])),
        row[7],
        int(row[8]),
        row[9],
        row[10],
    )


def between(klines: Iterable[Kline], start: int, end: int) -> list[Kline]:
    """Return the candles that open from start to before end (ms)."""
    return [kline for kline in klines if start <= kline.open_time < end]
