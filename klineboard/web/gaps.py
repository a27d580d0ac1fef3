"""The gaps of a view: all of them, or where there are thousands, near ones joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..market.coverage import Hole
from ..market.interval import Interval
from ..storage.series import KnownGap

MOST_GAPS = 200
"""More bands than this are no longer told apart in a chart."""


class ShownGap(NamedTuple):
    """One gap, or several that are shown as one.

    Attributes:
        known: From the start of the first to the end of the last; 'missing' where any
            of them is.
        candles: How many whole candles are lacking, without those between the gaps.
        gaps: How many gaps it stands for.
    """

    known: KnownGap
    candles: int
    gaps: int

    def summary(self) -> dict[str, Any]:
        """Return it as the API tells it, ``joined`` only where it is several."""
        hole = self.known.hole
        told = {"start": hole.start, "end": hole.end, "state": self.known.state}
        told["candles"] = self.candles
        return told if self.gaps == 1 else {**told, "joined": self.gaps}


def join_gaps(
    gaps: Sequence[KnownGap], interval: Interval, most: int = MOST_GAPS
) -> list[ShownGap]:
    """Return at most ``most`` gaps: what lies nearest together becomes one.

    Args:
        gaps: Oldest first.
        interval: Of the series, to count the candles that are lacking.
        most: At least 1.
    """
    return [_join(group, interval) for group in _groups(gaps, most)]


def _groups(gaps: Sequence[KnownGap], most: int) -> Iterator[Sequence[KnownGap]]:
    if not gaps:
        return
    distances = [later.hole.start - gap.hole.end for gap, later in pairwise(gaps)]
    by_distance = sorted(range(len(distances)), key=lambda n: -distances[n])
    first = 0
    for last in sorted(by_distance[: most - 1]):
        yield gaps[first : last + 1]
        first = last + 1
    yield gaps[first:]


def _join(gaps: Sequence[KnownGap], interval: Interval) -> ShownGap:
    candles = sum(gap.hole.candles(interval) for gap in gaps)
    if len(gaps) == 1:
        return ShownGap(gaps[0], candles, 1)
    state = "missing" if any(gap.state == "missing" for gap in gaps) else "exchange"
    hole = Hole(gaps[0].hole.start, gaps[-1].hole.end)
    return ShownGap(KnownGap(hole, state, 0, None), candles, len(gaps))
