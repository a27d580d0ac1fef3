"""HTTP/1.1 for the bench's exchange: many connections in one thread, answers later.

Answers are whole bytes and wait without holding up others. They are not compressed
unless asked to be, which costs two milliseconds of the processor for 1,000 rows.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from klineboard.simulator.messages import Request

_LARGEST_HEAD = 64 << 10


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``pieces`` are sent one after the other."""

    pieces: tuple[bytes | memoryview, ...]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=UTF-8"


class Answers(Protocol):
    """Whatever answers requests."""

    def answer(self, request: Request) -> Answer:
        """Answer any request, at once."""
        ...


class Connection(asyncio.Protocol):
    """One client, kept alive: requests in, answers out a while later."""

    def __init__(
        self,
        answers: Answers,
        latency: float,
        connections: set[Connection],
        *,
        compress: bool,
    ) -> None:
        """Answer ``latency`` seconds after each request.

        While it is open the connection is one of ``connections``.
        """
        self._answers = answers
        self._latency = latency
        self._connections = connections
        self._compress = compress
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget it."""
        self._connections.discard(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole; they are all without a body."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            self._answer(_request_of(head))
        if len(self._received) > _LARGEST_HEAD:
            self.close()

    def _answer(self, request: Request) -> None:
        answer = self._answers.answer(request)
        pieces, headers = answer.pieces, answer.headers
        if self._compress and "gzip" in request.headers.get("accept-encoding", ""):
            pieces = (gzip.compress(b"".join(pieces), 1),)
            headers = {**headers, "Content-Encoding": "gzip"}
        message = _head(answer, pieces, headers)
        if request.method != "HEAD":
            message = b"".join((message, *pieces))
        loop = asyncio.get_running_loop()
        loop.call_later(self._latency, self._send, message)

    def _send(self, message: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(message)


def _request_of(head: bytes) -> Request:
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    return Request.parse(method, target, headers)


def _head(
    answer: Answer, pieces: tuple[bytes | memoryview, ...], headers: dict[str, str]
) -> bytes:
    fields = {
        "Content-Type": answer.content_type,
        "Content-Length": str(sum(map(len, pieces))),
        "X-Market-Origin": "simulated",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {answer.status} -\r\n{lines}\r\n".encode()


@asynccontextmanager
async def serving(
    answers: Answers, port: int, latency: float, *, compress: bool = False
) -> AsyncIterator[int]:
    """Listen on loopback until the block ends; port 0 is any free one.

    Yields:
        The port.
    """
    connections: set[Connection] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(answers, latency, connections, compress=compress),
        "127.0.0.1",
        port,
        backlog=512,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in connections:
            connection.close()
        await asyncio.sleep(0)  # Until they are closed.
