"""The relay against the simulator: what it follows, stores, shows and refuses."""

from __future__ import annotations

import asyncio
import json

import pytest

from klineboard.errors import OriginMismatch, SettingsError
from klineboard.jobs.followed import Followed
from klineboard.jobs.relay import Relay
from klineboard.live.board import Board
from klineboard.market.interval import MINUTE
from klineboard.simulator import Simulator, utc
from klineboard.storage.database import Database
from klineboard.storage.klines import store_klines
from klineboard.storage.stream_contact import read_stream
from tests.conftest import MakeSettings
from tests.jobs.conftest import stored, truth
from tests.jobs.relaying import BTC, Rig, relaying


def test_begins_with_what_a_page_can_show(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            assert len(stored(database, BTC)) == 999
            assert rig.board.candles[BTC].open is not None
            rig.assert_true()

    asyncio.run(scenario())


def test_begins_no_earlier_than_the_collector_may(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = settings_for(HISTORY_START="2024-03-01")
    simulator.clock.set(utc("2024-03-01T03:00:30"))

    async def scenario() -> None:
        async with relaying(settings, simulator, database) as rig:
            await rig.until_live()

    asyncio.run(scenario())
    assert stored(database, BTC)[0].open_time == utc("2024-03-01")


def test_stores_what_closes_and_brings_the_file_in_line(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            asked = simulator.statistics.asked("/api/v3/klines")
            for _ in range(3):
                simulator.clock.advance(MINUTE)
                await rig.until_stored()
            assert simulator.statistics.asked("/api/v3/klines") == asked
        rig.assert_true()

    asyncio.run(scenario())


def test_a_symbol_that_does_not_exist_is_named_and_left_out(
    settings_for: MakeSettings,
    simulator: Simulator,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = settings_for(SYMBOLS="BTCUSDT,BTCUDST")

    async def scenario() -> None:
        async with relaying(settings, simulator, database) as rig:
            await rig.until_live()
            assert list(rig.board.trades) == ["BTCUSDT"]

    asyncio.run(scenario())
    assert "'BTCUDST'; did you mean BTCUSDT" in caplog.text


def test_only_symbols_that_do_not_exist_are_wrong_settings(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = settings_for(SYMBOLS="BTCUDST", STREAM_COINS="BTX")

    async def scenario() -> None:
        async with relaying(settings, simulator, database):
            pass

    with pytest.raises(SettingsError, match="did you mean"):
        asyncio.run(scenario())


def test_real_streams_beside_a_simulated_exchange_are_refused(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = settings_for(BINANCE_STREAM_URL="wss://data-stream.binance.vision")

    async def scenario() -> None:
        async with relaying(settings, simulator, database):
            pass

    with pytest.raises(SettingsError, match="BINANCE_STREAM_URL.*'simulated'"):
        asyncio.run(scenario())


def test_streams_of_another_exchange_than_rests_are_refused(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    with Simulator(origin="elsewhere", speed=0) as other:
        settings = settings_for(BINANCE_STREAM_URL=other.stream_url)

        async def scenario() -> None:
            async with relaying(settings, simulator, database) as rig:
                await rig.until(lambda: False)

        with pytest.raises(OriginMismatch, match="elsewhere"):
            asyncio.run(scenario())


def test_what_is_stored_is_shown_while_the_exchange_is_away(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    klines = truth(simulator, BTC, simulator.clock.now() - 20 * MINUTE)
    with database.transaction() as cursor:
        store_klines(cursor, BTC, klines)
    settings = settings_for(BINANCE_API_URL="http://127.0.0.1:1")

    async def scenario() -> None:
        followed = Followed.of(settings)
        board = Board(followed.series, followed.coins)
        relay = Relay(settings, database, followed, board, first_backoff=0.02)
        running = asyncio.create_task(relay.run())
        rig = Rig(simulator, database, board, settings.data_dir)
        await rig.until(lambda: board.candles[BTC].closed)
        assert board.candles[BTC].closed == klines
        assert board.state == "reconnecting"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await rig.until(relay.is_done)

    asyncio.run(scenario())


def test_trades_come_as_long_as_somebody_watches_each_once(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    ear = Ear()

    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            topic = rig.board.trades["BTCUSDT"]
            topic.wrap = lambda message: message + b"\n"
            topic.subscribe(ear, 0)
            await rig.until(lambda: simulator.streams.connections == 2)
            simulator.streams.faults.add(kind="duplicate", event="trade", count=3)
            while len(ear.told) < 20:
                simulator.clock.advance(1_000)
                await asyncio.sleep(0.01)
                for subscription in topic.subscriptions:
                    subscription.serve()

    asyncio.run(scenario())
    told = [json.loads(message) for message in ear.told]
    ids = [trade["trade_id"] for trade in told if trade["type"] == "trade"]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_who_watches_trades_before_the_exchange_is_reached_gets_them(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = settings_for()

    async def scenario() -> None:
        followed = Followed.of(settings)
        board = Board(followed.series, followed.coins)
        board.trades["BTCUSDT"].subscribe(Ear(), 0)
        relay = Relay(settings, database, followed, board, first_backoff=0.02)
        running = asyncio.create_task(relay.run())
        rig = Rig(simulator, database, board, settings.data_dir)
        await rig.until(lambda: simulator.streams.connections == 2)
        relay.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await rig.until(relay.is_done)

    asyncio.run(scenario())


def test_a_change_of_connections_that_fails_is_told(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    """The old one ended, and the new one is refused: nothing is live."""

    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            simulator.streams.faults.add(kind="refuse", count=6)
            await asyncio.to_thread(simulator.streams.shutdown, 0.2)
            await rig.until(lambda: rig.board.state == "reconnecting")
            await rig.until_live()

    asyncio.run(scenario())


class Ear:
    """A listener that reads what it is told."""

    ready = True

    def __init__(self) -> None:
        self.told: list[bytes] = []

    def tell(self, data: bytes) -> None:
        self.told += [line for line in data.split(b"\n") if line]


def test_the_page_is_told_how_the_relay_stands(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()

            def told() -> object:
                with database.transaction() as cursor:
                    return read_stream(cursor).state

            await rig.until(told)

    asyncio.run(scenario())
