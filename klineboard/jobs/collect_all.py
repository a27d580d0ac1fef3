"""One run over all series."""

from __future__ import annotations

import datetime as dt
import difflib
import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ..errors import (
    DatabaseUnavailable,
    ExchangeError,
    RateLimited,
    SettingsError,
    Stopped,
    StorageError,
)
from ..settings import Settings
from ..sources.binance_answers import SymbolInfo
from ..sources.binance_rest import BinanceRest
from ..storage.database import Database
from ..storage.exchange import (
    claim_origin,
    note_failed,
    note_reached,
    remaining_silence,
    remember_silence,
    store_symbols,
)
from ..storage.series import Series
from .collect import Result, collect_series, record
from .fetch import Fetcher
from .task import Span, Task

log = logging.getLogger(__name__)

# Enough to hide the exchange's answering time behind storing; the weight budget, not
# this number, limits the requests.
_SERIES_AT_ONCE = 4
_PAGES_AT_ONCE = 8


class Display(Protocol):
    """Shows how a run goes; see the door for the terminal's."""

    def progress(self, series: Series, done: int, expected: int) -> None:
        """Show that ``done`` of about ``expected`` candles are stored."""

    def finished(self, result: Result) -> None:
        """Show how one series ended."""

    def run(self) -> AbstractContextManager[object]:
        """Be active during one run."""


@dataclass(frozen=True)
class Order:
    """What to collect: series, and from when to when they shall open (ms).

    ``end`` None means: until now.
    """

    series: Sequence[Series]
    start: int
    end: int | None

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
        self.exchange = BinanceRest(
            settings.binance_api_url,
            wait=self.wait,
            on_silence=self._remember_silence,
            first_backoff=first_backoff,
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
                than this database's.
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
        try:
            now = self.greet()
            known = self.exchange.exchange_info(
                sorted({series.symbol for series in order.series})
            )
        except (ExchangeError, Stopped) as error:
            self.note_failed(error)
            results = [
                Result(series, status="failed", error=str(error))
                for series in order.series
            ]
            for result in results:
                record(self.database, result, started_at)
                self._display.finished(result)
            return results
        self._keep_symbols(order, known)
        with self._display.run():
            return self._collect(order, known, now)

    def greet(self, attempts: int | None = None) -> int:
        """Keep an earlier ban, ask for the time, and make sure who answers.

        Args:
            attempts: How often to ask at most, if not as often as for the rest.

        Returns:
            The exchange's clock, ms.

        Raises:
            ExchangeError: It cannot be asked.
            OriginMismatch: It is another exchange than this database's.
        """
        with self.database.transaction() as cursor:
            silence = remaining_silence(cursor, self.exchange.host)
        if silence:
            self.exchange.keep_silent(silence)
        now = self.exchange.server_time(attempts)
        with self.database.transaction() as cursor:
            claim_origin(cursor, self.exchange.origin)
            note_reached(cursor, self.exchange.host, now)
        return now

    def _collect(
        self, order: Order, known: dict[str, SymbolInfo], now: int
    ) -> list[Result]:
        with (
            ThreadPoolExecutor(_PAGES_AT_ONCE, "page") as pages,
            ThreadPoolExecutor(_SERIES_AT_ONCE, "series") as workers,
        ):

            def collect(series: Series) -> Result:
                if self._stop.is_set():
                    return Result(series, "failed", error=str(Stopped()))
                if series.symbol not in known:
                    words = unknown_symbol(series, known)
                    result = self._failed(series, words, retry=False)
                else:
                    task = Task(series, order.span(now), now)
                    result = self._collect_patiently(task, pages)
                self._display.finished(result)
                return result

            return list(workers.map(collect, order.series))

    def _collect_patiently(self, task: Task, pages: Executor) -> Result:
        """Collect a series; where the database goes away, wait for it and repeat."""
        while True:
            try:
                return collect_series(
                    self.database,
                    Fetcher(self.exchange, pages),
                    task,
                    self._settings.data_dir / "csv",
                    self._progress,
                )
            except DatabaseUnavailable as error:
                log.warning("%s: %s", task.series, error)
                self.database.wait(self.wait)
            except StorageError as error:
                # Its disk may be full, its table locked: the other series go on.
                return self._failed(task.series, str(error))

    def _progress(self, series: Series, done: int, expected: int) -> None:
        if self._stop.is_set():
            raise Stopped
        self._display.progress(series, done, expected)

    def _failed(self, series: Series, error: str, *, retry: bool = True) -> Result:
        result = Result(series, status="failed", error=error, retry=retry)
        try:
            record(self.database, result, dt.datetime.now(dt.UTC))
        except StorageError as trouble:
            log.error("%s: the run could not be recorded: %s", series, trouble)
        return result

    def _keep_symbols(self, order: Order, known: dict[str, SymbolInfo]) -> None:
        wanted = {series.symbol for series in order.series}
        found = [known[symbol] for symbol in sorted(wanted & known.keys())]
        if not found:
            raise SettingsError(
                "symbols",
                ",".join(sorted(wanted)),
                "one that the exchange knows; "
                + unknown_symbol(order.series[0], known),
            )
        with self.database.transaction() as cursor:
            store_symbols(
                cursor,
                [
                    (s.symbol, s.status, s.base_asset, s.quote_asset, s.tick_size)
                    for s in found
                ],
            )

    def note_failed(self, error: Exception) -> None:
        """Keep that the exchange could not be asked, and why, for the page."""
        with self.database.transaction() as cursor:
            note_failed(cursor, self.exchange.host, str(error))

    def _remember_silence(self, limited: RateLimited) -> None:
        with self.database.transaction() as cursor:
            remember_silence(cursor, self.exchange.host, limited.seconds)


def unknown_symbol(series: Series, known: Iterable[str]) -> str:
    """Say in words that a symbol does not exist, with near names."""
    near = difflib.get_close_matches(series.symbol, list(known), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"Invalid symbol. (code -1121): {series.symbol!r}{hint}"
