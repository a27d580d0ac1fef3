"""Collect one series: find what is missing, fetch just that, store it, prove it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CsvNotWritable, ExchangeError, SeriesRejected, Stopped
from ..market.coverage import Coverage
from ..market.kline import Kline, Page
from ..market.series import Series
from ..storage.csv_files import bring_in_line
from ..storage.database import Database
from ..storage.klines import (
    Stored,
    commit_without_waiting,
    ensure_view,
    store_klines,
)
from ..storage.runs import record_run
from ..storage.series import (
    KnownGap,
    SeriesState,
    read_gaps,
    read_state,
    series_lock,
    widen_searched_span,
)
from .archive import Archive
from .fetch import Fetcher
from .holes import Holes
from .take_archive import ArchiveTaking
from .task import Span, Task, missing_spans, tail_is_due, touches

log = logging.getLogger(__name__)

Progress = Callable[[Series, int, int], object]
"""Told the series, how many candles are done, and about how many there are."""


@dataclass(slots=True)
class Result:
    """How a run of one series ended; most fields are those of ``collection_runs``.

    Attributes:
        retry: Whether trying again soon may help, where it failed.
        coverage: Counts of candles afterwards.
        span: First and last stored open time afterwards, ms.
        warnings: What went wrong and was made good: files of the archive that could
            not be used, candles in which it differs from REST.
    """

    series: Series
    status: str = "ok"
    rows_stored: int = 0
    rows_corrected: int = 0
    requests: int = 0
    error: str | None = None
    retry: bool = True
    coverage: Coverage | None = None
    span: Span | None = None
    warnings: list[str] = field(default_factory=list)

    def fail(self, error: str) -> None:
        """Note a failure; the first one is kept, since it explains the others."""
        self.status = "failed"
        self.error = self.error or error


def collect_series(
    database: Database,
    fetcher: Fetcher,
    task: Task,
    csv_folder: Path,
    progress: Progress,
    archive: Archive | None = None,
) -> Result:
    """Bring one series up to date, in the table and in its CSV file.

    Errors of the exchange and of the CSV file end in the result; so does another run
    that holds the series ('skipped'). Whole months come from the archive, where there
    is one to be used.

    Raises:
        DatabaseUnavailable: Call again when the database is back; all is repeatable.
    """
    started_at = dt.datetime.now(dt.UTC)
    result = Result(task.series)
    with series_lock(database, task.series) as held:
        if held:
            collection = _Collection(database, fetcher, task, progress, result, archive)
            collection.run(csv_folder)
        else:
            result.status = "skipped"
            result.error = "another run is collecting this series"
    result.requests = fetcher.count.value
    record(database, result, started_at)
    return result


def record(database: Database, result: Result, started_at: dt.datetime) -> None:
    """Write a result into ``collection_runs``."""
    with database.transaction() as cursor:
        record_run(
            cursor,
            result.series,
            started_at,
            status=result.status,
            rows_stored=result.rows_stored,
            rows_corrected=result.rows_corrected,
            requests=result.requests,
            error=result.error,
        )


class _Collection:
    """One run of one series, under its lock."""

    def __init__(
        self,
        database: Database,
        fetcher: Fetcher,
        task: Task,
        progress: Progress,
        result: Result,
        archive: Archive | None = None,
    ) -> None:
        self._database = database
        self._fetcher = fetcher
        self._task = task
        self._series = task.series
        self._progress = progress
        self._result = result
        self._archive = archive
        self._before = SeriesState()
        self._rows_before = 0
        self._expected = 0
        self._unsound: list[Span] = []
        self._holes = Holes(database, task, self.fetch, self._unsound)

    def run(self, csv_folder: Path) -> None:
        """Fetch, prove, and write the file, whatever the exchange does."""
        with self._database.transaction() as cursor:
            ensure_view(cursor, self._series)
            self._before = read_state(cursor, self._series)
        self._expect()
        try:
            self._take_from_archive()
            fetched = self._fetch_what_is_missing()
            self._holes.ask(fetched)
        except (ExchangeError, Stopped) as error:
            self._result.fail(str(error))
            self._result.retry = not isinstance(error, SeriesRejected)
        try:
            self._finish(csv_folder)
        except CsvNotWritable as error:
            self._result.fail(str(error))

    def _expect(self) -> None:
        interval = self._series.interval
        self._rows_before = self._before.row_count
        self._expected = self._rows_before + sum(
            interval.steps(start, min(end, self._task.now))
            for start, end in missing_spans(self._before, self._task)
        )

    def _take_from_archive(self) -> None:
        if self._archive is None or not self._archive.is_usable:
            return
        taking = ArchiveTaking(self._database, self._archive, self._task, self)
        taking.take_reissued()
        taking.take_missing(self._before)
        with self._database.transaction() as cursor:
            self._before = read_state(cursor, self._series)

    def _fetch_what_is_missing(self) -> list[Span]:
        spans = missing_spans(self._before, self._task)
        for span in spans:
            added = self.fetch(span)
            if not added and span[1] < (self._before.first_open or 0):
                # Nothing before the first candle: believed when it is said twice.
                added = self.fetch(span)
            if span in self._unsound:
                continue  # Rows that cannot be believed prove nothing.
            if added or touches(self._before, span):
                with self._database.transaction() as cursor:
                    until = min(span[1], self._task.settled)
                    widen_searched_span(cursor, self._series, span[0], until)
        return spans + self._ask_for_tail()

    def _ask_for_tail(self) -> list[Span]:
        """Ask once more for candles that should have closed and did not come.

        An answer that stopped short is followed until an answer brings nothing.
        """
        spans: list[Span] = []
        while True:
            with self._database.transaction() as cursor:
                state = read_state(cursor, self._series)
            if not state.last_opens or not tail_is_due(state, self._task):
                return spans
            span = (state.last_opens[-1] + 1, self._task.span[1])
            spans.append(span)
            if not self.fetch(span):
                return spans

    def fetch(self, span: Span) -> int:
        """Fetch and store a span; return how many candles it added."""
        before = self._result.rows_stored
        for page in self._fetcher.pages(self._series, *span):
            self._store(page, span)
        return self._result.rows_stored - before

    def first_open(self, span: Span) -> int | None:
        """Ask REST for the first open time in a span, None if there is none."""
        exchange, count = self._fetcher.exchange, self._fetcher.count
        page = exchange.klines(*self._series, *span, count)
        self._note_beginning(page.klines)
        return page.klines[0].open_time if page.klines else None

    def warn(self, sentence: str) -> None:
        """Note what went wrong and is made good."""
        log.warning("%s: %s", self._series, sentence)
        self._result.warnings.append(sentence)

    def count(self, stored: Stored) -> None:
        """Count what was stored, and show how far the run is."""
        self._result.rows_stored += stored.added
        self._result.rows_corrected += stored.corrected
        done = self._rows_before + self._result.rows_stored
        self._progress(self._series, done, max(self._expected, done))

    def _store(self, page: Page, span: Span) -> None:
        if page.rejected:
            self._unsound.append(span)
            self._result.fail(
                f"{len(page.rejected)} rows not stored: {page.rejected[0]}"
            )
            for sentence in page.rejected[:10]:
                log.error("%s: not stored: %s", self._series, sentence)
        klines = self._task.closed(page.klines)
        self._note_beginning(klines)
        with self._database.transaction() as cursor:
            commit_without_waiting(cursor)
            stored = store_klines(
                cursor, self._series, klines, settled=self._task.settled
            )
        self.count(stored)

    def _note_beginning(self, klines: list[Kline]) -> None:
        if self._before.first_open is None and not self._result.rows_stored and klines:
            # The history begins here, at the symbol's listing.
            self._expected = self._series.interval.steps(
                klines[0].open_time, min(self._task.span[1], self._task.now)
            )

    def _finish(self, csv_folder: Path) -> None:
        with self._database.transaction() as cursor:
            state = read_state(cursor, self._series)
            self._result.coverage = _coverage(
                state, read_gaps(cursor, self._series), self._series
            )
            if state.first_open is not None:
                self._result.span = state.first_open, state.last_opens[-1]
            if state.row_count or state.csv_version is not None:
                bring_in_line(cursor, csv_folder, self._series)


def _coverage(state: SeriesState, gaps: list[KnownGap], series: Series) -> Coverage:
    counts = {"missing": 0, "exchange": 0}
    for gap in gaps:
        counts[gap.state] += gap.hole.candles(series.interval)
    return Coverage(state.row_count, counts["missing"], counts["exchange"])
