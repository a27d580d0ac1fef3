"""Follow the market: store what closes, hand on what moves, fill every seam by REST."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from ..errors import (
    DatabaseUnavailable,
    ExchangeError,
    OriginMismatch,
    SettingsError,
    Stopped,
    StorageError,
)
from ..market.kline import Kline
from ..market.series import Series
from ..settings import Settings
from ..sources.binance_answers import SymbolInfo
from ..sources.binance_stream import AttemptLimit, Feed
from ..sources.complaints import Complaints
from ..sources.silence import backoff
from ..sources.stream_frames import KlineEvent, TradeEvent
from ..storage.database import Database
from ..storage.klines import newest_klines
from ..storage.stream_contact import note_stream
from .contact import Contact, unknown_symbol
from .followed import Followed, connections
from .keep_closed import Keeper
from .pursuit import ExchangeClock, Pursuit
from .seams import REPAIRS_AT_ONCE, CandlePublisher, Seams
from .watch_trades import TradePublisher, TradeWatch

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_DEPTH = 1_000
_TICK_SECONDS = 0.5
_NOTE_SECONDS = 10.0
_FLUSH_SECONDS = 2.0
# A history that is being fetched stops before; who looks at the market shall not wait.
_RELAYS_SHARE = 0.99


class Publisher(CandlePublisher, TradePublisher, Protocol):
    """Who hands on what the relay learns; see :class:`klineboard.live.board.Board`."""

    def leave_out(self, series: Series) -> None:
        """Forget a series that does not exist."""

    def set_state(
        self,
        state: str,
        series: Series | None,
        since: int,
        no_trades_since: int | None = None,
    ) -> None:
        """Say how far a series can be trusted."""


class Relay:
    """One exchange's streams on one event loop, with threads for all that waits."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        followed: Followed,
        board: Publisher,
        first_backoff: float = 1.0,
    ) -> None:
        """Compose the parts; ``run`` connects.

        Args:
            settings: Where everything is.
            database: Where candles go.
            followed: Which series.
            board: Who hands on what is learned.
            first_backoff: Mean seconds before a failed attempt is made again.
        """
        self._settings = settings
        self._database = database
        self._board = board
        self._followed = followed
        self._first_backoff = first_backoff
        self._stop = threading.Event()
        self._contact = Contact(settings, database, self._wait, share=_RELAYS_SHARE)
        self._threads = ThreadPoolExecutor(REPAIRS_AT_ONCE + 3, "relay")
        self._pages = ThreadPoolExecutor(REPAIRS_AT_ONCE, "page")
        csv_folder = settings.data_dir / "csv"
        self._keeper = Keeper(database, csv_folder, self._threads, self._missing)
        self._complaints = Complaints(log)
        self._seams = Seams(
            database,
            self._contact,
            csv_folder,
            (self._threads, self._pages),
            board,
            self._keeper,
            self._complaints,
            self._show_state,
            first_backoff,
        )
        self._exchange_clock = ExchangeClock()
        self._pursuits: dict[Series, Pursuit] = {}
        self._feeds: list[tuple[Feed, dict[str, Series]]] = []
        # When any series of a symbol told of a trade last.
        self._traded_at: dict[str, float] = {}
        self._attempts = AttemptLimit()
        self._trades = TradeWatch(
            settings,
            board,
            self._complaints,
            self._attempts,
            first_backoff,
            self._refuse_others,
        )
        self._last_event: int | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Follow until cancelled, then store what is pending.

        Raises:
            SettingsError: The exchange knows none of the symbols, or is another one
                than this database's, or the streams are another exchange's.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._load()
                self._tasks.create_task(self._note())
                self._follow(await self._ask_for_symbols())
                for feed, _ in self._feeds:
                    self._tasks.create_task(feed.run())
                self._tasks.create_task(self._trades.feed.run())
                self._tasks.create_task(self._keeper.run())
                self._tasks.create_task(self._keeper.run_files())
                self._tasks.create_task(self._tick())
        except ExceptionGroup as group:
            # One error ends the others' work; that one is the reason.
            raise group.exceptions[0] from group
        finally:
            self._stop.set()
            await self._flush()

    def stop(self) -> None:
        """Begin nothing new; cancel ``run`` next."""
        self._stop.set()

    def is_done(self) -> bool:
        """Whether no thread is at work any more (after ``run`` has ended)."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pages.shutdown(wait=False, cancel_futures=True)
        return not any(
            thread.name.startswith(("relay", "page"))
            for thread in threading.enumerate()
        )

    # What feeds tell (sources.binance_stream.Listener)

    def connected(self, feed: Feed, origin: str | None) -> None:
        """Ask REST for what was missed before this connection."""
        self._refuse_others(origin)
        for pursuit in self._pursuits_of(feed):
            pursuit.connected()
            self._repair(pursuit, "a new connection")

    def received(self, event: KlineEvent | TradeEvent) -> None:
        """Hand on what is believed; keep what closed."""
        self._last_event = _now()
        if not isinstance(event, KlineEvent):
            return
        pursuit = self._pursuits.get(Series(event.symbol, event.interval))
        if pursuit is None:
            self._complaints.note("event of a series that nobody asked for", event)
            return
        change = pursuit.hear(event)
        known = self._traded_at.get(event.symbol, pursuit.traded_at)
        self._traded_at[event.symbol] = max(known, pursuit.traded_at)
        self._seams.publish(pursuit.series, change, event.event_time)
        for kline in change.closed:
            self._keeper.add(pursuit.series, kline)
        if change.doubt:
            self._repair(pursuit, change.doubt)

    def spoiled(self, feed: Feed, reason: str, stream: str | None) -> None:
        """Ask REST for what a frame would have said that cannot be understood."""
        self._complaints.note("frame of the exchange skipped", reason)
        for pursuit in self._pursuits_of(feed, stream):
            if pursuit.may_be_spoiled_again():
                self._repair(pursuit, "a spoiled frame")

    def lost(self, feed: Feed, reason: str) -> None:
        """Note that nothing comes until the feed has a new connection."""
        self._complaints.note("the connection to the exchange ended", reason)
        for pursuit in self._pursuits_of(feed):
            pursuit.lost()
            self._show_state(pursuit)

    # From the start to the first event

    async def _load(self) -> None:
        """Show what is stored, once the database answers."""
        for series in self._followed.series:
            klines = await self._in_thread(self._read_newest, series)
            start = self._followed.history_start(series)
            pursuit = Pursuit(series, start, self._exchange_clock)
            pursuit.begin(klines[-1] if klines else None)
            self._pursuits[series] = pursuit
            self._board.load(series, klines)

    def _read_newest(self, series: Series) -> list[Kline]:
        while True:
            try:
                self._database.wait(self._wait)
                with self._database.transaction() as cursor:
                    return newest_klines(cursor, series, _DEPTH)
            except DatabaseUnavailable as error:
                log.warning("%s", error)

    async def _ask_for_symbols(self) -> dict[str, SymbolInfo]:
        """Ask until the exchange answers; what is stored is served meanwhile."""
        failures = 0
        while True:
            try:
                return await self._in_thread(self._greet_and_ask)
            except (ExchangeError, StorageError) as error:
                failures += 1
                if failures == 1:
                    log.warning("%s; serving what is stored, and trying again", error)
                await asyncio.sleep(backoff(failures, self._first_backoff))

    def _greet_and_ask(self) -> dict[str, SymbolInfo]:
        try:
            self._contact.greet(attempts=1)
            symbols = sorted({series.symbol for series in self._followed.series})
            known = self._contact.exchange.exchange_info(symbols)
        except ExchangeError as error:
            self._contact.note_failed(error)
            raise
        self._refuse_foreign_streams()
        self._contact.keep_symbols(symbols, known)
        return known

    def _refuse_others(self, origin: str | None) -> None:
        """Refuse a stream's server that says it is another exchange than REST's."""
        expected = self._contact.exchange.origin
        if origin is not None and origin != expected:
            raise OriginMismatch(expected, origin)

    def _refuse_foreign_streams(self) -> None:
        """Refuse real streams beside a simulated exchange's REST, and the reverse."""
        url = self._settings.binance_stream_url
        host = urlsplit(url).hostname or ""
        is_real = host.endswith((".binance.com", ".binance.vision"))
        if is_real != (self._contact.exchange.origin == "binance"):
            raise SettingsError(
                "BINANCE_STREAM_URL",
                url,
                "the streams of the exchange that BINANCE_API_URL names, which is "
                f"{self._contact.exchange.origin!r}",
            )

    def _follow(self, known: dict[str, SymbolInfo]) -> None:
        """Make feeds; wrong names would be silent for ever (python-binance#1193)."""
        for series in list(self._pursuits):
            if series.symbol not in known:
                log.error("%s", unknown_symbol(series.symbol, known))
                del self._pursuits[series]
                self._board.leave_out(series)
            else:
                self._pursuits[series].status = known[series.symbol].status
        for streams in connections(self._pursuits):
            feed = Feed(
                self._settings.binance_stream_url,
                streams,
                self,
                stall_seconds=self._settings.stall_seconds,
                attempts=self._attempts,
                first_backoff=self._first_backoff,
            )
            self._feeds.append((feed, streams))
        self._trades.begin()
        log.info(
            "following %s series of %s",
            len(self._pursuits),
            self._contact.exchange.host,
        )

    def _repair(self, pursuit: Pursuit, reason: str) -> None:
        """Ask REST about a series, unless that is under way already."""
        log.debug("%s: %s", pursuit.series, reason)
        self._show_state(pursuit)
        if self._stop.is_set() or self._tasks is None:
            return  # The next start begins with a seam.
        if pursuit.claim_repair():
            self._tasks.create_task(self._seams.repair(pursuit))

    def _missing(self, series: Series) -> None:
        """Candles are not in the table that should be: REST brings them again."""
        self._repair(self._pursuits[series], "candles are missing in the table")

    # What time brings

    async def _tick(self) -> None:
        """Ask REST about what is overdue, and about what only the stream said."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for pursuit in self._pursuits.values():
                if reason := pursuit.reason_to_ask():
                    self._repair(pursuit, reason)
                self._show_state(pursuit)
                traded_at = self._traded_at.get(pursuit.series.symbol, float("-inf"))
                if pursuit.is_left_out() or pursuit.is_silent(
                    traded_at, self._settings.stall_seconds
                ):
                    self._replace_connection_of(pursuit.series)

    def _replace_connection_of(self, series: Series) -> None:
        for feed, streams in self._feeds:
            if series in streams.values():
                log.warning("%s trades, but its stream is silent", series)
                feed.replace()

    def _show_state(self, pursuit: Pursuit) -> None:
        if news := pursuit.news():
            self._board.set_state(
                news.state, pursuit.series, _now(), news.no_trades_since
            )

    async def _note(self) -> None:
        """Write down for the page how we stand, every few seconds."""
        while True:
            try:
                await self._in_thread(self._note_once)
            except StorageError as error:
                self._complaints.note("the relay's state was not written down", error)
            await asyncio.sleep(_NOTE_SECONDS)

    def _note_once(self) -> None:
        host = urlsplit(self._settings.binance_stream_url).hostname or ""
        states = {pursuit.condition.state for pursuit in self._pursuits.values()}
        worst = next(
            (state for state in ("reconnecting", "late") if state in states), "live"
        )
        with self._database.transaction() as cursor:
            note_stream(cursor, host, worst, self._last_event)

    # The end, and small things

    async def _flush(self) -> None:
        """Store what is pending; not for ever."""
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self._keeper.store_waiting()
                await self._keeper.write_files()
        except (StorageError, TimeoutError) as error:
            log.warning(
                "candles not stored at the end: %s (%s); the next start fetches them",
                self._keeper.waiting,
                str(error) or "no answer in time",
            )
        self._complaints.flush()

    def _pursuits_of(self, feed: Feed, stream: str | None = None) -> Iterable[Pursuit]:
        for own, streams in self._feeds:
            if own is not feed:
                continue
            wanted = [streams[stream]] if stream in streams else streams.values()
            return [self._pursuits[series] for series in wanted]
        return []

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped


def _now() -> int:
    return time.time_ns() // 1_000_000
