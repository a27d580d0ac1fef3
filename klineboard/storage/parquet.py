"""Candles as Parquet: what CSV has, typed, with decimals that hold every digit.

Only :mod:`.exports` imports this module, and late: pyarrow is large.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from psycopg2 import sql
from pyarrow import csv
from pyarrow import parquet as pq

from ..errors import NotExportable
from ..market.kline import COLUMNS
from ..market.series import Series
from .database import Cursor
from .rows import TIMES, bounds

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_INTEGERS = (*TIMES, "number_of_trades")
_DECIMALS = tuple(name for name in COLUMNS if name not in _INTEGERS)
_QUOTED = ("price", "quote_asset_volume")
# The most that decimal128 has; the same for all files, so that they can be read as one
# table. It costs nothing: what is not used compresses well.
_PRECISION = 38
# What the exchange sends. More only where the data have more.
_SCALE = 8
_ROW_GROUP = 100_000
_PARSED_BYTES = 1 << 20


def fitting_schema(
    cursor: Cursor, series: Series, start: int | None, end: int | None
) -> pa.Schema:
    """Return the columns of a file, each decimal with the digits that its values need.

    Args:
        cursor: Of the transaction in which the rows will be read: of the same state.
        series: What will be written.
        start: First open time (ms), None for the oldest.
        end: Last open time (ms), None for the newest.

    Raises:
        NotExportable: A value has more digits than decimal128 holds, or is none.
    """
    scales = _scales(cursor, bounds(series, start, end))
    types: dict[str, pa.DataType] = {
        name: pa.decimal128(_PRECISION, scale) for name, scale in scales.items()
    }
    types |= dict.fromkeys(TIMES, pa.timestamp("ms", tz="UTC"))
    types["number_of_trades"] = pa.int64()
    fields = [pa.field(name, types[name], nullable=False) for name in COLUMNS]
    return pa.schema(fields, metadata=_metadata(cursor, series))


def to_parquet(schema: pa.Schema, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file, a row group at a time.

    Args:
        schema: Of :func:`fitting_schema`.
        blocks: The candles as CSV without a header, cut anywhere.
    """
    sink = _Sink()
    # Every time is another one: differences are small where a dictionary is long.
    writer = pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        use_dictionary=list(_DECIMALS),
        column_encoding=dict.fromkeys(_INTEGERS, "DELTA_BINARY_PACKED"),
    )
    try:
        for table in _row_groups(_parsed(schema, blocks)):
            writer.write_table(table, row_group_size=_ROW_GROUP)
            yield sink.take()
        writer.close()
        yield sink.take()
    finally:
        # The pool would keep 50 MB for the next file, which may never come.
        pa.default_memory_pool().release_unused()


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _parsed(schema: pa.Schema, blocks: Iterable[bytes]) -> Iterator[pa.Table]:
    """Yield tables of some thousand rows; text becomes decimals without a float."""
    read = csv.ReadOptions(
        column_names=list(COLUMNS), use_threads=False, block_size=2 * _PARSED_BYTES
    )
    parse = csv.ParseOptions(quote_char=False)
    convert = csv.ConvertOptions(column_types=schema, null_values=[])
    for text in _whole_lines(blocks):
        table = csv.read_csv(pa.BufferReader(text), read, parse, convert)
        yield table.cast(schema)


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of about a megabyte that end with a line."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size >= _PARSED_BYTES:
            text = b"".join(parts)
            whole = text.rfind(b"\n") + 1
            yield text[:whole]
            parts, size = [text[whole:]], len(text) - whole
    if size:
        yield b"".join(parts)


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        if count >= _ROW_GROUP:
            whole = pa.concat_tables(waiting)
            yield whole[:_ROW_GROUP]
            waiting = [whole[_ROW_GROUP:]]
            count = len(waiting[0])
    if count:
        yield pa.concat_tables(waiting)


def _scales(cursor: Cursor, where: sql.Composable) -> dict[str, int]:
    usual = sql.SQL(" AND ").join(
        sql.SQL("scale({0}) <= {1} AND abs({0}) < {2}").format(
            sql.Identifier(name),
            sql.Literal(_SCALE),
            sql.Literal(10 ** (_PRECISION - _SCALE)),
        )
        for name in _DECIMALS
    )
    # One look at all columns takes a tenth of the time of their largest values.
    cursor.execute(
        sql.SQL("SELECT bool_and({}) FROM klines WHERE {}").format(usual, where)
    )
    if cursor.fetchone() != (False,):
        return dict.fromkeys(_DECIMALS, _SCALE)
    needed = sql.SQL(", ").join(
        sql.SQL("max(scale({0})), trunc(max(abs({0})))::text").format(
            sql.Identifier(name)
        )
        for name in _DECIMALS
    )
    cursor.execute(sql.SQL("SELECT {} FROM klines WHERE {}").format(needed, where))
    found = cursor.fetchone() or ()
    return {
        name: _scale(name, found[2 * n] or 0, found[2 * n + 1])
        for n, name in enumerate(_DECIMALS)
    }


def _scale(name: str, scale: int, largest: str) -> int:
    """Return the digits behind the point of a column.

    Args:
        name: The column's.
        scale: The most digits behind the point of its values.
        largest: The largest value without its sign and digits behind the point.
    """
    scale = max(scale, _SCALE)
    if not largest.isdigit():
        raise NotExportable(f"{name} holds {largest}, which no decimal of Parquet is")
    digits = len(largest.lstrip("0"))
    if digits + scale > _PRECISION:
        raise NotExportable(
            f"{name} needs {digits} digits before and {scale} behind the point, more "
            f"than the {_PRECISION} of Parquet's decimals"
        )
    return scale


def _metadata(cursor: Cursor, series: Series) -> dict[str, str]:
    cursor.execute(
        "SELECT (SELECT name FROM origin), base_asset, quote_asset "
        "FROM (SELECT) AS always LEFT JOIN symbols ON symbol = %s",
        (series.symbol,),
    )
    origin, base, quote = cursor.fetchone() or (None, None, None)
    units = dict.fromkeys(TIMES, "ms since 1970-01-01 UTC") | {
        name: quote or "quote asset"
        if any(part in name for part in _QUOTED)
        else base or "base asset"
        for name in _DECIMALS
    }
    return {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "origin": origin or "unknown",
        "units": json.dumps({**units, "number_of_trades": "count"}),
    }
