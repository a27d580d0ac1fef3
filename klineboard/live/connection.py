"""One client: what it follows, when it has room for more, and how it is closed."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from typing import Any

from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from .addresses import Wish
from .messages import error_message
from .topic import Subscription

log = logging.getLogger(__name__)

WRITE_LIMIT = 64 * 1024
"""So many bytes may wait for a client before nothing more is sent to it."""

MOST_BYTES = 4096
"""A longer message from a client closes it with 1009."""

CLOSE_SECONDS = 2.0
"""So long a client has to answer a close frame."""

# Without these the system keeps up to 4 MB for each slow client, and reads as much
# from each talkative one.
_SEND_BUFFER = 64 * 1024
_RECEIVE_BUFFER = 16 * 1024
# Clients have nothing to say but pongs of 6 bytes: so many bytes at once, and so many
# a second after that.
_CHATTER = 16 * 1024
_CHATTER_A_SECOND = 512

_PING = Frame(Opcode.PING, b"").serialize(mask=False)


def frame(message: bytes) -> bytes:
    """Return a message as the bytes of one frame, the same for every client."""
    return Frame(Opcode.TEXT, message).serialize(mask=False)


class LiveConnection(ServerConnection):
    """A client's connection; a listener of topics.

    Ready frames go straight to the transport: the same bytes for all clients, made
    once, which takes two thirds of the time of the library's ``broadcast``. The library
    writes whole frames too, so that none ever cuts another.

    Attributes:
        heard: Whether anything came from the client since this was last set to False.
        leaving: Whether a close has begun when somebody last looked.
    """

    def __init__(
        self,
        protocol: ServerProtocol,
        server: Server,
        *,
        crowd: set[LiveConnection],
        most: int,
        stuck_seconds: float,
        **options: Any,
    ) -> None:
        """Enter the crowd, which is everyone connected, in whatever state.

        Args:
            protocol: See the library.
            server: See the library.
            crowd: The connections that there are; kept up to date.
            most: Beyond so many a connection is cut off without a word.
            stuck_seconds: So long a client may leave what is sent to it unread.
            options: See the library.
        """
        super().__init__(protocol, server, **options)
        self.heard = True
        self.leaving = False
        self._crowd = crowd
        self._most = most
        self._stuck_seconds = stuck_seconds
        self._stuck: asyncio.TimerHandle | None = None
        self._subscriptions: list[Subscription] = []
        self._talked = 0.0
        self._last_talk = 0.0
        self._ignored = False
        self._goodbye: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether there is room for more."""
        return self._stuck is None and self.protocol.state is OPEN

    @property
    def stuck(self) -> bool:
        """Whether the client has not read what was sent to it."""
        return self._stuck is not None

    def tell(self, data: bytes) -> None:
        """Send ready frames."""
        self.transport.write(data)

    def probe(self) -> None:
        """Ask for a sign of life, unless something waits to be read already."""
        if self.ready:
            self.transport.write(_PING)

    def follow(self, wishes: Iterable[Wish]) -> None:
        """Subscribe, and send a snapshot of each topic, as far as there is room."""
        self._forget_handshake()
        for topic, limit in wishes:
            self._subscriptions.append(topic.subscribe(self, limit))
        self._serve()

    def unfollow(self) -> None:
        """Leave all topics."""
        for subscription in self._subscriptions:
            subscription.topic.unsubscribe(subscription)
        self._subscriptions.clear()

    async def until_closed(self) -> None:
        """Wait for the end; whatever the client says is not listened to."""
        try:
            async for _ in self:
                pass
        except ConnectionClosed:
            return

    async def refuse(self, code: CloseCode, word: str, message: str) -> None:
        """Say what is wrong, and close.

        Args:
            code: The close code.
            word: For programs; also the close frame's reason.
            message: For people.
        """
        self.tell(frame(error_message(word, message)))
        await self.leave(code, word)

    async def leave(self, code: CloseCode, reason: str) -> None:
        """Close, and cut the connection where the client does not follow."""
        try:
            # The library waits for room first, which a stuck client never gives.
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.close(code, reason)
        except TimeoutError:
            pass
        finally:
            self.transport.abort()

    def say_close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame without waiting for anything, a task least of all."""
        if self.protocol.state is OPEN:
            self.protocol.send_close(code, reason)
            for data in self.protocol.data_to_send():
                self.transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection; see asyncio."""
        super().connection_made(transport)
        self._crowd.add(self)
        if len(self._crowd) > self._most:
            self.transport.abort()
            return
        own = transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the connection go; see asyncio."""
        self._crowd.discard(self)
        self._unstick()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client says, and close it where that is too much."""
        self.heard = True
        if self._ignored:
            return
        opened = self.protocol.state is OPEN
        super().data_received(data)
        if opened and self._talks_too_much(len(data)):
            # Reading on costs little, understanding it would not.
            self._ignored = True
            self._say_goodbye(CloseCode.POLICY_VIOLATION, "too_many_messages")

    def pause_writing(self) -> None:
        """Send nothing more for now; see asyncio."""
        super().pause_writing()
        self._stuck = self.loop.call_later(
            self._stuck_seconds,
            self._say_goodbye,
            CloseCode.TRY_AGAIN_LATER,
            "too_slow",
        )

    def resume_writing(self) -> None:
        """Send what is new since; see asyncio."""
        super().resume_writing()
        self._unstick()
        self._serve()

    def cut(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def _forget_handshake(self) -> None:
        # A quarter of a client's memory, and nobody asks for it any more.
        for message in (self.request, self.response):
            if message is not None:
                message.headers.clear()

    def _serve(self) -> None:
        for subscription in self._subscriptions:
            subscription.serve()

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _talks_too_much(self, count: int) -> bool:
        now = self.loop.time()
        forgotten = (now - self._last_talk) * _CHATTER_A_SECOND
        self._talked = max(0.0, self._talked - forgotten) + count
        self._last_talk = now
        return self._talked > _CHATTER

    def _say_goodbye(self, code: CloseCode, reason: str) -> None:
        if self._goodbye is None:
            log.debug("closing %s: %s", self.remote_address, reason)
            self._goodbye = self.loop.create_task(self.leave(code, reason))
