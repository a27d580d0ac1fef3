"""Candle intervals and their calendar arithmetic.

Source of the names: Binance Spot API, "Kline/Candlestick chart intervals". They are
case-sensitive: ``1m`` is a minute and ``1M`` a month.
"""

from __future__ import annotations

import calendar
import datetime as dt
import difflib
from dataclasses import dataclass

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# 1970-01-01 was a Thursday; Binance opens its weeks on Mondays, 00:00 UTC.
_FIRST_MONDAY = 4 * DAY


@dataclass(frozen=True, slots=True)
class Interval:
    """One of Binance's sixteen candle intervals.

    Attributes:
        name: Binance's name, for example ``1h``.
        milliseconds: The length; for a month the longest one, 31 days.
    """

    name: str
    milliseconds: int

    def __str__(self) -> str:
        return self.name

    @property
    def is_month(self) -> bool:
        """Whether the length depends on the calendar."""
        return self.name == "1M"

    @property
    def file_name(self) -> str:
        """The name for files and views, where case may be folded: ``1M`` -> ``1mo``."""
        return "1mo" if self.is_month else self.name

    def add(self, open_time: int, count: int = 1) -> int:
        """Return the open time ``count`` candles after ``open_time`` (both in ms).

        The phase of ``open_time`` is kept: candles off the interval's grid are
        followed by candles off the grid (real ones of February 2018 open at
        hh:28:14.789).
        """
        if not self.is_month:
            return open_time + count * self.milliseconds
        day, rest = divmod(open_time, DAY)
        date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
        months = date.year * 12 + date.month - 1 + count
        year, month = divmod(months, 12)
        last_day = calendar.monthrange(year, month + 1)[1]
        date = dt.date(year, month + 1, min(date.day, last_day))
        return (date - dt.date(1970, 1, 1)).days * DAY + rest

    def steps(self, earlier: int, later: int) -> int:
        """Return how many whole candles fit from ``earlier`` to ``later`` (ms)."""
        if not self.is_month:
            return (later - earlier) // self.milliseconds
        guess = (later - earlier) // (28 * DAY) + 1
        while self.add(earlier, guess) > later:
            guess -= 1
        return guess

    def floor(self, time: int) -> int:
        """Return the open time (ms) of the grid's candle that contains ``time``."""
        if self.is_month:
            date = dt.date(1970, 1, 1) + dt.timedelta(days=time // DAY)
            return (date.replace(day=1) - dt.date(1970, 1, 1)).days * DAY
        phase = _FIRST_MONDAY if self.name == "1w" else 0
        return time - (time - phase) % self.milliseconds


INTERVALS: dict[str, Interval] = {
    name: Interval(name, length)
    for name, length in {
        "1s": SECOND,
        "1m": MINUTE,
        "3m": 3 * MINUTE,
        "5m": 5 * MINUTE,
        "15m": 15 * MINUTE,
        "30m": 30 * MINUTE,
        "1h": HOUR,
        "2h": 2 * HOUR,
        "4h": 4 * HOUR,
        "6h": 6 * HOUR,
        "8h": 8 * HOUR,
        "12h": 12 * HOUR,
        "1d": DAY,
        "3d": 3 * DAY,
        "1w": 7 * DAY,
        "1M": 31 * DAY,
    }.items()
}
"""All intervals by name, shortest first."""


def expected_intervals(text: str) -> str:
    """Return the words for "what was expected" beside an unknown interval."""
    near = [name for name in INTERVALS if name.lower() == text.lower()]
    near = near or difflib.get_close_matches(text, INTERVALS, n=3, cutoff=0.5)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    return f"one of {', '.join(INTERVALS)}{hint}"


def parse_interval(text: str) -> Interval:
    """Return the interval of that name.

    Raises:
        ValueError: The name is none of Binance's; the text names what was expected.
    """
    try:
        return INTERVALS[text]
    except KeyError:
        raise ValueError(
            f"unknown interval {text!r}; expected {expected_intervals(text)}"
        ) from None
