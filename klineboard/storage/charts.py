"""Reading candles for charts: as stored, or aggregated into a coarser interval."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from psycopg2 import sql

from ..market.interval import INTERVALS, Interval
from ..market.series import Extent, Series
from .aggregation import aggregate, span_of_buckets
from .database import Cursor, Database
from .series import to_moment, to_time

_FOREVER = dt.datetime.max.replace(tzinfo=dt.UTC)

# The digits leave PostgreSQL as the text of the JSON array: no float in between.
# The names are those of the public API. Neighbours in this order resemble each other
# (a candle opens where the last one closed), which makes the gzip 4% smaller.
_JSON_COLUMNS = {
    "open_time": "floor(extract(epoch FROM open_time) * 1000)::bigint::text",
    "close_time": "floor(extract(epoch FROM close_time) * 1000)::bigint::text",
    "open": "open_price::text",
    "close": "close_price::text",
    "high": "high_price::text",
    "low": "low_price::text",
    "volume": "volume::text",
    "taker_buy_base_asset_volume": "taker_buy_base_asset_volume::text",
    "quote_asset_volume": "quote_asset_volume::text",
    "taker_buy_quote_asset_volume": "taker_buy_quote_asset_volume::text",
    "number_of_trades": "number_of_trades::text",
}
_JSON_LIST = ", ".join(
    f"string_agg({expression}, ',' ORDER BY open_time)"
    for expression in _JSON_COLUMNS.values()
)
# NUMERIC knows values that JSON does not; only a hand could have inserted them.
_NO_NUMBERS = ("-Infinity", "Infinity", "NaN")

_JSON = sql.SQL("SELECT {columns} FROM ({candles}) AS found")
_NEWEST_FIRST = sql.SQL("""
    SELECT * FROM klines WHERE symbol = %(symbol)s AND interval = %(interval)s
    AND open_time <= %(end)s ORDER BY open_time DESC LIMIT %(limit)s""")
_FROM_START = sql.SQL("""
    SELECT * FROM klines WHERE symbol = %(symbol)s AND interval = %(interval)s
    AND open_time >= %(start)s AND open_time <= %(end)s
    ORDER BY open_time LIMIT %(limit)s""")
_EXTENTS = """
SELECT s.interval, oldest.open_time, newest.close_time FROM series s
CROSS JOIN LATERAL (
    SELECT k.open_time FROM klines k
    WHERE k.symbol = s.symbol AND k.interval = s.interval
    ORDER BY k.open_time LIMIT 1) AS oldest
CROSS JOIN LATERAL (
    SELECT k.close_time FROM klines k
    WHERE k.symbol = s.symbol AND k.interval = s.interval
    ORDER BY k.open_time DESC LIMIT 1) AS newest
WHERE s.symbol = %s"""

_VERSIONS = "SELECT interval, version FROM series WHERE symbol = $1 AND row_count > 0"

_STORED = sql.SQL(
    "SELECT * FROM klines WHERE symbol = {symbol} AND interval = {interval} "
    "AND open_time >= {start} AND open_time < {end}"
)
# The newest ones, should there be more than anybody wants to see.
_CANDLES = sql.SQL("""
SELECT open_time, close_time, open_price::text, high_price::text, low_price::text,
    close_price::text, volume::text, quote_asset_volume::text,
    number_of_trades, taker_buy_base_asset_volume::text
