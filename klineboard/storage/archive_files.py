"""The table ``archive_files``: which files of the archive were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql

from ..market.archive import ArchiveFile, Period, parse_period
from ..market.kline import COLUMNS, Kline
from ..market.series import Series
from .database import Cursor
from .series import to_moment, to_time

_TIMES = ("open_time", "close_time")


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file whose candles are stored.

    Attributes:
        file: Which.
        sha256: Its checksum when it was taken.
        is_due: Whether that was last compared with the archive's a day ago or longer.
    """

    file: ArchiveFile
    sha256: str
    is_due: bool


def read_taken(cursor: Cursor, series: Series) -> list[TakenFile]:
    """Return the files of a series that were taken, the longest unchecked first."""
    cursor.execute(
        "SELECT period, sha256, checked_at <= now() - interval '1 day' "
        "FROM archive_files WHERE symbol = %s AND interval = %s "
        "ORDER BY checked_at, period",
        series.key,
    )
    return [
        TakenFile(ArchiveFile(series, parse_period(period)), sha256, is_due)
        for period, sha256, is_due in cursor.fetchall()
    ]


def note_taken(
    cursor: Cursor, file: ArchiveFile, sha256: str, rows: int, differing: int = 0
) -> None:
    """Note that a file's candles are stored.

    Args:
        cursor: Of the transaction to do it in.
        file: Which.
        sha256: Its checksum.
        rows: How many candles it has.
        differing: Of how many REST says otherwise.
    """
    cursor.execute(
        "INSERT INTO archive_files (symbol, interval, period, sha256, rows, differing) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (symbol, interval, period) "
        "DO UPDATE SET sha256 = excluded.sha256, rows = excluded.rows, "
        "differing = excluded.differing, taken_at = now(), checked_at = now()",
        (*file.series.key, file.period.text, sha256, rows, differing),
    )


def note_checked(cursor: Cursor, series: Series, periods: Sequence[Period]) -> None:
    """Note that the archive was asked for the checksums of these periods just now."""
    cursor.execute(
        "UPDATE archive_files SET checked_at = now() "
        "WHERE symbol = %s AND interval = %s AND period = ANY(%s)",
        (*series.key, [period.text for period in periods]),
    )


def stored_within(cursor: Cursor, series: Series, start: int, end: int) -> list[Kline]:
    """Return the stored candles that open from start to end (ms), oldest first."""
    cursor.execute(
        sql.SQL(
            "SELECT {columns} FROM klines WHERE symbol = %s AND interval = %s "
            "AND open_time BETWEEN %s AND %s ORDER BY open_time"
        ).format(columns=sql.SQL(", ").join(map(_as_text, COLUMNS))),
        (*series.key, to_moment(start), to_moment(end)),
    )
    return [
        Kline._make((to_time(row[0]), *row[1:6], to_time(row[6]), *row[7:]))
        for row in cursor.fetchall()
    ]


def _as_text(column: str) -> sql.Composable:
    if column in (*_TIMES, "number_of_trades"):
        return sql.Identifier(column)
    return sql.SQL("{}::text").format(sql.Identifier(column))
