"""Reading candles for charts: as stored, or aggregated into a coarser interval."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from psycopg2 import sql

from ..market.interval import INTERVALS, Interval
from ..market.series import Series
from .database import Cursor, Database
from .series import to_moment, to_time

# A Monday, as Binance's weeks begin; every other grid counts from 1970-01-01.
_FIRST_MONDAY = dt.datetime(1970, 1, 5, tzinfo=dt.UTC)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
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

_NEWEST_FIRST = sql.SQL("""
SELECT {columns} FROM (
    SELECT * FROM klines WHERE symbol = %(symbol)s AND interval = %(interval)s
    AND open_time <= %(end)s ORDER BY open_time DESC LIMIT %(limit)s
) AS newest""").format(columns=sql.SQL(_JSON_LIST))
_FROM_START = sql.SQL("""
SELECT {columns} FROM (
    SELECT * FROM klines WHERE symbol = %(symbol)s AND interval = %(interval)s
    AND open_time >= %(start)s AND open_time <= %(end)s
    ORDER BY open_time LIMIT %(limit)s
) AS oldest""").format(columns=sql.SQL(_JSON_LIST))

_VERSIONS = "SELECT interval, version FROM series WHERE symbol = $1 AND row_count > 0"

_STORED = """
SELECT open_time, close_time, open_price::text, high_price::text, low_price::text,
    close_price::text, volume::text, quote_asset_volume::text,
    number_of_trades, taker_buy_base_asset_volume::text
FROM klines WHERE symbol = %(symbol)s AND interval = %(interval)s
    AND open_time >= %(start)s AND open_time < %(end)s
ORDER BY open_time"""

# The sums are NUMERIC and the prices are picked, so that the result is exact.
_AGGREGATED = sql.SQL("""
SELECT {bucket} AS bucket, max(close_time),
    ((array_agg(open_price ORDER BY open_time))[1])::text,
    max(high_price)::text, min(low_price)::text,
    ((array_agg(close_price ORDER BY open_time DESC))[1])::text,
    sum(volume)::text, sum(quote_asset_volume)::text,
    sum(number_of_trades)::bigint, sum(taker_buy_base_asset_volume)::text
FROM klines WHERE symbol = %(symbol)s AND interval = %(interval)s
    AND open_time >= %(start)s AND open_time < %(end)s
GROUP BY bucket ORDER BY bucket""")
_OF_MONTHS = _AGGREGATED.format(bucket=sql.SQL("date_trunc('month', open_time, 'UTC')"))
_OF_EQUAL_LENGTH = _AGGREGATED.format(
    bucket=sql.SQL("date_bin(%(length)s, open_time, %(origin)s)")
)


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
    cursor.execute(
        _NEWEST_FIRST if start is None else _FROM_START,
        {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "start": to_moment(start or 0),
            "end": _FOREVER if end is None else to_moment(end),
            "limit": limit,
        },
    )
    row = cursor.fetchone() or ()
    return {
        name: f"[{_without_no_numbers(text or '')}]"
        for name, text in zip(_JSON_COLUMNS, row, strict=True)
    }


def read_candles(
    cursor: Cursor, series: Series, shown: Interval, start: int, end: int
) -> Candles:
    """Return the candles that open from ``start`` to before ``end`` (ms).

    Args:
        cursor: Of the transaction to read in.
        series: The stored series.
        shown: The series' own interval, or a coarser one that it divides: then
            each bucket has the first open, the last close, the highest high, the
            lowest low and the sums. ``start`` must be the opening of a bucket.
        start: First open time.
        end: The first time not to be shown; a bucket that it cuts holds the part
            before, and closes where its last stored candle does.
    """
    values = {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "start": to_moment(start),
        "end": to_moment(end),
        "length": dt.timedelta(milliseconds=shown.milliseconds),
        "origin": _FIRST_MONDAY if shown.name == "1w" else _EPOCH,
    }
    if shown == series.interval:
        cursor.execute(_STORED, values)
    else:
        cursor.execute(_OF_MONTHS if shown.is_month else _OF_EQUAL_LENGTH, values)
    columns = [list(column) for column in zip(*cursor.fetchall(), strict=True)]
    if not columns:
        return Candles.empty()
    opens = [to_time(moment) for moment in columns[0]]
    closes = [to_time(moment) for moment in columns[1]]
    if shown != series.interval:
        # All buckets but the newest are over, also where an outage cut them short.
        closes[:-1] = [shown.add(opened) - 1 for opened in opens[:-1]]
    return Candles(opens, closes, *columns[2:])


def _without_no_numbers(text: str) -> str:
    if "N" not in text and "I" not in text:
        return text
    for word in _NO_NUMBERS:
        text = text.replace(word, "null")
    return text
