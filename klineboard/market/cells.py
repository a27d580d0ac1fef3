"""The calendar of a series: how complete each day or month of it is.

Nothing here looks at candles. Where a series begins and ends, where its holes are and
how long a candle is tell how many there are in any day, however long the history is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .coverage import Hole
from .interval import Interval

Kind = Literal["stored", "missing", "outage"]
"""Stored, still to be fetched, or never had by the exchange."""


class Stretch(NamedTuple):
    """Candles of one kind in a row.

    Attributes:
        start: Open time (ms, UTC) of the first one, on the interval's grid.
        candles: How many there are.
        kind: What is the matter with them.
    """

    start: int
    candles: int
    kind: Kind


@dataclass(slots=True)
class Cell:
    """A day or a month of a series, and its candles.

    Attributes:
        start: Where it begins (ms, UTC).
        end: Where the next one begins.
        stored: Candles that are stored.
        missing: Candles that are still to be fetched.
        outage: Candles that the exchange never had.
    """

    start: int
    end: int
    stored: int = 0
    missing: int = 0
    outage: int = 0

    @property
    def expected(self) -> int:
        """All candles that a market without outages would have had by now."""
        return self.stored + self.missing + self.outage

    @property
    def state(self) -> str:
        """One word for it.

        ``complete``: all of its candles are stored. ``outage``: all that the exchange
        ever had are stored, but it did not have all, or none. ``partial``: some are
        stored, others are still to be fetched. ``missing``: none is stored, and there
        are some to fetch.
        """
        if self.missing:
            return "partial" if self.stored else "missing"
        return "outage" if self.outage else "complete"


def stored_stretches(
    first: int, last: int, holes: Iterable[Hole], interval: Interval
) -> list[Stretch]:
    """Return the stretches of stored candles, oldest first.

    A candle counts for the place on the grid that its open time falls into: one that
    opened at 03:28:14.789 is that of 03:00. Between two holes every place is taken, so
    that the first and the last open time of a stretch tell how many there are.

    Args:
        first: Oldest stored open time (ms).
        last: Newest stored open time (ms).
        holes: All holes between stored candles, oldest first. Where candles were
            deleted since they were noted, they may reach beyond both ends.
        interval: The length of a candle.
    """
    found = []
    place, end = interval.floor(first), interval.floor(last)
    for hole in holes:
        before = interval.floor(interval.add(hole.start, -1))
        found.append(_from_to(place, min(before, end), interval))
        place = max(place, interval.floor(hole.end))
    found.append(_from_to(place, end, interval))
    return [stretch for stretch in found if stretch.candles]


def hole_stretch(hole: Hole, kind: Kind, interval: Interval) -> Stretch:
    """Return the candles that a hole lacks."""
    return Stretch(interval.floor(hole.start), hole.candles(interval), kind)


def unasked_stretch(span: Hole, interval: Interval) -> Stretch:
    """Return the candles of a span that nobody has asked for yet.

    It may begin anywhere, so with the first candle that opens in it: the first day
    that is wanted may lie inside a week.
    """
    place = interval.floor(span.start)
    if place < span.start:
        place = interval.add(place)
    return Stretch(place, span.candles(interval), "missing")


def make_cells(
    stretches: Iterable[Stretch], interval: Interval, size: Interval
) -> list[Cell]:
    """Return the days or months of a series, oldest first.

    There is a cell wherever a candle opens or should have opened; so a series of weeks
    has a cell of a day for its Mondays only.

    Args:
        stretches: In any order.
        interval: The length of a candle.
        size: The length of a cell, a day or a month.
    """
    cells: dict[int, Cell] = {}
    for stretch in stretches:
        place, left = stretch.start, stretch.candles
        while left > 0:
            start = size.floor(place)
            cell = cells.get(start) or Cell(start, size.add(start))
            cells[start] = cell
            fitting = min(left, interval.steps(place, cell.end - 1) + 1)
            setattr(cell, stretch.kind, getattr(cell, stretch.kind) + fitting)
            left -= fitting
            place = interval.add(place, fitting)
    return [cells[start] for start in sorted(cells)]


def _from_to(first: int, last: int, interval: Interval) -> Stretch:
    candles = interval.steps(first, last) + 1 if last >= first else 0
    return Stretch(first, candles, "stored")
