"""Binance's public WebSocket streams: sets of streams that keep flowing.

Source of the rules: Binance Spot, "WebSocket Streams": 24 hours a connection, 5
messages a second to the exchange, 1,024 streams a connection, 300 attempts to connect
in 5 minutes an address; an event ``serverShutdown`` before the server goes.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from .. import __version__
from .binance_rest import ORIGIN_HEADER
from .stream_frames import (
    KlineEvent,
    TradeEvent,
)
from .stream_link import Link, reason_of
from .stream_requests import STREAMS_A_MESSAGE

log = logging.getLogger(__name__)

STREAMS_A_CONNECTION = 1024
"""The most streams that the exchange serves on one connection."""

_ATTEMPTS, _ATTEMPTS_SECONDS = 300, 300.0
_LONGEST_BACKOFF_SECONDS = 60.0
# A place that is refused (403, 451) stays refused; a limit (418, 429) says how long.
_REFUSED_SECONDS = 60.0
_LONGEST_REFUSAL_SECONDS = 3 * 86_400.0
_LONGEST_STALL_SECONDS = 600.0
_OPEN_SECONDS = 10.0


class Listener(Protocol):
    """Who is told what a feed brings; called on the event loop, must not block."""

    def connected(self, feed: Feed, origin: str | None) -> None:
        """Note that a new connection is up: what came before it may have been missed.

        Args:
            feed: Whose.
            origin: What the server says it is, None for a real exchange.
        """

    def received(self, event: KlineEvent | TradeEvent) -> None:
        """Take an event. During a change of connections it may come twice."""

    def spoiled(self, feed: Feed, reason: str, stream: str | None) -> None:
        """Note that a frame could not be understood, and of which stream it was."""

    def lost(self, feed: Feed, reason: str) -> None:
        """Note that there is no connection any more; the feed goes on trying."""


class AttemptLimit:
    """At most so many attempts to connect in a stretch of time, over all feeds."""

    def __init__(
        self,
        most: int = _ATTEMPTS,
        seconds: float = _ATTEMPTS_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with none made."""
        self._made: deque[float] = deque(maxlen=most)
        self._seconds = seconds
        self._clock = clock

    def claim(self) -> float:
        """Take the next attempt; return the seconds until it may be made."""
        now = self._clock()
        moment = now
        if len(self._made) == self._made.maxlen:
            moment = max(now, self._made[0] + self._seconds)
        self._made.append(moment)
        return moment - now


