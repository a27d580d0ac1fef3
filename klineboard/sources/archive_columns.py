"""The rows of an archive's file in which nothing is odd, checked by Arrow.

Nearly all files are such. Arrow reads and checks a month of minutes in a third of the
time that Python needs, and lets other threads work meanwhile. Of anything out of the
ordinary it says nothing: :func:`klineboard.market.archive_rows.check_file` tells what
it is, and whether it matters.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import overload

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ..market.archive import ArchiveFile
from ..market.interval import INTERVALS, Interval
from ..market.kline import COLUMNS, Kline, to_milliseconds

# Arrow's own pool keeps what it once had, and so does glibc once large pieces have come
# and gone (mallopt(3), M_MMAP_THRESHOLD): 300 MB instead of 190 for years of minutes.
pa.set_memory_pool(pa.system_memory_pool())
with suppress(OSError, AttributeError):
    ctypes.CDLL(None).mallopt(-3, 1 << 20)

_COUNTS = ("open_time", "close_time", "number_of_trades")
_TYPES = {name: pa.int64() if name in _COUNTS else pa.string() for name in COLUMNS}
_PRICES = COLUMNS[1:5]
_DECIMALS = [name for name in COLUMNS if name not in _COUNTS]
_EIGHT_DECIMALS = r"^[0-9]{1,30}\.[0-9]{8}$"
_EXACT = pa.decimal128(38, 8)
_MOST_TRADES = 2**31 - 1
_ROWS_AT_ONCE = 4_096


class ColumnKlines(Sequence[Kline]):
    """Candles that stay columns until they are looked at, which takes a fifth of the
    memory: a month of minutes has 50 MB as rows.
    """

    def __init__(self, columns: dict[str, pa.ChunkedArray]) -> None:
        """Keep the checked columns of ``klines``; times in ms."""
        self._columns = [columns[name] for name in COLUMNS]

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, place: int) -> Kline: ...
    @overload
    def __getitem__(self, place: slice) -> list[Kline]: ...
    def __getitem__(self, place: int | slice) -> Kline | list[Kline]:
        if isinstance(place, slice):
            values = [column[place].to_pylist() for column in self._columns]
            return list(map(Kline._make, zip(*values, strict=True)))
        return Kline._make(column[place].as_py() for column in self._columns)

    def __iter__(self) -> Iterator[Kline]:
        for begin in range(0, len(self), _ROWS_AT_ONCE):
            yield from self[begin : begin + _ROWS_AT_ONCE]


def sound_klines(file: ArchiveFile, content: bytes) -> ColumnKlines | None:
    """Return the candles of a file; None where the slower check has to look.

    Args:
        file: What it should be.
        content: The CSV. A header line is odd, too.
    """
    table = _read(content)
    if table is None or not table.num_rows:
        return None
    columns = {name: table[name] for name in COLUMNS}
    for name in _COUNTS[:2]:
        columns[name] = _in_milliseconds(columns[name])
    if not (_are_prices(columns) and _are_in_place(columns, file)):
        return None
    return ColumnKlines(columns)


def _read(content: bytes) -> pa.Table | None:
    # Arrow would also take signs, blanks, quotes and other words for numbers.
    if content.translate(None, b"0123456789.,\n"):
        return None
    count = content.partition(b"\n")[0].count(b",") + 1
    if count not in (len(COLUMNS), len(COLUMNS) + 1):
        return None
    names = [*COLUMNS, "ignored"][:count]
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(content) + 1
            ),
            csv.ParseOptions(ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types={**_TYPES, "ignored": pa.string()},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return None if any(column.null_count for column in table.columns) else table


def _in_milliseconds(times: pa.ChunkedArray) -> pa.ChunkedArray:
    lowest, highest = pc.min_max(times).as_py().values()
    if to_milliseconds(lowest) == lowest or to_milliseconds(highest) == highest:
        return times
    return pc.divide(times, 1000)


def _are_prices(columns: dict[str, pa.ChunkedArray]) -> bool:
    if not all(
        _all(pc.match_substring_regex(columns[name], _EIGHT_DECIMALS))
        for name in _DECIMALS
    ):
        return False
    open_price, high, low, close = (columns[name].cast(_EXACT) for name in _PRICES)
    pairs = (low, open_price), (open_price, high), (low, close), (close, high)
    return all(_all(pc.less_equal(below, above)) for below, above in pairs)


def _are_in_place(columns: dict[str, pa.ChunkedArray], file: ArchiveFile) -> bool:
    """Whether times rise, lie in the file's period, and are the interval's apart."""
    opens, closes = columns["open_time"], columns["close_time"]
    first, last = opens[0].as_py(), opens[-1].as_py()
    return (
        file.period.start <= first
        and last < file.period.end
        and _all(pc.less(opens[:-1], opens[1:]))
        and pc.max(columns["number_of_trades"]).as_py() <= _MOST_TRADES
        and _are_lengths(pc.subtract(closes, opens), file.series.interval)
    )


def _are_lengths(lengths: pa.ChunkedArray, interval: Interval) -> bool:
    # Candles cut short may last as long as another interval's: for the slow check.
    found = {length + 1 for length in pc.unique(lengths).to_pylist()}
    others = {one.milliseconds for one in INTERVALS.values()} - {interval.milliseconds}
    return max(found) <= interval.milliseconds and found.isdisjoint(others)


def _all(truths: pa.ChunkedArray) -> bool:
    return bool(pc.all(truths, min_count=0).as_py())
