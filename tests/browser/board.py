"""A served dashboard over a real database, for the browser to look at."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg2
from psycopg2 import sql
from werkzeug.serving import make_server

from klineboard.settings import Settings
from klineboard.storage.database import Database, migrate
from klineboard.web import create_app

NOW = dt.datetime(2024, 3, 1, 12, 10, tzinfo=dt.UTC)
"""The time at the server; it stands still."""

FIRST = NOW.replace(hour=0, minute=0) - dt.timedelta(days=90)
STEPS = {
    "1m": dt.timedelta(minutes=1),
    "1h": dt.timedelta(hours=1),
    "4h": dt.timedelta(hours=4),
}
OUTAGE = (
    dt.datetime(2024, 2, 20, 1, tzinfo=dt.UTC),
    dt.datetime(2024, 2, 20, 13, tzinfo=dt.UTC),
)
"""Twelve hours that the exchange never had."""

MISSING = (
    dt.datetime(2024, 2, 25, 6, tzinfo=dt.UTC),
    dt.datetime(2024, 2, 26, 0, tzinfo=dt.UTC),
)
"""Eighteen hours that are still to be fetched."""

# A wave of prices: a pure function of the time, so that each run draws the same.
_FILL = """
INSERT INTO klines
SELECT %(symbol)s, %(interval)s, t, o, greatest(o, c) * 1.004, least(o, c) * 0.996, c,
    round((100 + 60 * sin(s / 5000))::numeric, 5), t + %(step)s - interval '1 ms',
    round(o * 100, 2), 1000, 40, round(o * 40, 2)
FROM (
    SELECT t, s,
        round((%(price)s * (1 + 0.08 * sin(s / 500000) + 0.01 * sin(s / 9000)))
            ::numeric, 2) AS o,
        round((%(price)s * (1 + 0.08 * sin((s + %(seconds)s) / 500000)
            + 0.01 * sin((s + %(seconds)s) / 9000)))::numeric, 2) AS c
    FROM (
        SELECT t, extract(epoch FROM t)::double precision AS s
        FROM generate_series(%(first)s, %(last)s, %(step)s) AS t
    ) AS times
) AS prices
"""

_COINS = (
    ("bitcoin", "btc", "Bitcoin", 1_281e9, 1.84),
    ("ethereum", "eth", "Ethereum", 410e9, -0.7),
    ("tether", "usdt", "Tether", 139e9, 0.0),
    ("solana", "sol", "Solana", 88e9, 4.2),
)


class Board:
    """What a test needs of the served page: its address and its database."""

    def __init__(self, url: str, database: Database, settings: Settings) -> None:
        """Keep them; :func:`serve` makes them."""
        self.url = url
        self.database = database
        self._settings = settings

    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        """Run one statement in the dashboard's database."""
        with self.database.transaction() as cursor:
            cursor.execute(statement, values)

    def add_candle(self, open_time: dt.datetime, symbol: str = "BTCUSDT") -> None:
        """Store one more candle of an hour."""
        fill(self.database, symbol, "1h", open_time, open_time)

    @contextmanager
    def database_away(self) -> Iterator[None]:
        """Let the database refuse everybody, and throw out who is in."""
        name = self._settings.postgres_db
        self._allow_connections(False)
        _on_server(
            self._settings,
            sql.SQL(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = {}"
            ).format(sql.Literal(name)),
        )
        try:
            yield
        finally:
            self._allow_connections(True)

    def _allow_connections(self, allowed: bool) -> None:
        name = sql.Identifier(self._settings.postgres_db)
        statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        _on_server(self._settings, statement.format(name, sql.Literal(allowed)))


def create_database(settings: Settings) -> None:
    """Make the database that the settings name, on the server that they name."""
    name = sql.Identifier(settings.postgres_db)
    _on_server(settings, sql.SQL("CREATE DATABASE {}").format(name))
    database = Database(settings)
    migrate(database)
    database.close()


def _on_server(settings: Settings, statement: sql.Composable) -> None:
    connection = psycopg2.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        dbname="postgres",
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@contextmanager
def serve(settings: Settings) -> Iterator[Board]:
    """Serve the real application on a free port of loopback."""
    database = Database(settings)
    app = create_app(
        settings,
        now=lambda: int(NOW.timestamp() * 1000),
        refresh=lambda _database, _settings: None,
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # The short interval lets it end at once.
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Board(f"http://127.0.0.1:{server.server_port}", database, settings)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        database.close()


def fill_market(database: Database) -> None:
    """Store two symbols with all their intervals, two holes, and market values."""
    for symbol, price in (("BTCUSDT", 60_000), ("ETHUSDT", 3_000)):
        fill(database, symbol, "1h", FIRST, NOW - dt.timedelta(hours=1), price)
        fill(database, symbol, "4h", FIRST, NOW - dt.timedelta(hours=4), price)
        fill(database, symbol, "1d", FIRST, NOW - dt.timedelta(days=1), price)
    add_hole(database, OUTAGE, "exchange")
    add_hole(database, MISSING, "missing")
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE series SET searched_from = %s, searched_until = %s", (FIRST, NOW)
        )
        cursor.execute("INSERT INTO origin (name) VALUES ('binance')")
        cursor.execute(
            "INSERT INTO symbols (symbol, status, base_asset, quote_asset, tick_size) "
            "VALUES ('BTCUSDT', 'TRADING', 'BTC', 'USDT', 0.01), "
            "('ETHUSDT', 'TRADING', 'ETH', 'USDT', 0.01)"
        )
    add_market_caps(database)


def fill(
    database: Database,
    symbol: str,
    interval: str,
    first: dt.datetime,
    last: dt.datetime,
    price: float = 60_000,
) -> None:
    """Store the candles that open from ``first`` to ``last``."""
    step = STEPS.get(interval, dt.timedelta(days=1))
    values = {
        "symbol": symbol,
        "interval": interval,
        "first": first,
        "last": last,
        "step": step,
        "seconds": step.total_seconds(),
        "price": price,
    }
    with database.transaction() as cursor:
        cursor.execute(_FILL, values)


def add_hole(
    database: Database, hole: tuple[dt.datetime, dt.datetime], state: str
) -> None:
    """Take candles of BTCUSDT 1h away, and record the hole."""
    start, end = hole
    with database.transaction() as cursor:
        cursor.execute(
            "DELETE FROM klines WHERE symbol = 'BTCUSDT' AND interval = '1h' "
            "AND open_time >= %s AND open_time < %s",
            (start, end),
        )
        cursor.execute(
            "INSERT INTO gaps (symbol, interval, start_time, end_time, state, "
            "attempts, checked_at) VALUES ('BTCUSDT', '1h', %s, %s, %s, 1, %s)",
            (start, end, state, NOW),
        )


def add_market_caps(database: Database) -> None:
    """Store market values that are nine minutes old."""
    fetched_at = NOW - dt.timedelta(minutes=9)
    with database.transaction() as cursor:
        for rank, (coin_id, symbol, name, value, change) in enumerate(_COINS, 1):
            cursor.execute(
                "INSERT INTO market_caps VALUES (%s, %s, %s, %s, %s, 1, %s, %s)",
                (fetched_at, rank, coin_id, symbol, name, value, change),
            )
