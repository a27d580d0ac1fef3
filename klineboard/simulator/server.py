"""The simulator's HTTP server: threads, kept connections, damage on the wire."""

from __future__ import annotations

import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from ..market.interval import DAY, HOUR
from .archive import Archive
from .clock import BentClock
from .exchange import Exchange
from .fault_list import FaultList
from .faults import Fault
from .limits import WeightLimits
from .market import Market
from .messages import Reply, Request
from .statistics import Statistics
from .stream_recording import StreamRecording
from .stream_server import StreamServer
from .tampering import Tampering


class _Server(ThreadingHTTPServer):
    """Holds what the handlers of its connections need."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], exchange: Exchange, latency: float
    ) -> None:
        super().__init__(address, _Handler)
        self.exchange = exchange
        self.latency = latency
        self.stopping = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may leave at any time; nothing is wrong with that."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One segment for head and body.
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer a request of any method."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        request = Request.parse(self.command, self.path, dict(self.headers), body)
        reply = self.server.exchange.handle(request)
        if self.server.latency:
            self.server.stopping.wait(self.server.latency)
        if reply.reset:
            self._reset()
        elif reply.hang:
            self.server.stopping.wait(reply.hang)
            self.close_connection = True
        else:
            self._send(reply)

    do_POST = do_DELETE = do_PUT = do_HEAD = do_GET

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        body = b"" if self.command == "HEAD" else reply.body
        if reply.truncate:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def _reset(self) -> None:
        # Lingering for zero seconds makes close() send RST instead of FIN.
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet; statistics tell what was asked."""


class Simulator:
    """A running simulator, for ``with``; it listens once it is built.

    Attributes:
        exchange: What answers.
        streams: Its WebSocket streams.
    """

    def __init__(
        self,
        *,
        market: Market | None = None,
        now: int | None = None,
        speed: float = 1.0,
        clock: BentClock | None = None,
        weight_limit: int = 6_000,
        weight_window: float = 60.0,
        ban_seconds: float = 120.0,
        latency: float = 0.0,
        origin: str = "simulated",
        host: str = "127.0.0.1",
        port: int = 0,
        stream_port: int = 0,
        recording: StreamRecording | None = None,
        tick: float = 0.01,
        ping_seconds: float = 20.0,
        pong_seconds: float = 60.0,
        lifetime: int = DAY,
        slow_seconds: float = 5.0,
        archive_lag: int = 8 * HOUR,
    ) -> None:
        """Listen on ``host``, ``port`` and ``stream_port``; 0 is any free port.

        Args:
            market: Default: the simulated market.
            now: Time to begin with (ms); None for the real one.
            speed: How fast time runs; 0 freezes it.
            clock: Instead of ``now`` and ``speed``.
            weight_limit: Request weight a window.
            weight_window: Length of that window in seconds.
            ban_seconds: Length of a ban (418).
            latency: Seconds by which each answer is delayed.
            origin: Value of ``X-Market-Origin``; empty for no header.
            host: Address to listen on.
            port: Port to listen on, for REST.
            stream_port: Port to listen on, for the streams.
            recording: Streams that say what was recorded, not what is simulated.
            tick: Seconds between two looks of the streams at the clock.
            ping_seconds: Seconds between the streams' pings.
            pong_seconds: Seconds that a pong may take.
            lifetime: How long a connection may last (ms of the exchange's time).
            slow_seconds: How long a client may leave a full buffer unread.
            archive_lag: How long after the end of its period a file of the archive is
                published (ms of the exchange's time).

        Raises:
            OSError: The address cannot be listened on.
        """
        clock = clock or BentClock(now, speed)
        limits = WeightLimits(clock.seconds, weight_limit, weight_window, ban_seconds)
        self.exchange = Exchange(market, clock, limits, origin, recording)
        self.exchange.archive.lag = archive_lag
        self._server = _Server((host, port), self.exchange, latency)
        self._thread: threading.Thread | None = None
        try:
            self.streams = StreamServer(
                self.exchange,
                host,
                stream_port,
                tick,
                ping_seconds,
                pong_seconds,
                lifetime,
                slow_seconds,
            )
        except OSError:
            self._server.server_close()
            raise
        self.exchange.control.steer(self.streams)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def stream_url(self) -> str:
        """Where the streams are, without a slash at the end."""
        return self.streams.url

    @property
    def clock(self) -> BentClock:
        """The exchange's time."""
        return self.exchange.clock

    @property
    def faults(self) -> FaultList[Fault]:
        """Faults that wait for their requests."""
        return self.exchange.faults

    @property
    def tampering(self) -> Tampering:
        """Hidden and corrected candles."""
        return self.exchange.tampering

    @property
    def archive(self) -> Archive:
        """Files of whole months and days."""
        return self.exchange.archive

    @property
    def limits(self) -> WeightLimits:
        """Request weight, 429 and 418."""
        return self.exchange.limits

    @property
    def statistics(self) -> Statistics:
        """Counts of requests and answers."""
        return self.exchange.statistics

    @property
    def market(self) -> Market:
        """Where candles come from."""
        return self.exchange.market

    def start(self) -> None:
        """Serve in threads of its own."""
        self.streams.start()
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(0.05,),
            name="simulator",
            daemon=True,
        )
        self._thread.start()

    def serve(self) -> None:
        """Serve REST in this thread, until ``stop`` is called in another one."""
        self.streams.start()
        self._server.serve_forever(0.05)

    def stop(self) -> None:
        """Stop serving and close the port; silent connections are let go."""
        self._server.stopping.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.streams.stop()

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
