"""A series as a file: CSV, Parquet or JSON lines, in blocks, with constant memory.

One COPY reads one state of the table, and waits while the reader is slow: the pipe
between them holds 64 kB. A reader who goes away ends the COPY.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO, NamedTuple

import psycopg2
from psycopg2 import sql

from ..market.series import Series
from .csv_files import header
from .database import Cursor, Database
from .rows import bounds, copy_csv, copy_json_lines

CONTENT_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/jsonl",
}
"""The formats, by the suffix of their files, and what HTTP calls them."""

_BLOCK_BYTES = 1 << 16


class Extract(NamedTuple):
    """What to take of a series.

    Attributes:
        series: Which.
        start: First open time (ms), None for the oldest.
        end: Last open time (ms), None for the newest.
    """

    series: Series
    start: int | None = None
    end: int | None = None


def stream(
    database: Database,
    extract: Extract,
    suffix: str,
    on_rows: Callable[[int], object] = lambda count: None,
) -> Generator[bytes]:
    """Yield the bytes of a file, oldest candle first.

    What can be refused is refused before the first block.

    Args:
        database: Where to read; the connection is one of its pool.
        extract: What to read.
        suffix: One of :data:`CONTENT_TYPES`.
        on_rows: Told now and then how many more rows were read.

    Raises:
        NotExportable: A value does not fit the format.
        StorageError: While reading; what was yielded so far is not the whole.
    """
    with (
        _one_state(database) as cursor,
        closing(_FORMATS[suffix](cursor, extract, on_rows)) as blocks,
    ):
        yield from blocks


def count_rows(cursor: Cursor, extract: Extract) -> int:
    """Return how many candles an extract has."""
    cursor.execute(
        sql.SQL("SELECT count(*) FROM klines WHERE {}").format(bounds(*extract))
    )
    row = cursor.fetchone()
    return row[0] if row else 0


@contextmanager
def _one_state(database: Database) -> Iterator[Cursor]:
    with database.transaction() as cursor:
        # What is looked at before the rows, and the rows, are of one moment.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # A slow reader is no slow statement.
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield cursor


def _csv(
    cursor: Cursor, extract: Extract, on_rows: Callable[[int], object]
) -> Generator[bytes]:
    with closing(_piped(cursor, copy_csv, extract, on_rows)) as blocks:
        yield header().encode() + next(blocks, b"")
        yield from blocks


def _json_lines(
    cursor: Cursor, extract: Extract, on_rows: Callable[[int], object]
) -> Generator[bytes]:
    return _piped(cursor, copy_json_lines, extract, on_rows)


def _parquet(
    cursor: Cursor, extract: Extract, on_rows: Callable[[int], object]
) -> Generator[bytes]:
    # pyarrow takes 40 MB and 0.2 s: only who wants Parquet pays for them.
    from .parquet import fitting_schema, to_parquet

    schema = fitting_schema(cursor, *extract)
    with closing(_piped(cursor, copy_csv, extract, on_rows)) as blocks:
        yield from to_parquet(schema, blocks)


_FORMATS = {"csv": _csv, "parquet": _parquet, "jsonl": _json_lines}


def _piped(
    cursor: Cursor,
    copy: Callable[..., None],
    extract: Extract,
    on_rows: Callable[[int], object],
) -> Generator[bytes]:
    """Yield what a COPY writes; it goes on in a thread while a block is in use."""
    read_end, write_end = os.pipe()
    errors: list[psycopg2.Error | OSError] = []

    def write() -> None:
        try:
            with open(write_end, "wb") as pipe:
                _copy(cursor, copy, extract, pipe)
        except (psycopg2.Error, OSError) as error:
            errors.append(error)

    writer = threading.Thread(target=write, name="export", daemon=True)
    writer.start()
    try:
        with open(read_end, "rb", buffering=0) as pipe:
            while block := pipe.read(_BLOCK_BYTES):
                on_rows(block.count(b"\n"))
                yield block
    except BaseException:
        # The pipe's reading end is closed: a writer that still writes fails at once.
        # One that waits for the first row yet is told by way of the server.
        with suppress(psycopg2.Error):
            cursor.connection.cancel()
        raise
    finally:
        with suppress(RuntimeError):
            writer.join()
    if errors:
        raise errors[0]


def _copy(
    cursor: Cursor, copy: Callable[..., None], extract: Extract, pipe: IO[bytes]
) -> None:
    series, start, end = extract
    try:
        copy(cursor, series, pipe, start=start, end=end)
    except OSError:
        # The reader is gone. Without this, the server would send the rest before it
        # takes the roll-back.
        cursor.connection.cancel()
        raise
