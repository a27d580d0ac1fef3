"""Making rollups of the days whose candles have changed."""

from __future__ import annotations

import datetime as dt

from psycopg2 import sql

from ..market.interval import DAY, INTERVALS
from ..market.series import Series
from .aggregation import Grain, rollup_lengths
from .database import Cursor

# So many candles are read in 50 ms; as long, who stores candles of the series waits.
_CANDLES_AT_ONCE = 50_000

# The newest day still grows, and is read live as quickly. Days before 1970 or without
# end are a hand's, and stay marked.
_PENDING = """
SELECT symbol, interval FROM (
    SELECT symbol, interval, min(day) AS oldest FROM stale_days
    WHERE day >= timestamptz '1970-01-01 00:00+00' GROUP BY symbol, interval
) AS marked WHERE oldest < (
    SELECT coalesce(day_of(max(k.open_time)), timestamptz '9999-01-01 00:00+00')
    FROM klines k WHERE k.symbol = marked.symbol AND k.interval = marked.interval
) ORDER BY symbol, interval"""
_STALE = """
SELECT day FROM stale_days
WHERE symbol = %(symbol)s AND interval = %(interval)s
AND day >= timestamptz '1970-01-01 00:00+00' AND day < (
    SELECT coalesce(day_of(max(open_time)), timestamptz '9999-01-01 00:00+00')
    FROM klines WHERE symbol = %(symbol)s AND interval = %(interval)s
) ORDER BY day LIMIT %(most)s"""
# Whoever changes candles holds the row of the series from its trigger on, and marks
# the day after that: who holds the row sees each change whose mark is there to delete.
_HOLD = (
    "SELECT FROM series WHERE symbol = %(symbol)s AND interval = %(interval)s "
    "FOR UPDATE SKIP LOCKED"
)
_UNMARK = (
    "DELETE FROM stale_days WHERE symbol = %(symbol)s AND interval = %(interval)s "
    "AND day = ANY(%(days)s)"
)
_FORGET = (
    "DELETE FROM rollups WHERE symbol = %(symbol)s AND interval = %(interval)s "
    "AND length = ANY(%(lengths)s) AND open_time >= %(first)s "
    "AND open_time < %(last)s + interval '1 day' AND day_of(open_time) = ANY(%(days)s)"
)
_MAKE = sql.SQL("""
INSERT INTO rollups
SELECT {symbol}, {interval}, {length}, bucket, open_price, high_price, low_price,
    close_price, volume, close_time, quote_asset_volume, number_of_trades,
    taker_buy_base_asset_volume, taker_buy_quote_asset_volume
FROM ({parts}) AS made""")
_DAYS = sql.SQL(
    "(SELECT day AS start, day + interval '1 day' AS until FROM unnest({days}) AS day)"
)


def pending(cursor: Cursor) -> list[Series]:
    """Return the series that have days to refresh."""
    cursor.execute(_PENDING)
    return [
        Series(symbol, INTERVALS[name])
        for symbol, name in cursor.fetchall()
        if name in INTERVALS
    ]


def refresh(cursor: Cursor, series: Series) -> int:
    """Make the rollups of the oldest stale days of a series, and unmark these days.

    Nothing waits: where somebody stores candles of the series just now, nothing
    happens. Who wants to store some meanwhile waits until the transaction ends, which
    should be at once.

    Args:
        cursor: Of a transaction of its own, on the default isolation level.
        series: Whose.

    Returns:
        How many days it were; 0 where there are none, or somebody else is at it.
    """
    names = {"symbol": series.symbol, "interval": series.interval.name}
    most = max(1, _CANDLES_AT_ONCE * series.interval.milliseconds // DAY)
    # Before the row is held: TRUNCATE holds the table and then wants the row.
    cursor.execute(_STALE, {**names, "most": most})
    days = [day for (day,) in cursor.fetchall()]
    if not days:
        return 0
    cursor.execute(_HOLD, names)
    if not cursor.rowcount:
        return 0
    cursor.execute(_UNMARK, {**names, "days": days})
    _make(cursor, series, days)
    return len(days)


def _make(cursor: Cursor, series: Series, days: list[dt.datetime]) -> None:
    lengths = rollup_lengths(series.interval)
    cursor.execute(
        _FORGET,
        {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "lengths": [length.name for length in lengths],
            "first": days[0],
            "last": days[-1],
            "days": days,
        },
    )
    finer = Grain(series)
    for length in lengths:
        rows = finer.within(_DAYS.format(days=sql.Literal(days)))
        cursor.execute(
            _MAKE.format(
                symbol=sql.Literal(series.symbol),
                interval=sql.Literal(series.interval.name),
                length=sql.Literal(length.name),
                parts=finer.parts(rows, length),
            )
        )
        finer = Grain(series, length)
