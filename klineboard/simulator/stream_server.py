"""The simulator's WebSocket server: an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import Event

from .exchange import ORIGIN_HEADER, Exchange
from .fault_list import FaultList
from .publisher import Publisher
from .stream_commands import answer
from .stream_faults import StreamFault
from .stream_names import MOST_STREAMS, Target, parse_target
from .subscriber import Ending, Output, Subscriber

# Bytes that may wait for a client before the others wait for it too.
_WRITE_LIMIT = 1 << 20


def _connection_type(
    on_frame: Callable[[ServerConnection], None],
    on_lost: Callable[[ServerConnection], None],
) -> type[ServerConnection]:
    """Return a type of connections that tell of each frame and of their end."""

    class Connection(ServerConnection):
        def process_event(self, event: Event) -> None:
            opened = self.request is not None
            super().process_event(event)
            if opened:
                on_frame(self)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            on_lost(self)

    return Connection


class StreamServer:
    """Serves the streams of one exchange; it listens once it is built."""

    def __init__(
        self,
        exchange: Exchange,
        host: str,
        port: int,
        tick: float,
        ping_seconds: float,
        pong_seconds: float,
        lifetime: int,
        slow_seconds: float,
    ) -> None:
        """Listen.

        Args:
            exchange: Whose streams they are.
            host: Address to listen on.
            port: Port to listen on; 0 is any free one.
            tick: Seconds between two looks at the clock.
            ping_seconds: Seconds between pings.
            pong_seconds: Seconds that a pong may take.
            lifetime: How long a connection may last (ms of the exchange's time).
            slow_seconds: How long a client may leave its messages unread.

        Raises:
            OSError: The address cannot be listened on.
        """
        self._exchange = exchange
        self._clock = exchange.clock
        self._tick = tick
        self._pings = (ping_seconds, pong_seconds)
        self._lifetime = lifetime
        self._slow_seconds = slow_seconds
        self._socket = socket.create_server((host, port), backlog=128)
        self._connections: dict[ServerConnection, Subscriber] = {}
        self._publisher = Publisher(self._clock.now(), exchange.feed)
        self._attempts = self._too_slow = 0
        self._endings: set[asyncio.Task[None]] = set()
        self._count_changed = threading.Condition()
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host, port = self._socket.getsockname()[:2]
        return f"ws://{host}:{port}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def wait_for_connections(self, count: int, timeout: float = 5.0) -> bool:
        """Wait until so many clients are connected; return whether they are.

        Args:
            count: How many.
            timeout: Seconds after which it gives up.
        """
        with self._count_changed:
            return self._count_changed.wait_for(
                lambda: len(self._connections) == count, timeout
            )

    @property
    def faults(self) -> FaultList[StreamFault]:
        """Faults that wait for their events."""
        return self._publisher.faults

    def statistics(self) -> dict[str, Any]:
        """Return all counts, for JSON."""
        return {
            "connections": self.connections,
            "attempts": self._attempts,
            "sent": self._publisher.sent,
            "too_slow": self._too_slow,
            "faults": self.faults.applied(),
        }

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._loop = asyncio.new_event_loop()
        self._clock.listen(self._wake)
        self._thread = threading.Thread(
            target=self._run, name="simulator streams", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Cut all connections and close the port."""
        if self._thread is not None:
            self._call(self._stopped.set)
            self._thread.join()
        self._socket.close()

    def drop_all(self) -> None:
        """Cut all connections without a word, as a broken line does."""
        self._call(self._cut_all)

    def shutdown(self, lead: float = 1.0) -> None:
        """Say ``serverShutdown`` to all, and end them ``lead`` seconds later.

        New connections are let in all the while, as by the server that takes over.
        """
        self._call(partial(self._shut_all_down, lead))

    def _call(self, what: Callable[[], object]) -> None:
        if self._thread is not None:
            with suppress(RuntimeError):  # The loop is closed: nobody is connected.
                self._loop.call_soon_threadsafe(what)

    def _wake(self) -> None:
        self._call(self._woken.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        ping_seconds, pong_seconds = self._pings
        async with serve(
            self._connected,
            sock=self._socket,
            compression=None,
            process_request=self._request,
            process_response=self._response,
            ping_interval=ping_seconds,
            ping_timeout=pong_seconds,
            close_timeout=1,
            write_limit=_WRITE_LIMIT,
            create_connection=_connection_type(self._hear, self._forget),
        ):
            publishing = asyncio.create_task(self._publish())
            stopped = asyncio.create_task(self._stopped.wait())
            await asyncio.wait(
                (publishing, stopped), return_when=asyncio.FIRST_COMPLETED
            )
            self._cut_all()
            if publishing.done():
                publishing.result()
            publishing.cancel()

    def _cut_all(self) -> None:
        for connection in list(self._connections):
            connection.transport.abort()

    def _shut_all_down(self, lead: float) -> None:
        now = self._clock.now()
        for connection, subscriber in list(self._connections.items()):
            self._send(connection, subscriber.shuts_down(now, lead))

    def _request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        self._attempts += 1
        fault = self._publisher.refusal()
        if fault is not None:
            return connection.respond(HTTPStatus(fault.status), "refused by a fault\n")
        target = parse_target(request.path)
        if target is None:
            words = "expected /ws/<stream> or /stream?streams=<stream>/<stream>\n"
            return connection.respond(HTTPStatus.NOT_FOUND, words)
        if len(target.names) > MOST_STREAMS:
            words = f"expected at most {MOST_STREAMS} streams\n"
            return connection.respond(HTTPStatus.BAD_REQUEST, words)
        return None

    def _response(
        self, connection: ServerConnection, request: Request, response: Response
    ) -> None:
        if self._exchange.origin:
            response.headers[ORIGIN_HEADER] = self._exchange.origin
        target = parse_target(request.path)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and target:
            # Here rather than in the handler: nothing that happens after the client
            # has its answer may pass it by.
            self._admit(connection, target)

    def _admit(self, connection: ServerConnection, target: Target) -> None:
        now = self._clock.now()
        subscriber = Subscriber(target.combined, now + self._lifetime)
        subscriber.follow(target.names, now)
        with self._count_changed:
            self._connections[connection] = subscriber
            self._count_changed.notify_all()
        self._publisher.subscribers.append(subscriber)
        self._woken.set()

    def _forget(self, connection: ServerConnection) -> None:
        with self._count_changed:
            subscriber = self._connections.pop(connection, None)
            self._count_changed.notify_all()
        if subscriber is not None:
            self._publisher.subscribers.remove(subscriber)

    def _hear(self, connection: ServerConnection) -> None:
        subscriber = self._connections.get(connection)
        ending = subscriber and subscriber.hears(self._loop.time())
        if subscriber and ending and not subscriber.ended:
            self._send(connection, [subscriber.ends(ending)])

    async def _connected(self, connection: ServerConnection) -> None:
        subscriber = self._connections.get(connection)
        with suppress(ConnectionClosed):
            async for text in connection:
                if subscriber is not None and not subscriber.ended:
                    reply = answer(text, subscriber, self._clock.now())
                    self._send(connection, [reply])

    async def _publish(self) -> None:
        while True:
            moving = self._clock.speed and self._connections
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick if moving else None):
                    await self._woken.wait()
            self._woken.clear()
            now = self._clock.now()
            for deliveries in self._publisher.due(now, self._loop.time()):
                outputs = dict(deliveries)
                for connection, subscriber in list(self._connections.items()):
                    self._send(connection, outputs.get(subscriber, ()))
                await self._drained()

    def _send(self, connection: ServerConnection, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if isinstance(output, str):
                # A client that vanished is noticed a moment before it is forgotten.
                if not connection.transport.is_closing():
                    broadcast((connection,), output)
            else:
                self._loop.call_later(output.after, self._end, connection, output)

    def _end(self, connection: ServerConnection, ending: Ending) -> None:
        if ending.code is None:
            connection.transport.abort()
            return
        closing = connection.close(ending.code, ending.reason)
        task = self._loop.create_task(closing)
        # The loop itself keeps only a weak reference to its tasks.
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _drained(self) -> None:
        """Wait for clients that read slowly, and cut those that do not read."""
        await asyncio.sleep(0)
        for connection in list(self._connections):
            if connection.transport.get_write_buffer_size() <= _WRITE_LIMIT:
                continue
            try:
                async with asyncio.timeout(self._slow_seconds):
                    await connection.drain()
            except TimeoutError:
                self._too_slow += 1
                connection.transport.abort()
            except OSError:
                continue  # It went away meanwhile, and was forgotten.
