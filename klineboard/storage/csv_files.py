"""CSV files: projections of the table, replaced whole and never torn.

A file is written beside its place, flushed to the disk, and moved over the old one in
one step, so that at each instant a reader finds either the old or the new content.
``series`` remembers the version of the table that the file equals, with the file's
size and time; where any of the three differs, the file is written again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from psycopg2 import sql

from ..errors import CsvNotWritable
from ..market.kline import COLUMNS
from .database import Cursor
from .series import Series, to_moment

_TIME_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def copy_statement(
    series: Series, *, start: int | None = None, end: int | None = None
) -> sql.Composable:
    """Return the COPY that writes a series as CSV rows, without a header, ascending.

    Args:
        series: What to write.
        start: First open time (ms), None for the oldest.
        end: Last open time (ms), None for the newest.
    """
    bounds = [
        sql.SQL("symbol = {}").format(sql.Literal(series.symbol)),
        sql.SQL("interval = {}").format(sql.Literal(series.interval.name)),
    ]
    if start is not None:
        bounds.append(sql.SQL("open_time >= {}").format(sql.Literal(to_moment(start))))
    if end is not None:
        bounds.append(sql.SQL("open_time <= {}").format(sql.Literal(to_moment(end))))
    return sql.SQL(
        "COPY (SELECT {columns} FROM klines WHERE {bounds} ORDER BY open_time) "
        "TO STDOUT (FORMAT csv)"
    ).format(
        columns=sql.SQL(", ").join(map(_column, COLUMNS)),
        bounds=sql.SQL(" AND ").join(bounds),
    )


def header() -> str:
    """Return the first line of every file."""
    return ",".join(COLUMNS) + "\n"


def bring_in_line(
    cursor: Cursor, folder: Path, series: Series, *, newest_stored: int | None = None
) -> bool:
    """Make a series' file equal to the table, if it is not.

    The transaction must see a table that nobody else changes: hold the series' lock.

    Args:
        cursor: Of a transaction.
        folder: Where the files lie; made when absent.
        series: Whose file.
        newest_stored: The newest open time (ms) that the file had when it last
            equalled the table, where all changes since then lie behind it: then only
            the new rows are read from the table. None reads all of them.

    Returns:
        Whether the file was written.

    Raises:
        CsvNotWritable: The disk is full, or the folder not ours. The old file stays,
            and the next run tries again.
    """
    cursor.execute(
        "SELECT version, csv_version, csv_bytes, csv_modified_ns FROM series "
        "WHERE symbol = %s AND interval = %s",
        series.key,
    )
    row = cursor.fetchone()
    if row is None:
        return False
    version, csv_version, *stamp = row
    path = folder / series.file_name
    untouched = _stamp(path) == tuple(stamp)
    if untouched and csv_version == version:
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            if untouched and newest_stored is not None:
                with path.open("rb") as old:
                    shutil.copyfileobj(old, file, 1 << 20)
                start = newest_stored + 1
            else:
                file.write(header().encode())
                start = None
            cursor.copy_expert(copy_statement(series, start=start), file)
        size, modified = _stamp(path) or (None, None)
    except OSError as error:
        raise CsvNotWritable(f"{path} could not be written: {error}") from error
    cursor.execute(
        "UPDATE series SET csv_version = %s, csv_bytes = %s, csv_modified_ns = %s "
        "WHERE symbol = %s AND interval = %s",
        (version, size, modified, *series.key),
    )
    return True


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write that takes the place of ``path`` when all went well."""
    # One name for all attempts: what a killed process left is overwritten.
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    # The new name itself must survive a power cut, too.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _column(name: str) -> sql.Composable:
    if name not in ("open_time", "close_time"):
        return sql.Identifier(name)
    return sql.SQL("to_char({} AT TIME ZONE 'UTC', {})").format(
        sql.Identifier(name), sql.Literal(_TIME_FORMAT)
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
