"""Streaming a series as CSV, in the format of the files, with constant memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from psycopg2 import sql

from ..errors import StorageError
from ..market.series import Series
from .csv_files import copy_statement, header
from .database import Cursor, Database

_CHUNK_BYTES = 1 << 16


def stream_csv(
    database: Database, series: Series, start: int | None, end: int | None
) -> Iterator[bytes]:
    """Yield the header and the rows of a series as CSV, oldest first.

    One COPY reads one state of the table, and waits while the reader is slow: the
    pipe between them holds 64 kB. A reader who goes away ends the COPY.

    Args:
        database: Where to read; the connection is one of its pool.
        series: What to read.
        start: First open time (ms), None for the oldest.
        end: Last open time (ms), None for the newest.

    Raises:
        StorageError: While reading; what was yielded so far is not the whole.
    """
    yield header().encode()
    read_end, write_end = os.pipe()
    errors: list[StorageError | OSError] = []

    def copy() -> None:
        try:
            with (
                open(write_end, "wb", buffering=_CHUNK_BYTES) as pipe,
                database.transaction() as cursor,
            ):
                _copy(cursor, copy_statement(series, start=start, end=end), pipe)
        except (StorageError, OSError) as error:
            errors.append(error)

    writer = threading.Thread(target=copy, name="export", daemon=True)
    writer.start()
    try:
        with open(read_end, "rb", buffering=0) as pipe:
            while chunk := pipe.read(_CHUNK_BYTES):
                yield chunk
    finally:
        # The pipe's reading end is closed: a writer that still writes fails at once.
        with suppress(RuntimeError):
            writer.join()
    if errors:
        raise errors[0]


def _copy(cursor: Cursor, statement: sql.Composable, pipe: IO[bytes]) -> None:
    # A slow reader is no slow statement.
    cursor.execute("SET LOCAL statement_timeout = 0")
    try:
        cursor.copy_expert(statement, pipe)
    except OSError:
        # The reader is gone. Without this, the server would send the rest before it
        # takes the roll-back.
        cursor.connection.cancel()
        raise
