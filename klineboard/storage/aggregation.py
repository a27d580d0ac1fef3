"""Exact candles made of stored ones, as SQL: live, and of rollups made ahead of time.

Triggers mark each day whose candles change (migration 0004). An aggregate takes marked
days from the candles themselves and all others from the rollups, in one statement and
so of one moment: nobody ever sees a rollup that is out of date.
"""

from __future__ import annotations

import datetime as dt

from psycopg2 import sql

from ..market.interval import DAY, INTERVALS, Interval
from ..market.moment import LATEST
from ..market.series import Series
from .series import to_moment

_LENGTHS = [INTERVALS[name] for name in ("1m", "1h", "1d")]

# A Monday, as Binance's weeks begin; every other grid counts from 1970-01-01.
_FIRST_MONDAY = dt.datetime(1970, 1, 5, tzinfo=dt.UTC)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_SUMS = """
    max(high_price) AS high_price, min(low_price) AS low_price,
    sum(volume) AS volume, max(close_time) AS close_time,
    sum(quote_asset_volume) AS quote_asset_volume,
    sum(number_of_trades)::bigint AS number_of_trades,
    sum(taker_buy_base_asset_volume) AS taker_buy_base_asset_volume,
    sum(taker_buy_quote_asset_volume) AS taker_buy_quote_asset_volume"""

# The bucket hides behind OFFSET 0: by its own estimate PostgreSQL would expect as many
# buckets as candles, and sort them on disk instead of hashing (24 ms or 44 ms for a
# month of minutes). The first and the last candle are looked up by the primary key:
# array_agg(... ORDER BY) sorts once more (61 ms). The sums are NUMERIC and the prices
# are picked, so that the result is exact.
_PARTS = sql.SQL("""
SELECT part.*, opening.open_price, closing.close_price
FROM (
    SELECT bucket, min(open_time) AS first, max(open_time) AS last, {sums}
    FROM (SELECT {bucket} AS bucket, k.* FROM {rows} k OFFSET 0) AS candles
    GROUP BY bucket
) AS part
CROSS JOIN LATERAL (
    SELECT open_price FROM {table} WHERE {key} AND open_time = part.first OFFSET 0
) AS opening
CROSS JOIN LATERAL (
    SELECT close_price FROM {table} WHERE {key} AND open_time = part.last OFFSET 0
) AS closing""")
_ROWS_OF_SPANS = sql.SQL("""(
    SELECT candle.* FROM {spans} span CROSS JOIN LATERAL (
        SELECT * FROM {table} WHERE {key}
        AND open_time >= span.start AND open_time < span.until OFFSET 0) AS candle)""")

# All buckets but the newest are over, also where an outage cut them short.
_AGGREGATE = sql.SQL("""
WITH asked AS (
    SELECT {start} AS start, {bucket_of_end} + {length} AS until
), {parts}
SELECT bucket AS open_time, open_price, high_price, low_price, close_price, volume,
    CASE WHEN newest < bucket + {length} THEN close_time
        ELSE bucket + {length} - interval '1 ms' END AS close_time,
    quote_asset_volume, number_of_trades,
    taker_buy_base_asset_volume, taker_buy_quote_asset_volume
FROM whole, (SELECT max(open_time) AS newest FROM klines WHERE {key}) AS of_series""")
_LIVE = sql.SQL("whole AS ({live})")
_ROLLED_AND_LIVE = sql.SQL("""
stale AS (
    SELECT day FROM stale_days
    WHERE {key} AND day >= (SELECT day_of(start) FROM asked)
    AND day < (SELECT until FROM asked)
), live AS (
    SELECT greatest(day, asked.start) AS start,
        least(day + interval '1 day', asked.until) AS until
    FROM stale, asked
), parts AS (
    {live} UNION ALL {rolled}
), whole AS (
    SELECT bucket, {sums},
        (array_agg(open_price ORDER BY first))[1] AS open_price,
        (array_agg(close_price ORDER BY last DESC))[1] AS close_price
    FROM parts GROUP BY bucket
)""")
# One look into the index a bucket: holes may be long, and candles few. Bounds are
# scalar subqueries here and above: those of a join might be compared with each row.
_OPENINGS = sql.SQL("""
WITH RECURSIVE asked AS (
    SELECT {start} AS start, {last_bucket} + {length} AS until
), buckets AS (
    (SELECT {bucket} AS opening, 1 AS number FROM klines
     WHERE {key} AND open_time >= (SELECT start FROM asked)
     AND open_time < (SELECT until FROM asked)
     ORDER BY open_time {direction} LIMIT 1)
    UNION ALL
    SELECT next.bucket, number + 1 FROM buckets, LATERAL (
        SELECT {bucket} AS bucket FROM klines
        WHERE {key} AND open_time >= {further_start} AND open_time < {further_until}
        ORDER BY open_time {direction} LIMIT 1) AS next
    WHERE number < {most}
)
SELECT min(opening), max(opening) FROM buckets""")

_AS_THEY_ARE = sql.SQL("""
SELECT open_time AS bucket, open_time AS first, open_time AS last,
    high_price, low_price, volume, close_time, quote_asset_volume, number_of_trades,
    taker_buy_base_asset_volume, taker_buy_quote_asset_volume, open_price, close_price
FROM {rows} AS made""")
_FRESH = sql.SQL("""(
    SELECT * FROM rollups WHERE {key}
    AND open_time >= (SELECT start FROM asked)
    AND open_time < (SELECT until FROM asked)
    AND day_of(open_time) NOT IN (SELECT day FROM stale))""")


