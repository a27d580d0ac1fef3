"""What of a series is stored, what is missing, and what never existed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from .interval import DAY, Interval


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch without candles inside a series (ms, UTC).

    Attributes:
        start: The first open time that is not there.
        end: The open time of the next candle that is there.
    """

    start: int
    end: int

    def candles(self, interval: Interval) -> int:
        """Return how many whole candles the hole lacks."""
        return interval.steps(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of candles of one series: stored, still to be fetched, never existed."""

    stored: int
    missing: int
    never_existed: int

    @property
    def expected(self) -> int:
        """All candles that a market without outages would have had."""
        return self.stored + self.missing + self.never_existed


def hole_between(previous: int, following: int, interval: Interval) -> Hole | None:
    """Return the hole between two neighbouring open times (ms), or None.

    The distance decides, not the grid: after the restart of 2018-02-09 Binance's
    candles opened at hh:28:14.789 for two days (binance-public-data#14), and the
    step back onto the grid is shorter than an interval.
    """
    if interval.steps(previous, following) < 2:
        return None
    return Hole(interval.add(previous), following)


def find_holes(open_times: Iterable[int], interval: Interval) -> list[Hole]:
    """Return every hole between rising open times (ms), oldest first."""
    pairs = (hole_between(a, b, interval) for a, b in pairwise(open_times))
    return [hole for hole in pairs if hole is not None]


def is_due(state: str, attempts: int, checked_at: int | None, now: int) -> bool:
    """Return whether a hole should be asked for (again) at ``now`` (ms).

    A hole of state 'missing' is always due. One that the exchange itself does not
    have is asked for again after a day, and from the second time on after a week:
    archives are re-issued now and then, but an outage of 2018 stays an outage.
    """
    if state == "missing" or checked_at is None:
        return True
    return now - checked_at >= (DAY if attempts <= 1 else 7 * DAY)
