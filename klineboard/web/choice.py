"""Which candles a view shows: its span, its interval, and the series to read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..market.interval import DAY, INTERVALS, Interval
from ..market.series import Extent

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


def showable(stored: Collection[Interval]) -> list[Interval]:
    """Return all intervals that can be shown, shortest first."""
    return [
        coarser
        for coarser in INTERVALS.values()
        if any(divides(interval, coarser) for interval in stored)
    ]


def covers(held: Extent, stored: Collection[Extent], start: int, end: int) -> bool:
    """Return whether a series has as much of a span as any other one.

    It may begin inside of another one's first candle, and be up to two candles of its
    own behind: a day is not over where its minutes are, and comes a little later.

    Args:
        held: The series.
        stored: All stored series of the symbol.
        start: Where the span begins (ms, UTC).
        end: The first time behind it.
    """
    first_end = min(max(o.start, start) + o.interval.milliseconds for o in stored)
    latest = max(min(other.end, end) for other in stored)
    if max(held.start, start) >= first_end:
        return False
    return min(held.end, end) + 2 * held.interval.milliseconds > latest


def source_of(
    shown: Interval, stored: Collection[Extent], start: int, end: int
) -> Extent | None:
    """Return the series to make candles of, None where no stored one divides them.

    It is the longest one that covers the span; where none does, the one that has most
    of it.

    Args:
        shown: The interval of the candles to be made.
        stored: All stored series of the symbol.
        start: Where the span begins (ms, UTC).
        end: The first time behind it.
    """

    def fitness(held: Extent) -> tuple[bool, int, int]:
        whole = covers(held, stored, start, end)
        most = 0 if whole else min(held.end, end) - max(held.start, start)
        return whole, most, held.interval.milliseconds

    fitting = [held for held in stored if divides(held.interval, shown)]
    return max(fitting, key=fitness, default=None)


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
    stored: Sequence[Extent],
    asked: Interval | None,
    range_name: str | None,
    crowded: Collection[Interval] = (),
) -> Choice:
    """Choose what a view shows that ends with the newest candle.

    An interval alone shows its newest 500 candles. A range alone shows the shortest
    interval, stored ones first, that keeps the view under 1,000 candles; with an
    interval that would be more, the next one that is not.

    Args:
        stored: The stored series of the symbol, at least one.
        asked: What the reader wants; one of :func:`showable`.
        range_name: One of :data:`RANGES`; None is 1M, or none where an interval is
            asked for.
        crowded: Intervals whose stored candles stand closer than their grid: they
            are too many, though they should not be.
    """
    first = min(held.start for held in stored)
    end = max(held.end for held in stored)
    if asked is not None and range_name is None and asked not in crowded:
        start = asked.add(asked.floor(end - 1), 1 - _NEWEST)
        start = max(start, asked.floor(first))
        return Choice(asked, source(asked, stored, start, end), start, end)
    name = range_name or "1M"
    begin = range_start(name, first, end)
    shown = pick(stored, begin, end, asked, crowded, stored_first=True)
    note = asked and shown != asked and too_many(name, asked, shown)
    origin = source(shown, stored, begin, end)
    # A candle of an odd time opens inside its bucket; it is read as it is stored.
    start = begin if shown == origin else shown.floor(begin)
    return Choice(shown, origin, start, end, note or None)


def pick(
    stored: Sequence[Extent],
    start: int,
    end: int,
    asked: Interval | None,
    crowded: Collection[Interval] = (),
    *,
    stored_first: bool = False,
) -> Interval:
    """Return the interval asked for where it fits, else the shortest one that does.

    Longer ones than asked for go before shorter ones, those of which a series covers
    the span before those of which none does.
    """
    possible = showable([held.interval for held in stored])
    fitting = [i for i in possible if i not in crowded and _fits(i, start, end)]
    if asked in fitting and asked is not None:
        return asked
    if asked is not None:
        longer = [i for i in fitting if i.milliseconds > asked.milliseconds]
        fitting = longer or fitting
    fitting = fitting or possible[-1:]
    covering = [i for i in fitting if _is_covered(i, stored, start, end)]
    candidates = covering or sorted(
        fitting, key=lambda i: -overlap(i, stored, start, end)
    )
    as_stored = [
        i for i in candidates if stored_first and i == source(i, stored, start, end)
    ]
    return (as_stored or candidates)[0]


def too_many(span: str, asked: Interval, shown: Interval) -> str:
    """Return the sentence for an interval that a span has too many candles of."""
    return (
        f"{span} has more than {MOST_CANDLES:,} candles of {asked}; "
        f"showing {shown} instead."
    )


def source(
    shown: Interval, stored: Collection[Extent], start: int, end: int
) -> Interval:
    """Return the interval that :func:`source_of` finds, where there must be one.

    Raises:
        ValueError: There is none.
    """
    held = source_of(shown, stored, start, end)
    if held is None:
        names = ", ".join(str(held.interval) for held in stored)
        raise ValueError(f"{shown} cannot be made of {names}")
    return held.interval


def overlap(shown: Interval, stored: Collection[Extent], start: int, end: int) -> int:
    """Return how much (ms) of a span the series has that ``shown`` is made of."""
    held = source_of(shown, stored, start, end)
    if held is None:
        return 0
    return max(0, min(held.end, end) - max(held.start, start))


def _is_covered(
    shown: Interval, stored: Collection[Extent], start: int, end: int
) -> bool:
    held = source_of(shown, stored, start, end)
    return held is not None and covers(held, stored, start, end)


def _fits(interval: Interval, start: int, end: int) -> bool:
    return interval.steps(interval.floor(start), end - 1) < MOST_CANDLES
