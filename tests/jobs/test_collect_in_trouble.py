"""The collector when the exchange, the database or another run misbehaves."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from klineboard.errors import DatabaseUnavailable, OriginMismatch, SettingsError
from klineboard.jobs.collect_all import Collector, Order
from klineboard.market.moment import parse_moment as at
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from klineboard.storage.series import series_lock
from tests.conftest import MakeSettings
from tests.jobs.conftest import (
    BTC_HOURS,
    START,
    Collect,
    SilentDisplay,
    assert_csv_equals_table,
    rows,
    series_of,
    stored,
    truth,
)


def test_a_lagging_answer_leaves_no_hole(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    simulator.faults.add(kind="stale", rows=3, count=2, path="/api/v3/klines")
    collect()
    collect()
    assert stored(database) == truth(simulator)


def test_a_page_that_stops_short_leaves_no_hole(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    start = at("2023-06-01")
    simulator.faults.add(kind="short_page", count=2, path="/api/v3/klines")
    simulator.faults.add(kind="short_page", skip=1, count=1, path="/api/v3/klines")
    collect(start=start)
    assert stored(database) == truth(simulator, start=start)
    assert rows(database, "SELECT * FROM gaps WHERE state = 'missing'") == []


@pytest.mark.parametrize("kind", ["nan", "high_below_low", "wrong_columns"])
def test_broken_rows_are_named_not_stored_and_fetched_by_the_next_run(
    collect: Collect, simulator: Simulator, database: Database, kind: str
) -> None:
    simulator.faults.add(kind=kind, count=99, path="/api/v3/klines")
    (result,) = collect()
    assert result.status == "failed"
    assert "not stored" in str(result.error)
    assert set(stored(database)) < set(truth(simulator))
    simulator.faults.clear()
    (result,) = collect()
    assert result.status == "ok"
    assert stored(database) == truth(simulator)


def test_a_broken_answer_in_the_middle_keeps_what_came_before(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    start = at("2023-06-01")
    simulator.faults.add(kind="html", skip=3, count=99, path="/api/v3/klines")
    (result,) = collect(start=start)
    assert result.status == "failed"
    expected = truth(simulator, start=start)
    kept = stored(database)
    assert 1000 <= len(kept) < len(expected)
    assert kept == expected[: len(kept)]
    assert_csv_equals_table(database, csv_folder)
    simulator.faults.clear()
    collect(start=start)
    assert stored(database) == expected


def test_one_series_fails_and_the_others_are_collected(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    results = collect("BTCUSDT 1h", "NOPEUSDT 1h", "ETHUSDT 1h")
    assert [result.status for result in results] == ["ok", "failed", "ok"]
    assert "Invalid symbol" in str(results[1].error)
    statuses = rows(database, "SELECT symbol, status FROM collection_runs ORDER BY id")
    assert set(statuses) == {
        ("BTCUSDT", "ok"),
        ("NOPEUSDT", "failed"),
        ("ETHUSDT", "ok"),
    }


def test_only_unknown_symbols_are_wrong_usage_with_near_names(collect: Collect) -> None:
    with pytest.raises(SettingsError, match="BTCUSD'; did you mean BTCUSDT"):
        collect("BTCUSD 1h")


def test_a_ban_is_remembered_and_the_next_run_keeps_silent(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    simulator.faults.add(
        kind="status", status=418, code=-1003, retry_after=600, path="/api/v3/klines"
    )
    (result,) = collect()
    assert result.status == "failed"
    assert "banned" in str(result.error)
    asked = simulator.statistics.requests
    (result,) = collect()
    assert simulator.statistics.requests == asked
    assert "banned" in str(result.error)
    with database.transaction() as cursor:
        cursor.execute("UPDATE exchange_contact SET silent_until = now()")
    (result,) = collect()
    assert result.status == "ok"


def test_an_exchange_that_is_away_fails_every_series(
    make_settings: MakeSettings, database: Database
) -> None:
    settings = make_settings(BINANCE_API_URL="http://127.0.0.1:1")
    collector = Collector(settings, database, SilentDisplay(), first_backoff=0.001)
    results = collector.run(Order(series_of("BTCUSDT 1h", "BTCUSDT 1d"), START, None))
    assert [result.status for result in results] == ["failed", "failed"]
    assert "not reached" in str(results[0].error)
    assert rows(database, "SELECT count(*) FROM collection_runs") == [(2,)]


def test_candles_of_another_exchange_are_refused(
    collect: Collect, make_settings: MakeSettings, database: Database
) -> None:
    collect()
    before = stored(database)
    with Simulator(now=at("2024-03-01T15:30"), speed=0, origin="") as other:
        settings = make_settings(BINANCE_API_URL=other.url)
        collector = Collector(settings, database, SilentDisplay())
        with pytest.raises(OriginMismatch, match="'simulated'"):
            collector.run(Order([BTC_HOURS], START, None))
    assert stored(database) == before


def test_a_series_that_another_run_holds_is_skipped(
    collect: Collect, database: Database
) -> None:
    with series_lock(database, BTC_HOURS) as held:
        assert held
        (result,) = collect()
    assert result.status == "skipped"
    assert stored(database) == []
    (result,) = collect()
    assert result.status == "ok"


def test_a_database_that_goes_away_in_the_middle_is_waited_for(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    blows = 0

    def cut_connections() -> None:
        nonlocal blows
        blows += 1
        if blows not in (1, 2):
            return
        with database.transaction() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    # More pages than are under way at once: some are left after the second cut.
    start = at("2022-01-01")
    (result,) = collect(start=start, on_progress=cut_connections)
    assert blows > 2
    assert result.status == "ok"
    assert stored(database) == truth(simulator, start=start)
    assert_csv_equals_table(database, csv_folder)


def test_a_database_that_stays_away_is_named(make_settings: MakeSettings) -> None:
    settings = make_settings(
        POSTGRES_HOST="127.0.0.1", POSTGRES_PORT="1", DATABASE_WAIT_SECONDS="0.3"
    )
    collector = Collector(settings, Database(settings), SilentDisplay())
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1"):
        collector.run(Order([BTC_HOURS], START, None))


def test_an_empty_answer_does_not_lose_the_start(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    collect(start=at("2024-02-20"))
    simulator.faults.add(kind="stale", rows=2000, path="/api/v3/klines")
    collect()
    collect()
    assert stored(database) == truth(simulator)


def test_a_broken_row_before_the_first_candle_is_asked_for_again(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    collect(start=at("2024-02-20"))
    simulator.faults.add(kind="nan", count=5, path="/api/v3/klines")
    (result,) = collect(start=at("2024-02-19T23:00"))
    assert result.status == "failed"
    (result,) = collect(start=at("2024-02-19T23:00"))
    assert result.status == "ok"
    assert stored(database) == truth(simulator, start=at("2024-02-19T23:00"))


def test_a_storage_error_in_one_series_leaves_the_others_alone(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    with database.transaction() as cursor:
        cursor.execute("ALTER TABLE klines ADD CHECK (symbol <> 'ETHUSDT')")
    results = collect("ETHUSDT 1h", "BTCUSDT 1h")
    assert [result.status for result in results] == ["failed", "ok"]
    assert stored(database) == truth(simulator)


def test_after_the_order_to_stop_nothing_more_is_asked(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> None:
    stop = threading.Event()
    collector = Collector(
        make_settings(BINANCE_API_URL=simulator.url),
        database,
        SilentDisplay(on_progress=stop.set),
        stop,
    )
    names = [
        f"{symbol}USDT 1h" for symbol in ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA")
    ]
    results = collector.run(Order(series_of(*names), START, None))
    assert {result.status for result in results} == {"failed"}
    # Four series had begun; pages under way come to their end, and no other begins.
    assert [result.requests for result in results].count(0) >= 2
