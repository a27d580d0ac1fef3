"""The relay against the simulator: what closes is stored, seams are filled by REST."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from klineboard.errors import OriginMismatch, SettingsError
from klineboard.jobs.followed import Followed
from klineboard.jobs.relay import Relay
from klineboard.live.board import Board
from klineboard.market.interval import HOUR, INTERVALS, MINUTE
from klineboard.market.series import Series
from klineboard.settings import Settings
from klineboard.simulator import Simulator, utc
from klineboard.storage.database import Database
from klineboard.storage.klines import store_klines
from klineboard.storage.series import series_lock
from klineboard.storage.stream_contact import read_stream
from tests.conftest import MakeSettings
from tests.jobs.conftest import assert_csv_equals_table, rows, stored, truth

BTC = Series("BTCUSDT", INTERVALS["1m"])
ETH = Series("ETHUSDT", INTERVALS["1m"])


class Rig:
    """A relay at work, and the parts around it."""

    def __init__(
        self, simulator: Simulator, database: Database, board: Board, folder: Path
    ) -> None:
        self.simulator = simulator
        self.database = database
        self.board = board
        self.folder = folder

    async def until(self, condition: Callable[[], object]) -> None:
        """Look again and again until the condition holds."""
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_live(self, *series: Series) -> None:
        """Wait until the seams of the series are filled."""
        for one in series or (BTC,):
            topic = self.board.candles[one]
            await self.until(lambda topic=topic: topic.condition.state == "live")

    async def until_stored(self, series: Series = BTC) -> None:
        """Wait until all that closed is stored, and the file equal to the table."""
        await self.until(lambda: self.newest(series) == self.due(series))

    def newest(self, series: Series) -> int | None:
        """Newest stored open time."""
        klines = stored(self.database, series)
        return klines[-1].open_time if klines else None

    def due(self, series: Series) -> int:
        """Newest open time that has closed by the exchange's clock."""
        now = self.simulator.clock.now()
        return series.interval.add(series.interval.floor(now), -1)

    def assert_true(self, series: Series = BTC) -> None:
        """Compare table and file with what the exchange has."""
        klines = stored(self.database, series)
        assert klines == truth(self.simulator, series, klines[0].open_time)
        assert_csv_equals_table(self.database, self.folder, series)
        assert rows(self.database, "SELECT * FROM gaps WHERE state = 'missing'") == []


@pytest.fixture
def settings_for(make_settings: MakeSettings, simulator: Simulator) -> MakeSettings:
    """Settings of a relay of bitcoin's minutes."""

    def make(**keys: str) -> Settings:
        return make_settings(
            **{
                "BINANCE_API_URL": simulator.url,
                "BINANCE_STREAM_URL": simulator.stream_url,
                "SYMBOLS": "BTCUSDT",
                "INTERVALS": "1m",
                "STREAM_COINS": "BTC",
                "STALL_SECONDS": "30",
                "DATABASE_WAIT_SECONDS": "5",
                **keys,
            }
        )

    return make


@asynccontextmanager
async def relaying(
    settings: Settings, simulator: Simulator, database: Database
) -> AsyncIterator[Rig]:
    followed = Followed.of(settings)
    board = Board(followed.series, followed.coins)
    relay = Relay(settings, database, followed, board, first_backoff=0.02)
    running = asyncio.create_task(relay.run())
    rig = Rig(simulator, database, board, settings.data_dir / "csv")

    def connected() -> bool:
        if running.done():
            running.result()
        return simulator.streams.connections > 0

    try:
        await rig.until(connected)
        yield rig
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await rig.until(relay.is_done)


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


