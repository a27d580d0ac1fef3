"""Seams are filled by REST, whatever the stream left out or said wrongly."""

from __future__ import annotations

import asyncio
import logging

import pytest

from klineboard.market.interval import HOUR, INTERVALS, MINUTE
from klineboard.market.series import Series
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from klineboard.storage.klines import store_klines
from klineboard.storage.series import series_lock
from tests.conftest import MakeSettings
from tests.jobs.conftest import rows, stored, truth
from tests.jobs.relaying import BTC, relaying


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
