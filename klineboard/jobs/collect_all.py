"""One run over all series."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from ..errors import (
    DatabaseUnavailable,
    DiskFull,
    ExchangeError,
    Stopped,
    StorageError,
)
from ..market.series import Series
from ..settings import Settings
from ..sources.binance_answers import SymbolInfo
from ..sources.binance_archive import BinanceArchive
from ..storage.database import Database
from .archive import Archive, open_archive
from .collect import Result, collect_series, record
from .contact import Contact, unknown_symbol
from .fetch import Fetcher
from .roll_up import roll_up
from .task import Span, Task

log = logging.getLogger(__name__)

# Enough to hide the exchange's answering time behind storing; the weight budget, not
# this number, limits the requests.
_SERIES_AT_ONCE = 4
# How often rollups are made during a run, which keeps a core that is idle busy.
_ROLL_UP_SECONDS = 2.0
_PAGES_AT_ONCE = 12


class Display(Protocol):
    """Shows how a run goes; see the door for the terminal's."""

    def progress(
        self, series: Series, done: int, expected: int, budget: float | None
    ) -> None:
        """Show that ``done`` of about ``expected`` candles are stored.

        ``budget`` is the part of the minute's request weight that is spent.
        """

    def finished(self, result: Result) -> None:
        """Show how one series ended."""

    def run(self) -> AbstractContextManager[object]:
        """Be active during one run."""


@dataclass(frozen=True)
class Order:
    """What to collect: series, and from when to when they shall open (ms).

    ``end`` None means: until now. ``source`` is one of :data:`.archive.SOURCES`; None
    where nobody named one: 'auto'.
    """

    series: Sequence[Series]
    start: int
    end: int | None
    source: str | None = None

    def span(self, now: int) -> Span:
        """Return first and last open time, the exchange's clock being ``now``."""
        return self.start, now if self.end is None else min(self.end, now)


class Collector:
    """Runs orders against one exchange and one database."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        display: Display,
        stop: threading.Event | None = None,
        first_backoff: float = 0.5,
    ) -> None:
        """Compose the parts; nothing is connected yet.

        Args:
            settings: Where everything is.
            database: Where candles go.
            display: Who shows the progress.
            stop: Set to end: pages under way are stored, then all stops.
            first_backoff: Mean seconds before a failed request is sent again.
        """
        self._settings = settings
        self.database = database
        self._display = display
        self._stop = stop or threading.Event()
        self._disk_full: DiskFull | None = None
        self.contact = Contact(settings, database, self.wait, first_backoff)
        self._files = BinanceArchive(
            settings.binance_archive_url, wait=self.wait, first_backoff=first_backoff
        )

    def wait(self, seconds: float) -> None:
        """Sleep, but not past the order to stop.

        Raises:
            Stopped: The order came.
        """
        if self._stop.wait(seconds):
            raise Stopped

    def run(self, order: Order) -> list[Result]:
        """Collect every series of an order once.

        Raises:
            SettingsError: The exchange knows none of the symbols, or is another one
                than this database's, or the archive that is asked for by name is.
            DatabaseUnavailable: It stayed away for ``database_wait_seconds``.
        """
        while True:
            self.database.wait(self.wait)
            try:
                return self._run_once(order)
            except DatabaseUnavailable as error:
                log.warning("%s", error)

    def _run_once(self, order: Order) -> list[Result]:
        started_at = dt.datetime.now(dt.UTC)
        self._disk_full = None
        try:
            now = self.contact.greet()
            known = self.contact.exchange.exchange_info(
                sorted({series.symbol for series in order.series})
            )
        except (ExchangeError, Stopped) as error:
            self.contact.note_failed(error)
            results = [
                Result(series, status="failed", error=str(error))
                for series in order.series
            ]
            for result in results:
                record(self.database, result, started_at)
                self._display.finished(result)
            return results
        self.contact.keep_symbols([series.symbol for series in order.series], known)
        origin = self.contact.exchange.origin
        archive = open_archive(self._files, origin, order.source)
        with self._display.run(), archive or nullcontext(), self._rolling_up():
            return self._collect(order, known, now, archive)

    @contextmanager
    def _rolling_up(self) -> Iterator[None]:
        """Make rollups of what is new, now and then during a run and at its end."""
        over = threading.Event()

        def keep_rolling_up() -> None:
            while not over.wait(_ROLL_UP_SECONDS):
                self._roll_up()

        thread = threading.Thread(target=keep_rolling_up, name="rollups")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        self._roll_up()

    def _roll_up(self) -> None:
        """Make rollups of what is new; the page makes what is left."""
        try:
            roll_up(self.database, self._stop.is_set)
        except StorageError as error:
            log.warning("rollups not made: %s", error)

    def _collect(
        self,
        order: Order,
        known: dict[str, SymbolInfo],
        now: int,
        archive: Archive | None,
    ) -> list[Result]:
        with (
            ThreadPoolExecutor(_PAGES_AT_ONCE, "page") as pages,
            ThreadPoolExecutor(_SERIES_AT_ONCE, "series") as workers,
        ):

            def collect(series: Series) -> Result:
                if self._stop.is_set():
                    return Result(series, "failed", error=str(Stopped()))
                if series.symbol not in known:
                    words = unknown_symbol(series.symbol, known)
                    result = self._failed(series, words, retry=False)
                elif self._disk_full is not None:
                    result = self._failed(series, "not begun: a disk is full")
                else:
                    task = Task(series, order.span(now), now)
                    result = self._collect_patiently(task, pages, archive)
                self._display.finished(result)
                return result

            return list(workers.map(collect, order.series))

    def _collect_patiently(
        self, task: Task, pages: Executor, archive: Archive | None
    ) -> Result:
        """Collect a series; where the database goes away, wait for it and repeat."""
        while True:
            try:
                return collect_series(
                    self.database,
                    Fetcher(self.contact.exchange, pages),
                    task,
                    self._settings.data_dir / "csv",
                    self._progress,
                    archive,
                )
            except DatabaseUnavailable as error:
                log.warning("%s: %s", task.series, error)
                self.database.wait(self.wait)
            except DiskFull as error:
                self._disk_full = error  # No other series needs to be begun.
                return self._failed(task.series, str(error))
            except StorageError as error:
                # Its table may be locked: the other series go on.
                return self._failed(task.series, str(error))

    def _progress(self, series: Series, done: int, expected: int) -> None:
        if self._stop.is_set():
            raise Stopped
        budget = self.contact.exchange.budget.used_share
        self._display.progress(series, done, expected, budget)

    def _failed(self, series: Series, error: str, *, retry: bool = True) -> Result:
        result = Result(series, status="failed", error=error, retry=retry)
        try:
            record(self.database, result, dt.datetime.now(dt.UTC))
        except DiskFull:
            pass  # The result says so, or another one's.
        except StorageError as trouble:
            log.error("%s: the run could not be recorded: %s", series, trouble)
        return result
