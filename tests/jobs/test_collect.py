"""The collector: complete, exact, closed candles only."""

from __future__ import annotations

import time
from pathlib import Path

from klineboard.jobs.task import Task, missing_spans
from klineboard.market.interval import DAY, HOUR, INTERVALS
from klineboard.market.moment import parse_moment as at
from klineboard.market.series import Series
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from klineboard.storage.overview import read_contact
from klineboard.storage.series import SeriesState
from tests.jobs.conftest import (
    BTC_HOURS,
    START,
    Collect,
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
