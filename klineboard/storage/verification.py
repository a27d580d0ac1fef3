"""What a verification reads of ``klines``, and the one thing that it writes itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg2 import sql

from ..market.interval import INTERVALS
from ..market.kline import COLUMNS, Kline
from ..market.series import Series
from .database import Cursor
from .series import to_moment, to_time

# What dates can say on either side, so that one statement serves every span.
_FIRST, _LAST = 0, 253_402_300_799_999


def _shown(column: str) -> sql.Composable:
    if column in ("open_time", "close_time"):
        # A number is read several times as quickly as a moment.
        return sql.SQL("(extract(epoch FROM {}) * 1000)::bigint").format(
            sql.Identifier(column)
        )
    if column == "number_of_trades":
        return sql.Identifier(column)
    return sql.SQL("{}::text").format(sql.Identifier(column))


_COLUMNS = sql.SQL(", ").join(map(_shown, COLUMNS))

_READ = sql.SQL(
    "SELECT {columns} FROM klines WHERE symbol = %s AND interval = %s "
    "AND open_time BETWEEN %s AND %s ORDER BY open_time LIMIT %s"
).format(columns=_COLUMNS)

_READ_AT = sql.SQL(
    "SELECT {columns} FROM klines WHERE symbol = %s AND interval = %s "
    "AND open_time = ANY(%s) ORDER BY open_time"
).format(columns=_COLUMNS)

# Both parts see the row as it was before.
_RESPELL = sql.SQL(
    "WITH k AS (SELECT * FROM klines WHERE symbol = %(symbol)s "
    "AND interval = %(interval)s AND open_time = %(open_time)s), "
    "n AS (UPDATE klines SET {assignments} WHERE symbol = %(symbol)s "
    "AND interval = %(interval)s AND open_time = %(open_time)s RETURNING *) "
    "INSERT INTO corrections (symbol, interval, open_time, stored, replacement) "
    "SELECT k.symbol, k.interval, k.open_time, to_jsonb(k), to_jsonb(n) FROM k, n"
).format(
    assignments=sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name in COLUMNS[1:]
    )
)


class Extent(NamedTuple):
    """What is stored of a span: candles, first and last open time (ms)."""

    candles: int
    first: int | None
    last: int | None


def stored_series(cursor: Cursor) -> list[Series]:
    """Return every series of which candles are stored."""
    cursor.execute("SELECT symbol, interval FROM series WHERE row_count > 0")
    return [Series(symbol, INTERVALS[name]) for symbol, name in cursor.fetchall()]


def read_extent(
    cursor: Cursor, series: Series, start: int | None, end: int | None
) -> Extent:
    """Count what is stored from start to end (open times, ms; None for no bound)."""
    cursor.execute(
        "SELECT count(*), min(open_time), max(open_time) FROM klines "
        "WHERE symbol = %s AND interval = %s AND open_time BETWEEN %s AND %s",
        (*series.key, *_bounds(start, end)),
    )
    candles, first, last = cursor.fetchall()[0]
    if not candles:
        return Extent(0, None, None)
    return Extent(candles, to_time(first), to_time(last))


def read_klines(
    cursor: Cursor, series: Series, start: int, end: int, limit: int
) -> list[Kline]:
    """Return the oldest candles that open from start to end (ms), rising."""
    cursor.execute(_READ, (*series.key, *_bounds(start, end), limit))
    return list(map(Kline._make, cursor.fetchall()))


def read_at(cursor: Cursor, series: Series, opens: Sequence[int]) -> list[Kline]:
    """Return the candles that open at these times (ms), rising."""
    cursor.execute(_READ_AT, (*series.key, list(map(to_moment, opens))))
    return list(map(Kline._make, cursor.fetchall()))


def draw_opens(
    cursor: Cursor, series: Series, start: int | None, end: int | None, count: int
) -> list[int]:
    """Return the open times (ms, rising) of candles drawn at random from a span.

    Each one is as likely as any other. Fewer where the span has fewer.
    """
    cursor.execute(
        "SELECT open_time FROM (SELECT open_time FROM klines "
        "WHERE symbol = %s AND interval = %s AND open_time BETWEEN %s AND %s "
        "ORDER BY random() LIMIT %s) AS drawn ORDER BY open_time",
        (*series.key, *_bounds(start, end), count),
    )
    return [to_time(opened) for (opened,) in cursor.fetchall()]


def respell(cursor: Cursor, series: Series, kline: Kline) -> None:
    """Give a stored candle the exchange's digits, and record what it was.

    For one whose values are right: 7 and 7.00 are equal to PostgreSQL, so that to
    store it again changes nothing.
    """
    values: dict[str, Any] = dict(zip(COLUMNS, kline, strict=True))
    values["open_time"] = to_moment(kline.open_time)
    values["close_time"] = to_moment(kline.close_time)
    symbol, interval = series.key
    cursor.execute(_RESPELL, {**values, "symbol": symbol, "interval": interval})


def _bounds(start: int | None, end: int | None) -> tuple[object, object]:
    first = _FIRST if start is None else start
    last = _LAST if end is None else end
    return to_moment(first), to_moment(last)
