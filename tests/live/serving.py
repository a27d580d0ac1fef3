"""A server on loopback for a test, and what its clients say and hear."""

from __future__ import annotations

import asyncio
import functools
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from klineboard.live.board import Board
from klineboard.live.server import StreamServer
from klineboard.market.interval import INTERVALS
from klineboard.market.kline import Kline
from klineboard.market.series import Series
from klineboard.market.trade import Trade
from tests.candles import make_klines

MINUTES = Series("BTCUSDT", INTERVALS["1m"])
HOURS = Series("BTCUSDT", INTERVALS["1h"])
OTHER = Series("ETHUSDT", INTERVALS["1m"])

KLINES = make_klines("1m", 400)
"""Candles of one minute, in order."""

_PATIENCE = 30.0


class Serving(NamedTuple):
    """A running server, its board, and its address without a path."""

    board: Board
    server: StreamServer
    url: str


def in_loop(
    test: Callable[..., Awaitable[None]],
) -> Callable[..., None]:
    """Make an async test one that pytest can call."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        async def patient() -> None:
            async with asyncio.timeout(_PATIENCE):
                await test(*arguments, **named)

        asyncio.run(patient())

    return run


def make_board() -> Board:
    """Return a board of two symbols with two coins, without candles."""
    return Board([MINUTES, HOURS, OTHER], {"BTC": MINUTES, "ETH": OTHER})


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Serving]:
    """Serve a board of its own on a free port until the block ends."""
    board = make_board()
    server = StreamServer(board, port=0, **options)
    await server.start()
    try:
        yield Serving(board, server, f"ws://127.0.0.1:{server.port}")
    finally:
        await server.stop()


def reading_nothing(url: str) -> connect:
    """Return a client that takes little from its socket unless it is asked."""
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = url.removeprefix("ws://").partition("/")[0].split(":")
    own.connect((host, int(port)))
    own.setblocking(False)
    # It is not waited for at the end either.
    return connect(
        url,
        sock=own,
        max_queue=1,
        ping_interval=None,
        compression=None,
        close_timeout=0.1,
    )


async def hear(client: ClientConnection) -> Any:
    """Return the next message."""
    return json.loads(await client.recv())


async def hear_until(
    client: ClientConnection, last: Callable[[Any], bool]
) -> list[Any]:
    """Return all messages up to the one that is the last."""
    messages = []
    while not messages or not last(messages[-1]):
        messages.append(await hear(client))
    return messages


async def hear_the_end(client: ClientConnection) -> tuple[list[Any], int]:
    """Return all messages, and the code of the close."""
    messages = []
    try:
        while True:
            messages.append(await hear(client))
    except ConnectionClosed as closed:
        return messages, closed.rcvd.code if closed.rcvd else 1006


def make_trade(number: int, symbol: str = "BTCUSDT") -> Trade:
    """Return a trade whose numbers tell its place."""
    return Trade(symbol, number, f"{number}.50", "0.00100000", number, number % 2 > 0)


def moved(kline: Kline, close_price: str) -> Kline:
    """Return the candle with another close."""
    return kline._replace(close_price=close_price)
