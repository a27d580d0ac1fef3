"""The rows of a series as text: one COPY, as quick as PostgreSQL writes numbers.

PostgreSQL's own way to write a time as ``2023-05-28T17:00:00.000Z`` is ``to_char``,
which takes as long for the two times as all else for the nine numbers. Its plain output
is quick, but leaves zeros at the end away. So each time is asked for one microsecond
later, as ``2023-05-28 17:00:00.000001+00``, and what is too much is cut out of whole
blocks of rows. Measured: a million rows cost the server 1.8 s instead of 3.2 s, and the
reader 0.5 s more, beside it on another core.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING

from psycopg2 import sql

from ..market.kline import COLUMNS
from ..market.series import Series
from .database import Cursor
from .series import to_moment

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TIMES = ("open_time", "close_time")

# Larger ones are slower: malloc takes them from the kernel and gives them back.
_BLOCK_BYTES = 1 << 16
_MICROSECOND = dt.timedelta(microseconds=1)
# How times end, the usual first: candles that open with a minute, then with a second.
# The point is part of it: only six digits may be cut to three. So is what follows: a
# search for what ends with a rare sign is quicker than for zeros.
_ENDS = (
    (b"00.000001+00,", b"00.000Z,"),
    (b"59.999001+00,", b"59.999Z,"),
    (b".000001+00,", b".000Z,"),
    (b".999001+00,", b".999Z,"),
)
_ENDS_IN_QUOTES = tuple(
    (late.replace(b",", b'"'), exact.replace(b",", b'"')) for late, exact in _ENDS
)
_ZONE = b"+"
_UNUSUAL = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)\+00")
# NUMERIC knows values that JSON does not; only a hand could have inserted them.
_NO_NUMBER = re.compile(rb":(?:NaN|-?Infinity)")


def copy_csv(
    cursor: Cursor,
    series: Series,
    file: IO[bytes],
    *,
    start: int | None = None,
    end: int | None = None,
) -> None:
    """Write a series as CSV rows, without a header, open times rising.

    Args:
        cursor: Of a transaction.
        series: What to write.
        file: Where to; it gets blocks of whole rows.
        start: First open time (ms), None for the oldest.
        end: Last open time (ms), None for the newest.
    """
    # The format "text" looks for what to escape a little faster than "csv", and
    # finds as little: there are digits, points and the signs of times.
    statement = sql.SQL(
        "COPY (SELECT {columns} {rows}) TO STDOUT (FORMAT text, DELIMITER ',')"
    ).format(
        columns=sql.SQL(", ").join(map(_column, COLUMNS)),
        rows=_rows(series, start, end),
    )
    _copy(cursor, statement, file, with_times)


def copy_json_lines(
    cursor: Cursor,
    series: Series,
    file: IO[bytes],
    *,
    start: int | None = None,
    end: int | None = None,
) -> None:
    """Write a series as JSON, an object a line; like :func:`copy_csv` otherwise.

    The numbers have the stored digits: no float comes between.
    """
    statement = sql.SQL("COPY (SELECT concat({parts}) {rows}) TO STDOUT").format(
        parts=sql.SQL(", ").join(_json_parts()), rows=_rows(series, start, end)
    )
    _copy(cursor, statement, file, _with_times_and_nulls)


def with_times(rows: bytes, ends: Iterable[tuple[bytes, bytes]] = _ENDS) -> bytes:
    """Return whole rows with their times as the files have them.

    Args:
        rows: As COPY sends them, with times one microsecond late.
        ends: How they end there, and how they shall end.
    """
    rows = rows.replace(b" ", b"T")
    for late, exact in ends:
        if _ZONE not in rows:
            return rows
        rows = rows.replace(late, exact)
    return _UNUSUAL.sub(_with_milliseconds, rows)


def _with_times_and_nulls(rows: bytes) -> bytes:
    rows = with_times(rows, _ENDS_IN_QUOTES)
    if b"N" in rows or b"I" in rows:
        rows = _NO_NUMBER.sub(b":null", rows)
    return rows


def _with_milliseconds(found: re.Match[bytes]) -> bytes:
    moment = dt.datetime.fromisoformat(found[1].decode()) - _MICROSECOND
    return f"{moment.isoformat(timespec='milliseconds')}Z".encode()


def _copy(
    cursor: Cursor,
    statement: sql.Composable,
    file: IO[bytes],
    render: Callable[[bytes], bytes],
) -> None:
    # The driver writes row by row; in C the buffer gathers them.
    with io.BufferedWriter(_Rendering(file, render), _BLOCK_BYTES) as rows:
        cursor.copy_expert(statement, rows)


class _Rendering(io.RawIOBase):
    """Hands whole rows on as ``render`` returns them."""

    def __init__(self, file: IO[bytes], render: Callable[[bytes], bytes]) -> None:
        self._file = file
        self._render = render
        self._rest = b""

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        block = bytes(data)
        size = len(block)
        if self._rest or not block.endswith(b"\n"):
            block = self._rest + block
            whole = block.rfind(b"\n") + 1
            block, self._rest = block[:whole], block[whole:]
        self._file.write(self._render(block))
        return size


def _rows(series: Series, start: int | None, end: int | None) -> sql.Composable:
    return sql.SQL("FROM klines WHERE {bounds} ORDER BY open_time").format(
        bounds=bounds(series, start, end)
    )


def bounds(series: Series, start: int | None, end: int | None) -> sql.Composable:
    """Return the condition on ``klines`` for open times from start to end (ms)."""
    conditions = [
        sql.SQL("symbol = {}").format(sql.Literal(series.symbol)),
        sql.SQL("interval = {}").format(sql.Literal(series.interval.name)),
    ]
    if start is not None:
        moment = sql.Literal(to_moment(start))
        conditions.append(sql.SQL("open_time >= {}").format(moment))
    if end is not None:
        moment = sql.Literal(to_moment(end))
        conditions.append(sql.SQL("open_time <= {}").format(moment))
    return sql.SQL(" AND ").join(conditions)


def _column(name: str) -> sql.Composable:
    column = sql.Identifier(name)
    if name not in TIMES:
        return column
    return sql.SQL("{} + interval '0.000001 s'").format(column)


def _json_parts() -> list[sql.Composable]:
    """Return what a line is made of: names in quotes, times in quotes, numbers."""
    parts: list[sql.Composable] = []
    before = "{"
    for name in COLUMNS:
        quote = '"' if name in TIMES else ""
        parts += [sql.Literal(f'{before}"{name}":{quote}'), _column(name)]
        before = f"{quote},"
    return [*parts, sql.Literal("}")]
