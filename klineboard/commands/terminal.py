"""What a person at the terminal sees of a run: bars, summaries, tables."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
)

from ..jobs.collect import Result
from ..jobs.rehearse import Rehearsal
from ..market.kline import COLUMNS, Kline
from ..market.moment import show_moment
from ..market.series import Series

log = logging.getLogger("klineboard.collect")

_SECONDS_BETWEEN_LINES = 10.0
# The speed is that of the last half minute: the exchange's budget comes by the minute.
_PACE_SECONDS = 30.0


class Pace:
    """How fast a series grows, from what was shown of it lately."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._seen: deque[tuple[float, int]] = deque()

    def words(self, now: float, done: int, expected: int, budget: float | None) -> str:
        """Say candles a second, the share of the budget, and the time left.

        Args:
            now: Rising seconds.
            done: Candles that are stored.
            expected: About how many there will be.
            budget: The part of the minute's request weight that is spent.
        """
        self._seen.append((now, done))
        while now - self._seen[0][0] > _PACE_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        began, before = self._seen[0]
        parts = []
        if now > began and done > before:
            speed = (done - before) / (now - began)
            parts.append(f"{speed:,.0f} a second")
            parts.append(f"{_duration((expected - done) / speed)} left")
        if budget is not None:
            parts.append(f"{budget:.0%} of the minute's budget")
        return " · ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


class PlainDisplay:
    """Lines for files and containers: progress now and then, a summary a series."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._shown: dict[Series, float] = {}
        self._paces: defaultdict[Series, Pace] = defaultdict(Pace)

    def progress(
        self, series: Series, done: int, expected: int, budget: float | None
    ) -> None:
        """Say how far a series is, at most every ten seconds."""
        now = time.monotonic()
        words = self.pace(series, now, done, expected, budget)
        if now - self._shown.setdefault(series, now) >= _SECONDS_BETWEEN_LINES:
            self._shown[series] = now
            log.info(
                "%s: %s of about %s candles · %s",
                series,
                f"{done:,}",
                f"{expected:,}",
                words,
            )

    def pace(
        self, series: Series, now: float, done: int, expected: int, budget: float | None
    ) -> str:
        """Say how fast a series grows."""
        return self._paces[series].words(now, done, expected, budget)

    def finished(self, result: Result) -> None:
        """Log the summary line of a series."""
        self.clear(result.series)
        level = logging.INFO if result.status != "failed" else logging.ERROR
        log.log(level, "%s", summary(result))

    def clear(self, series: Series) -> None:
        """Show no progress of a series any more."""
        self._paces.pop(series, None)

    def run(self) -> AbstractContextManager[object]:
        """Nothing needs to be opened or closed."""
        return _nothing()


class BarDisplay(PlainDisplay):
    """A progress bar per series that has something to fetch; summaries above them."""

    def __init__(self, console: Console) -> None:
        """Draw on a console, which the log lines must share."""
        super().__init__()
        self._console = console
        self._bars: dict[Series, TaskID] = {}
        self._mutex = threading.Lock()
        self._drawing: Progress | None = None

    def progress(
        self, series: Series, done: int, expected: int, budget: float | None
    ) -> None:
        """Move the bar of a series."""
        drawing = self._drawing
        if drawing is None:
            return
        pace = self.pace(series, time.monotonic(), done, expected, budget)
        with self._mutex:
            if series not in self._bars:
                self._bars[series] = drawing.add_task(str(series), pace="")
        drawing.update(self._bars[series], completed=done, total=expected, pace=pace)

    def clear(self, series: Series) -> None:
        """Remove the bar of a series; its summary line follows."""
        super().clear(series)
        with self._mutex:
            bar = self._bars.pop(series, None)
        if bar is not None and self._drawing is not None:
            self._drawing.remove_task(bar)

    @contextmanager
    def _draw(self) -> Iterator[None]:
        with Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("candles"),
            TextColumn("{task.fields[pace]}"),
            console=self._console,
            transient=True,
        ) as self._drawing:
            yield
        self._drawing = None

    def run(self) -> AbstractContextManager[object]:
        """Draw during a run."""
        return self._draw()


def display_on(console: Console, *, quiet: bool) -> PlainDisplay:
    """Return bars for a person at a terminal, lines for all else."""
    bars = console.is_terminal and not quiet
    return BarDisplay(console) if bars else PlainDisplay()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def summary(result: Result) -> str:
    """Return one line on how a series went."""
    parts = [f"{result.series}: {result.status}"]
    if result.error:
        parts.append(result.error)
    if result.rows_stored or result.rows_corrected:
        corrected = f", {result.rows_corrected} replaced" * bool(result.rows_corrected)
        candles = "candle" if result.rows_stored == 1 else "candles"
        parts.append(f"{result.rows_stored:,} new {candles}{corrected}")
    if result.coverage and result.span:
        first, last = map(show_moment, result.span)
        parts.append(f"{result.coverage.stored:,} stored from {first} to {last} UTC")
        if result.coverage.never_existed:
            parts.append(f"the exchange never had {result.coverage.never_existed:,}")
        if result.coverage.missing:
            parts.append(f"{result.coverage.missing:,} still missing")
    if result.requests:
        word = "request" if result.requests == 1 else "requests"
        parts.append(f"{result.requests} {word}")
    return " · ".join(parts)


def rehearsal_summary(rehearsal: Rehearsal) -> str:
    """Return one line on what a run would have stored."""
    parts = [f"{rehearsal.series}: {rehearsal.error or 'fine'}"]
    if rehearsal.first_open is not None and rehearsal.last_open is not None:
        first, last = (
            show_moment(rehearsal.first_open),
            show_moment(rehearsal.last_open),
        )
        missing = sum(
            hole.candles(rehearsal.series.interval) for hole in rehearsal.holes
        )
        parts += [
            f"{rehearsal.candles:,} closed candles from {first} to {last} UTC",
            f"{len(rehearsal.holes)} holes lacking {missing:,}",
        ]
    parts += [f"{rehearsal.requests} requests", "nothing was stored"]
    return " · ".join(parts)


def write_table(series: Series, klines: Sequence[Kline]) -> None:
    """Write candles to standard output, right-aligned, with the exchange's digits."""
    rows = [
        [
            show_moment(kline.open_time),
            *kline[1:6],
            show_moment(kline.close_time),
            kline.quote_asset_volume,
            str(kline.number_of_trades),
            *kline[9:],
        ]
        for kline in klines
    ]
    widths = [
        max(len(name), *(len(row[column]) for row in rows)) if rows else len(name)
        for column, name in enumerate(COLUMNS)
    ]
    lines = [f"{series}, newest {len(rows):,} candles (UTC)"]
    for row in [list(COLUMNS), *rows]:
        cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
