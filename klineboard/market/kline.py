"""A candle as Binance sends it, and the rules that a true one keeps.

Prices and volumes stay the decimal strings of the exchange; ``Decimal`` is used only
to compare them. Source of the columns: Binance Spot REST API, ``GET /api/v3/klines``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from operator import le, lt, sub
from typing import Any, NamedTuple

from ..errors import InvalidAnswer
from .interval import INTERVALS, Interval

COLUMNS = (
    "open_time",
    "open_price",
    "high_price",
    "low_price",
    "close_price",
    "volume",
    "close_time",
    "quote_asset_volume",
    "number_of_trades",
    "taker_buy_base_asset_volume",
    "taker_buy_quote_asset_volume",
)
"""Names of a candle's fields in the table ``klines`` and in the CSV files."""

# Binance's rows carry a twelfth column that its documentation tells to ignore.
_ROW_LENGTHS = (11, 12)
_DECIMALS = re.compile(r"(?:\d{1,30}(?:\.\d{1,30})?,){8}", re.ASCII)
_DECIMALS_OF_A_COLUMN = re.compile(r"(?:\d{1,30}+(?:\.\d{1,30}+)?+,)++", re.ASCII)
_INTEGER_COLUMNS = (0, 6, 8)
_DECIMAL_COLUMNS = (1, 2, 3, 4, 5, 7, 9, 10)
# The year 2286 in microseconds, and PostgreSQL's largest integer.
_LARGEST = {0: 10**16, 6: 10**16, 8: 2**31 - 1}
# Spot archives count microseconds from 2025-01-01 on (binance-public-data#386);
# as milliseconds such a number would lie beyond the year 2286.
_MICROSECONDS_FROM = 10_000_000_000_000


class Kline(NamedTuple):
    """One candle; times in ms since 1970 UTC, decimals as the exchange wrote them.

    ``volume`` and ``taker_buy_base_asset_volume`` count the base asset, the two
    ``quote`` fields the quote asset. ``close_time`` is the last millisecond of the
    candle; beside outages it may lie anywhere, even before ``open_time``.
    """

    open_time: int
    open_price: str
    high_price: str
    low_price: str
    close_price: str
    volume: str
    close_time: int
    quote_asset_volume: str
    number_of_trades: int
    taker_buy_base_asset_volume: str
    taker_buy_quote_asset_volume: str


@dataclass(frozen=True, slots=True)
class Page:
    """The checked content of one answer.

    Attributes:
        klines: The rows that keep all rules, open times rising.
        rejected: A sentence for each row that does not; such a row is never stored.
        doubtful: Candles among ``klines`` that last exactly as long as another
            interval's: cut short by an outage, or of another series.
    """

    klines: list[Kline]
    rejected: list[str]
    doubtful: list[Kline] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        """How many rows the answer had, sound or not."""
        return len(self.klines) + len(self.rejected)


def to_milliseconds(value: int) -> int:
    """Return a Binance timestamp in ms, whether it came in ms or in microseconds."""
    return value // 1000 if value >= _MICROSECONDS_FROM else value


def parse_kline(row: Any, interval: Interval) -> Kline:
    """Check one row of ``/api/v3/klines`` and return it as a candle.

    A candle cut short by an outage is true and kept; one that lasts longer than its
    interval is not of this series.

    Raises:
        ValueError: A rule is broken; the text says which, with the value.
    """
    if not isinstance(row, list | tuple) or len(row) not in _ROW_LENGTHS:
        raise ValueError(f"expected 12 columns, got {_short(row)}")
    for column in _INTEGER_COLUMNS:
        if type(row[column]) is not int or not 0 <= row[column] <= _LARGEST[column]:
            raise ValueError(f"{COLUMNS[column]} {_short(row[column])} is no count")
    decimals = (*row[1:6], row[7], row[9], row[10])
    if not all(type(value) is str for value in decimals) or not _DECIMALS.fullmatch(
        ",".join(decimals) + ","
    ):
        raise ValueError(f"numbers that do not parse in {_short(row)}")
    open_price, high, low, close = map(Decimal, row[1:5])
    if not (low <= open_price <= high and low <= close <= high):
        raise ValueError(
            f"open {row[1]} and close {row[4]} outside low {row[3]} and high {row[2]}"
        )
    opened, closed = to_milliseconds(row[0]), to_milliseconds(row[6])
    kline = Kline._make((opened, *row[1:6], closed, *row[7:11]))
    if _length(kline) > interval.milliseconds:
        raise ValueError(f"lasts {_length(kline)} ms, longer than {interval}")
    return kline


