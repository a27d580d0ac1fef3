"""The exchange's archive: which files there are, and what they are called.

A file holds one series' candles of a whole month or day, in UTC. Source of the names:
github.com/binance/binance-public-data, README, "Klines".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .interval import DAY, INTERVALS, Interval
from .series import Series

_EPOCH_DAY = dt.date(1970, 1, 1)
_MONTH = INTERVALS["1M"]
# A month of seconds has 2.7 million rows: too many to hold; its days are small.
_MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Period:
    """A month or a day, whose candles make one file.

    Attributes:
        text: As file names spell it: ``2024-12`` or ``2024-12-31``.
        start: Its first ms.
        end: The first ms after it.
    """

    text: str
    start: int
    end: int

    @property
    def is_month(self) -> bool:
        """Whether it is a month, not a day."""
        return len(self.text) == 7

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of the archive: a series' candles that open within a period."""

    series: Series
    period: Period

    @property
    def stem(self) -> str:
        """The name without its ending: ``BTCUSDT-1m-2024-12``; a month is ``1mo``."""
        symbol, interval = self.series
        return f"{symbol}-{interval.file_name}-{self.period}"

    @property
    def zip_name(self) -> str:
        """The file's name."""
        return f"{self.stem}.zip"

    @property
    def csv_name(self) -> str:
        """The name of the one file within the zip."""
        return f"{self.stem}.csv"

    @property
    def path(self) -> str:
        """Where it lies at the host; ``.CHECKSUM`` behind it names its SHA-256."""
        symbol, interval = self.series
        kind = "monthly" if self.period.is_month else "daily"
        folder = f"/data/spot/{kind}/klines/{symbol}/{interval.file_name}"
        return f"{folder}/{self.zip_name}"

    def __str__(self) -> str:
        return self.zip_name


def month_of(time: int) -> Period:
    """Return the month that contains ``time`` (ms)."""
    start = _MONTH.floor(time)
    return Period(f"{_date(start):%Y-%m}", start, _MONTH.add(start))


def day_of(time: int) -> Period:
    """Return the day that contains ``time`` (ms)."""
    start = time - time % DAY
    return Period(_date(start).isoformat(), start, start + DAY)


def parse_period(text: str) -> Period:
    """Return the period that is spelled ``2024-12`` or ``2024-12-31``.

    Raises:
        ValueError: The text is neither.
    """
    of = month_of if len(text) == 7 else day_of
    date = dt.date.fromisoformat(text if len(text) > 7 else f"{text}-01")
    period = of((date - _EPOCH_DAY).days * DAY)
    if period.text != text:
        raise ValueError(f"{text!r}: expected a month or a day, such as 2024-12")
    return period


def rows_of(period: Period, interval: Interval) -> int:
    """Return how many candles at most open on the grid within a period."""
    return -(-(period.end - period.start) // interval.milliseconds)


def has_months(interval: Interval) -> bool:
    """Whether a month of an interval is a file that may be held in memory."""
    return 31 * DAY // interval.milliseconds <= _MOST_ROWS


def has_days(interval: Interval) -> bool:
    """Whether the archive has days of an interval: not of those beyond a day."""
    return interval.milliseconds <= DAY


def whole_periods(start: int, end: int, *, months: bool, days: bool) -> list[Period]:
    """Return the months that lie in a span whole, and the days of the others.

    Args:
        start: First open time, ms.
        end: Last open time, ms; what has not passed yet must lie behind it.
        months: Whether months are wanted; else their days are.
        days: Whether days are wanted.
    """
    periods: list[Period] = []
    for month in _walk(start, end, month_of):
        if months and start <= month.start and month.end - 1 <= end:
            periods.append(month)
        elif days:
            periods += days_of(month, start, end)
    return periods


def days_of(month: Period, start: int, end: int) -> list[Period]:
    """Return the days of a month that lie whole in a span (open times, ms)."""
    first, last = max(start, month.start), min(end, month.end - 1)
    return [
        day
        for day in _walk(first, last, day_of)
        if start <= day.start and day.end - 1 <= end
    ]


def _walk(start: int, end: int, of: Callable[[int], Period]) -> Iterator[Period]:
    """Give every month, or every day, that has a part in a span."""
    while start <= end:
        period = of(start)
        yield period
        start = period.end


def _date(time: int) -> dt.date:
    return _EPOCH_DAY + dt.timedelta(days=time // DAY)
