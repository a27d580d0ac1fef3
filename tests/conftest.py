"""Shared parts of the tests: a real PostgreSQL, and settings that point to it."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from klineboard.settings import Settings
from klineboard.simulator import Simulator, utc
from klineboard.storage import embedded
from klineboard.storage.database import Database, migrate

RECORDED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Recorded market data; tests that need it skip where it is absent."""

NO_ENV_FILE = Path("/nonexistent/.env")
_TEMPLATE = "klineboard_template"

MakeSettings = Callable[..., Settings]


def recorded(name: str) -> Path:
    """Return a recorded file, or skip the test."""
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"recorded market data not found: {path}")
    return path


def settings_of(values: dict[str, str]) -> Settings:
    """Return settings from these values only, whatever the environment says."""
    return Settings.load(values, NO_ENV_FILE)


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, str]]:
    """A running embedded server, as the settings that point to it."""
    home = Path(tempfile.mkdtemp(prefix="klineboard-tests-"))
    folder = home / "postgres"
    target = embedded.start(folder)
    values = {
        "POSTGRES_HOST": target["host"],
        "POSTGRES_PORT": target["port"],
        "POSTGRES_USER": target["user"],
    }
    # What these databases hold need not survive a power cut.
    _execute(values, sql.SQL("ALTER SYSTEM SET fsync = off"))
    _execute(values, sql.SQL("SELECT pg_reload_conf()"))
    _execute(values, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    template = Database(settings_of({**values, "POSTGRES_DB": _TEMPLATE}))
    migrate(template)
    template.close()
    yield values
    embedded.leave(folder)
    shutil.rmtree(home)


@pytest.fixture
def make_settings(postgres: dict[str, str], tmp_path: Path) -> Iterator[MakeSettings]:
    """Settings for a database and folders of this test's own; keys can be given.

    Called twice in one test, both settings point to the same database.
    """
    name = f"test_{uuid.uuid4().hex}"
    _execute(
        postgres,
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(_TEMPLATE)
        ),
    )

    def make(**keys: str) -> Settings:
        return settings_of(
            {
                **postgres,
                "POSTGRES_DB": name,
                "DATA_DIR": str(tmp_path / "data"),
                "LOG_DIR": str(tmp_path / "logs"),
                **keys,
            }
        )

    yield make
    # Many databases make the server's last checkpoint long.
    _execute(
        postgres,
        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)),
    )


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """Settings for a database and folders of this test's own."""
    return make_settings()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An empty database with the schema in place."""
    database = Database(settings)
    yield database
    database.close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An exchange on loopback, its clock standing still."""
    with Simulator(now=utc("2024-03-01T12:30"), speed=0) as simulator:
        yield simulator


def _execute(values: dict[str, str], statement: sql.Composable) -> None:
    connection = psycopg2.connect(
        host=values["POSTGRES_HOST"],
        port=values["POSTGRES_PORT"],
        user=values["POSTGRES_USER"],
        dbname="postgres",
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
