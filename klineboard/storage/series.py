"""What the database knows of each series: its name, its lock, its state, its holes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg2

from ..market.coverage import Hole, hole_between
from ..market.series import Series
from .database import Cursor, Database, translated_errors

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class SeriesState:
    """One row of ``series`` with the ends of what is stored; times in ms, UTC.

    Attributes:
        row_count: Stored candles.
        version: Grows with every change of the series' candles.
        first_open: Oldest stored open time, None where nothing is stored.
        last_opens: The newest two stored open times, rising; may be shorter.
        searched_from: Since when the exchange has been asked, None for never.
        searched_until: Until when it has been asked: all candles that closed before.
        csv_version: The version that the CSV file equalled, None for no file.
    """

    row_count: int = 0
    version: int = 0
    first_open: int | None = None
    last_opens: tuple[int, ...] = ()
    searched_from: int | None = None
    searched_until: int | None = None
    csv_version: int | None = None


@dataclass(frozen=True, slots=True)
class KnownGap:
    """One row of ``gaps``; times in ms, UTC."""

    hole: Hole
    state: str
    attempts: int
    checked_at: int | None


def to_moment(time: int) -> dt.datetime:
    """Return ms since 1970 UTC as PostgreSQL's driver wants them, exactly."""
    return _EPOCH + dt.timedelta(milliseconds=time)


def to_time(moment: dt.datetime) -> int:
    """Return a moment from PostgreSQL as whole ms since 1970 UTC."""
    return (moment - _EPOCH) // dt.timedelta(milliseconds=1)


def lock_number(series: Series) -> int:
    """Return the advisory lock of a series: 64 bits, signed, as PostgreSQL wants."""
    digest = hashlib.blake2b(str(series).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@contextmanager
def series_lock(database: Database, series: Series) -> Iterator[bool]:
    """Hold the lock of a series; gives False where another run holds it.

    The lock lives in PostgreSQL as long as its connection, so that a killed process,
    on this machine or another, never leaves one behind.
    """
    with translated_errors(database.place):
        connection = database.connect()
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_try_advisory_lock(%s)", (lock_number(series),)
                )
                row = cursor.fetchone()
            yield bool(row and row[0])
        finally:
            # The server notices a closed connection a moment later: a run that follows
            # at once would find the lock still held.
            with suppress(psycopg2.Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_all()")
            connection.close()


def is_collecting(cursor: Cursor, series: Series) -> bool:
    """Whether a run holds the lock of a series just now."""
    # PostgreSQL shows a 64-bit advisory lock as its two halves (objsubid 1).
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND objsubid = 1 AND (classid::bigint << 32) | objid::bigint = %s AND "
        "database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        (lock_number(series),),
    )
    row = cursor.fetchone()
    return bool(row and row[0])


def hold_gaps(cursor: Cursor, series: Series) -> None:
    """Let nobody else change the series' candles or gaps until the transaction ends.

    What is scanned and what is noted of it must be of one moment. Whoever changes
    candles holds the row of ``series`` from then on, too.
    """
    cursor.execute(
        "SELECT FROM series WHERE symbol = %s AND interval = %s FOR UPDATE", series.key
    )


def read_state(cursor: Cursor, series: Series) -> SeriesState:
    """Return what is stored of a series and for which span it was asked."""
    cursor.execute(
        "SELECT row_count, version, searched_from, searched_until, csv_version "
        "FROM series WHERE symbol = %s AND interval = %s",
        series.key,
    )
    row = cursor.fetchone()
    if row is None:
        return SeriesState()
    cursor.execute(
        "SELECT min(open_time) FROM klines WHERE symbol = %s AND interval = %s",
        series.key,
    )
    first = cursor.fetchone()
    cursor.execute(
        "SELECT open_time FROM klines WHERE symbol = %s AND interval = %s "
        "ORDER BY open_time DESC LIMIT 2",
        series.key,
    )
    last = sorted(to_time(opened) for (opened,) in cursor.fetchall())
    return SeriesState(
        row_count=row[0],
        version=row[1],
        first_open=to_time(first[0]) if first and first[0] else None,
        last_opens=tuple(last),
        searched_from=to_time(row[2]) if row[2] else None,
        searched_until=to_time(row[3]) if row[3] else None,
        csv_version=row[4],
    )


def widen_searched_span(cursor: Cursor, series: Series, start: int, end: int) -> None:
    """Remember that the exchange was asked for all that opens from start to end (ms).

    Spans apart from each other are joined: a stretch between them is a hole between
    stored candles, and stands in ``gaps``.
    """
    cursor.execute(
        "INSERT INTO series AS s (symbol, interval, searched_from, searched_until) "
        "VALUES (%s, %s, %s, %s) ON CONFLICT (symbol, interval) DO UPDATE SET "
        "searched_from = least(s.searched_from, excluded.searched_from), "
        "searched_until = greatest(s.searched_until, excluded.searched_until)",
        (*series.key, to_moment(start), to_moment(end)),
    )