class Grain:
    """The rows of one table that are candles of one length of a series."""

    def __init__(self, series: Series, length: Interval | None = None) -> None:
        """Name the rollups of a length; None names the stored candles themselves."""
        self._series = series
        self._length = length

    @property
    def table(self) -> sql.Identifier:
        """The table that has the rows."""
        return sql.Identifier("klines" if self._length is None else "rollups")

    @property
    def key(self) -> sql.Composable:
        """The condition that a row is one of these."""
        values = {"symbol": self._series.symbol, "interval": self._series.interval.name}
        if self._length is not None:
            values["length"] = self._length.name
        return sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in values.items()
        )

    def parts(self, rows: sql.Composable, shown: Interval) -> sql.Composed:
        """Return a query of one row a bucket, with the times of its ends.

        Args:
            rows: A table expression of rows of these.
            shown: The interval of the buckets.
        """
        return _PARTS.format(
            sums=sql.SQL(_SUMS),
            bucket=bucket_of(shown, sql.Identifier("open_time")),
            rows=rows,
            table=self.table,
            key=self.key,
        )

    def within(self, spans: sql.Composable) -> sql.Composed:
        """Return a table expression of the rows that open in any of the spans.

        Args:
            spans: A table expression with ``start`` and ``until``, apart from each
                other.
        """
        return _ROWS_OF_SPANS.format(spans=spans, table=self.table, key=self.key)


def bucket_of(shown: Interval, time: sql.Composable) -> sql.Composable:
    """Return the SQL for the opening of the bucket that a time lies in."""
    if shown.is_month:
        return sql.SQL("date_trunc('month', {}, 'UTC')").format(time)
    return sql.SQL("date_bin({}, {}, {})").format(
        length_of(shown),
        time,
        sql.Literal(_FIRST_MONDAY if shown.name == "1w" else _EPOCH),
    )


def length_of(shown: Interval) -> sql.Composable:
    """Return an interval's length in SQL."""
    if shown.is_month:
        return sql.SQL("interval '1 month'")
    return sql.Literal(dt.timedelta(milliseconds=shown.milliseconds))


def rollup_lengths(interval: Interval) -> list[Interval]:
    """Return the lengths of the rollups that are kept of an interval, shortest first.

    Minutes are kept of seconds only: of longer candles, live ones are as quick.
    """
    if interval.milliseconds >= DAY:
        return []
    return [
        length
        for length in _LENGTHS
        if length.milliseconds > interval.milliseconds
        and length.milliseconds % interval.milliseconds == 0
    ]


def aggregate(series: Series, shown: Interval, start: int, end: int) -> sql.Composed:
    """Return a query of candles with the columns of ``klines``, in no order.

    Each bucket has the first open, the last close, the highest high, the lowest low
    and the sums. It closes on its grid; the newest one of the series, where its last
    candle does.

    Args:
        series: The stored series.
        shown: A coarser interval that it divides.
        start: Open time (ms) of the first bucket.
        end: No bucket opens here (ms) or later; those that open before are whole.
    """
    stored = Grain(series)
    length = _rollup_for(series.interval, shown)
    if length is None:
        live = stored.parts(stored.within(sql.SQL("asked")), shown)
        parts = _LIVE.format(live=live)
    else:
        rollups = Grain(series, length)
        fresh = _FRESH.format(key=rollups.key)
        as_they_are = _AS_THEY_ARE.format(rows=fresh)
        parts = _ROLLED_AND_LIVE.format(
            key=stored.key,
            sums=sql.SQL(_SUMS),
            live=stored.parts(stored.within(sql.SQL("live")), shown),
            rolled=as_they_are if length == shown else rollups.parts(fresh, shown),
        )
    return _AGGREGATE.format(
        start=sql.Literal(to_moment(start)),
        bucket_of_end=bucket_of(shown, sql.Literal(to_moment(end - 1))),
        length=length_of(shown),
        parts=parts,
        key=stored.key,
    )


def span_of_buckets(
    series: Series, shown: Interval, start: int | None, end: int | None, most: int
) -> sql.Composed:
    """Return a query of the opening times of the first and the last bucket to show.

    Only buckets with candles count; both are null where there are none.

    Args:
        series: The stored series.
        shown: A coarser interval that it divides.
        start: The first open time (ms); None for the newest buckets up to ``end``.
        end: The last open time (ms); None for the newest.
        most: How many buckets, from ``start`` on or else up to ``end``.
    """
    opening, length = sql.Identifier("opening"), length_of(shown)
    begin: sql.Composable = sql.SQL("timestamptz '-infinity'")
    if start is not None:
        before = sql.Literal(to_moment(start - 1))
        begin = sql.SQL("{} + {}").format(bucket_of(shown, before), length)
    last = sql.Literal(to_moment(LATEST if end is None else end))
    forward = [
        sql.SQL("{} + {}").format(opening, length),
        sql.SQL("(SELECT until FROM asked)"),
    ]
    backward = [sql.SQL("(SELECT start FROM asked)"), opening]
    further = backward if start is None else forward
    return _OPENINGS.format(
        start=begin,
        last_bucket=bucket_of(shown, last),
        length=length,
        bucket=bucket_of(shown, sql.Identifier("open_time")),
        key=Grain(series).key,
        direction=sql.SQL("DESC" if start is None else "ASC"),
        further_start=further[0],
        further_until=further[1],
        most=sql.Literal(most),
    )


def _rollup_for(interval: Interval, shown: Interval) -> Interval | None:
    """Return the longest rollups that whole buckets can be made of, if any."""
    of_days = shown.is_month or shown.milliseconds % DAY == 0
    fitting = [
        length
        for length in rollup_lengths(interval)
        if of_days or shown.milliseconds % length.milliseconds == 0
    ]
    return fitting[-1] if fitting else None
