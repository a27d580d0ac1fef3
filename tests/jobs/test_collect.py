"""The collector: complete, exact, closed candles only, whatever happens."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from klineboard.errors import DatabaseUnavailable, OriginMismatch, SettingsError
from klineboard.jobs.collect import Task, missing_spans
from klineboard.jobs.collect_all import Collector, Order
from klineboard.market.interval import DAY, HOUR, INTERVALS
from klineboard.market.moment import parse_moment as at
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from klineboard.storage.overview import read_contact
from klineboard.storage.series import Series, SeriesState, series_lock
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


def test_stores_all_closed_candles_with_the_exchanges_digits(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    (result,) = collect()
    assert (result.status, result.error) == ("ok", None)
    assert stored(database) == truth(simulator)
    assert_csv_equals_table(database, csv_folder)


def test_the_open_candle_is_not_stored_until_it_has_closed(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    collect()
    assert stored(database)[-1].open_time == at("2024-03-01T11:00")
    simulator.clock.set(at("2024-03-01T13:00") - 1)
    collect()
    assert stored(database)[-1].open_time == at("2024-03-01T11:00")
    simulator.clock.set(at("2024-03-01T13:00"))
    collect()
    assert stored(database)[-1].open_time == at("2024-03-01T12:00")
    assert stored(database) == truth(simulator)


def test_every_interval_and_several_symbols_are_collected(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    names = [f"BTCUSDT {name}" for name in INTERVALS if name not in ("1s", "1m")]
    names += ["SHIBUSDT 1h", "币安人生USDT 1d"]
    simulator.clock.set(at("2026-03-01"))
    results = collect(*names, start=at("2026-02-01"))
    assert [result.error for result in results if result.status != "ok"] == []
    for series in series_of(*names):
        assert stored(database, series) == truth(simulator, series, at("2026-02-01")), (
            str(series)
        )
        assert_csv_equals_table(database, csv_folder, series)


def test_a_run_with_nothing_new_asks_for_no_candles(
    collect: Collect, simulator: Simulator
) -> None:
    collect("BTCUSDT 1h", "BTCUSDT 1d")
    simulator.statistics.clear()
    results = collect("BTCUSDT 1h", "BTCUSDT 1d")
    assert simulator.statistics.asked("/api/v3/klines") == 0
    assert [result.rows_stored for result in results] == [0, 0]


def test_history_begins_at_the_listing_without_asking_page_by_page(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    series = Series("SOLUSDT", INTERVALS["1d"])
    collect("SOLUSDT 1d", start=at("2017-01-01"))
    assert stored(database, series) == truth(simulator, series, at("2017-01-01"))
    assert simulator.statistics.asked("/api/v3/klines") == 2
    simulator.statistics.clear()
    collect("SOLUSDT 1d", start=at("2017-01-01"))
    assert simulator.statistics.asked("/api/v3/klines") == 0


def test_only_the_asked_range_is_collected_and_the_rest_later(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    collect(start=at("2024-02-01"), end=at("2024-02-02") - 1)
    assert len(stored(database)) == 24
    collect(start=at("2024-02-20"), end=at("2024-02-21") - 1)
    assert len(stored(database)) == 48
    assert rows(database, "SELECT state FROM gaps") == [("missing",)]
    collect()
    assert stored(database) == truth(simulator)
    assert rows(database, "SELECT * FROM gaps") == []
    assert_csv_equals_table(database, csv_folder)


def test_a_range_before_what_is_stored_is_joined_without_a_hole(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    collect(start=at("2024-02-20"))
    collect(start=at("2024-01-05"), end=at("2024-01-06"))
    collect(start=START)
    assert stored(database) == truth(simulator)


def test_rows_that_somebody_deleted_come_back(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    collect()
    with database.transaction() as cursor:
        cursor.execute(
            "DELETE FROM klines WHERE open_time BETWEEN '2024-01-10' AND '2024-01-12' "
            "OR open_time = '2024-02-03 04:00' OR open_time > '2024-03-01 08:00'"
        )
    collect()
    assert stored(database) == truth(simulator)
    assert rows(database, "SELECT * FROM gaps") == []
    assert_csv_equals_table(database, csv_folder)


def test_an_outage_is_recorded_and_not_asked_for_at_every_run(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    start = at("2023-03-20")
    (result,) = collect(start=start)
    assert stored(database) == truth(simulator, start=start)
    gaps = "SELECT start_time::text, end_time::text, state, attempts FROM gaps"
    outage = ("2023-03-24 13:00:00+00", "2023-03-24 14:00:00+00", "exchange")
    assert rows(database, gaps) == [(*outage, 1)]
    assert result.coverage is not None
    assert (result.coverage.missing, result.coverage.never_existed) == (0, 1)
    simulator.statistics.clear()
    collect(start=start)
    assert simulator.statistics.asked("/api/v3/klines") == 0


def test_an_outage_is_asked_for_again_after_a_day_then_a_week(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    collect(start=at("2023-03-20"))
    attempts = []
    for _ in range(9):
        simulator.clock.advance(DAY)
        collect(start=at("2023-03-20"))
        attempts += [row[0] for row in rows(database, "SELECT attempts FROM gaps")]
    assert attempts == [2, 2, 2, 2, 2, 2, 2, 3, 3]


def test_candles_that_the_exchange_lacked_for_a_while_are_fetched_later(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    simulator.tampering.hide(at("2024-01-20T05:00"), at("2024-01-20T15:00"))
    collect()
    assert rows(database, "SELECT state, attempts FROM gaps") == [("exchange", 1)]
    simulator.tampering.show_all()
    simulator.clock.advance(DAY)
    collect()
    assert stored(database) == truth(simulator)
    assert rows(database, "SELECT * FROM gaps") == []
    assert_csv_equals_table(database, csv_folder)


def test_an_outage_that_is_filled_in_part_keeps_the_rest(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    simulator.tampering.hide(at("2024-01-20T05:00"), at("2024-01-20T15:00"))
    collect()
    simulator.tampering.show_all()
    simulator.tampering.hide(at("2024-01-20T07:00"), at("2024-01-20T08:00"))
    simulator.clock.advance(DAY)
    collect()
    found = rows(database, "SELECT start_time::text, state FROM gaps")
    assert found == [("2024-01-20 07:00:00+00", "exchange")]


def test_a_candle_that_the_exchange_corrects_is_replaced_whole_and_recorded(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    collect()
    newest = stored(database)[-1]
    changed = {"close_price": newest.high_price, "volume": "1.50000000"}
    simulator.tampering.correct("BTCUSDT", "1h", newest.open_time, **changed)
    simulator.clock.advance(HOUR)
    (result,) = collect()
    assert (result.rows_stored, result.rows_corrected) == (1, 1)
    assert stored(database)[-2] == newest._replace(**changed)
    ((before, after),) = rows(
        database, "SELECT stored->>'volume', replacement->>'volume' FROM corrections"
    )
    assert (before, after) == (newest.volume, "1.50000000")
    assert_csv_equals_table(database, csv_folder)


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
        if blows not in (2, 5):
            return
        with database.transaction() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    start = at("2023-06-01")
    (result,) = collect(start=start, on_progress=cut_connections)
    assert blows > 5
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


def test_a_csv_folder_that_cannot_be_written_costs_no_candle(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    csv_folder.parent.mkdir(parents=True)
    csv_folder.write_text("a file stands where the folder should be")
    (result,) = collect()
    assert result.status == "failed"
    assert "could not be written" in str(result.error)
    assert stored(database) == truth(simulator)
    csv_folder.unlink()
    (result,) = collect()
    assert result.status == "ok"
    assert_csv_equals_table(database, csv_folder)


@pytest.mark.parametrize("damage", ["cut", "gone", "edited", "draft"])
def test_a_damaged_csv_file_is_repaired_by_the_next_run(
    collect: Collect, database: Database, csv_folder: Path, damage: str
) -> None:
    collect()
    path = csv_folder / "BTCUSDT_1h.csv"
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        path.unlink()
    elif damage == "edited":
        path.write_bytes(content.replace(b"4", b"5"))
    else:
        path.with_name(".BTCUSDT_1h.csv.draft").write_bytes(content[:100])
    collect()
    assert_csv_equals_table(database, csv_folder)


def test_new_candles_are_added_behind_the_old_ones_in_the_file(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    collect()
    before = (csv_folder / "BTCUSDT_1h.csv").read_bytes()
    for _ in range(3):
        simulator.clock.advance(HOUR)
        collect()
        assert_csv_equals_table(database, csv_folder)
    after = (csv_folder / "BTCUSDT_1h.csv").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == before.count(b"\n") + 3


def test_a_delisted_symbol_keeps_its_history_and_ends_well(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    series = Series("LUNAUSDT", INTERVALS["1d"])
    for _ in range(2):
        (result,) = collect("LUNAUSDT 1d", start=at("2022-01-01"))
        assert result.status == "ok"
    assert stored(database, series) == truth(simulator, series, at("2022-01-01"))
    assert rows(database, "SELECT status FROM symbols") == [("BREAK",)]


def test_each_series_gets_a_view_newest_first(
    collect: Collect, database: Database
) -> None:
    collect("BTCUSDT 1h", "BTCUSDT 1M")
    ((newest,),) = rows(database, "SELECT open_time::text FROM btcusdt_1h LIMIT 1")
    assert newest == "2024-03-01 11:00:00+00"
    assert len(rows(database, "SELECT * FROM btcusdt_1mo")) == 2


def test_missing_spans_of_an_empty_series_are_all_of_it() -> None:
    task = Task(BTC_HOURS, (0, 10 * HOUR), 10 * HOUR)
    assert missing_spans(SeriesState(), task) == [(0, 10 * HOUR)]


def test_missing_spans_ask_for_the_two_newest_candles_again() -> None:
    state = SeriesState(row_count=3, first_open=0, last_opens=(HOUR, 2 * HOUR))
    task = Task(BTC_HOURS, (0, 10 * HOUR), 10 * HOUR)
    assert missing_spans(state, task) == [(HOUR, 10 * HOUR)]


def test_before_the_next_candle_closes_nothing_is_missing() -> None:
    state = SeriesState(row_count=3, first_open=0, last_opens=(HOUR, 2 * HOUR))
    task = Task(BTC_HOURS, (0, 4 * HOUR - 1), 4 * HOUR - 1)
    assert missing_spans(state, task) == []


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


def test_the_oldest_candles_come_back_when_somebody_deletes_them(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    collect()
    for statement in (
        "DELETE FROM klines WHERE open_time < '2024-01-20'",
        "TRUNCATE klines",
    ):
        with database.transaction() as cursor:
            cursor.execute(statement)
        collect()
        assert stored(database) == truth(simulator)
        assert_csv_equals_table(database, csv_folder)


def test_only_new_candles_are_read_for_the_file_of_an_ordinary_run(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    collect()
    path = csv_folder / "BTCUSDT_1h.csv"
    content = path.read_bytes()
    # A mark in the old part, with the file's size and time as they were: it stays
    # where only the new rows are added.
    times = path.stat()
    path.write_bytes(content.replace(b"2024-01-02", b"XXXX-01-02", 1))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    simulator.clock.advance(HOUR)
    collect()
    assert path.read_bytes().count(b"XXXX-01-02") == 1
    assert path.read_bytes().count(b"\n") == content.count(b"\n") + 1


def test_a_file_is_written_anew_where_an_old_row_was_changed_by_hand(
    collect: Collect, simulator: Simulator, database: Database, csv_folder: Path
) -> None:
    collect()
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET volume = 7 WHERE open_time = '2024-01-02'")
    simulator.clock.advance(HOUR)
    collect()
    assert_csv_equals_table(database, csv_folder)


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
    assert simulator.statistics.asked("/api/v3/klines") < len(names)


def test_a_start_in_the_future_asks_for_nothing(
    collect: Collect, simulator: Simulator
) -> None:
    (result,) = collect(start=at("2030-01-01"))
    assert (result.status, result.rows_stored) == ("ok", 0)
    assert simulator.statistics.asked("/api/v3/klines") == 0


def test_the_exchanges_clock_is_kept_for_the_page(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    collect()
    with database.transaction() as cursor:
        ahead = read_contact(cursor).clock_ahead
    assert abs(time.time() * 1000 + ahead - simulator.clock.now()) < 60_000
