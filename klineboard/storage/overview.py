"""What the page tells of each series: its ends, price, coverage and last run."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..market.coverage import Hole
from ..market.interval import INTERVALS
from ..market.series import Series
from .database import Cursor, run_prepared
from .series import KnownGap, lock_number, to_time

_FACTS = """
SELECT s.symbol, s.interval, s.row_count, s.version, s.searched_from,
    s.searched_until, oldest.open_time, newest.open_time, newest.close_time,
    newest.close_price::text, earlier.close_price::text, earlier.close_time,
    coalesce(min_scale(y.tick_size), digits.most),
    y.status, y.base_asset, y.quote_asset,
    run.started_at, run.finished_at, run.status, run.error, run.rows_stored
FROM series s
LEFT JOIN symbols y ON y.symbol = s.symbol
LEFT JOIN LATERAL (
    SELECT k.open_time FROM klines k
    WHERE k.symbol = s.symbol AND k.interval = s.interval
    ORDER BY k.open_time LIMIT 1) oldest ON true
LEFT JOIN LATERAL (
    SELECT k.open_time, k.close_time, k.close_price FROM klines k
    WHERE k.symbol = s.symbol AND k.interval = s.interval
    ORDER BY k.open_time DESC LIMIT 1) newest ON true
LEFT JOIN LATERAL (
    -- A candle opens before it closes (a cut one of 2020-12-21 closes earlier, which
    -- is no matter here), so that the index finds the place.
    SELECT k.close_time, k.close_price FROM klines k
    WHERE k.symbol = s.symbol AND k.interval = s.interval
    AND k.open_time <= newest.close_time - interval '24 hours'
    AND k.close_time <= newest.close_time - interval '24 hours'
    ORDER BY k.open_time DESC LIMIT 1) earlier ON true
LEFT JOIN LATERAL (
    SELECT max(min_scale(c.close_price)) AS most FROM (
        SELECT k.close_price FROM klines k
        WHERE k.symbol = s.symbol AND k.interval = s.interval
        AND y.tick_size IS NULL ORDER BY k.open_time DESC LIMIT 100) c
    ) digits ON true
LEFT JOIN LATERAL (
    -- A skipped run only says that another one was at work.
    SELECT r.* FROM collection_runs r
    WHERE r.symbol = s.symbol AND r.interval = s.interval AND r.status <> 'skipped'
    ORDER BY r.id DESC LIMIT 1) run ON true"""
# Two queries: one for both would be planned anew each time.
_FACTS_OF_SYMBOL = f"{_FACTS} WHERE s.symbol = $1"

_SPARKS = """
SELECT s.symbol, s.interval, array(
    SELECT k.close_price::float8 FROM klines k
    WHERE k.symbol = s.symbol AND k.interval = s.interval
    ORDER BY k.open_time DESC LIMIT $1)
FROM series s"""

_SAME_CLOCK_MS = 10_000

# PostgreSQL shows a 64-bit advisory lock as its two halves (objsubid 1).
_LOCKS = """
SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Run(NamedTuple):
    """The last run of the collector for a series; times in ms, UTC."""

    started_at: int
    finished_at: int
    status: str
    error: str | None
    rows_stored: int


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """All that is known of a series; times in ms UTC, None where there is nothing.

    Attributes:
        series: Symbol and interval.
        rows: Stored candles.
        version: Grows with every change of them.
        searched_from: Since when the exchange has been asked.
        searched_until: Until when it has been asked.
        first_open: Open time of the oldest stored candle.
        last_open: Open time of the newest one.
        last_close: Close time of the newest one.
        last_price: Its close, with the stored digits.
        earlier_price: The close at, or last before, 24 hours before ``last_close``.
        earlier_close: When that was.
        price_digits: Digits after the point that prices need.
        status: Binance's word, for example ``TRADING``.
        base_asset: ``BTC`` of ``BTCUSDT``.
        quote_asset: ``USDT`` of ``BTCUSDT``.
        last_run: The newest run that did something.
        gaps: Known holes between stored candles, oldest first.
        collecting: A collector holds the lock of this series now.
    """

    series: Series
    rows: int = 0
    version: int = 0
    searched_from: int | None = None
    searched_until: int | None = None
    first_open: int | None = None
    last_open: int | None = None
    last_close: int | None = None
    last_price: str | None = None
    earlier_price: str | None = None
    earlier_close: int | None = None
    price_digits: int | None = None
    status: str | None = None
    base_asset: str | None = None
    quote_asset: str | None = None
    last_run: Run | None = None
    gaps: tuple[KnownGap, ...] = ()
    collecting: bool = False


class Contact(NamedTuple):
    """How the exchange was last reached; times in ms by its clock, UTC.

    ``clock_ahead`` is the exchange's clock minus ours, 0 where they agree to within
    some seconds: answering takes a moment, too.
    """

    reached_at: int | None
    failed_at: int | None
    error: str | None
    clock_ahead: int = 0


