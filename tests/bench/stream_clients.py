"""Thousands of WebSocket clients in one process, for measuring the relay's server.

Runs as a process of its own: ``python -m tests.bench.stream_clients PORT CLIENTS
ADDRESS...``; the clients share the addresses out. It writes ``ready`` when every client
has its snapshot, then measures until a line comes on its standard input, and writes
what it found as JSON. One epoll loop and no library: at 25,000 messages a second the
clients must not be what is measured.
"""

from __future__ import annotations

import itertools
import json
import resource
import select
import socket
import sys
import time
from array import array

_HANDSHAKES_AT_ONCE = 100
_EVENT_TIME = b'"event_time":'
_OPEN_TIME = b'"open_time":'
_CLOSED = b'"closed":true}'
_READ = 1 << 16
# Real clients wake up elsewhere; without this each message wakes this process up, on
# the sender's time.
_NAP = 0.002
# IP_BIND_ADDRESS_NO_PORT of Linux, which Python names from 3.12 on: the port is chosen
# at connect(), where it need not be free for all other connections too.
_BIND_WITHOUT_PORT = 24


class Client:
    """One connection: the part of a frame that has arrived, and what came before."""

    __slots__ = ("closed", "last_closed", "partial", "received", "socket", "upgraded")

    def __init__(self, own: socket.socket) -> None:
        """Begin before the handshake's answer."""
        self.socket = own
        self.partial = b""
        self.upgraded = False
        self.received = -1  # The snapshot brings it to zero.
        self.closed = 0
        self.last_closed = 0


class Clients:
    """All clients, and what they have seen."""

    def __init__(self, port: int, addresses: list[str]) -> None:
        """Prepare; nothing is connected yet."""
        self.latencies = array("q")
        self.dropped = 0
        self.out_of_order = 0
        self.waiting = 0
        self._port = port
        self._addresses = itertools.cycle(addresses)
        self._epoll = select.epoll()
        self._by_file: dict[int, Client] = {}

    def connect(self, count: int) -> None:
        """Connect so many clients, and wait for each one's snapshot."""
        left = count
        while left or self.waiting:
            while left and self.waiting < _HANDSHAKES_AT_ONCE:
                self._open(count - left)
                left -= 1
            self.turn(1.0)

    def measure(self) -> None:
        """Read until something comes on standard input."""
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        while self.turn(1.0):
            time.sleep(_NAP)

    def turn(self, seconds: float) -> bool:
        """Read what there is; returns False where standard input has something."""
        go_on = True
        for number, _ in self._epoll.poll(seconds):
            client = self._by_file.get(number)
            if client is None:
                go_on = False
            else:
                self._read(client)
        return go_on

    def found(self) -> dict[str, float]:
        """Return what was measured, times in ms."""
        clients = list(self._by_file.values())
        times = sorted(self.latencies)
        at = {
            f"p{part}": times[len(times) * part // 100] / 1000 if times else 0.0
            for part in (50, 95, 99)
        }
        return {
            **at,
            "worst": times[-1] / 1000 if times else 0.0,
            "received": sum(client.received for client in clients),
            "closed": sum(client.closed for client in clients),
            "dropped": self.dropped,
            "out_of_order": self.out_of_order,
            "cpu_seconds": time.process_time(),
        }

    def _open(self, number: int) -> None:
        own = socket.socket()
        # One address of loopback has fewer free ports than there may be clients.
        own.setsockopt(socket.IPPROTO_IP, _BIND_WITHOUT_PORT, 1)
        own.bind((f"127.0.0.{1 + number // 10_000}", 0))
        own.connect(("127.0.0.1", self._port))
        own.sendall(
            f"GET {next(self._addresses)} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        own.setblocking(False)
        self._by_file[own.fileno()] = Client(own)
        self._epoll.register(own.fileno(), select.EPOLLIN)
        self.waiting += 1

    def _read(self, client: Client) -> None:
        try:
            data = client.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(client)
            return
        now = time.monotonic_ns() // 1000
        if client.partial:
            data = client.partial + data
        place = 0
        if not client.upgraded:
            place = data.find(b"\r\n\r\n") + 4
            if place < 4:
                client.partial = data
                return
            client.upgraded = True
        self._read_frames(client, data, place, now)

    def _read_frames(self, client: Client, data: bytes, place: int, now: int) -> None:
        size = len(data)
        while size - place >= 2:
            length, begin = data[place + 1], place + 2
            if length == 126:
                length, begin = int.from_bytes(data[begin : begin + 2]), begin + 2
            elif length == 127:
                length, begin = int.from_bytes(data[begin : begin + 8]), begin + 8
            end = begin + length
            if end > size:
                break
            if data[place] == 0x81:
                self._take(client, data, begin, end, now)
            elif data[place] == 0x89:
                client.socket.send(b"\x8a\x80\0\0\0\0")
            elif data[place] == 0x88:
                self._lose(client)
                return
            place = end
        client.partial = data[place:]

    def _take(
        self, client: Client, data: bytes, begin: int, end: int, now: int
    ) -> None:
        client.received += 1
        if client.received == 0:
            self.waiting -= 1
            return
        place = data.index(_EVENT_TIME, begin, end) + len(_EVENT_TIME)
        stop = data.index(b",", place)
        self.latencies.append(now - int(data[place:stop]))
        if data.endswith(_CLOSED, begin, end):
            place = data.index(_OPEN_TIME, stop, end) + len(_OPEN_TIME)
            opened = int(data[place : data.index(b",", place)])
            self.out_of_order += opened <= client.last_closed
            client.last_closed = opened
            client.closed += 1

    def _lose(self, client: Client) -> None:
        self.dropped += 1
        self.waiting -= client.received < 0
        del self._by_file[client.socket.fileno()]
        client.socket.close()


def main() -> None:
    """Connect, measure, tell."""
    port, count, addresses = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = Clients(port, addresses)
    began = time.monotonic()
    clients.connect(count)
    sys.stdout.write(f"ready {time.monotonic() - began}\n")
    sys.stdout.flush()
    clients.measure()
    sys.stdout.write(json.dumps(clients.found()))


if __name__ == "__main__":
    main()
