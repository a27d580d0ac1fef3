"""One connection to the exchange's streams: its reader, its watchdog, its age."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus, WebSocketException

from .stream_frames import (
    Answer,
    KlineEvent,
    MalformedFrame,
    ShutdownEvent,
    TradeEvent,
    parse_frame,
)
from .stream_requests import Requests

log = logging.getLogger(__name__)

# The exchange ends a connection after 24 hours.
_LIFETIME_MS = 23 * 3_600_000
_REFUSED_SECONDS = 2.0
_SOUND_SECONDS, _SOUND_EVENTS = 30.0, 20
# So long a silent connection is kept beside the one that is to replace it: it may be
# the market that is silent, and trades that come meanwhile are told once only.
_GRACE_SECONDS = 5.0


class Reader(Protocol):
    """Who is told what comes; must not block."""

    def read(self, frame: str | bytes) -> None:
        """Take a frame as it came."""

    def received(self, event: KlineEvent | TradeEvent) -> None:
        """Take what it says."""

    def spoiled(self, reason: str, stream: str | None) -> None:
        """Note a frame that could not be understood, and of which stream it was."""


class Link:
    """One connection: a reader, a watchdog on its data, and its age.

    Attributes:
        ended: Done with the reason once it brings no more.
        renew: Set when it should be replaced while it still works.
        first_data: Done when the first event came.
        stalled: Whether nothing came for too long.
    """

    def __init__(
        self,
        reader: Reader,
        connection: ClientConnection,
        streams: Sequence[str],
        stall_seconds: float,
        first_stall_seconds: float,
    ) -> None:
        """Take over an open connection.

        Args:
            reader: Who is told.
            connection: An open one.
            streams: What its address asks for.
            stall_seconds: How long it may bring nothing.
            first_stall_seconds: The same, before the first event.
        """
        loop = asyncio.get_running_loop()
        self._reader = reader
        self._connection = connection
        self._requests = Requests(connection.send, streams)
        self._stall_seconds = stall_seconds
        self._first_stall_seconds = first_stall_seconds
        self._events = 0
        self.ended: asyncio.Future[object] = loop.create_future()
        self.first_data: asyncio.Future[object] = loop.create_future()
        self.renew = asyncio.Event()
        self.stalled = False
        self._opened_at = self._heard_at = loop.time()
        self._first_event_time: int | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Read from now on."""
        for work in (self._read(), self._watch(), self._requests.run()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._pass_on_mistake)
            self._tasks.append(task)

    def follow(self, streams: Iterable[str]) -> None:
        """Ask the exchange for other streams, at its pace."""
        self._requests.want(streams)

    async def first_of(self, changed: asyncio.Event) -> None:
        """Wait until it ended, should be renewed, or ``changed`` is set."""
        waits: list[asyncio.Future[object]] = [
            asyncio.ensure_future(self.renew.wait()),
            asyncio.ensure_future(changed.wait()),
        ]
        try:
            await asyncio.wait(
                [self.ended, *waits], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()

    @property
    def was_sound(self) -> bool:
        """Whether it lived, or brought enough, to call the next failure a first one."""
        age = asyncio.get_running_loop().time() - self._opened_at
        return self._events >= _SOUND_EVENTS or (
            age >= _SOUND_SECONDS and self.first_data.done()
        )

    async def close(self) -> None:
        """End it, and all that works for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # The exchange may be slow to answer; nobody shall wait for it.
        self._connection.transport.abort()
        await self._connection.wait_closed()

    async def _read(self) -> None:
        reason = "closed by the exchange"
        try:
            async for frame in self._connection:
                self._take(frame)
        except WebSocketException as error:
            reason = reason_of(error)
        self._end(reason)

    def _take(self, frame: str | bytes) -> None:
        self._reader.read(frame)
        try:
            event = parse_frame(frame)
        except MalformedFrame as error:
            self._reader.spoiled(str(error), error.stream)
            return
        if isinstance(event, ShutdownEvent):
            log.info("the exchange announces that it ends this connection")
            self.renew.set()
        elif isinstance(event, Answer):
            if event.error is not None:
                # A new connection asks for all of them in its address.
                log.warning("the exchange refused a subscription: %s", event.error)
                loop = asyncio.get_running_loop()
                loop.call_later(_REFUSED_SECONDS, self.renew.set)
        else:
            self._heard(event)
            self._reader.received(event)

    def _heard(self, event: KlineEvent | TradeEvent) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._events += 1
        if not self.first_data.done():
            self.first_data.set_result(None)
        # By the exchange's clock: it counts the 24 hours.
        if self._first_event_time is None:
            self._first_event_time = event.event_time
        if event.event_time - self._first_event_time >= _LIFETIME_MS:
            self.renew.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            bound = self._stall_seconds
            if not self.first_data.done():
                bound = self._first_stall_seconds
            rest = self._heard_at + bound - loop.time()
            if rest <= -min(_GRACE_SECONDS, bound):
                self._end(f"no data for {loop.time() - self._heard_at:.0f} s")
                return
            if rest <= 0 and not self.stalled:
                log.info("no data for %.0f s: the connection is replaced", bound)
                self.stalled = True
                self.renew.set()
            # Not for the whole rest: after the first event it may be shorter.
            pause = min(self._stall_seconds / 4, 60.0)
            await asyncio.sleep(min(rest, pause) if rest > 0 else min(pause, 1.0))
            if (loop.time() - self._opened_at) * 1000 >= _LIFETIME_MS:
                self.renew.set()

    def _pass_on_mistake(self, task: asyncio.Task[None]) -> None:
        # A reader that dies quietly is a connection that is silent for ever
        # (python-binance#1016): who runs the feed shall see what happened.
        if not task.cancelled() and (mistake := task.exception()):
            if not self.ended.done():
                self.ended.set_exception(mistake)

    def _end(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)


def reason_of(error: Exception) -> str:
    """Return in a few words why a connection could not be had, or ended."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, InvalidStatus):
        return f"refused with HTTP {error.response.status_code}"
    words = str(error) or type(error).__name__
    return words if len(words) <= 160 else f"{words[:157]}..."
