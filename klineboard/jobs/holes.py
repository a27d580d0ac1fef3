"""Ask for the holes of a series, until each is filled or known as an outage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..market.coverage import is_due
from ..storage.database import Database
from ..storage.series import (
    KnownGap,
    hold_gaps,
    mark_gap,
    refresh_gaps,
    scan_holes,
    sync_gaps,
)
from .task import Span, Task, covers


class Holes:
    """The holes of one series within the span of a task."""

    def __init__(
        self,
        database: Database,
        task: Task,
        fetch: Callable[[Span], int],
        unsound: Sequence[Span],
        since: int | None = None,
    ) -> None:
        """Keep where holes are and who fetches.

        Args:
            database: Where candles are.
            task: Of which series, and in which span.
            fetch: Fetches and stores a span, returns how many candles it added.
            unsound: Spans of which rows came that cannot be believed; may grow.
            since: Look behind this stored open time (ms) only; None for all.
        """
        self._database = database
        self._task = task
        self._series = task.series
        self._fetch = fetch
        self._unsound = unsound
        self._since = since

    def ask(self, fetched: list[Span]) -> None:
        """Ask for each hole on its own, until none is left that could be filled.

        A hole that was asked for before, in a larger stretch or by an earlier run, and
        of which nothing comes now, is an outage of the exchange. One that was never
        asked for, or is filled in part, is asked for once more.

        Args:
            fetched: Spans that this run has asked for.
        """
        settled: list[Span] = []
        while due := [
            gap
            for gap in self.sync()
            if self._is_due(gap) and not covers(settled, self._span_of(gap))
        ]:
            confirmed: list[Span] = []
            for gap in due:
                span = self._span_of(gap)
                asked_before = gap.attempts > 0 or covers(fetched, span)
                if not self._fetch(span) and asked_before:
                    confirmed.append(span)
                fetched = [*fetched, span]
            settled += confirmed
            self._mark(confirmed)

    def sync(self) -> list[KnownGap]:
        """Bring ``gaps`` in line with what is stored, and return its rows."""
        with self._database.transaction() as cursor:
            if self._since is None:
                return refresh_gaps(cursor, self._series)
            hold_gaps(cursor, self._series)
            holes = scan_holes(cursor, self._series, self._since)
            return sync_gaps(cursor, self._series, holes, self._since)

    def _is_due(self, gap: KnownGap) -> bool:
        start, end = self._task.span
        return (
            is_due(gap.state, gap.attempts, gap.checked_at, self._task.now)
            and gap.hole.start <= end
            and gap.hole.end > start
        )

    def _span_of(self, gap: KnownGap) -> Span:
        # From just behind the neighbour: a candle may open off the grid.
        start = self._series.interval.add(gap.hole.start, -1) + 1
        first, last = self._task.span
        return max(start, first), min(gap.hole.end - 1, last)

    def _mark(self, confirmed: list[Span]) -> None:
        if not confirmed:
            return
        gaps = self.sync()
        with self._database.transaction() as cursor:
            for gap in gaps:
                whole = (gap.hole.start, gap.hole.end - 1)
                if not covers(confirmed, whole):
                    continue
                # Rows came that could not be believed: the exchange does have it.
                unsound = covers(self._unsound, whole)
                state = "missing" if unsound else "exchange"
                mark_gap(cursor, self._series, gap.hole, state, self._task.now)
