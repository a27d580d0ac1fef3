"""The CSV files: equal to the table after each run, whatever happened to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from klineboard.market.interval import HOUR
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.jobs.conftest import (
    Collect,
    assert_csv_equals_table,
    stored,
    truth,
)


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
