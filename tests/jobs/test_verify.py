"""Verifying: every difference is found, nothing unasked is called verified."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from klineboard.errors import OriginMismatch, SettingsError
from klineboard.jobs.verify import Findings, Question
from klineboard.jobs.verify_all import Verifier
from klineboard.market.difference import Difference
from klineboard.market.interval import HOUR
from klineboard.market.moment import parse_moment as at
from klineboard.market.series import Series
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
    stored,
    truth,
)

CANDLES = 1452
"""Bitcoin's hours from START on: two pages."""


class Notes:
    """Keeps what a verification reports."""

    def __init__(self) -> None:
        self.found_: list[tuple[Difference, bool]] = []
        self.disagreements: list[Difference] = []

    def found(self, series: Series, difference: Difference, repaired: bool) -> None:
        self.found_.append((difference, repaired))

    def disagrees(self, series: Series, difference: Difference) -> None:
        self.disagreements.append(difference)

    def finished(self, findings: Findings) -> None:
        pass

    @property
    def kinds(self) -> list[tuple[str, int]]:
        return [(found.kind, found.open_time) for found, _ in self.found_]


Verify = Callable[..., tuple[Findings, Notes]]


@pytest.fixture
def verify(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> Verify:
    """Verify bitcoin's hours once."""

    def run(
        on_progress: Callable[[], None] = lambda: None,
        stop: threading.Event | None = None,
        **question: int | bool | None,
    ) -> tuple[Findings, Notes]:
        notes = Notes()
        verifier = Verifier(
            make_settings(BINANCE_API_URL=simulator.url, DATABASE_WAIT_SECONDS="5"),
            database,
            SilentDisplay(on_progress),
            notes,
            stop,
            first_backoff=0.001,
        )
        asked = Question(BTC_HOURS, **question)  # type: ignore[arg-type]
        (findings,) = verifier.run([asked])
        return findings, notes

    return run


def change(database: Database, statement: str) -> None:
    with database.transaction() as cursor:
        cursor.execute(statement)


def add_surplus(database: Database) -> None:
    """Store a candle that no exchange has, half an hour off the grid."""
    change(
        database,
        "INSERT INTO klines SELECT symbol, interval, open_time + interval '30 min', "
        "1, 1, 1, 1, 1, close_time + interval '30 min', 1, 1, 1, 1 FROM klines "
        "WHERE open_time = '2024-01-06 06:00'",
    )


@pytest.fixture
def damaged(collect: Collect, database: Database) -> Database:
    """Two candles changed, one deleted and one made up, on several pages."""
    collect()
    change(
        database,
        "UPDATE klines SET close_price = close_price + 0.00000001, volume = 0.10 "
        "WHERE open_time = '2024-01-02'",
    )
    change(
        database,
        "UPDATE klines SET close_time = close_time - interval '1 ms' "
        "WHERE open_time = '2024-02-22 03:00'",
    )
    change(database, "DELETE FROM klines WHERE open_time = '2024-01-24 18:00'")
    add_surplus(database)
    return database


DAMAGE = [
    ("differs", at("2024-01-02")),
    ("surplus", at("2024-01-06T06:30")),
    ("missing", at("2024-01-24T18:00")),
    ("differs", at("2024-02-22T03:00")),
]


def test_what_was_collected_is_what_the_exchange_has(
    collect: Collect, verify: Verify, simulator: Simulator
) -> None:
    collect()
    findings, notes = verify()
    assert findings.is_clean
    assert (findings.compared, findings.stored) == (CANDLES, CANDLES)
    assert findings.requests == 2


def test_every_difference_is_found_with_both_values_digit_by_digit(
    damaged: Database, verify: Verify, simulator: Simulator
) -> None:
    findings, notes = verify()
    assert notes.kinds == DAMAGE
    assert findings.found == {"differs": 2, "missing": 1, "surplus": 1}
    assert not findings.is_clean
    first, surplus, missing, second = (found for found, _ in notes.found_)
    assert first.columns == ("close_price", "volume")
    assert first.stored is not None
    assert first.stored.volume == "0.10"
    true = {kline.open_time: kline for kline in truth(simulator)}
    assert first.told == true[first.open_time]
    assert missing.told == true[missing.open_time]
    assert (surplus.told, second.columns) == (None, ("close_time",))


def test_verifying_alone_writes_no_candle_no_correction_and_no_run(
    damaged: Database, verify: Verify
) -> None:
    def everything() -> list[list[tuple[object, ...]]]:
        tables = ("klines", "series", "gaps", "corrections", "collection_runs")
        return [rows(damaged, f"TABLE {table} ORDER BY 1, 2, 3") for table in tables]

    before = everything()
    verify()
    assert everything() == before


def test_a_repair_replaces_whole_rows_and_records_what_was_there(
    damaged: Database, verify: Verify, simulator: Simulator, csv_folder: Path
) -> None:
    findings, notes = verify(repair=True)
    assert notes.kinds == DAMAGE
    assert [repaired for _, repaired in notes.found_] == [True, False, True, True]
    assert findings.repaired == 3
    assert not findings.is_clean  # What is surplus is listed, and never deleted.
    change(damaged, "DELETE FROM klines WHERE open_time = '2024-01-06 06:30'")
    assert stored(damaged) == truth(simulator)
    assert rows(
        damaged, "SELECT stored->>'volume' FROM corrections ORDER BY open_time LIMIT 1"
    ) == [("0.10",)]
    assert rows(damaged, "SELECT count(*) FROM corrections") == [(2,)]


def test_after_a_repair_gaps_and_file_are_in_line_and_nothing_differs(
    collect: Collect, database: Database, verify: Verify, csv_folder: Path
) -> None:
    collect()
    change(database, "DELETE FROM klines WHERE open_time = '2024-01-10 05:00'")
    collect(end=START)  # Notes the hole, which lies outside of what it may fetch.
    assert rows(database, "SELECT state FROM gaps") == [("missing",)]
    assert verify(repair=True)[0].is_clean
    assert rows(database, "TABLE gaps") == []
    assert_csv_equals_table(database, csv_folder)
    assert verify()[1].kinds == []


def test_numbers_with_other_digits_differ_and_are_repaired(
    collect: Collect, database: Database, verify: Verify, simulator: Simulator
) -> None:
    collect()
    change(database, "UPDATE klines SET volume = round(volume, 12)")
    change(database, "UPDATE klines SET volume = volume + 1 WHERE volume > 900")
    findings, _ = verify(end=at("2024-01-01T02:00"), repair=True)
    assert (findings.found["differs"], findings.repaired) == (3, 3)
    assert stored(database)[:3] == truth(simulator)[:3]
    assert rows(database, "SELECT count(*) FROM corrections") == [(3,)]


def test_only_the_named_span_is_compared(damaged: Database, verify: Verify) -> None:
    for start, end, kinds in (
        (at("2024-01-05"), at("2024-01-31"), DAMAGE[1:3]),
        (at("2024-02-22T03:00"), None, DAMAGE[3:]),
        (None, at("2024-01-02"), DAMAGE[:1]),
        (at("2024-01-03"), at("2024-01-04"), []),
        (at("2030-01-01"), at("2031-01-01"), []),
    ):
        assert verify(start=start, end=end)[1].kinds == kinds


def test_a_span_beyond_what_is_stored_shows_what_is_missing_there(
    collect: Collect, verify: Verify, simulator: Simulator
) -> None:
    collect(end=at("2024-03-01T09:00"))
    findings, notes = verify(end=at("2024-04-01"))
    assert notes.kinds == [
        ("missing", at("2024-03-01T10:00")),
        ("missing", at("2024-03-01T11:00")),
    ]
    assert verify(start=at("2023-12-31T23:00"), repair=True)[0].repaired == 1


def test_a_candle_that_is_still_open_is_nobodys(
    collect: Collect, verify: Verify, simulator: Simulator, database: Database
) -> None:
    collect()
    simulator.clock.set(at("2024-03-01T13:00") - 1)
    assert verify(end=at("2024-03-02"), repair=True)[1].kinds == []
    simulator.clock.set(at("2024-03-01T13:00"))
    _, notes = verify(end=at("2024-03-02"))
    assert notes.kinds == [("missing", at("2024-03-01T12:00"))]


def test_an_answer_that_lags_behind_the_close_is_no_difference(
    collect: Collect, verify: Verify, simulator: Simulator, database: Database
) -> None:
    simulator.clock.set(at("2024-03-01T13:00:30"))
    collect()
    newest = stored(database)[-1]
    fewer = newest.number_of_trades - 1
    simulator.tampering.correct(
        "BTCUSDT", "1h", newest.open_time, number_of_trades=fewer
    )
    assert verify(repair=True)[1].kinds == []
    simulator.tampering.hide(newest.open_time, newest.open_time + 1)
    assert verify()[1].kinds == []
    simulator.clock.set(at("2024-03-01T13:05"))
    assert verify()[1].kinds == [("surplus", newest.open_time)]
    simulator.tampering.show_all()
    assert verify()[1].kinds == [("differs", newest.open_time)]


def test_a_sample_is_compared_and_neighbours_share_a_request(
    collect: Collect, verify: Verify, simulator: Simulator, database: Database
) -> None:
    collect()
    findings, notes = verify(sample=50)
    assert (findings.compared, findings.stored) == (50, CANDLES)
    assert findings.requests <= 3
    change(database, "UPDATE klines SET volume = volume + 1")
    findings, notes = verify(sample=50)
    assert findings.found["differs"] == len(notes.kinds) == 50
    assert len({opened // (100 * HOUR) for _, opened in notes.kinds}) > 5
    assert verify(sample=50, repair=True)[0].is_clean
    assert rows(database, "SELECT count(*) FROM corrections") == [(50,)]


def test_a_sample_larger_than_the_series_is_all_of_it(
    damaged: Database, verify: Verify
) -> None:
    findings, notes = verify(sample=10**9)
    assert findings.compared == CANDLES
    assert notes.kinds == [found for found in DAMAGE if found[0] != "missing"]


@pytest.mark.parametrize("kind", ["short_page", "stale"])
def test_an_answer_that_stops_short_makes_nothing_surplus_or_unseen(
    damaged: Database, verify: Verify, simulator: Simulator, kind: str
) -> None:
    options = {"rows": 700} if kind == "stale" else {}
    for skip in (0, 2):
        simulator.faults.add(kind=kind, skip=skip, path="/api/v3/klines", **options)
    findings, notes = verify()
    assert notes.kinds == DAMAGE
    assert findings.compared == CANDLES


def test_rows_that_make_no_sense_are_not_verified_and_not_surplus(
    collect: Collect, verify: Verify, simulator: Simulator
) -> None:
    collect()
    simulator.faults.add(kind="nan", count=99, path="/api/v3/klines")
    findings, notes = verify(repair=True)
    assert notes.kinds == []
    assert findings.compared < findings.stored
    assert not findings.is_clean
    assert "make no sense" in findings.unverified[0].reason


@pytest.mark.parametrize("sample", [None, 300])
def test_what_the_exchange_does_not_tell_is_named_and_not_called_verified(
    collect: Collect, verify: Verify, simulator: Simulator, sample: int | None
) -> None:
    collect()
    simulator.faults.add(kind="html", skip=1, count=99, path="/api/v3/klines")
    findings, _ = verify(sample=sample)
    assert not findings.is_clean
    # Requests of a sample are under way together: any of them may have failed first.
    assert findings.compared == 1000 or (sample and findings.compared < sample)
    (rest,) = findings.unverified
    assert rest.start is not None
    assert rest.end == at("2024-03-01T11:00")
    simulator.faults.clear()
    assert verify(start=rest.start)[0].is_clean


def test_an_exchange_that_is_away_verifies_nothing(
    collect: Collect,
    make_settings: MakeSettings,
    database: Database,
) -> None:
    collect()
    settings = make_settings(BINANCE_API_URL="http://127.0.0.1:1")
    verifier = Verifier(
        settings, database, SilentDisplay(), Notes(), first_backoff=0.001
    )
    (findings,) = verifier.run([Question(BTC_HOURS)])
    assert not findings.is_clean
    assert "not reached" in findings.unverified[0].reason


def test_another_exchange_is_no_witness(
    collect: Collect, make_settings: MakeSettings, database: Database
) -> None:
    collect()
    with Simulator(now=at("2024-03-01T15:30"), speed=0, origin="") as other:
        settings = make_settings(BINANCE_API_URL=other.url)
        verifier = Verifier(settings, database, SilentDisplay(), Notes())
        with pytest.raises(OriginMismatch, match="'simulated'"):
            verifier.run([Question(BTC_HOURS, repair=True)])


def test_a_series_that_is_not_stored_is_named(verify: Verify, collect: Collect) -> None:
    with pytest.raises(SettingsError, match="BTCUSDT 1h.*none is yet"):
        verify()
    collect("BTCUSDT 1d")
    with pytest.raises(SettingsError, match="such as BTCUSDT 1d"):
        verify()


def test_a_series_that_another_run_holds_is_not_repaired_nor_called_verified(
    damaged: Database, verify: Verify
) -> None:
    with series_lock(damaged, BTC_HOURS) as held:
        assert held
        findings, notes = verify(repair=True)
        assert verify()[1].kinds == DAMAGE
    assert (notes.kinds, findings.is_clean) == ([], False)
    assert "another run" in findings.unverified[0].reason


def test_the_order_to_stop_ends_it_and_the_rest_is_named(
    damaged: Database, verify: Verify
) -> None:
    stop = threading.Event()
    findings, notes = verify(on_progress=stop.set, stop=stop, repair=True)
    assert 0 < findings.compared < findings.stored
    (rest,) = findings.unverified
    _, later = verify(start=rest.start or 0)
    assert notes.kinds + later.kinds == DAMAGE


def test_a_database_that_goes_away_is_waited_for_and_nothing_is_told_twice(
    damaged: Database, verify: Verify
) -> None:
    blows = 0

    def cut_connections() -> None:
        nonlocal blows
        blows += 1
        if blows == 1:
            change(
                damaged,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )

    findings, notes = verify(on_progress=cut_connections)
    assert blows > 1
    assert (notes.kinds, findings.compared) == (DAMAGE, CANDLES)
