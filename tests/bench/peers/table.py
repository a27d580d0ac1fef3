"""What all peers share: the order, a table like ``klines``, and the usual insert."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from klineboard.market.kline import COLUMNS

SYMBOL, INTERVAL, MINUTE, PAGE_ROWS = "BTCUSDT", "1m", 60_000, 1_000

_CREATE = """
CREATE TABLE peer_klines (
    symbol text, interval text, open_time timestamptz,
    open_price numeric, high_price numeric, low_price numeric, close_price numeric,
    volume numeric, close_time timestamptz, quote_asset_volume numeric,
    number_of_trades integer, taker_buy_base_asset_volume numeric,
    taker_buy_quote_asset_volume numeric,
    PRIMARY KEY (symbol, interval, open_time)
)
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What to download: minutes that open from ``start`` to ``end`` (ms)."""

    url: str
    start: int
    end: int


class Table:
    """The table that a peer fills."""

    def __init__(self, connection: Any) -> None:
        """Make it."""
        self.connection = connection
        self.cursor = connection.cursor()
        self.cursor.execute(_CREATE)
        connection.commit()

    def insert_page(self, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows of the first columns as most programs do, and commit.

        ``execute_values`` sends 100 rows a statement unless told otherwise; a page at
        once is quicker.
        """
        execute_values(
            self.cursor,
            _insert(len(rows[0]), "%s"),
            [_values(row) for row in rows],
            page_size=PAGE_ROWS,
        )
        self.connection.commit()

    def insert_row(self, row: Sequence[Any]) -> None:
        """Insert one row by a statement of its own, without a commit."""
        values = _values(row)
        marks = ", ".join(["%s"] * len(values))
        self.cursor.execute(_insert(len(row), f"({marks})"), values)


def _insert(columns: int, values: str) -> str:
    names = ", ".join(("symbol", "interval", *COLUMNS[:columns]))
    return (
        f"INSERT INTO peer_klines ({names}) VALUES {values} "  # noqa: S608
        "ON CONFLICT (symbol, interval, open_time) DO NOTHING"
    )


def _values(row: Sequence[Any]) -> tuple[Any, ...]:
    values = list(row)
    for column in (0, 6):
        if column < len(values):
            values[column] = _moment(values[column])
    return (SYMBOL, INTERVAL, *values)


def _moment(time_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC)


def pages_of(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """Gather single rows to pages."""
    page: list[Any] = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE_ROWS:
            yield page
            page = []
    if page:
        yield page


@contextmanager
def _table() -> Iterator[Table]:
    connection = psycopg2.connect(os.environ["BENCH_DSN"])
    try:
        yield Table(connection)
    finally:
        connection.close()


def run(download: Callable[[Order, Table], None]) -> None:
    """Download what the environment orders, and print rows and seconds as JSON.

    The seconds leave out what Python needs to start and to import.
    """
    order = Order(
        os.environ["BENCH_URL"],
        int(os.environ["BENCH_START"]),
        int(os.environ["BENCH_END"]),
    )
    with _table() as table:
        began = time.perf_counter()
        download(order, table)
        seconds = time.perf_counter() - began
        table.cursor.execute("SELECT count(*) FROM peer_klines")
        (rows,) = table.cursor.fetchone()
    sys.stdout.write(json.dumps({"rows": rows, "seconds": seconds}) + "\n")
