"""Take whole months and days of a series from the exchange's archive."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Protocol

from ..market.archive import ArchiveFile, Period, days_of, whole_periods
from ..market.interval import DAY, Interval
from ..market.kline import Kline
from ..sources.binance_rest import PAGE_ROWS
from ..storage.archive_files import (
    TakenFile,
    note_checked,
    note_taken,
    read_taken,
    stored_within,
)
from ..storage.database import Cursor, Database
from ..storage.klines import Stored, commit_without_waiting, store_klines
from ..storage.series import SeriesState, widen_searched_span
from .archive import Archive, FetchedFile
from .task import Span, Task, missing_spans

log = logging.getLogger(__name__)

# A month's file is published at the start of the next one. What is older and is not
# there will not come; its days are not looked for.
_DAYS_OF_MONTHS_WITHIN = 62 * DAY


class Run(Protocol):
    """What the run of a series does beside: it asks REST, and counts."""

    def fetch(self, span: Span) -> int:
        """Fetch and store a span by REST; return how many candles it added."""

    def first_open(self, span: Span) -> int | None:
        """Ask REST for the first open time in a span, None if there is none."""

    def count(self, stored: Stored) -> None:
        """Count what was stored."""

    def warn(self, sentence: str) -> None:
        """Tell what went wrong, and is made good by REST."""


class ArchiveTaking:
    """What one run of one series takes from the archive."""

    def __init__(
        self, database: Database, archive: Archive, task: Task, run: Run
    ) -> None:
        """Keep where files come from and where candles go."""
        self._database = database
        self._archive = archive
        self._task = task
        self._series = task.series
        self._run = run

    def take_missing(self, state: SeriesState) -> None:
        """Take the files of what was never asked for; leave the rest to REST.

        What lies before the stored candles is taken newest first, and what lies behind
        them oldest first: wherever it is cut short, no hole is left.
        """
        for start, end in missing_spans(state, self._task):
            if state.first_open is None:
                self._take_span((start, end))
            elif end < state.first_open:
                self._take_span((start, end), backwards=True)
            else:
                newest = state.last_opens[-1]
                # REST says the newest candles again before new ones follow them.
                again = [(start, newest)] if start <= newest else []
                self._take_span((max(start, newest + 1), end), again)

    def _take_span(
        self, span: Span, before: Sequence[Span] = (), *, backwards: bool = False
    ) -> None:
        """Take what the archive has of a span.

        Args:
            span: Which open times files may have, ms.
            before: What REST shall be asked for before the first file is stored.
            backwards: Whether the newest file comes first.
        """
        start, end = span[0], min(span[1], self._task.now - 1)
        periods = self._periods(start, end)
        # Before its listing, and after its end, a symbol has no files either.
        first = self._run.first_open((start, end)) if periods else None
        if first is None:
            return
        periods = [period for period in periods if period.end > first]
        periods = self._with_days(periods, start, end)
        if not periods:
            return
        if backwards:
            self._take(periods[::-1], [(periods[-1].end, end)])
        else:
            self._take(periods, [*before, (max(start, first), periods[0].start - 1)])

    def _periods(self, start: int, end: int) -> list[Period]:
        interval = self._series.interval
        return whole_periods(
            start,
            end,
            months=self._archive.wants_months(interval),
            days=self._archive.wants_days(interval),
        )

    def _with_days(self, periods: list[Period], start: int, end: int) -> list[Period]:
        """Return the periods, with days for newest months that are not published."""
        newest = [
            ArchiveFile(self._series, period)
            for period in periods
            if period.is_month and self._task.now - period.end < _DAYS_OF_MONTHS_WITHIN
        ]
        if not newest or not self._archive.wants_days(self._series.interval):
            return periods
        published = self._archive.checksums(newest)
        unpublished = {one.period for one in newest if published.get(one) is None}
        by_day: list[Period] = []
        for period in periods:
            whole = period not in unpublished
            by_day += [period] if whole else days_of(period, start, end)
        return by_day

    def _take(self, periods: Sequence[Period], before: Sequence[Span]) -> None:
        """Take files in this order; what is missing between two comes from REST.

        Args:
            periods: Which.
            before: What lies between stored candles and the first file.
        """
        skipped = list(before)
        with self._files(periods) as files:
            for fetched in files:
                if not self._is_sound(fetched):
                    period = fetched.file.period
                    skipped.append((period.start, period.end - 1))
                    continue
                for span in _joined(skipped):
                    self._run.fetch(span)
                skipped.clear()
                self._keep(fetched)

    def _files(
        self, periods: Sequence[Period]
    ) -> closing[Generator[FetchedFile, None, None]]:
        files = [ArchiveFile(self._series, period) for period in periods]
        return closing(self._archive.files(files))

    def _is_sound(self, fetched: FetchedFile) -> bool:
        if fetched.refusal is not None:
            self._run.warn(f"{fetched.refusal}; its candles come from REST")
        return bool(fetched.klines)

    def take_reissued(self) -> None:
        """Take again what was published anew since it was taken."""
        with self._database.transaction() as cursor:
            taken = [one for one in read_taken(cursor, self._series) if self._due(one)]
        if not taken:
            return
        files = [one.file for one in taken]
        if self._archive.is_told:
            published = self._archive.checksums(files)
        else:
            published = self._archive.checksums_by_the_way(files)
        changed = [
            one.file.period
            for one in taken
            if published.get(one.file) not in (None, one.sha256)
        ]
        self._note_checked(
            [file.period for file in published if file.period not in changed]
        )
        if not changed:
            return
        with self._files(changed) as fetched_files:
            for fetched in fetched_files:
                if self._is_sound(fetched):
                    log.warning("%s was re-issued; it is taken again", fetched.file)
                    self._keep(fetched)
                else:
                    self._note_checked([fetched.file.period])

    def _due(self, taken: TakenFile) -> bool:
        period, (start, end) = taken.file.period, self._task.span
        asked_for = period.start <= end and period.end > start
        return asked_for and (taken.is_due or self._archive.is_told)

    def _note_checked(self, periods: Sequence[Period]) -> None:
        if periods:
            with self._database.transaction() as cursor:
                note_checked(cursor, self._series, periods)

    def _keep(self, fetched: FetchedFile) -> None:
        """Store a file's candles, and that it was taken, in one transaction.

        Where another candle is stored already, REST is asked, and its word stands.
        """
        klines = self._closed(fetched)
        with self._database.transaction() as cursor:
            commit_without_waiting(cursor)
            present = self._present(cursor, klines)
            absent, differing = _compared(klines, present)
            stored = store_klines(
                cursor, self._series, absent, settled=self._task.settled
            )
            if not differing:
                self._note_taken(cursor, fetched, klines)
        self._run.count(stored)
        if differing:
            self._ask_for(fetched, klines, differing)

    def _closed(self, fetched: FetchedFile) -> Sequence[Kline]:
        # What closes after the file's end (a week across two months) may not have been
        # final when the file was made.
        end = min(fetched.file.period.end, self._task.now)
        klines = fetched.klines
        if klines and klines[-1].close_time < end:
            return klines
        return [kline for kline in klines if kline.close_time < end]

    def _present(self, cursor: Cursor, klines: Sequence[Kline]) -> list[Kline]:
        if not klines:
            return []
        first, last = klines[0].open_time, klines[-1].open_time
        return stored_within(cursor, self._series, first, last)

    def _note_taken(
        self,
        cursor: Cursor,
        fetched: FetchedFile,
        klines: Sequence[Kline],
        differing: int = 0,
    ) -> None:
        file = fetched.file
        rows = len(fetched.klines)
        note_taken(cursor, file, fetched.sha256 or "", rows, differing)
        if klines:
            # From the first candle on, not from the file's first ms: what the file
            # lacks at its beginning is still to be asked for.
            until = min(file.period.end - 1, self._task.settled)
            widen_searched_span(cursor, self._series, klines[0].open_time, until)

    def _ask_for(
        self,
        fetched: FetchedFile,
        klines: Sequence[Kline],
        differing: Sequence[Kline],
    ) -> None:
        """Let REST say which is right of a file's candles and the stored ones."""
        for span in _stretches(differing, self._series.interval):
            self._run.fetch(span)
        with self._database.transaction() as cursor:
            _, kept = _compared(klines, self._present(cursor, klines))
            self._note_taken(cursor, fetched, klines, len(kept))
        self._run.warn(
            f"{fetched.file} differs from {len(differing)} stored candles; REST was "
            f"asked, and says otherwise than the file of {len(kept)}"
        )


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return the spans, oldest first, those that touch made one; none is empty."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif start <= end:
            joined.append((start, end))
    return joined


def _compared(
    klines: Sequence[Kline], present: Sequence[Kline]
) -> tuple[Sequence[Kline], list[Kline]]:
    """Return those that are not stored, and those that are stored otherwise."""
    if not present:
        return klines, []
    stored = {kline.open_time: kline for kline in present}
    absent = [kline for kline in klines if kline.open_time not in stored]
    differing = [
        kline
        for kline in klines
        if kline.open_time in stored and not _same(kline, stored[kline.open_time])
    ]
    return absent, differing


def _same(one: Kline, other: Kline) -> bool:
    """Whether two candles have the same values, however many zeros end them."""
    return one == other or all(
        a == b or (isinstance(a, str) and Decimal(a) == Decimal(str(b)))
        for a, b in zip(one, other, strict=True)
    )


def _stretches(klines: Sequence[Kline], interval: Interval) -> list[Span]:
    """Return few spans that contain all open times: near ones share a request."""
    page = PAGE_ROWS * interval.milliseconds
    spans: list[Span] = []
    for kline in klines:
        if spans and kline.open_time - spans[-1][0] < page:
            spans[-1] = spans[-1][0], kline.open_time
        else:
            spans.append((kline.open_time, kline.open_time))
    return spans
