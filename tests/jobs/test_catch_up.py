"""What is asked of REST, and what of its answer is believed."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from klineboard.jobs.catch_up import CaughtUp, catch_up
from klineboard.jobs.fetch import Fetcher
from klineboard.jobs.store_closed import store_closed
from klineboard.market.interval import INTERVALS, MINUTE
from klineboard.market.kline import Kline
from klineboard.market.series import Series
from klineboard.simulator import Simulator
from klineboard.sources.binance_rest import BinanceRest
from klineboard.storage.database import Database
from klineboard.storage.series import read_gaps, read_state
from tests.jobs.conftest import rows, stored, truth

BTC = Series("BTCUSDT", INTERVALS["1m"])


def caught(
    database: Database,
    simulator: Simulator,
    folder: Path,
    known: Mapping[int, Kline] | None = None,
    told_until: int | None = None,
) -> CaughtUp:
    exchange = BinanceRest(simulator.url, first_backoff=0.001)
    with ThreadPoolExecutor(4) as pages:
        return catch_up(
            database,
            Fetcher(exchange, pages),
            BTC,
            exchange.server_time(),
            known or {},
            folder,
            told_until=told_until,
            history_start=None,
        )


def test_an_answer_that_stops_short_does_not_count_as_searched(
    database: Database, simulator: Simulator, tmp_path: Path
) -> None:
    caught(database, simulator, tmp_path)
    simulator.clock.advance(60 * MINUTE)
    simulator.faults.add(kind="short_page", path="/api/v3/klines")
    caught(database, simulator, tmp_path)
    with database.transaction() as cursor:
        state = read_state(cursor, BTC)
    assert state.searched_until is not None
    assert state.searched_until <= state.last_opens[-1] + MINUTE
    # A new process, behind candles that the stream told meanwhile.
    newest = truth(simulator, BTC)[-1:]
    store_closed(database, BTC, newest)
    caught(database, simulator, tmp_path, told_until=newest[0].open_time)
    klines = stored(database, BTC)
    assert klines == truth(simulator, BTC, klines[0].open_time)
    assert rows(database, "SELECT * FROM gaps") == []


def test_a_hole_that_was_noted_is_asked_for_after_a_kill(
    database: Database, simulator: Simulator, tmp_path: Path
) -> None:
    caught(database, simulator, tmp_path)
    simulator.clock.advance(60 * MINUTE)
    behind = truth(simulator, BTC)[-20:]
    store_closed(database, BTC, behind)
    with database.transaction() as cursor:
        assert [gap.state for gap in read_gaps(cursor, BTC)] == ["missing"]
        # As if REST had been asked since.
        cursor.execute("UPDATE series SET searched_until = '2024-03-02'")
    caught(database, simulator, tmp_path, told_until=behind[-1].open_time)
    klines = stored(database, BTC)
    assert klines == truth(simulator, BTC, klines[0].open_time)
    assert rows(database, "SELECT * FROM gaps") == []


def test_a_hole_before_two_candles_of_the_stream_stays_noted(
    database: Database, simulator: Simulator, tmp_path: Path
) -> None:
    caught(database, simulator, tmp_path)
    begin = simulator.clock.now() // MINUTE * MINUTE + MINUTE
    simulator.tampering.hide(begin, begin + 2 * MINUTE, symbol="BTCUSDT")
    simulator.clock.set(begin + 4 * MINUTE + 30_000)
    for kline in truth(simulator, BTC, begin + 2 * MINUTE):
        store_closed(database, BTC, [kline])
    caught(database, simulator, tmp_path)
    with database.transaction() as cursor:
        gaps = read_gaps(cursor, BTC)
    assert [(gap.hole.start, gap.hole.end) for gap in gaps] == [
        (begin, begin + 2 * MINUTE)
    ]


def test_what_the_stream_told_is_asked_for_whoever_asked_since(
    database: Database, simulator: Simulator, tmp_path: Path
) -> None:
    """A collector may have asked meanwhile, and been told too early."""
    caught(database, simulator, tmp_path)
    simulator.clock.advance(10 * MINUTE)
    told = truth(simulator, BTC)[-10:]
    wrong = told[2]._replace(volume="0.1")
    store_closed(database, BTC, [*told[:2], wrong, *told[3:]])
    with database.transaction() as cursor:
        cursor.execute("UPDATE series SET searched_until = '2024-03-02'")
    known = {kline.open_time: kline for kline in (wrong, *told[3:])}
    result = caught(database, simulator, tmp_path, known, told[-1].open_time)
    assert told[2] in result.rows
    assert stored(database, BTC)[-10:] == told


def test_a_candle_with_fewer_trades_than_the_stream_told_is_not_believed_at_once(
    database: Database, simulator: Simulator, tmp_path: Path
) -> None:
    caught(database, simulator, tmp_path)
    simulator.clock.advance(MINUTE)
    (newest,) = truth(simulator, BTC)[-1:]
    more = newest._replace(number_of_trades=newest.number_of_trades + 5)
    store_closed(database, BTC, [more])
    known = {more.open_time: more}
    assert newest not in caught(database, simulator, tmp_path, known).rows
    assert stored(database, BTC)[-1] == more
    simulator.clock.advance(3 * MINUTE)
    assert newest in caught(database, simulator, tmp_path, known).rows
    assert newest in stored(database, BTC)
