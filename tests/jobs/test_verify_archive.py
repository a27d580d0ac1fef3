"""Verifying by the archive, too: it is heard, and REST counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klineboard.jobs.verify import Findings, Question
from klineboard.jobs.verify_all import Verifier
from klineboard.market.archive import ArchiveFile, parse_period
from klineboard.market.moment import parse_moment as at
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.conftest import MakeSettings
from tests.jobs.conftest import BTC_HOURS, Collect, SilentDisplay, rows, stored, truth
from tests.jobs.test_verify import Notes, change

JANUARY = ArchiveFile(BTC_HOURS, parse_period("2024-01"))

Verify = Callable[..., tuple[Findings, Notes]]


@pytest.fixture
def verify(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> Verify:
    """Verify bitcoin's hours once, by REST and by the simulator's archive."""

    def run(
        source: str | None = "archive", **question: bool | int
    ) -> tuple[Findings, Notes]:
        notes = Notes()
        settings = make_settings(
            BINANCE_API_URL=simulator.url, BINANCE_ARCHIVE_URL=simulator.url
        )
        verifier = Verifier(
            settings, database, SilentDisplay(), notes, first_backoff=0.001
        )
        asked = Question(BTC_HOURS, **question)  # type: ignore[arg-type]
        (findings,) = verifier.run([asked], source)
        return findings, notes

    return run


def test_whole_months_are_compared_with_the_archive_as_well(
    collect: Collect, verify: Verify
) -> None:
    collect()
    findings, _ = verify()
    assert findings.is_clean
    assert (findings.files, findings.disagreements) == (2, 0)
    assert verify(end=at("2024-02-10T12:00"))[0].files == 1 + 9
    assert verify(source="rest")[0].files == 0
    # A month of hours is one request by REST.
    assert verify(source=None)[0].files == 0
    assert verify(sample=9)[0].files == 0


def test_where_the_archive_says_otherwise_it_is_listed_and_rest_counts(
    collect: Collect, verify: Verify, simulator: Simulator, database: Database
) -> None:
    collect()
    simulator.faults.add(kind="reissue", path=JANUARY.path, count=3)
    findings, notes = verify(repair=True)
    assert findings.is_clean
    assert (findings.files, findings.disagreements) == (2, 1)
    (found,) = notes.disagreements
    assert found.stored == truth(simulator)[0]
    assert found.columns
    assert stored(database) == truth(simulator)
    assert rows(database, "TABLE corrections") == []


def test_what_rest_has_found_is_not_told_again(
    collect: Collect, verify: Verify, simulator: Simulator, database: Database
) -> None:
    collect()
    change(database, "UPDATE klines SET volume = 7 WHERE open_time = '2024-01-05'")
    change(database, "DELETE FROM klines WHERE open_time = '2024-02-05'")
    findings, notes = verify()
    assert notes.kinds == [("differs", at("2024-01-05")), ("missing", at("2024-02-05"))]
    assert findings.disagreements == 0
    assert verify(repair=True)[0].is_clean
    assert stored(database) == truth(simulator)


def test_a_file_that_is_refused_is_named_and_rest_suffices(
    collect: Collect, verify: Verify, simulator: Simulator
) -> None:
    collect()
    simulator.faults.add(kind="corrupt_zip", path=JANUARY.path, count=9)
    findings, _ = verify()
    assert findings.is_clean
    assert findings.files == 1
    assert "2024-01.zip refused" in findings.notes[0]
    assert "only REST was compared" in findings.notes[0]
