"""The rows of an archive's file, checked column by column.

The rules are those of :mod:`klineboard.market.kline`, but a file is believed as a
whole or not at all. A month of minutes has 44,640 rows: whole columns are checked by
one expression each, which takes a third of the time of looking at each row.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from ..errors import ArchiveFileRefused
from .archive import ArchiveFile
from .interval import INTERVALS, Interval
from .kline import COLUMNS, Kline, to_milliseconds

# Binance's rows carry a twelfth column that its documentation tells to ignore.
_COLUMN_COUNTS = (12, 11)
_DIGITS_AND_POINTS = b"0123456789."
_DECIMALS = re.compile(r"(?:\d{1,30}+(?:\.\d{1,30}+)?+,)*+", re.ASCII)
_EIGHT_DECIMALS = re.compile(r"(?:\d{1,30}+\.\d{8},)*+", re.ASCII)
_COUNTS = re.compile(r"(?:\d{1,16}+,)*+", re.ASCII)
_MOST_TRADES = 2**31 - 1
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_file(file: ArchiveFile, content: bytes) -> list[Kline]:
    """Return the candles of a file, oldest first; times in ms.

    Times may be in ms or (from 2025-01-01 on) in microseconds, a header line may be
    there (some files have one: binance-public-data#283), and 11 columns or 12.

    Args:
        file: What it should be.
        content: The CSV.

    Raises:
        ArchiveFileRefused: A rule is broken; the text says which, with the value.
    """
    try:
        return _checked(file, content)
    except ValueError as error:
        raise ArchiveFileRefused(str(file), str(error)) from error


def _checked(file: ArchiveFile, content: bytes) -> list[Kline]:
    columns = _columns(_without_header(content))
    if not columns:
        return []
    _check_prices(columns)
    _match(_DECIMALS, [5, 7, 9, 10], columns)
    _match(_COUNTS, [0, 6, 8], columns)
    opens, closes = _times(columns[0]), _times(columns[6])
    trades = list(map(int, columns[8]))
    if max(trades) > _MOST_TRADES:
        raise ValueError(f"number_of_trades {max(trades)} is no count")
    _check_order(opens, file)
    _check_lengths(opens, closes, file.series.interval)
    fields = [opens, *columns[1:6], closes, columns[7], trades, *columns[9:11]]
    return list(map(Kline._make, zip(*fields, strict=True)))


def _without_header(content: bytes) -> bytes:
    """Return the lines, all ended by a line feed, without a line of names."""
    content = content.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n")
    if content and not content[:1].isdigit():
        header, _, content = content.partition(b"\n")
        if header.count(b",") + 1 not in _COLUMN_COUNTS:
            raise ValueError(f"begins with {_short(header)}")
    if content and not content.endswith(b"\n"):
        content += b"\n"
    return content


def _columns(content: bytes) -> list[list[str]]:
    """Return the values column by column; of no line, no columns."""
    if not content:
        return []
    # What is left without digits and points tells the shape of all lines at once.
    shape = content.translate(None, _DIGITS_AND_POINTS)
    lines = content.count(b"\n")
    for count in _COLUMN_COUNTS:
        if shape == (b"," * (count - 1) + b"\n") * lines:
            values = content.decode("ascii").replace("\n", ",").split(",")
            return [values[column : lines * count : count] for column in range(count)]
    raise ValueError(_strange_line(content))


def _strange_line(content: bytes) -> str:
    usual = content.partition(b"\n")[0].count(b",")
    for number, line in enumerate(content.splitlines(), 1):
        others = line.translate(None, _DIGITS_AND_POINTS)
        if others != b"," * usual or usual + 1 not in _COLUMN_COUNTS:
            return f"line {number}: expected 12 columns of numbers, got {_short(line)}"
    return "lines of unequal length"


def _match(
    expected: re.Pattern[str], places: Sequence[int], columns: Sequence[Sequence[str]]
) -> None:
    for place in places:
        column = columns[place]
        if expected.fullmatch(",".join(column) + ","):
            continue
        for value in column:
            if not expected.fullmatch(f"{value},"):
                raise ValueError(f"{COLUMNS[place]} {_short(value)} is no number")


def _times(column: Sequence[str]) -> list[int]:
    """Return times in ms; a file counts in ms or in microseconds, never in both."""
    times = list(map(int, column))
    lowest, highest = min(times), max(times)
    in_microseconds = to_milliseconds(highest) != highest
    if in_microseconds != (to_milliseconds(lowest) != lowest):
        raise ValueError(f"times in ms and in microseconds: {lowest} and {highest}")
    return [time // 1000 for time in times] if in_microseconds else times


def _check_order(opens: Sequence[int], file: ArchiveFile) -> None:
    for place, rises in enumerate(map(operator.lt, opens, opens[1:])):
        if not rises:
            raise ValueError(
                f"open times do not rise: {opens[place + 1]} after {opens[place]}"
            )
    period = file.period
    for time in (opens[0], opens[-1]):
        if not period.start <= time < period.end:
            raise ValueError(f"open time {time} is outside of {period}")


def _check_lengths(
    opens: Sequence[int], closes: Sequence[int], interval: Interval
) -> None:
    """Candles cut short by an outage are true; longer ones are of another series."""
    lengths = Counter(map(operator.sub, closes, opens))
    longest = max(lengths) + 1
    if longest > interval.milliseconds:
        raise ValueError(f"a candle lasts {longest} ms, longer than {interval}")
    others = {one.milliseconds for one in INTERVALS.values()} - {interval.milliseconds}
    foreign = sum(lengths[length - 1] for length in others)
    if foreign > 1 and foreign * 2 > len(opens):
        raise ValueError(
            f"{foreign} of {len(opens)} candles last as long as another interval's"
        )


def _check_prices(columns: Sequence[Sequence[str]]) -> None:
    opened, high, low, close = _comparable(columns)
    for below, above in ((low, opened), (opened, high), (low, close), (close, high)):
        if not all(map(operator.le, below, above)):
            place = [*map(operator.le, below, above)].index(False)
            o, h, lowest, c = (column[place] for column in columns[1:5])
            raise ValueError(
                f"open {o} and close {c} outside low {lowest} and high {h}"
            )


def _comparable(columns: Sequence[Sequence[str]]) -> Sequence[Sequence[int | Decimal]]:
    """Check four columns of prices, and return them in a form that compares exactly."""
    places = range(1, 5)
    joined = [",".join(columns[place]) for place in places]
    if all(_EIGHT_DECIMALS.fullmatch(f"{text},") for text in joined):
        # All have as many decimals: without their points they are whole numbers.
        return [list(map(int, text.replace(".", "").split(","))) for text in joined]
    _match(_DECIMALS, places, columns)
    return [list(map(Decimal, columns[place])) for place in places]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
