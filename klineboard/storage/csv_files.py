"""CSV files: projections of the table.

A file is written beside its place, flushed to the disk, and moved over the old one in
one step, so that at each instant a reader finds either the old or the new content. A
few lines at the end (a candle closed) are appended in one write instead: to copy half
a gigabyte each minute would wear disks out. ``series`` remembers the version of the
table that the file equals, with the file's size and time; where any of the three
differs, the file is written again.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from ..errors import CsvNotWritable
from ..market.kline import COLUMNS
from ..market.series import Series
from .database import Cursor
from .rows import copy_csv
from .series import to_time

_APPENDED_BYTES = 1 << 16


def header() -> str:
    """Return the first line of every file."""
    return ",".join(COLUMNS) + "\n"


def bring_in_line(cursor: Cursor, folder: Path, series: Series) -> bool:
    """Make a series' file equal to the table, if it is not.

    The row of ``series`` is locked until the transaction ends: nobody changes the
    candles meanwhile, and no second writer is at the same file. Where all changes lie
    behind the last candle of the file, only those are read from the table.

    Args:
        cursor: Of a transaction.
        folder: Where the files lie; made when absent.
        series: Whose file.

    Returns:
        Whether the file was written.

    Raises:
        CsvNotWritable: The disk is full, or the folder not ours. The old file stays,
            and the next run tries again.
    """
    cursor.execute(
        "SELECT version, csv_version, csv_until < changed_from, csv_until, "
        "csv_bytes, csv_modified_ns FROM series "
        "WHERE symbol = %s AND interval = %s FOR UPDATE",
        series.key,
    )
    row = cursor.fetchone()
    if row is None:
        return False
    version, csv_version, only_added_behind, csv_until, *stamp = row
    path = folder / series.file_name
    untouched = _stamp(path) == tuple(stamp)
    if untouched and csv_version == version:
        return False
    keep_until = to_time(csv_until) if untouched and only_added_behind else None
    try:
        _write(cursor, path, series, keep_until)
        size, modified = _stamp(path) or (None, None)
    except OSError as error:
        raise CsvNotWritable(f"{path} could not be written: {error}") from error
    cursor.execute(
        "UPDATE series SET csv_version = %s, csv_bytes = %s, csv_modified_ns = %s, "
        "changed_from = NULL, csv_until = (SELECT max(open_time) FROM klines k "
        "WHERE k.symbol = series.symbol AND k.interval = series.interval) "
        "WHERE symbol = %s AND interval = %s",
        (version, size, modified, *series.key),
    )
    return True


def _write(cursor: Cursor, path: Path, series: Series, keep_until: int | None) -> None:
    """Write a file anew, or the old one and what lies behind ``keep_until`` (ms)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if keep_until is None:
        with replacing(path) as file:
            file.write(header().encode())
            copy_csv(cursor, series, file)
        return
    with SpooledTemporaryFile(_APPENDED_BYTES, dir=str(path.parent)) as added:
        copy_csv(cursor, series, added, start=keep_until + 1)
        size = added.tell()
        added.seek(0)
        if size <= _APPENDED_BYTES:
            _append(path, added.read())
            return
        with replacing(path) as file, path.open("rb") as old:
            shutil.copyfileobj(old, file, 1 << 20)
            shutil.copyfileobj(added, file, 1 << 20)


def _append(path: Path, lines: bytes) -> None:
    """Add lines in one write; take them back where the disk has no room for all."""
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            if file.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


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


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