class Feed:
    """Keeps one set of streams flowing, whatever the network does."""

    def __init__(
        self,
        base_url: str,
        streams: Iterable[str],
        listener: Listener,
        *,
        stall_seconds: float = 30.0,
        attempts: AttemptLimit | None = None,
        first_backoff: float = 1.0,
        overlap_seconds: float = 2.0,
        on_frame: Callable[[str | bytes], object] | None = None,
    ) -> None:
        """Keep what to follow; ``run`` connects.

        Args:
            base_url: For example ``wss://data-stream.binance.vision``.
            streams: Names such as ``btcusdt@kline_1m``; none of them means that
                there is nothing to connect for.
            listener: Who is told.
            stall_seconds: A connection without data for so long is replaced.
            attempts: Shared by all feeds of a process.
            first_backoff: Mean seconds before the second attempt; doubled each time.
            overlap_seconds: So long a connection goes on beside the one that replaces
                it.
            on_frame: Given each frame as it came.

        Raises:
            ValueError: More streams than one connection may carry.
        """
        self.streams = frozenset(streams)
        if len(self.streams) > STREAMS_A_CONNECTION:
            raise ValueError(f"{len(self.streams)} streams on one connection")
        self._base_url = base_url
        self.listener = listener
        self.stall_seconds = stall_seconds
        self._attempts = attempts or AttemptLimit()
        self._first_backoff = first_backoff
        self._overlap_seconds = overlap_seconds
        self._on_frame = on_frame
        self._changed = asyncio.Event()
        self._fruitless = self._failures = 0
        self._link: Link | None = None

    @property
    def is_connected(self) -> bool:
        """Whether a connection is up."""
        return self._link is not None

    def read(self, frame: str | bytes) -> None:
        """Hand on a frame as it came."""
        if self._on_frame is not None:
            self._on_frame(frame)

    def received(self, event: KlineEvent | TradeEvent) -> None:
        """Hand on an event."""
        self.listener.received(event)

    def spoiled(self, reason: str, stream: str | None) -> None:
        """Hand on that a frame could not be understood."""
        self.listener.spoiled(self, reason, stream)

    def change(self, streams: Iterable[str]) -> None:
        """Follow other streams from now on, over the same connection."""
        self.streams = frozenset(streams)
        self._changed.set()

    def replace(self) -> None:
        """Change to a new connection: this one leaves something out."""
        if self._link is not None:
            self._link.renew.set()

    async def run(self) -> None:
        """Follow the streams until cancelled."""
        while True:
            link = await self._open_patiently()
            try:
                reason = await self._keep_open(link)
            finally:
                link, self._link = self._link or link, None
                await link.close()
            if not self.streams:
                continue
            self.listener.lost(self, reason)
            self._failures = 0 if link.was_sound else self._failures + 1
            await asyncio.sleep(self._backoff(self._failures))

    async def _keep_open(self, link: Link) -> str:
        """Follow a connection, and those that replace it in good time; return why
        the last one ended."""
        self._link = link
        while True:
            await link.first_of(self._changed)
            if link.ended.done():
                self._count_stall(link)
                return str(link.ended.result())
            if self._changed.is_set():
                self._changed.clear()
                if not self.streams:
                    return "nobody asks for its streams any more"
                link.follow(self.streams)
            if link.renew.is_set():
                self._count_stall(link)
                # How often a silent one is replaced is bounded by its patience.
                is_sound = link.was_sound or link.stalled
                self._failures = 0 if is_sound else self._failures + 1
                if self._failures:
                    # A server that sends everybody away is asked more and more rarely.
                    pause = self._backoff(self._failures)
                    await asyncio.wait([link.ended], timeout=pause)
                if not link.ended.done():
                    link = self._link = await self._renewed(link)

    async def _renewed(self, old: Link) -> Link:
        """Return a new connection, opened while the old one still brings data."""
        opening = asyncio.ensure_future(self._open_patiently())
        try:
            first: list[asyncio.Future[Any]] = [opening, old.ended]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not opening.done():
                # It did not last until then: the seam begins now.
                reason = str(old.ended.result())
                await old.close()
                self._link = None
                self.listener.lost(self, reason)
            new = await opening
            if self._link is not None:
                # Both bring data for a moment, so that nothing falls between them.
                await asyncio.wait(
                    [new.ended, old.ended],
                    timeout=self._overlap_seconds,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                await old.close()
            return new
        except BaseException:
            opening.cancel()
            (opened,) = await asyncio.gather(opening, return_exceptions=True)
            if isinstance(opened, Link):
                await opened.close()
            raise

    async def _open_patiently(self) -> Link:
        while True:
            while not self.streams:
                await self._wait_for_change()
            await asyncio.sleep(self._attempts.claim())
            try:
                return await self._open()
            except (OSError, TimeoutError, WebSocketException) as error:
                self._failures += 1
                pause = self._pause_after(error)
                log.log(
                    logging.WARNING if self._failures in (3, 30) else logging.DEBUG,
                    "%s not reached by WebSocket: %s; trying again in %.1f s",
                    self._host,
                    reason_of(error),
                    pause,
                )
                if self._link is None:
                    self.listener.lost(self, reason_of(error))
                await asyncio.sleep(pause)

    async def _open(self) -> Link:
        streams = sorted(self.streams)
        in_url, later = streams[:STREAMS_A_MESSAGE], streams[STREAMS_A_MESSAGE:]
        names = "/".join(quote(name, safe="@") for name in in_url)
        connection = await connect(
            f"{self._base_url}/stream?streams={names}",
            compression=None,
            # Data, not pings, tell whether it lives; ours would count as messages.
            ping_interval=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=1.0,
            max_size=1 << 20,
            user_agent_header=f"klineboard/{__version__}",
        )
        link = Link(self, connection, in_url, self.stall_seconds, self._stall_bound())
        if later:
            link.follow(self.streams)
        response = connection.response
        origin = response.headers.get(ORIGIN_HEADER) if response else None
        try:
            self.listener.connected(self, origin)
        except BaseException:
            # It refuses this exchange.
            await link.close()
            raise
        link.start()
        return link

    def _stall_bound(self) -> float:
        """Return for how long a connection may be silent.

        Where replacing it brought nothing, the market is silent, not the connection:
        a halted symbol must not make a storm of attempts.
        """
        return min(
            self.stall_seconds * 2.0**self._fruitless,
            max(_LONGEST_STALL_SECONDS, self.stall_seconds),
        )

    def _count_stall(self, link: Link) -> None:
        silent = link.stalled and not link.first_data.done()
        self._fruitless = min(self._fruitless + 1, 16) if silent else 0

    def _pause_after(self, error: Exception) -> float:
        if isinstance(error, InvalidStatus):
            response = error.response
            told = response.headers.get("Retry-After", "")
            if told.isascii() and told.isdigit() and int(told):
                return min(float(told), _LONGEST_REFUSAL_SECONDS)
            if response.status_code in (403, 418, 429, 451):
                return _REFUSED_SECONDS
        return self._backoff(self._failures)

    def _backoff(self, failures: int) -> float:
        """Return seconds to wait, jittered, so that many clients spread out."""
        longest = self._first_backoff * 2.0 ** min(failures - 1, 16)
        return min(longest, _LONGEST_BACKOFF_SECONDS) * random.uniform(0.5, 1.5)

    @property
    def _host(self) -> str:
        return urlsplit(self._base_url).hostname or self._base_url

    async def _wait_for_change(self) -> None:
        await self._changed.wait()
        self._changed.clear()
