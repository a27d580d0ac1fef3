"""A real relay's server on loopback, fed by the tests instead of by an exchange."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from klineboard.live.board import Board
from klineboard.live.server import StreamServer
from klineboard.market.kline import Kline
from klineboard.market.series import Series
from klineboard.market.trade import Trade


class Relay:
    """A board and its server, on an event loop of their own.

    The server can be stopped and started again on the same port, as a relay would be.
    """

    def __init__(self, board: Board, loop: asyncio.AbstractEventLoop) -> None:
        """Keep them; :func:`running` makes them."""
        self.board = board
        self.port = 0
        self._loop = loop
        self._server: StreamServer | None = None

    def start(self) -> None:
        """Listen; the first time on a free port."""
        self._server = StreamServer(self.board, port=self.port)
        self._run(self._server.start())
        self.port = self._server.port

    def stop(self) -> None:
        """Close all connections, and listen no more."""
        if self._server is not None:
            self._run(self._server.stop())
        self._server = None

    def load(self, series: Series, klines: list[Kline]) -> None:
        """Hand the relay stored candles."""
        self._call(self.board.load, series, klines)

    def update(self, series: Series, kline: Kline, event_time: int) -> None:
        """Hand the relay an open candle."""
        self._call(self.board.update, series, kline, event_time)

    def close(self, series: Series, kline: Kline, event_time: int) -> None:
        """Hand the relay a closed candle."""
        self._call(self.board.close, series, kline, event_time)

    def trade(self, trade: Trade) -> None:
        """Hand the relay a trade; one that nobody watches is ignored."""
        self._call(self.board.trade, trade, trade.time)

    def set_state(self, state: str, since: int, quiet: int | None = None) -> None:
        """Let all series be live, late or reconnecting."""
        self._call(self.board.set_state, state, None, since, quiet)

    def _call(self, function: Callable[..., object], *values: object) -> None:
        async def call() -> None:
            function(*values)

        self._run(call())

    def _run(self, coroutine: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


@contextmanager
def running(make_board: Callable[[], Board]) -> Iterator[Relay]:
    """Give a relay that listens; it ends with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    relay = Relay(make_board(), loop)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
