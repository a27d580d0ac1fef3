"""A relay's server without its exchange: candles are told to the board by a clock.

Runs as a process of its own: ``python -m tests.bench.stream_feed SERIES``. It writes
its port; each line ``UPDATES_A_SECOND SECONDS`` on standard input lets it feed all
series at the same moments, and it answers with a line of JSON. The event time of each
message is the monotonic clock in microseconds, which the clients share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import psutil

from klineboard.live.board import Board
from klineboard.live.server import StreamServer
from klineboard.market.interval import INTERVALS
from klineboard.market.kline import Kline
from klineboard.market.series import Series

SNAPSHOT = 20
"""Closed candles in each series at the beginning."""

_MINUTE = INTERVALS["1m"].milliseconds
# Every so many updates the candle closes.
_CLOSES = 10


class Feed:
    """Candles of some series, told to a board."""

    def __init__(self, board: Board, series: list[Series]) -> None:
        """Store a few closed candles of each."""
        self.board = board
        self.told = 0
        self.closed = 0
        self._series = series
        for one in series:
            board.load(one, [_kline(n, 0) for n in range(1, SNAPSHOT + 1)])

    async def run(self, rate: float, seconds: float) -> None:
        """Tell so many updates a second of each series, every tenth a closed candle."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for count in range(1, int(rate * seconds) + 1):
            self._tell()
            # The next moment on a fixed grid: a slow loop gets no fewer updates.
            await asyncio.sleep(max(0.0, began + count / rate - loop.time()))

    def _tell(self) -> None:
        candle, part = divmod(self.told, _CLOSES)
        kline = _kline(SNAPSHOT + 1 + candle, part)
        self.told += 1
        closes = part == _CLOSES - 1
        self.closed += closes
        for series in self._series:
            now = time.monotonic_ns() // 1000
            if closes:
                self.board.close(series, kline, now)
            else:
                self.board.update(series, kline, now)


def _kline(number: int, part: int) -> Kline:
    opened = number * _MINUTE
    return Kline(
        opened,
        "64210.51000000",
        "64300.00000000",
        "64100.10000000",
        f"642{part:02}.51000000",
        f"{part}.12345000",
        opened + _MINUTE - 1,
        f"12{part}345.67890000",
        part,
        f"{part}.01234500",
        f"6{part}345.67890000",
    )


async def _serve(series: list[Series]) -> None:
    board = Board(series, {})
    server = StreamServer(board, port=0)
    await server.start()
    feed = Feed(board, series)
    process = psutil.Process()
    _say({"port": server.port, "memory": process.memory_info().rss})
    while line := await asyncio.to_thread(sys.stdin.readline):
        rate, seconds = map(float, line.split())
        told, closed, cpu = feed.told, feed.closed, time.process_time()
        await feed.run(rate, seconds)
        _say(
            {
                "told": feed.told - told,
                "closed": feed.closed - closed,
                "memory": process.memory_info().rss,
                "cpu": (time.process_time() - cpu) / seconds if seconds else 0.0,
                "clients": server.clients,
            }
        )
    await server.stop()


def _say(values: dict[str, float]) -> None:
    sys.stdout.write(f"{json.dumps(values)}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until standard input ends."""
    minute = INTERVALS["1m"]
    asyncio.run(_serve([Series(name, minute) for name in sys.argv[1].split(",")]))


if __name__ == "__main__":
    main()
