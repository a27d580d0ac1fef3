"""Ask REST for what lies between the newest confirmed candle and now, and store it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..market.kline import Kline, Page
from ..market.series import Series
from ..storage.database import Cursor, Database
from ..storage.klines import (
    ensure_view,
    newest_klines,
    open_before,
    store_klines,
)
from ..storage.series import (
    is_collecting,
    read_gaps,
    read_state,
    widen_searched_span,
)
from .fetch import Fetcher
from .holes import Holes
from .store_closed import write_file
from .task import Span, Task, overlap_from

log = logging.getLogger(__name__)

# What one request brings, the open candle included; older ones are the collector's.
_NEWEST = 999
# Beyond the first, a series is left to a collector that is at work on it; beyond the
# second, to the next one.
_FAR_BEHIND, _YEARS_BEHIND = 5_000, 100_000
_KEPT = 1_000


@dataclass(slots=True)
class CaughtUp:
    """What REST said; everything in it is stored, but for the open candle.

    Attributes:
        now: The exchange's clock at the question, ms.
        rows: Final candles, rising; the newest thousand at most.
        open: The candle that is still open.
        corrected: Where stored candles were replaced: the newest ones as they are now.
        is_apart: Whether what lies before is left to the collector.
    """

    now: int
    rows: deque[Kline] = field(default_factory=lambda: deque(maxlen=_KEPT))
    open: Kline | None = None
    corrected: list[Kline] = field(default_factory=list)
    is_apart: bool = False


def catch_up(
    database: Database,
    fetcher: Fetcher,
    series: Series,
    now: int,
    known: Mapping[int, Kline],
    csv_folder: Path,
    *,
    told_until: int | None,
    history_start: int | None,
) -> CaughtUp:
    """Bring a series up to ``now``, beginning at what REST has confirmed last.

    Args:
        database: Where candles go.
        fetcher: Asks the exchange.
        series: Which.
        now: The exchange's clock, ms.
        known: What the stream said has closed, by open time.
        csv_folder: Where the CSV file lies.
        told_until: Open time (ms) of the last candle that was handed on, None for
            none. A collector may have stored newer ones meanwhile, which are to be
            handed on all the same.
        history_start: From when on (ms) the collector fetches the series, None where
            it does not.

    Raises:
        ExchangeError: It could not be asked; what came before is stored.
        DatabaseUnavailable: Call again when the database is back.
    """
    with database.transaction() as cursor:
        ensure_view(cursor, series)
        begin = _begin(cursor, series, now, [*known, *_told(told_until)], history_start)
    if begin.start > now:
        return CaughtUp(now)  # The history shall begin later.
    run = _Run(database, fetcher, Task(series, (begin.start, now), now), known)
    run.result.is_apart = begin.is_apart
    run.fetch(run.task.span)
    holes = Holes(database, run.task, run.fetch, run.unsound, begin.since)
    holes.ask([run.task.span])
    with database.transaction() as cursor:
        if not run.unsound and not run.lags:
            # Not beyond what the answer reached: it may have stopped short.
            until = max(begin.start, min(run.task.settled, run.reached))
            widen_searched_span(cursor, series, begin.start, until)
        if run.corrected:
            run.result.corrected = newest_klines(cursor, series, _KEPT)
    write_file(database, csv_folder, series)
    return run.result


def _told(told_until: int | None) -> list[int]:
    return [] if told_until is None else [told_until]


class _Beginning(NamedTuple):
    """Where catching up begins; open times in ms.

    Attributes:
        start: The first to ask for.
        since: The stored one behind which holes are looked for.
        is_apart: Whether what lies before is left to the collector.
    """

    start: int
    since: int
    is_apart: bool


def _begin(
    cursor: Cursor,
    series: Series,
    now: int,
    unsaid: list[int],
    history_start: int | None,
) -> _Beginning:
    """Return where to begin.

    Args:
        cursor: Of a transaction.
        series: Which.
        now: The exchange's clock, ms.
        unsaid: Open times on which REST has not had the last word.
        history_start: From when on the collector fetches the series, if it does.
    """
    interval = series.interval
    state = read_state(cursor, series)
    newest = interval.add(interval.floor(now), -_NEWEST)
    if not state.last_opens:
        start = max(history_start or 0, newest)
        return _Beginning(start, start, is_apart=False)
    recent = max(0, interval.add(interval.floor(now), -_KEPT))
    missing = [
        interval.add(gap.hole.start, -1)
        for gap in read_gaps(cursor, series, recent)
        if gap.state == "missing"
    ]
    first = min([overlap_from(state, series), *unsaid, *missing])
    behind = interval.steps(first, now)
    if history_start is not None and (
        behind > _YEARS_BEHIND
        or (behind > _FAR_BEHIND and is_collecting(cursor, series))
    ):
        # The hole before it is noted, from the newest candles on.
        start = max(history_start, newest)
        return _Beginning(start, state.last_opens[0], is_apart=True)
    # A stored candle, so that a hole behind it is seen.
    before = open_before(cursor, series, first + 1)
    start = first if before is None else before
    return _Beginning(start, start, is_apart=False)


class _Run:
    """One catching up: fetches spans, stores what is final, keeps what is new."""

    def __init__(
        self,
        database: Database,
        fetcher: Fetcher,
        task: Task,
        known: Mapping[int, Kline],
    ) -> None:
        self._database = database
        self._fetcher = fetcher
        self._known = known
        self.task = task
        self.result = CaughtUp(task.now)
        self.unsound: list[Span] = []
        self.lags = False
        self.corrected = 0
        self.reached = task.span[0]

    def fetch(self, span: Span) -> int:
        """Fetch and store a span; return how many candles it added."""
        return sum(
            self._store(page, span)
            for page in self._fetcher.pages(self.task.series, *span)
        )

    def _store(self, page: Page, span: Span) -> int:
        if page.rejected:
            self.unsound.append(span)
            log.error("%s: not stored: %s", self.task.series, page.rejected[0])
        if page.klines:
            self.reached = max(self.reached, page.klines[-1].open_time)
        closed = self.task.closed(page.klines)
        if len(closed) < len(page.klines):
            self.result.open = page.klines[-1]
        final = [kline for kline in closed if not self._lags_behind(kline)]
        self.lags = self.lags or len(final) < len(closed)
        with self._database.transaction() as cursor:
            stored = store_klines(
                cursor, self.task.series, final, settled=self.task.settled
            )
        self.corrected += stored.corrected
        self._keep(final)
        return stored.added

    def _lags_behind(self, kline: Kline) -> bool:
        told = self._known.get(kline.open_time)
        return (
            told is not None
            and kline.number_of_trades < told.number_of_trades
            and kline.close_time >= self.task.settled
        )

    def _keep(self, final: list[Kline]) -> None:
        rows = self.result.rows
        if final and rows and final[0].open_time <= rows[-1].open_time:
            # A hole that was asked for on its own lies between those that are kept.
            merged = {kline.open_time: kline for kline in (*rows, *final)}
            rows.clear()
            rows.extend(merged[opened] for opened in sorted(merged))
        else:
            rows.extend(final)