def test_a_seam_is_filled_before_the_stream_is_believed(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            simulator.streams.faults.add(kind="refuse", count=3)
            simulator.streams.drop_all()
            await rig.until(lambda: rig.board.state == "reconnecting")
            simulator.clock.advance(90 * MINUTE)
            await rig.until_live()
            await rig.until_stored()
            shown = [kline.open_time for kline in rig.board.candles[BTC].closed]
            assert shown == list(range(shown[0], shown[-1] + 1, MINUTE))
        rig.assert_true()

    asyncio.run(scenario())


def test_a_closing_event_left_out_is_fetched(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            simulator.streams.faults.add(kind="skip_close")
            simulator.clock.advance(MINUTE)
            simulator.clock.advance(MINUTE)
            await rig.until_stored()
        rig.assert_true()

    asyncio.run(scenario())


def test_rest_replaces_what_the_stream_said_wrongly_and_records_it(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            simulator.streams.faults.add(kind="wrong_close")
            simulator.clock.advance(MINUTE)
            await rig.until_stored()
            # From when on REST is taken for settled.
            simulator.clock.advance(3 * MINUTE)
            simulator.streams.drop_all()
            await rig.until(lambda: rows(database, "SELECT 1 FROM corrections"))
            await rig.until_stored()
            await rig.until_live()
            kept = rig.board.candles[BTC].closed[-5:]
            assert kept == stored(database, BTC)[-5:]
        rig.assert_true()

    asyncio.run(scenario())


def test_the_streams_word_does_not_stand_against_rests(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            simulator.streams.faults.add(kind="wrong_close")
            moment = simulator.clock.now() + MINUTE
            (known,) = simulator.market.klines(
                "BTCUSDT", BTC.interval, rig.due(BTC) + MINUTE, None, 1, moment
            )
            with database.transaction() as cursor:
                store_klines(cursor, BTC, [known])
            simulator.clock.advance(MINUTE)
            topic = rig.board.candles[BTC]
            await rig.until(lambda: topic.closed[-1].open_time == known.open_time)
        assert stored(database, BTC)[-1] == known
        assert rows(database, "SELECT * FROM corrections") == []

    asyncio.run(scenario())


def test_rest_that_lags_behind_the_stream_is_asked_again(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            simulator.faults.add(kind="stale", rows=3, count=2, path="/api/v3/klines")
            simulator.clock.advance(5 * MINUTE)
            simulator.streams.drop_all()
            await rig.until(lambda: rig.board.state != "live")
            await rig.until_stored()
            await rig.until_live()
        rig.assert_true()

    asyncio.run(scenario())


def test_nonsense_is_skipped_told_once_and_repaired(
    settings_for: MakeSettings,
    simulator: Simulator,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            asked = simulator.statistics.asked("/api/v3/klines")
            simulator.streams.faults.add(kind="garbage", count=6)
            for _ in range(8):
                simulator.clock.advance(MINUTE)
            await rig.until(
                lambda: simulator.statistics.asked("/api/v3/klines") > asked
            )
            await rig.until_stored()
        rig.assert_true()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    told = [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()]
    assert len(told) == 2, told
    assert told[1].endswith("5 more times")


def test_a_collector_beside_it_makes_no_hole_for_those_who_watch(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            simulator.streams.faults.add(kind="refuse", count=5)
            simulator.streams.drop_all()
            await rig.until(lambda: rig.board.state == "reconnecting")
            simulator.clock.advance(30 * MINUTE)
            with database.transaction() as cursor:
                store_klines(cursor, BTC, truth(simulator, BTC, rig.due(BTC) - HOUR))
            await rig.until_live()
            shown = [kline.open_time for kline in rig.board.candles[BTC].closed]
            assert shown == list(range(shown[0], rig.due(BTC) + 1, MINUTE))
        rig.assert_true()

    asyncio.run(scenario())


def test_history_is_left_to_a_collector_at_work_and_the_hole_is_noted(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    old = truth(simulator, BTC, simulator.clock.now() - 6_000 * MINUTE)[:10]
    with database.transaction() as cursor:
        store_klines(cursor, BTC, old)

    async def scenario() -> None:
        with series_lock(database, BTC):
            async with relaying(settings_for(), simulator, database) as rig:
                await rig.until_live()

    asyncio.run(scenario())
    assert len(stored(database, BTC)) == 1_009
    gaps = rows(database, "SELECT state, end_time - start_time FROM gaps")
    assert [state for state, _ in gaps] == ["missing"]


def test_a_series_that_nobody_collects_is_filled_however_long_it_was_left(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    old = truth(simulator, BTC, simulator.clock.now() - 6_000 * MINUTE)[:10]
    with database.transaction() as cursor:
        store_klines(cursor, BTC, old)
    settings = settings_for(INTERVALS="1h")

    async def scenario() -> None:
        async with relaying(settings, simulator, database) as rig:
            await rig.until_live()
        rig.assert_true()

    asyncio.run(scenario())
    assert len(stored(database, BTC)) == 6_000


def test_an_outage_becomes_known_as_one(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            begin = rig.due(BTC) + 5 * MINUTE
            simulator.tampering.hide(begin, begin + 20 * MINUTE, symbol="BTCUSDT")
            simulator.streams.faults.add(kind="refuse", count=2)
            simulator.streams.drop_all()
            simulator.clock.advance(40 * MINUTE)
            await rig.until_live()
            await rig.until(lambda: rows(database, "SELECT 1 FROM gaps"))
            await rig.until_stored()

    asyncio.run(scenario())
    gaps = rows(database, "SELECT state, end_time - start_time FROM gaps")
    assert [state for state, _ in gaps] == ["exchange"]


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


def test_a_stream_that_is_silent_beside_others_of_its_symbol_is_replaced(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    hours = Series("BTCUSDT", INTERVALS["1h"])
    settings = settings_for(INTERVALS="1m,1h", STALL_SECONDS="1")

    async def scenario() -> None:
        async with relaying(settings, simulator, database) as rig:
            await rig.until_live(BTC, hours)
            attempts = simulator.streams.statistics()["attempts"]
            simulator.streams.faults.add(kind="silent_stream", interval="1h")

            def replaced() -> bool:
                simulator.clock.advance(2_000)
                return simulator.streams.statistics()["attempts"] > attempts

            await rig.until(replaced)

    asyncio.run(scenario())


def test_a_candle_that_rest_tells_late_reaches_those_who_watch(
    settings_for: MakeSettings, simulator: Simulator, database: Database
) -> None:
    async def scenario() -> None:
        async with relaying(settings_for(), simulator, database) as rig:
            await rig.until_live()
            missing = rig.due(BTC) + 4 * MINUTE
            simulator.streams.faults.add(kind="refuse", count=2)
            simulator.streams.drop_all()
            await rig.until(lambda: rig.board.state == "reconnecting")
            simulator.tampering.hide(missing, missing + MINUTE, symbol="BTCUSDT")
            simulator.clock.advance(5 * MINUTE)
            await rig.until_live()
            simulator.tampering.show_all()
            with database.transaction() as cursor:
                cursor.execute(
                    "UPDATE gaps SET checked_at = now() - interval '9 years'"
                )
            simulator.streams.drop_all()
            await rig.until(
                lambda: missing in [k.open_time for k in rig.board.candles[BTC].closed]
            )
        rig.assert_true()

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