def read_facts(
    cursor: Cursor, expected: Iterable[Series] = (), symbol: str | None = None
) -> list[SeriesFacts]:
    """Return the facts of every series, or of those of one symbol.

    Args:
        cursor: Of the transaction to read in.
        expected: Series that come first, in this order, and are there even if the
            database has nothing of them.
        symbol: Only series of this symbol.

    The others follow in alphabetical order, the shortest interval first. A series of
    an interval that is none of Binance's is left out.
    """
    if symbol is not None and "\0" in symbol:
        return []  # PostgreSQL's text cannot hold it.
    if symbol is None:
        run_prepared(cursor, _FACTS)
    else:
        run_prepared(cursor, _FACTS_OF_SYMBOL, symbol)
    rows = {
        Series(row[0], INTERVALS[row[1]]): row
        for row in cursor.fetchall()
        if row[1] in INTERVALS
    }
    wanted = [s for s in expected if symbol is None or s.symbol == symbol]
    others = rows.keys() - set(wanted)
    wanted += sorted(others, key=lambda s: (s.symbol, s.interval.milliseconds))
    gaps = _read_gaps(cursor, symbol)
    locks = _read_locks(cursor)
    return [
        _facts(one, rows.get(one), gaps[one.key], lock_number(one) in locks)
        for one in dict.fromkeys(wanted)
    ]


def _facts(
    series: Series, row: tuple[Any, ...] | None, gaps: list[KnownGap], collecting: bool
) -> SeriesFacts:
    if row is None:
        return SeriesFacts(series, collecting=collecting)
    return SeriesFacts(
        series,
        rows=row[2],
        version=row[3],
        searched_from=_time(row[4]),
        searched_until=_time(row[5]),
        first_open=_time(row[6]),
        last_open=_time(row[7]),
        last_close=_time(row[8]),
        last_price=row[9],
        earlier_price=row[10],
        earlier_close=_time(row[11]),
        price_digits=row[12],
        status=row[13],
        base_asset=row[14],
        quote_asset=row[15],
        last_run=_run(row[16:21]),
        gaps=tuple(gaps),
        collecting=collecting,
    )


def read_sparks(cursor: Cursor, count: int) -> dict[tuple[str, str], list[float]]:
    """Return the newest ``count`` closes of each series, newest last, for drawing."""
    run_prepared(cursor, _SPARKS, count)
    return {
        # A row that somebody wrote by hand may hold NaN, which JSON does not know.
        (row[0], row[1]): [close for close in row[2][::-1] if math.isfinite(close)]
        for row in cursor.fetchall()
    }


def read_contact(cursor: Cursor) -> Contact:
    """Return how the exchange was last reached, or failed to be."""
    cursor.execute(
        "SELECT reached_at, failed_at, error, clock_ahead_ms FROM exchange_contact "
        "ORDER BY greatest(reached_at, failed_at) DESC NULLS LAST LIMIT 1"
    )
    row = cursor.fetchone()
    if row is None:
        return Contact(None, None, None)
    ahead = row[3] if abs(row[3]) > _SAME_CLOCK_MS else 0
    reached, failed = (time and time + ahead for time in map(_time, row[:2]))
    return Contact(reached, failed, row[2], ahead)


def read_origin(cursor: Cursor) -> str | None:
    """Return the name of the exchange that the candles came from."""
    cursor.execute("SELECT name FROM origin")
    row = cursor.fetchone()
    return row[0] if row else None


def _read_gaps(
    cursor: Cursor, symbol: str | None
) -> defaultdict[tuple[str, str], list[KnownGap]]:
    cursor.execute(
        "SELECT symbol, interval, start_time, end_time, state, attempts, checked_at "
        "FROM gaps WHERE %(symbol)s IS NULL OR symbol = %(symbol)s "
        "ORDER BY start_time",
        {"symbol": symbol},
    )
    gaps: defaultdict[tuple[str, str], list[KnownGap]] = defaultdict(list)
    for name, interval, start, end, state, attempts, checked_at in cursor.fetchall():
        hole = Hole(to_time(start), to_time(end))
        gaps[name, interval].append(KnownGap(hole, state, attempts, _time(checked_at)))
    return gaps


def _read_locks(cursor: Cursor) -> set[int]:
    cursor.execute(_LOCKS)
    return {row[0] for row in cursor.fetchall()}


def _run(row: tuple[Any, ...]) -> Run | None:
    if row[0] is None:
        return None
    return Run(to_time(row[0]), to_time(row[1]), row[2], row[3], row[4])


def _time(moment: dt.datetime | None) -> int | None:
    return None if moment is None else to_time(moment)
