"""A disk that fills up in the middle of a backfill: clear words, and then on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from klineboard.market.moment import parse_moment as at
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.jobs.conftest import (
    Collect,
    assert_csv_equals_table,
    rows,
    stored,
    truth,
)

HISTORY = at("2023-06-01")
_FREE_BYTES = 800_000


@pytest.fixture
def disk(database: Database) -> Iterator[Path]:
    """A disk of 8 MB with the tables on it, and hardly any room left."""
    folder = Path(tempfile.mkdtemp(prefix="klineboard-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True).returncode
    ):
        folder.rmdir()
        pytest.skip("mounting a small disk is not allowed here")
    home = Path(str(rows(database, "SHOW data_directory")[0][0])).stat()
    os.chown(folder, home.st_uid, home.st_gid)
    try:
        alone(database, f"CREATE TABLESPACE small LOCATION '{folder}'")
        alone(database, "ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE small")
        alone(database, "ALTER INDEX ALL IN TABLESPACE pg_default SET TABLESPACE small")
        size = shutil.disk_usage(folder).free - _FREE_BYTES
        (folder / "filling").write_bytes(bytes(size))
        yield folder
        alone(database, "DROP SCHEMA public, information_schema CASCADE")
        alone(database, "DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def alone(database: Database, statement: str) -> None:
    """Execute what no transaction may hold."""
    with closing(database.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_run_ends_in_words_and_the_next_goes_on_when_there_is_room(
    disk: Path,
    collect: Collect,
    simulator: Simulator,
    database: Database,
    csv_folder: Path,
) -> None:
    (result,) = collect(start=HISTORY)
    assert result.status == "failed"
    assert "its disk is full (could not extend file" in str(result.error)
    assert "No space left on device); make room" in str(result.error)
    expected = truth(simulator, start=HISTORY)
    kept = stored(database)
    assert 1000 <= len(kept) < len(expected)
    assert kept == expected[: len(kept)]

    (disk / "filling").unlink()
    simulator.statistics.clear()
    (result,) = collect(start=HISTORY)
    assert result.status == "ok"
    assert stored(database) == expected
    assert_csv_equals_table(database, csv_folder)
    pages = -(-(len(expected) - len(kept)) // 1000)
    assert simulator.statistics.asked("/api/v3/klines") <= pages + 1


def test_a_full_disk_ends_the_run_before_other_series_are_begun(
    collect: Collect, simulator: Simulator, database: Database
) -> None:
    # The server says so itself, by the code that it has for it.
    with database.transaction() as cursor:
        cursor.execute(
            "CREATE FUNCTION fill_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.open_time < '2024-02-20' THEN RETURN NEW; END IF; "
            "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; "
            "END $$; CREATE TRIGGER fill_up BEFORE INSERT ON klines "
            "FOR EACH ROW EXECUTE FUNCTION fill_up()"
        )
    symbols = ("BTC", "ETH", "BNB", "SOL", "XRP", "ADA", "DOGE", "TRX")
    results = collect(*(f"{symbol}USDT 1h" for symbol in symbols))
    assert {result.status for result in results} == {"failed"}
    assert "its disk is full (could not extend file)" in str(results[0].error)
    assert "not begun: a disk is full" in str(results[-1].error)
    with database.transaction() as cursor:
        cursor.execute("DROP TRIGGER fill_up ON klines")
    (result,) = collect()
    assert result.status == "ok"
    assert stored(database) == truth(simulator)
