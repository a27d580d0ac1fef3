"""Clients that are slow, talk too much or are gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import tracemalloc
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection, connect

from klineboard.live.board import Board
from klineboard.live.descriptors import RESERVED, allow_open_files
from tests.live.serving import (
    KLINES,
    MINUTES,
    hear,
    hear_the_end,
    hear_until,
    in_loop,
    make_trade,
    reading_nothing,
    serving,
)

CANDLES = "/klines?symbol=BTCUSDT&interval=1m"
TRADES = "/trades?symbol=BTCUSDT"


class Heard(logging.Handler):
    """Waits for a line of the log that holds a word."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.came = asyncio.Event()
        self._word = word

    def emit(self, record: logging.LogRecord) -> None:
        if self._word in record.getMessage():
            self.came.set()


@pytest.fixture
def live_log() -> Iterator[logging.Logger]:
    """The server's logger, saying everything."""
    logger = logging.getLogger("klineboard.live")
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()


async def _trade(board: Board, first: int, count: int) -> None:
    for number in range(first, first + count):
        board.trade(make_trade(number), number)
        if number % 100 == 0:
            await asyncio.sleep(0)


async def _trade_and_hear(
    board: Board, reader: ClientConnection, first: int, count: int
) -> None:
    """Trade at a pace that the reader keeps up with."""
    for begin in range(first, first + count, 200):
        await _trade(board, begin, 200)
        for number in range(begin, begin + 200):
            assert (await hear(reader))["trade_id"] == number


@in_loop
async def test_a_client_that_never_reads_costs_no_memory_and_delays_nobody() -> None:
    async with serving() as own, reading_nothing(own.url + TRADES):
        async with connect(own.url + TRADES) as reader:
            await hear(reader)
            await _trade_and_hear(own.board, reader, 1, 5_000)
            tracemalloc.start()
            await _trade_and_hear(own.board, reader, 5_001, 15_000)
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        # These trades are 2.5 MB as messages; the kept ones may all be new objects.
        assert grown < 1_000_000


@in_loop
async def test_a_client_that_fell_behind_gets_the_newest_state() -> None:
    async with serving() as own, reading_nothing(own.url + TRADES) as client:
        await hear(client)
        await _trade(own.board, 1, 20_000)
        heard = await hear_until(
            client,
            lambda message: (
                message["type"] == "snapshot"
                and [one["trade_id"] for one in message["trades"]][-1:] == [20_000]
            ),
        )
        assert len(heard) < 10_000
        own.board.trade(make_trade(20_001), 1)
        assert (await hear(client))["trade_id"] == 20_001


@in_loop
async def test_a_client_that_stays_stuck_is_closed_with_1013(
    live_log: logging.Logger,
) -> None:
    closing = Heard("too_slow")
    live_log.addHandler(closing)
    async with serving(stuck_seconds=0.05) as own:
        async with reading_nothing(own.url + TRADES) as client:
            await hear(client)
            await _trade(own.board, 1, 20_000)
            await closing.came.wait()
            _, closed = await hear_the_end(client)
            assert closed == 1013


@in_loop
async def test_a_client_that_stays_stuck_is_cut_in_the_end() -> None:
    gone = asyncio.Event()
    async with serving(stuck_seconds=0.05) as own:
        async with reading_nothing(own.url + TRADES) as client:
            await hear(client)
            own.board.on_watched = lambda symbols: symbols or gone.set()
            await _trade(own.board, 1, 20_000)
            await gone.wait()
            assert own.server.clients == 0


@in_loop
async def test_the_end_does_not_wait_for_a_stuck_client() -> None:
    async with serving() as own, reading_nothing(own.url + TRADES) as client:
        await hear(client)
        await _trade(own.board, 1, 20_000)
        async with asyncio.timeout(5):
            await own.server.stop()


@in_loop
async def test_a_slow_client_misses_no_closed_candle() -> None:
    async with serving() as own, reading_nothing(own.url + CANDLES) as client:
        await hear(client)
        for kline in KLINES[:60]:
            for number in range(50):
                own.board.update(MINUTES, kline, number)
                await asyncio.sleep(0)
            own.board.close(MINUTES, kline, 99)
        last = KLINES[59].open_time
        heard = await hear_until(
            client, lambda one: one["closed"] and one["open_time"] == last
        )
        closed = [message["open_time"] for message in heard if message["closed"]]
        assert closed == [kline.open_time for kline in KLINES[:60]]


@in_loop
async def test_a_client_may_say_a_little() -> None:
    async with serving() as own, connect(own.url + CANDLES) as client:
        await hear(client)
        for _ in range(20):
            await client.send("hello")
        await (await client.ping())
        own.board.close(MINUTES, KLINES[0], 1)
        assert (await hear(client))["closed"] is True


@in_loop
async def test_a_client_that_talks_too_much_is_closed_with_1008() -> None:
    async with serving() as own, connect(own.url + CANDLES) as client:
        await hear(client)
        for _ in range(20):
            await client.send("x" * 1000)
        _, closed = await hear_the_end(client)
        assert closed == 1008


@in_loop
async def test_pings_are_talk_too() -> None:
    async with serving() as own, connect(own.url + CANDLES) as client:
        await hear(client)
        for _ in range(200):
            await client.pong(b"x" * 100)
        _, closed = await hear_the_end(client)
        assert closed == 1008


@in_loop
async def test_too_big_a_message_is_closed_with_1009() -> None:
    async with serving() as own, connect(own.url + CANDLES) as client:
        await hear(client)
        await client.send("x" * 5000)
        _, closed = await hear_the_end(client)
        assert closed == 1009


class Deaf(asyncio.Protocol):
    """A client that shakes hands and then answers nothing, pings neither."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(
            f"GET {CANDLES} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@in_loop
async def test_a_client_that_answers_no_ping_is_cut() -> None:
    loop = asyncio.get_running_loop()
    async with serving(ping_seconds=0.2) as own:
        async with connect(own.url + CANDLES, ping_interval=None) as alive:
            await hear(alive)
            _, deaf = await loop.create_connection(Deaf, "127.0.0.1", own.server.port)
            await deaf.lost.wait()
            own.board.close(MINUTES, KLINES[0], 1)
            assert (await hear(alive))["closed"] is True


@in_loop
async def test_a_crowd_at_the_door_is_cut_off() -> None:
    async with serving(most_clients=1) as own, connect(own.url + CANDLES) as client:
        await hear(client)
        silent = [
            await asyncio.open_connection("127.0.0.1", own.server.port)
            for _ in range(RESERVED)
        ]
        ends = [asyncio.create_task(_until_cut(reader)) for reader, _ in silent]
        for _, end in zip(
            range(RESERVED // 2), asyncio.as_completed(ends), strict=False
        ):
            await end
        own.board.close(MINUTES, KLINES[0], 1)
        assert (await hear(client))["closed"] is True
        for _, writer in silent:
            writer.transport.abort()
        await asyncio.gather(*ends)


async def _until_cut(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionResetError):
        await reader.read()


@pytest.fixture
def few_open_files() -> Iterator[int]:
    """A soft limit of open files lower than the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    yield 1024
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_open_files_are_raised_as_far_as_needed(few_open_files: int) -> None:
    assert allow_open_files(2000) == 2000
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 2000 + RESERVED


def test_enough_open_files_are_left_alone(few_open_files: int) -> None:
    assert allow_open_files(100) == 100
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == few_open_files


def test_never_more_clients_than_open_files_allow(few_open_files: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this machine knows no hard limit of open files")
    assert allow_open_files(hard + 1) == hard - RESERVED