FROM (
    SELECT * FROM ({candles}) AS found ORDER BY open_time DESC LIMIT {most}
) AS newest ORDER BY open_time""")


class Candles(NamedTuple):
    """Candles by column, oldest first: times in ms UTC, decimals with all digits."""

    open_time: list[int]
    close_time: list[int]
    open: list[str]
    high: list[str]
    low: list[str]
    close: list[str]
    volume: list[str]
    quote_asset_volume: list[str]
    number_of_trades: list[int]
    taker_buy_base_asset_volume: list[str]

    @classmethod
    def empty(cls) -> Candles:
        """Return no candles."""
        return cls([], [], [], [], [], [], [], [], [], [])


def stored_symbols(cursor: Cursor) -> list[str]:
    """Return the symbols of which candles are stored, in alphabetical order."""
    cursor.execute(
        "SELECT DISTINCT symbol FROM series WHERE row_count > 0 ORDER BY symbol"
    )
    return [symbol for (symbol,) in cursor.fetchall()]


def stored_series(cursor: Cursor) -> list[Series]:
    """Return all series of which candles are stored, by symbol and length."""
    cursor.execute("SELECT symbol, interval FROM series WHERE row_count > 0")
    found = [
        Series(symbol, INTERVALS[name])
        for symbol, name in cursor.fetchall()
        if name in INTERVALS
    ]
    return sorted(found, key=lambda s: (s.symbol, s.interval.milliseconds))


def stored_versions(cursor: Cursor, symbol: str) -> dict[str, int]:
    """Return the version of each stored series of a symbol by its interval's name.

    A version grows with every change of the series' candles, so that an answer made
    at one is current as long as it stands. The shortest interval comes first.
    """
    if "\0" in symbol:
        return {}  # PostgreSQL's text cannot hold it.
    cursor.execute(
        "SELECT interval, version FROM series WHERE symbol = %s AND row_count > 0",
        (symbol,),
    )
    versions = dict(cursor.fetchall())
    return {name: versions[name] for name in INTERVALS if name in versions}


def stored_extents(cursor: Cursor, symbol: str) -> list[Extent]:
    """Return how far each stored series of a symbol reaches, the shortest first."""
    cursor.execute(_EXTENTS, (symbol,))
    found = [
        Extent(INTERVALS[name], to_time(opened), to_time(closed) + 1)
        for name, opened, closed in cursor.fetchall()
        if name in INTERVALS
    ]
    return sorted(found, key=lambda extent: extent.interval.milliseconds)


def look_up_versions(database: Database, symbol: str) -> dict[str, int]:
    """Return the same as :func:`stored_versions`, in one round trip, in any order.

    It sees all that was committed when it is called.
    """
    if "\0" in symbol:
        return {}
    return dict(database.ask(_VERSIONS, symbol))


def read_json_columns(
    cursor: Cursor, series: Series, start: int | None, end: int | None, limit: int
) -> dict[str, str]:
    """Return stored candles as the texts of JSON arrays, oldest first.

    Args:
        cursor: Of the transaction to read in.
        series: Which candles.
        start: First open time (ms); None for the newest ``limit`` up to ``end``.
        end: Last open time (ms); None for the newest.
        limit: Most candles to return, counted from ``start`` or else from ``end``.
    """
    values = {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "start": to_moment(start or 0),
        "end": _FOREVER if end is None else to_moment(end),
        "limit": limit,
    }
    return _json_columns(
        cursor, _NEWEST_FIRST if start is None else _FROM_START, values
    )


def read_json_aggregates(
    cursor: Cursor,
    series: Series,
    shown: Interval,
    start: int | None,
    end: int | None,
    limit: int,
) -> dict[str, str]:
    """Return what :func:`read_json_columns` does, for candles made of stored ones.

    Args:
        cursor: Of the transaction to read in.
        series: The stored series.
        shown: A coarser interval that it divides.
        start: As there, of the candles that are made.
        end: As there.
        limit: As there; buckets without stored candles do not count.
    """
    cursor.execute(span_of_buckets(series, shown, start, end, limit))
    first, last = cursor.fetchone() or (None, None)
    if first is None:
        return dict.fromkeys(_JSON_COLUMNS, "[]")
    return _json_columns(
        cursor, aggregate(series, shown, to_time(first), to_time(last) + 1)
    )


def _json_columns(
    cursor: Cursor, candles: sql.Composable, values: dict[str, Any] | None = None
) -> dict[str, str]:
    columns = sql.SQL(_JSON_LIST)
    cursor.execute(_JSON.format(columns=columns, candles=candles), values)
    row = cursor.fetchone() or ()
    return {
        name: f"[{_without_no_numbers(text or '')}]"
        for name, text in zip(_JSON_COLUMNS, row, strict=True)
    }


def has_more_than(
    cursor: Cursor, series: Series, start: int, end: int, most: int
) -> bool:
    """Return whether more than ``most`` candles open from start to before end (ms)."""
    cursor.execute(
        "SELECT FROM klines WHERE symbol = %s AND interval = %s "
        "AND open_time >= %s AND open_time < %s LIMIT 1 OFFSET %s",
        (*series.key, to_moment(start), to_moment(end), most),
    )
    return cursor.rowcount > 0


def read_candles(
    cursor: Cursor,
    series: Series,
    shown: Interval,
    start: int,
    end: int,
    most: int | None = None,
) -> Candles:
    """Return the candles that open from ``start`` to before ``end`` (ms).

    Args:
        cursor: Of the transaction to read in.
        series: The stored series.
        shown: The series' own interval, or a coarser one that it divides: then
            each bucket has the first open, the last close, the highest high, the
            lowest low and the sums. ``start`` must be the opening of a bucket.
        start: First open time.
        end: The first open time not to be shown; a bucket that opens before is whole.
            It closes on its grid; the newest one where its last stored candle does.
        most: Of more candles than this only the newest are returned.
    """
    if shown == series.interval:
        candles = _STORED.format(
            symbol=sql.Literal(series.symbol),
            interval=sql.Literal(series.interval.name),
            start=sql.Literal(to_moment(start)),
            end=sql.Literal(to_moment(end)),
        )
    else:
        candles = aggregate(series, shown, start, end)
    cursor.execute(_CANDLES.format(candles=candles, most=sql.Literal(most)))
    columns = [list(column) for column in zip(*cursor.fetchall(), strict=True)]
    if not columns:
        return Candles.empty()
    opens = [to_time(moment) for moment in columns[0]]
    closes = [to_time(moment) for moment in columns[1]]
    return Candles(opens, closes, *columns[2:])


def _without_no_numbers(text: str) -> str:
    if "N" not in text and "I" not in text:
        return text
    for word in _NO_NUMBERS:
        text = text.replace(word, "null")
    return text
