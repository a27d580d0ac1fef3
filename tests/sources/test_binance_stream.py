"""A feed against the simulator's streams: it keeps flowing, within the limits."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from klineboard.market.interval import DAY, INTERVALS, MINUTE
from klineboard.simulator import Simulator, utc
from klineboard.sources.binance_stream import AttemptLimit, Feed
from klineboard.sources.stream_frames import KlineEvent, TradeEvent, kline_stream
from klineboard.sources.stream_requests import Requests

BTC = kline_stream("BTCUSDT", INTERVALS["1m"])
NOW = utc("2024-06-01T12:00:30")


class Diary:
    """Writes down what a feed tells."""

    def __init__(self) -> None:
        self.events: list[KlineEvent | TradeEvent] = []
        self.connections = 0
        self.connected_at: list[float] = []
        self.origins: list[str | None] = []
        self.spoilt: list[tuple[str, str | None]] = []
        self.losses: list[str] = []

    def connected(self, feed: Feed, origin: str | None) -> None:
        self.connections += 1
        self.connected_at.append(asyncio.get_running_loop().time())
        self.origins.append(origin)

    def received(self, event: KlineEvent | TradeEvent) -> None:
        self.events.append(event)

    def spoiled(self, feed: Feed, reason: str, stream: str | None) -> None:
        self.spoilt.append((reason, stream))

    def lost(self, feed: Feed, reason: str) -> None:
        self.losses.append(reason)

    async def until(self, condition: Callable[[], object]) -> None:
        """Look again and again until the condition holds."""
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)

    async def admitted(self, exchange: Simulator) -> None:
        """Wait for the first connection, at both ends."""
        await self.until(lambda: self.connections and exchange.streams.connections)

    def closed(self) -> list[int]:
        """Open times of the candles that closed."""
        return [
            event.kline.open_time
            for event in self.events
            if isinstance(event, KlineEvent) and event.closed
        ]


@asynccontextmanager
async def feeding(
    url: str, *streams: str, stall_seconds: float = 30.0, **options: object
) -> AsyncIterator[tuple[Feed, Diary]]:
    diary = Diary()
    feed = Feed(
        url,
        streams or (BTC,),
        diary,
        stall_seconds=stall_seconds,
        first_backoff=0.01,
        overlap_seconds=0.05,
    )
    running = asyncio.create_task(feed.run())
    try:
        yield feed, diary
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def exchange() -> object:
    with Simulator(now=NOW, speed=0) as simulator:
        yield simulator


def test_tells_every_closed_candle(exchange: Simulator) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url) as (_, diary):
            await diary.admitted(exchange)
            await asyncio.to_thread(exchange.clock.advance, 5 * MINUTE)
            await diary.until(lambda: len(diary.closed()) == 5)
            assert diary.origins == ["simulated"]
            first = NOW - 30_000
            assert diary.closed() == [first + n * MINUTE for n in range(5)]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["drop", "close"])
def test_connects_again(exchange: Simulator, kind: str) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url) as (_, diary):
            await diary.admitted(exchange)
            exchange.streams.faults.add(kind=kind)
            exchange.clock.advance(MINUTE)
            await diary.until(
                lambda: diary.connections == 2 and exchange.streams.connections == 1
            )
            exchange.clock.advance(MINUTE)
            await diary.until(lambda: diary.closed())
            assert len(diary.losses) == 1

    asyncio.run(scenario())


def test_replaces_a_connection_that_is_silent_but_answers_pings(
    exchange: Simulator,
) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url, stall_seconds=0.3) as (_, diary):
            await diary.admitted(exchange)
            exchange.streams.faults.add(kind="silent")
            exchange.clock.advance(MINUTE)
            await diary.until(
                lambda: diary.connections == 2 and exchange.streams.connections == 1
            )
            assert diary.losses == [], "the next one was up before it went"

    asyncio.run(scenario())


def test_a_silent_connection_that_nothing_replaces_is_told_as_lost(
    exchange: Simulator,
) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url, stall_seconds=0.3) as (_, diary):
            await diary.admitted(exchange)
            exchange.streams.faults.add(kind="silent")
            exchange.streams.faults.add(kind="refuse", status=503, count=10_000)
            exchange.clock.advance(MINUTE)
            await diary.until(lambda: diary.losses)
            assert "no data for" in diary.losses[0]

    asyncio.run(scenario())


def test_no_trade_of_a_quiet_market_is_lost(exchange: Simulator) -> None:
    """It is silent for longer than a connection may be; that loses nothing."""

    async def scenario() -> None:
        trades = feeding(exchange.stream_url, "btcusdt@trade", stall_seconds=0.05)
        async with trades as (_, diary):
            await diary.admitted(exchange)
            for times in range(1, 5):
                await diary.until(lambda times=times: diary.connections > times)
                before = len(diary.events)
                exchange.clock.advance(10_000)
                await diary.until(lambda before=before: len(diary.events) > before)
            ids = {
                one.trade.trade_id
                for one in diary.events
                if isinstance(one, TradeEvent)
            }
            assert max(ids) - min(ids) == len(ids) - 1
            assert diary.losses == []

    asyncio.run(scenario())


def test_a_market_without_trades_makes_no_storm_of_attempts(
    exchange: Simulator,
) -> None:
    """Each replacement that brings nothing doubles the patience."""

    async def scenario() -> None:
        async with feeding(exchange.stream_url, stall_seconds=0.05) as (_, diary):
            await diary.until(lambda: diary.connections == 6)
            pauses = [b - a for a, b in itertools.pairwise(diary.connected_at)]
            assert all(
                pause >= 0.05 * 2**times for times, pause in enumerate(pauses)
            ), pauses

    asyncio.run(scenario())


def test_the_next_connection_is_up_before_a_day_is_over(exchange: Simulator) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url) as (_, diary):
            await diary.admitted(exchange)
            exchange.clock.advance(MINUTE)
            await diary.until(lambda: diary.events)
            exchange.clock.advance(DAY - MINUTE // 2 - 30 * MINUTE)
            await diary.until(lambda: diary.connections == 2)
            exchange.clock.advance(MINUTE)
            await diary.until(
                lambda: exchange.streams.connections == 1 and len(diary.closed()) > 1400
            )
            assert diary.losses == []

    asyncio.run(scenario())


def test_server_shutdown_changes_the_connection_without_a_loss(
    exchange: Simulator,
) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url) as (_, diary):
            await diary.admitted(exchange)
            await asyncio.to_thread(exchange.streams.shutdown, 5.0)
            await diary.until(lambda: diary.connections == 2)
            exchange.clock.advance(MINUTE)
            await diary.until(lambda: NOW - 30_000 in diary.closed())
            assert diary.losses == []

    asyncio.run(scenario())


def test_goes_on_after_frames_that_make_no_sense(exchange: Simulator) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url) as (_, diary):
            await diary.admitted(exchange)
            exchange.streams.faults.add(kind="garbage", count=3)
            exchange.clock.advance(6 * MINUTE)
            await diary.until(
                lambda: len(diary.spoilt) == 3 and NOW + 270_000 in diary.closed()
            )
            assert diary.connections == 1

    asyncio.run(scenario())


def test_streams_come_and_go_on_one_connection(exchange: Simulator) -> None:
    ether = kline_stream("ETHUSDT", INTERVALS["1m"])

    async def scenario() -> None:
        async with feeding(exchange.stream_url) as (feed, diary):
            await diary.admitted(exchange)
            feed.change([ether])
            await diary.until(lambda: _advance(exchange) and _symbols(diary) >= {"ETH"})
            diary.events.clear()
            exchange.clock.advance(MINUTE)
            await diary.until(lambda: diary.closed())
            assert _symbols(diary) == {"ETH"}
            assert diary.connections == 1

    def _advance(exchange: Simulator) -> bool:
        exchange.clock.advance(2_000)
        return True

    def _symbols(diary: Diary) -> set[str]:
        klines = (event for event in diary.events if isinstance(event, KlineEvent))
        return {event.symbol[:3] for event in klines}

    asyncio.run(scenario())


def test_without_streams_there_is_no_connection(exchange: Simulator) -> None:
    async def scenario() -> None:
        async with feeding(exchange.stream_url) as (feed, diary):
            await diary.admitted(exchange)
            feed.change([])
            await diary.until(lambda: not exchange.streams.connections)
            assert diary.losses == []
            feed.change([BTC])
            await diary.until(lambda: diary.connections == 2)

    asyncio.run(scenario())


def test_refusals_are_waited_out(exchange: Simulator) -> None:
    async def scenario() -> None:
        exchange.streams.faults.add(kind="refuse", status=503, count=2)
        async with feeding(exchange.stream_url) as (_, diary):
            await diary.until(lambda: diary.connections)
            assert "HTTP 503" in diary.losses[0]

    asyncio.run(scenario())


def test_many_streams_are_asked_for_in_parts_at_the_exchanges_pace() -> None:
    """The address names 200; the rest follows, 4 messages a second at most."""
    asked: list[tuple[float, list[str]]] = []
    names = [f"coin{number}usdt@kline_1m" for number in range(700)]

    async def exchange(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append((0.0, connection.request.path.split("=")[1].split("/")))
        async for message in connection:
            moment = asyncio.get_running_loop().time()
            asked.append((moment, json.loads(message)["params"]))

    async def scenario() -> None:
        async with serve(exchange, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with feeding(f"ws://127.0.0.1:{port}", *names) as (_, diary):
                await diary.until(lambda: len(asked) == 4)

    asyncio.run(scenario())
    assert [len(part) for _, part in asked] == [200, 200, 200, 100]
    assert sorted(name for _, part in asked for name in part) == sorted(names)
    moments = [moment for moment, _ in asked[1:]]
    assert all(b - a > 0.2 for a, b in zip(moments, moments[1:], strict=False))


def test_more_streams_than_a_connection_carries_are_refused() -> None:
    with pytest.raises(ValueError, match="1025 streams"):
        Feed("ws://127.0.0.1:1", map(str, range(1025)), Diary())


def test_attempts_are_counted_over_all_feeds() -> None:
    now = 0.0
    limit = AttemptLimit(3, 300.0, lambda: now)
    assert [limit.claim() for _ in range(3)] == [0.0, 0.0, 0.0]
    now = 100.0
    assert limit.claim() == 200.0
    now = 300.0
    assert limit.claim() == 0.0


def test_what_goes_is_said_before_what_comes() -> None:
    said: list[tuple[str, list[str]]] = []

    async def scenario() -> None:
        done = asyncio.Event()

        async def send(text: str) -> None:
            message = json.loads(text)
            said.append((message["method"], message["params"]))
            if len(said) == 2:
                done.set()

        requests = Requests(send, ["a", "b"])
        running = asyncio.create_task(requests.run())
        requests.want(["b", "c"])
        await asyncio.wait_for(done.wait(), 5)
        running.cancel()

    asyncio.run(scenario())
    assert said == [("UNSUBSCRIBE", ["a"]), ("SUBSCRIBE", ["c"])]


def test_a_mistake_of_the_listener_ends_the_feed_loudly(exchange: Simulator) -> None:
    class Clumsy(Diary):
        def received(self, event: KlineEvent | TradeEvent) -> None:
            raise ZeroDivisionError

    async def scenario() -> None:
        feed = Feed(exchange.stream_url, [BTC], Clumsy())
        running = asyncio.create_task(feed.run())
        while not running.done():
            exchange.clock.advance(2_000)
            await asyncio.sleep(0.01)
        with pytest.raises(ZeroDivisionError):
            running.result()

    asyncio.run(scenario())
