"""Which candles a view shows: its span, its interval, and the series to read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..market.interval import DAY, INTERVALS, Interval

MOST_CANDLES = 1000
"""Plotly draws so many in 53 ms; five times as many take 247 ms (DESIGN, section 8)."""

RANGES = ("1D", "1W", "1M", "3M", "1Y", "All")
"""The names of the ranges, shortest first."""

_NEWEST = 500
_MONTHS = {"1M": 1, "3M": 3, "1Y": 12}


@dataclass(frozen=True, slots=True)
class Choice:
    """What to read for a view.

    Attributes:
        shown: The interval of the candles in the view.
        source: The stored interval that they are read or aggregated from.
        start: First open time (ms, UTC), the opening of a candle's bucket.
        end: The first time not to be shown (ms, UTC).
        note: A sentence where another interval was asked for, else None.
    """

    shown: Interval
    source: Interval
    start: int
    end: int
    note: str | None = None


def divides(finer: Interval, coarser: Interval) -> bool:
    """Return whether candles of one interval make up whole ones of the other.

    Weeks begin on Mondays and months on the first, so that only what divides a day
    makes them up; candles of 3 days begin on a grid of their own.
    """
    if finer == coarser:
        return True
    length = DAY if coarser.is_month or coarser.name == "1w" else coarser.milliseconds
    return not finer.is_month and length % finer.milliseconds == 0


def source_of(shown: Interval, stored: Collection[Interval]) -> Interval | None:
    """Return the longest stored interval that ``shown`` can be made of, if any."""
    fitting = [interval for interval in stored if divides(interval, shown)]
    return max(fitting, key=lambda interval: interval.milliseconds, default=None)


def showable(stored: Collection[Interval]) -> list[Interval]:
    """Return all intervals that can be shown, shortest first."""
    return [i for i in INTERVALS.values() if source_of(i, stored) is not None]


def range_start(name: str, first: int, end: int) -> int:
    """Return where a range that ends at ``end`` begins (ms, UTC).

    Months and years are those of the calendar.

    Args:
        name: One of :data:`RANGES`.
        first: The oldest stored open time, which ``All`` begins at.
        end: The end of the newest stored candle.
    """
    if name == "All":
        return first
    if name in _MONTHS:
        return INTERVALS["1M"].add(end, -_MONTHS[name])
    return end - (DAY if name == "1D" else 7 * DAY)


def choose(
    stored: Collection[Interval],
    first: int,
    end: int,
    asked: Interval | None,
    range_name: str | None,
) -> Choice:
    """Choose what a view shows.

    An interval alone shows its newest 500 candles. A range alone shows the shortest
    interval, stored ones first, that keeps the view under 1,000 candles; with an
    interval that would be more, the next one that is not.

    Args:
        stored: The intervals that are stored, at least one.
        first: The oldest stored open time of the symbol (ms).
        end: The end of its newest stored candle (ms).
        asked: What the reader wants; one of :func:`showable`.
        range_name: One of :data:`RANGES`; None is 1M, or none where an interval is
            asked for.
    """
    if asked is not None and range_name is None:
        start = asked.add(asked.floor(end - 1), 1 - _NEWEST)
        start = max(start, asked.floor(first))
        return Choice(asked, _source(asked, stored), start, end)
    name = range_name or "1M"
    begin = range_start(name, first, end)
    fitting = [i for i in showable(stored) if _fits(i, begin, end)]
    if asked in fitting and asked is not None:
        shown, note = asked, None
    else:
        coarser = [
            i for i in fitting if not asked or i.milliseconds > asked.milliseconds
        ]
        candidates = coarser or fitting or showable(stored)[-1:]
        shown = next((i for i in candidates if i in stored), candidates[0])
        note = asked and (
            f"{name} has more than {MOST_CANDLES:,} candles of {asked}; "
            f"showing {shown} instead."
        )
    source = _source(shown, stored)
    # A candle of an odd time opens inside its bucket; it is read as it is stored.
    start = begin if shown == source else shown.floor(begin)
    return Choice(shown, source, start, end, note or None)


def _fits(interval: Interval, start: int, end: int) -> bool:
    return interval.steps(interval.floor(start), end) < MOST_CANDLES


def _source(shown: Interval, stored: Collection[Interval]) -> Interval:
    source = source_of(shown, stored)
    if source is None:
        raise ValueError(f"{shown} cannot be made of {', '.join(map(str, stored))}")
    return source