def check_page(rows: Any, interval: Interval, start: int, end: int) -> Page:
    """Check a whole answer to a request for ``start`` to ``end`` (open times, ms).

    Raises:
        InvalidAnswer: The answer as a whole cannot be believed: it is no list, its
            open times do not rise or lie outside of what was asked, or its candles
            are of another interval.
    """
    if not isinstance(rows, list):
        raise InvalidAnswer(f"expected a list of klines, got {_short(rows)}")
    klines = sound_klines(rows, interval, start, end)
    if klines is not None:
        return Page(klines, [])
    klines = []
    rejected: list[str] = []
    for row in rows:
        try:
            kline = parse_kline(row, interval)
        except ValueError as error:
            rejected.append(f"row {row[0] if _has_time(row) else '?'}: {error}")
            continue
        previous = klines[-1].open_time if klines else -1
        if kline.open_time <= previous:
            raise InvalidAnswer(
                f"open times do not rise: {kline.open_time} after {previous}"
            )
        if not start <= kline.open_time <= end:
            raise InvalidAnswer(
                f"open time {kline.open_time} is outside of {start} to {end}"
            )
        klines.append(kline)
    return Page(klines, rejected, _doubtful(klines, interval))


def sound_klines(
    rows: Sequence[Sequence[Any]], interval: Interval, start: int, end: int
) -> list[Kline] | None:
    """Return the candles of an answer in which nothing at all is out of the ordinary.

    Nearly all answers are such. They are checked by column, in half the time that one
    row after the other takes. None says only that something is odd; what it is, and
    whether it matters, the rules of one row tell.

    Args:
        rows: As they were read from JSON.
        interval: Of the candles.
        start: No open time lies before (ms).
        end: No open time lies behind (ms).
    """
    try:
        columns = list(zip(*rows, strict=True))
    except (TypeError, ValueError):
        return None
    if not rows:
        return []
    if len(columns) not in _ROW_LENGTHS or not (
        all(_are_counts(columns[c], _LARGEST[c]) for c in _INTEGER_COLUMNS)
        and all(_are_decimals(columns[c]) for c in _DECIMAL_COLUMNS)
        and _are_prices(*columns[1:5])
    ):
        return None
    opened = columns[0] = _all_to_milliseconds(columns[0])
    closed = columns[6] = _all_to_milliseconds(columns[6])
    if not (start <= opened[0] and opened[-1] <= end):
        return None
    if not all(map(lt, opened, islice(opened, 1, None))):
        return None
    lengths = {length + 1 for length in map(sub, closed, opened)}
    if (
        max(lengths) > interval.milliseconds
        or lengths & _FOREIGN_LENGTHS[interval.name]
    ):
        return None
    return list(map(Kline._make, zip(*columns[:11], strict=True)))


def _are_counts(column: Sequence[Any], largest: int) -> bool:
    if set(map(type, column)) != {int}:
        return False
    return bool(0 <= min(column) and max(column) <= largest)


def _are_decimals(column: Sequence[Any]) -> bool:
    if set(map(type, column)) != {str}:
        return False
    text = ",".join(column) + ","
    return text.count(",") == len(column) and bool(
        _DECIMALS_OF_A_COLUMN.fullmatch(text)
    )


def _are_prices(*columns: Sequence[str]) -> bool:
    """Whether open and close lie between low and high, in every row."""
    open_price, high, low, close = (list(map(Decimal, column)) for column in columns)
    return (
        all(map(le, low, open_price))
        and all(map(le, open_price, high))
        and all(map(le, low, close))
        and all(map(le, close, high))
    )


def _all_to_milliseconds(column: tuple[int, ...]) -> tuple[int, ...]:
    if max(column) < _MICROSECONDS_FROM:
        return column
    return tuple(map(to_milliseconds, column))


def _doubtful(klines: list[Kline], interval: Interval) -> list[Kline]:
    # One candle may happen to be cut short to another interval's length: a minute of
    # 2018-02-11 lasts just a second. Most of an answer's candles never are.
    foreign = [
        kline for kline in klines if _length(kline) in _FOREIGN_LENGTHS[interval.name]
    ]
    if len(foreign) > 1 and len(foreign) * 2 > len(klines):
        raise InvalidAnswer(
            f"{len(foreign)} of {len(klines)} candles last as long as another "
            f"interval's, asked for {interval}; the first opens {foreign[0].open_time}"
        )
    return foreign


def _length(kline: Kline) -> int:
    return kline.close_time + 1 - kline.open_time


_FOREIGN_LENGTHS: dict[str, frozenset[int]] = {
    name: frozenset(
        other.milliseconds
        for other in INTERVALS.values()
        if other.milliseconds != interval.milliseconds
    )
    for name, interval in INTERVALS.items()
}


def _has_time(row: Any) -> bool:
    return isinstance(row, list) and bool(row) and isinstance(row[0], int)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
