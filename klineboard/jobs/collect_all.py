"""One run over all series, and the watch that repeats it as candles close."""

from __future__ import annotations

import datetime as dt
import difflib
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ..errors import (
    AccessBlocked,
    DatabaseUnavailable,
    ExchangeError,
    RateLimited,
    SettingsError,
    Stopped,
    StorageError,
)
from ..market.interval import Interval
from ..settings import Settings
from ..sources.binance_answers import SymbolInfo
from ..sources.binance_rest import BinanceRest, backoff
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
from .collect import Result, Span, Task, collect_series, record
from .fetch import Fetcher

log = logging.getLogger(__name__)

# Enough to hide the exchange's answering time behind storing; the weight budget, not
# this number, limits the requests.
_SERIES_AT_ONCE = 4
_PAGES_AT_ONCE = 8
# Binance's REST answer may lag the close by a moment.
_SETTLE_SECONDS = 3.0
# A sleeping laptop and a clock that was set are noticed within this time.
_LONGEST_NAP_SECONDS = 60.0
_RETRY_SECONDS = 30.0
_LONGEST_RETRY_SECONDS = 900.0
_FAILURES_TO_TELL = 3


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


@dataclass(slots=True)
class _Watch:
    """What a watch remembers from one look at the clock to the next."""

    shortest: Interval
    closes: int = 0
    failures: int = 0
    failed_runs: int = 0
    _first: tuple[float, int] | None = None

    def pace(self, now: int) -> float:
        """Return how fast the exchange's clock (ms) runs against ours.

        A simulated one may be bent. Measured from the first call to this one.
        """
        local = time.monotonic()
        if self._first is None:
            self._first = local, now
        passed = local - self._first[0]
        if passed < 1.0:
            return 1.0
        return min(max((now - self._first[1]) / 1000 / passed, 0.01), 1000.0)


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
        self._database = database
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
            self._database.wait(self.wait)
            try:
                return self._run_once(order)
            except DatabaseUnavailable as error:
                log.warning("%s", error)

    def _run_once(self, order: Order) -> list[Result]:
        started_at = dt.datetime.now(dt.UTC)
        try:
            now = self._greet()
            known = self.exchange.exchange_info(
                sorted({series.symbol for series in order.series})
            )
        except (ExchangeError, Stopped) as error:
            self._note_failed(error)
            results = [
                Result(series, status="failed", error=str(error))
                for series in order.series
            ]
            for result in results:
                record(self._database, result, started_at)
                self._display.finished(result)
            return results
        self._keep_symbols(order, known)
        with self._display.run():
            return self._collect(order, known, now)

    def watch(self, order: Order) -> None:
        """Run, then run again a few seconds after each candle closes, for ever.

        Where the exchange is away, keep trying; what is stored is served meanwhile.

        Raises:
            Stopped: The order to stop came.
            SettingsError: As for :meth:`run`.
        """
        shortest = min(
            (series.interval for series in order.series),
            key=lambda interval: interval.milliseconds,
        )
        state = _Watch(shortest)
        while True:
            self._database.wait(self.wait)
            try:
                pause = self._watch_once(order, state)
            except DatabaseUnavailable as error:
                log.warning("%s", error)
                continue
            self.wait(pause)

    def _watch_once(self, order: Order, state: _Watch) -> float:
        """Look at the exchange's clock, run if a candle closed; return the pause."""
        try:
            now = self._greet(attempts=1)
        except ExchangeError as error:
            state.failures += 1
            # Not at the first failure: a simulator may be starting beside us.
            clear = isinstance(error, AccessBlocked | RateLimited)
            if state.failures == (1 if clear else _FAILURES_TO_TELL):
                log.warning("%s", away_sentence(error))
            self._note_failed(error)
            silence = error.seconds if isinstance(error, RateLimited) else 0.0
            return max(backoff(state.failures, 1.0), silence)
        if state.failures >= _FAILURES_TO_TELL:
            log.info("the exchange answers again")
        state.failures = 0
        if now < state.closes + _SETTLE_SECONDS * 1000:
            rest = (state.closes - now) / 1000 / state.pace(now) + _SETTLE_SECONDS
            return min(rest, _LONGEST_NAP_SECONDS)
        results = self.run(order)
        if any(result.status == "failed" and result.retry for result in results):
            state.failed_runs += 1
            return min(_RETRY_SECONDS * state.failed_runs, _LONGEST_RETRY_SECONDS)
        state.failed_runs = 0
        state.closes = state.shortest.add(state.shortest.floor(now))
        return 0.0

    def _greet(self, attempts: int | None = None) -> int:
        """Keep an earlier ban, ask for the time, and make sure who answers."""
        with self._database.transaction() as cursor:
            silence = remaining_silence(cursor, self.exchange.host)
        if silence:
            self.exchange.keep_silent(silence)
        now = self.exchange.server_time(attempts)
        with self._database.transaction() as cursor:
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
                    self._database,
                    Fetcher(self.exchange, pages),
                    task,
                    self._settings.data_dir / "csv",
                    self._progress,
                )
            except DatabaseUnavailable as error:
                log.warning("%s: %s", task.series, error)
                self._database.wait(self.wait)
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
            record(self._database, result, dt.datetime.now(dt.UTC))
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
        with self._database.transaction() as cursor:
            store_symbols(
                cursor,
                [
                    (s.symbol, s.status, s.base_asset, s.quote_asset, s.tick_size)
                    for s in found
                ],
            )

    def _note_failed(self, error: Exception) -> None:
        with self._database.transaction() as cursor:
            note_failed(cursor, self.exchange.host, str(error))

    def _remember_silence(self, limited: RateLimited) -> None:
        with self._database.transaction() as cursor:
            remember_silence(cursor, self.exchange.host, limited.seconds)


def unknown_symbol(series: Series, known: Iterable[str]) -> str:
    """Say in words that a symbol does not exist, with near names."""
    near = difflib.get_close_matches(series.symbol, list(known), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"Invalid symbol. (code -1121): {series.symbol!r}{hint}"


def away_sentence(error: ExchangeError) -> str:
    """Say in one line that the exchange is away, and what to do about it."""
    if isinstance(error, AccessBlocked | RateLimited):
        way_out = "trying again"
    else:
        way_out = "serving what is stored and trying again; without internet: make demo"
    return f"{error}; {way_out}"
