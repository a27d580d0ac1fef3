"""Connections: waiting, healing, migrations, and the embedded server's end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from klineboard.errors import DatabaseUnavailable, StorageError
from klineboard.settings import PROJECT_ROOT
from klineboard.storage.database import Database, migrate
from tests.conftest import MakeSettings

USE_EMBEDDED = """
import sys
from klineboard.settings import Settings
from klineboard.storage.database import Database
from pathlib import Path
database = Database(Settings.load({"DATA_DIR": sys.argv[1]}, Path("/nonexistent")))
database.wait()
print("ready", flush=True)
sys.stdin.readline()
"""


def test_a_connection_that_the_server_closed_is_replaced(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        before = cursor.fetchone()
    other = database.connect()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", before)
    other.close()
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() != before


def test_a_short_query_sees_what_was_committed_and_survives_a_closed_connection(
    database: Database,
) -> None:
    query = "SELECT pg_backend_pid(), count(*) FROM origin WHERE name = $1"
    ((process, count),) = database.ask(query, "one")
    assert count == 0
    other = database.connect()
    with other, other.cursor() as cursor:
        cursor.execute("INSERT INTO origin (name) VALUES ('one')")
    assert database.ask(query, "one") == [(process, 1)]
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
    other.close()
    ((another, count),) = database.ask(query, "one")
    assert (another != process, count) == (True, 1)


def test_a_short_query_leaves_its_connection_fit_for_transactions(
    database: Database,
) -> None:
    assert database.ask("SELECT $1", "a") == [("a",)]
    with pytest.raises(StorageError), database.transaction() as cursor:
        cursor.execute("INSERT INTO origin (name) VALUES ('one')")
        cursor.execute("SELECT 1 / 0")
    assert database.ask("SELECT $1 FROM origin", "a") == []


def test_a_short_query_that_is_wrong_is_no_lost_connection(database: Database) -> None:
    with pytest.raises(StorageError, match="nothing") as caught:
        database.ask("SELECT $1 FROM nothing", "a")
    assert not isinstance(caught.value, DatabaseUnavailable)


def test_an_error_rolls_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(StorageError, match="origin"), database.transaction() as cursor:
        cursor.execute("INSERT INTO origin (name) VALUES ('one')")
        cursor.execute("INSERT INTO origin (name) VALUES ('two')")
    with database.transaction() as cursor:
        cursor.execute("SELECT count(*) FROM origin")
        assert cursor.fetchone() == (0,)


def test_waits_with_growing_pauses_up_to_the_limit(make_settings: MakeSettings) -> None:
    settings = make_settings(
        POSTGRES_HOST="127.0.0.1", POSTGRES_PORT="1", DATABASE_WAIT_SECONDS="20"
    )
    pauses: list[float] = []
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1.*waited 20 s"):
        Database(settings).wait(pauses.append)
    assert sum(pauses) == pytest.approx(20)
    assert pauses[0] < 0.5 < pauses[3]


def test_migrations_run_once_in_order_and_each_as_a_whole(
    database: Database, tmp_path: Path
) -> None:
    shutil.copytree(
        PROJECT_ROOT / "klineboard/storage/migrations", tmp_path, dirs_exist_ok=True
    )
    (tmp_path / "0901_colours.sql").write_text("CREATE TABLE colours (name text);")
    (tmp_path / "0902_broken.sql").write_text("CREATE TABLE x (); SELECT 1/0;")
    with pytest.raises(StorageError, match="division by zero"):
        migrate(database, tmp_path)
    with database.transaction() as cursor:
        cursor.execute("SELECT to_regclass('colours'), to_regclass('x')")
        assert cursor.fetchone() == ("colours", None)
    (tmp_path / "0902_broken.sql").unlink()
    assert migrate(database, tmp_path) == []


def test_no_two_migrations_have_one_number() -> None:
    folder = PROJECT_ROOT / "klineboard/storage/migrations"
    numbers = [path.name[:4] for path in folder.glob("*.sql")]
    assert sorted(numbers) == sorted(set(numbers))


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("INSERT INTO schema_migrations VALUES (9999, 'future', now())")
    with pytest.raises(StorageError, match="use a newer klineboard"):
        migrate(database)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder whose server is dead when the test ends."""
    path = Path(tempfile.mkdtemp(prefix="klineboard-tests-"))
    yield path
    for process in servers(path):
        process.kill()
    shutil.rmtree(path)


def servers(folder: Path) -> list[psutil.Process]:
    """Return the running PostgreSQL servers of a data folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and any(
            str(folder / "postgres") in word for word in command
        ):
            found.append(process)
    return found


def use(folder: Path) -> subprocess.Popen[str]:
    """Start a process that uses the embedded server, and wait until it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE_EMBEDDED, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_the_embedded_server_ends_with_the_last_process_that_uses_it(
    folder: Path,
) -> None:
    first, second = use(folder), use(folder)
    first.communicate("\n", timeout=20)
    assert len(servers(folder)) == 1
    second.communicate("\n", timeout=20)
    assert servers(folder) == []


def test_a_killed_process_does_not_keep_the_embedded_server_running(
    folder: Path,
) -> None:
    first, second = use(folder), use(folder)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second.communicate("\n", timeout=20)
    assert servers(folder) == []


def test_the_embedded_server_starts_again_after_a_crash(folder: Path) -> None:
    process = use(folder)
    for server in servers(folder):
        server.kill()
        server.wait(10)
    process.communicate("\n", timeout=20)
    again = use(folder)
    assert len(servers(folder)) == 1
    again.communicate("\n", timeout=20)
    assert os.path.exists(folder / "postgres" / "PG_VERSION")


def test_many_threads_may_connect_to_the_embedded_server_at_once(folder: Path) -> None:
    code = USE_EMBEDDED.replace(
        "database.wait()",
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    list(pool.map(lambda _: database.connect().close(), range(8)))",
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        input="\n",
        capture_output=True,
        text=True,
        cwd=PROJECT_ROOT,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")
    assert servers(folder) == []


@pytest.mark.parametrize("torn", ["", "12345", "12345\n/nowhere\n", "-7\nx\ny\nz\n"])
def test_a_torn_pid_file_does_not_keep_the_embedded_server_down(
    folder: Path, torn: str
) -> None:
    use(folder).communicate("\n", timeout=20)
    (folder / "postgres" / "postmaster.pid").write_text(torn)
    use(folder).communicate("\n", timeout=20)
    assert servers(folder) == []


def test_a_set_up_that_was_cut_short_is_set_aside_and_made_anew(folder: Path) -> None:
    # What a kill in the middle of initdb leaves: a version file and little else.
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("18\n")
    (folder / "postgres.unfinished").touch()
    use(folder).communicate("\n", timeout=30)
    assert list(folder.glob("postgres.incomplete-*/PG_VERSION"))
    assert not (folder / "postgres.unfinished").exists()