def scan_holes(cursor: Cursor, series: Series, since: int | None = None) -> list[Hole]:
    """Look at the stored candles of a series and return the holes, oldest first.

    Args:
        cursor: Of a transaction.
        series: Whose.
        since: The open time (ms) to begin with; None for the oldest.
    """
    # One and a half lengths tell neighbours from holes, for months too; which of
    # these are holes is for the market's rules to say.
    threshold = dt.timedelta(milliseconds=series.interval.milliseconds * 1.5)
    cursor.execute(
        "SELECT previous, open_time FROM (SELECT open_time, lag(open_time) OVER "
        "(ORDER BY open_time) AS previous FROM klines "
        "WHERE symbol = %s AND interval = %s AND open_time >= %s) AS neighbours "
        "WHERE open_time - previous > %s ORDER BY open_time",
        (*series.key, to_moment(since or 0), threshold),
    )
    pairs = cursor.fetchall()
    holes = (hole_between(to_time(a), to_time(b), series.interval) for a, b in pairs)
    return [hole for hole in holes if hole is not None]


def read_gaps(
    cursor: Cursor, series: Series, since: int | None = None
) -> list[KnownGap]:
    """Return the rows of ``gaps`` of a series behind ``since`` (ms), oldest first."""
    cursor.execute(
        "SELECT start_time, end_time, state, attempts, checked_at FROM gaps "
        "WHERE symbol = %s AND interval = %s AND start_time >= %s ORDER BY start_time",
        (*series.key, to_moment(since or 0)),
    )
    return [
        KnownGap(
            Hole(to_time(start), to_time(end)),
            state,
            attempts,
            to_time(checked_at) if checked_at else None,
        )
        for start, end, state, attempts, checked_at in cursor.fetchall()
    ]


def sync_gaps(
    cursor: Cursor, series: Series, holes: Iterable[Hole], since: int | None = None
) -> list[KnownGap]:
    """Make ``gaps`` equal to the holes that a scan found, and return its rows.

    A hole that is known keeps its state; a new one, or one whose ends moved, begins
    as 'missing'; what is no hole any more is deleted. Call :func:`hold_gaps` before
    the scan: the relay and the collector may do it at the same time.

    Args:
        cursor: Of a transaction.
        series: Whose.
        holes: What the scan found.
        since: From which open time on it looked (ms); None for all.
    """
    found = set(holes)
    known = {gap.hole for gap in read_gaps(cursor, series, since)}
    for hole in known - found:
        cursor.execute(
            "DELETE FROM gaps WHERE symbol = %s AND interval = %s AND start_time = %s",
            (*series.key, to_moment(hole.start)),
        )
    for hole in found - known:
        cursor.execute(
            "INSERT INTO gaps (symbol, interval, start_time, end_time, state) "
            "VALUES (%s, %s, %s, %s, 'missing') ON CONFLICT DO NOTHING",
            (*series.key, to_moment(hole.start), to_moment(hole.end)),
        )
    return read_gaps(cursor, series, since)


def refresh_gaps(cursor: Cursor, series: Series) -> list[KnownGap]:
    """Bring ``gaps`` in line with what changed since this was last done.

    Returns:
        All rows of ``gaps`` of the series.
    """
    hold_gaps(cursor, series)
    cursor.execute(
        # From the candle before: a hole may lie right behind it.
        "SELECT coalesce((SELECT max(open_time) FROM klines k WHERE "
        "k.symbol = s.symbol AND k.interval = s.interval "
        "AND k.open_time < s.unscanned_from), "
        "greatest(s.unscanned_from, timestamptz 'epoch')) FROM series s "
        "WHERE symbol = %s AND interval = %s AND unscanned_from IS NOT NULL",
        series.key,
    )
    row = cursor.fetchone()
    if row is not None:
        since = to_time(row[0])
        sync_gaps(cursor, series, scan_holes(cursor, series, since), since)
        cursor.execute(
            "UPDATE series SET unscanned_from = NULL "
            "WHERE symbol = %s AND interval = %s",
            series.key,
        )
    return read_gaps(cursor, series)


def mark_gap(
    cursor: Cursor, series: Series, hole: Hole, state: str, checked_at: int
) -> None:
    """Note that a hole was asked for on its own at ``checked_at`` (exchange's ms).

    Args:
        cursor: Of the transaction to do it in.
        series: Whose hole it is.
        hole: A row of ``gaps``; nothing happens where it is none any more.
        state: 'exchange' where the exchange has none of it, else 'missing'.
        checked_at: By the exchange's clock.
    """
    cursor.execute(
        "UPDATE gaps SET state = %s, attempts = attempts + 1, checked_at = %s "
        "WHERE symbol = %s AND interval = %s AND start_time = %s AND end_time = %s",
        (
            state,
            to_moment(checked_at),
            *series.key,
            to_moment(hole.start),
            to_moment(hole.end),
        ),
    )
