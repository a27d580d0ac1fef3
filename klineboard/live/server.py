"""The WebSocket server of the relay: ``/``, ``/klines``, ``/trades``, ``/health``."""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
from collections.abc import Collection
from typing import Any, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from ..errors import SettingsError
from .addresses import AddressError, may_enter, path_of, wishes
from .board import Board
from .connection import (
    CLOSE_SECONDS,
    MOST_BYTES,
    WRITE_LIMIT,
    LiveConnection,
    frame,
)
from .descriptors import RESERVED, allow_open_files
from .fan_out import FanOut
from .messages import health_message
from .upkeep import keep_looking

log = logging.getLogger(__name__)

# More would be accepted, and shaken hands with, in one step of the loop.
_BACKLOG = 128
_OPEN_SECONDS = 10.0
_STOP_SECONDS = 1.5
# These lie between the clients let in and the open files reserved.
_REFUSALS_AT_ONCE = RESERVED // 2


class StreamServer:
    """Serves a board to WebSocket clients."""

    def __init__(
        self,
        board: Board,
        *,
        host: str = "127.0.0.1",
        port: int = 8765,
        origins: Collection[str] = (),
        most_clients: int = 20_000,
        ping_seconds: float = 25.0,
        stuck_seconds: float = 30.0,
    ) -> None:
        """Prepare; :meth:`start` opens the port.

        Args:
            board: What is served.
            host: The address to listen on (STREAM_HOST).
            port: The port to listen on (STREAM_PORT); 0 takes any free one.
            origins: Pages of other hosts that may connect (STREAM_ORIGINS).
            most_clients: So many at once (STREAM_CLIENTS), and never more than open
                files allow.
            ping_seconds: A client is pinged as often; one that says nothing between
                two pings is gone.
            stuck_seconds: A client that leaves what was sent to it unread for so long
                is closed with 1013.
        """
        self.board = board
        self._host = host
        self._port = port
        self._origins = frozenset(origins)
        self._most_clients = most_clients
        self._ping_seconds = ping_seconds
        self._stuck_seconds = stuck_seconds
        self._crowd: set[LiveConnection] = set()
        self._clients: set[LiveConnection] = set()
        self._server: Server | None = None
        self._upkeep: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; before :meth:`start` the one asked for."""
        return self._port

    @property
    def clients(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    async def start(self) -> None:
        """Open the port and serve.

        Raises:
            SettingsError: The port is in use, or the address is none of this machine.
        """
        self._most_clients = allow_open_files(self._most_clients)
        fan_out = FanOut()
        for topic in self.board.topics():
            topic.wrap = frame
            topic.on_news = fan_out.add
        try:
            self._server = await self._serve()
        except OSError as error:
            raise _settings_error(self._host, self._port, error) from error
        self._port = self._server.sockets[0].getsockname()[1]
        self._upkeep = asyncio.create_task(
            keep_looking(self._crowd, self._ping_seconds)
        )
        log.info(
            "listening on ws://%s:%s for up to %s clients",
            self._host,
            self._port,
            self._most_clients,
        )

    async def stop(self) -> None:
        """Close all clients with 1001, and the port; takes 2 s at most."""
        if self._server is None or self._upkeep is None:
            return
        self._upkeep.cancel()
        # The library's own farewell is a task and a timer for each connection, which
        # takes seconds for thousands of them; it is left with what refuses newcomers.
        for connection in list(self._crowd):
            connection.say_close(CloseCode.GOING_AWAY, "the server ends")
        self._server.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._server.wait_closed()
        except TimeoutError:
            for connection in list(self._crowd):
                connection.transport.abort()
            await self._server.wait_closed()
        log.info("closed")

    async def _serve(self) -> Server:
        # A connection's coming and going is no news for the log.
        logger = log.getChild("connections")
        logger.setLevel(logging.WARNING)
        connection = functools.partial(
            LiveConnection,
            crowd=self._crowd,
            most=self._most_clients + _REFUSALS_AT_ONCE,
            stuck_seconds=self._stuck_seconds,
        )
        return await serve(
            self._handle,
            self._host,
            self._port,
            compression=None,
            process_request=self._answer,
            server_header=None,
            open_timeout=_OPEN_SECONDS,
            ping_interval=None,
            close_timeout=CLOSE_SECONDS,
            max_size=MOST_BYTES,
            max_queue=4,
            write_limit=WRITE_LIMIT,
            logger=logger,
            # The library asks for a subclass or a wrapper of one.
            create_connection=cast(type[ServerConnection], connection),
            backlog=_BACKLOG,
        )

    async def _handle(self, connection: ServerConnection) -> None:
        assert isinstance(connection, LiveConnection) and connection.request
        if len(self._clients) >= self._most_clients:
            message = f"all {self._most_clients} places are taken; try again later"
            await connection.refuse(CloseCode.TRY_AGAIN_LATER, "full", message)
            return
        try:
            wished = wishes(connection.request.path, self.board)
        except AddressError as error:
            code = CloseCode.POLICY_VIOLATION
            await connection.refuse(code, error.code, str(error))
            return
        self._clients.add(connection)
        try:
            connection.follow(wished)
            await connection.until_closed()
        finally:
            self._clients.discard(connection)
            connection.unfollow()

    def _answer(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        if request.method == "GET" and path_of(request.path) == "/health":
            return _json(connection, health_message(self._health()))
        if "Upgrade" not in request.headers:
            return _plain(
                connection,
                426,
                "This address speaks WebSocket, which a browser's address bar does "
                "not; GET /health is answered in plain HTTP.",
            )
        hosts = request.headers.get_all("Host")
        for origin in request.headers.get_all("Origin"):
            if not may_enter(origin, hosts[0] if hosts else "", self._origins):
                return _plain(
                    connection,
                    403,
                    f"Pages of {origin} may not connect; STREAM_ORIGINS lets them in.",
                )
        return None

    def _health(self) -> dict[str, object]:
        board = self.board
        times = [topic.event_time for topic in board.candles.values()]
        return {
            "state": board.state,
            "clients": len(self._clients),
            "most_clients": self._most_clients,
            "slow_clients": sum(client.stuck for client in self._clients),
            "event_time": max((one for one in times if one is not None), default=None),
            "watched": sorted(board.watched),
            "series": {
                str(series): {
                    **topic.condition._asdict(),
                    "event_time": topic.event_time,
                    "open_time": topic.closed[-1].open_time if topic.closed else None,
                }
                for series, topic in board.candles.items()
            },
        }


def _plain(connection: ServerConnection, status: int, sentence: str) -> Response:
    response = connection.respond(status, f"{sentence}\n")
    if status == 426:
        response.headers["Upgrade"] = "websocket"
    return response


def _json(connection: ServerConnection, body: bytes) -> Response:
    response = connection.respond(200, body.decode())
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    response.headers["Cache-Control"] = "no-store"
    return response


def _settings_error(host: str, port: int, error: OSError) -> SettingsError:
    values: dict[int | None, Any] = {
        errno.EADDRINUSE: ("STREAM_PORT", str(port), "a port that nobody uses yet"),
        errno.EACCES: ("STREAM_PORT", str(port), "a port that this user may open"),
    }
    other = ("STREAM_HOST", host, f"an address of this machine ({error})")
    return SettingsError(*values.get(error.errno, other))
