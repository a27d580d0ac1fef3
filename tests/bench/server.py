"""One PostgreSQL for all that is compared; each contender gets a fresh database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2
from psycopg2 import sql

from klineboard.storage import embedded


class Server:
    """The embedded server while it runs."""

    def __init__(self, folder: Path, target: dict[str, str]) -> None:
        """Keep where it is."""
        self._target = target
        number = (folder / "postmaster.pid").read_text().split()[0]
        self._postmaster = psutil.Process(int(number))

    @property
    def pid(self) -> int:
        """The process whose children serve connections."""
        return self._postmaster.pid

    def fresh(self, name: str) -> dict[str, str]:
        """Make an empty database and return the settings that point to it."""
        self.drop(name)
        create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        # Nobody pays for what another one left to be written.
        self._execute(create, sql.SQL("CHECKPOINT"))
        return self.settings(name)

    def drop(self, name: str) -> None:
        """Drop a database, if it is there."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._execute(drop.format(sql.Identifier(name)))

    def _execute(self, *statements: sql.Composable) -> None:
        connection = psycopg2.connect(dsn(self.settings("postgres")))
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    def settings(self, name: str) -> dict[str, str]:
        """Return the settings that point to a database."""
        return {
            "POSTGRES_HOST": self._target["host"],
            "POSTGRES_PORT": self._target["port"],
            "POSTGRES_USER": self._target["user"],
            "POSTGRES_DB": name,
        }

    def cpu_seconds(self) -> float:
        """Return what the server's processes have used so far, ended ones included."""
        used = self._postmaster.cpu_times()
        total = used.user + used.system + used.children_user + used.children_system
        for backend in self._postmaster.children(recursive=True):
            try:
                times = backend.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return float(total)

    def version(self) -> str:
        """Return PostgreSQL's version, and whether commits wait for the disk."""
        connection = psycopg2.connect(dsn(self.settings("postgres")))
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (number,) = cursor.fetchone() or ("?",)
            cursor.execute("SHOW fsync")
            (synchronous,) = cursor.fetchone() or ("?",)
        connection.close()
        return f"{number}, embedded, settings as shipped (fsync {synchronous})"


@contextmanager
def database_server(folder: Path) -> Iterator[Server]:
    """Run PostgreSQL with its files below ``folder``, until the block ends."""
    home = (folder / "postgres").resolve()
    target = embedded.start(home)
    try:
        yield Server(home, target)
    finally:
        embedded.leave(home)


def dsn(settings: dict[str, str]) -> str:
    """Return the settings' database as a connection string."""
    return (
        f"host={settings['POSTGRES_HOST']} port={settings['POSTGRES_PORT']} "
        f"user={settings['POSTGRES_USER']} dbname={settings['POSTGRES_DB']}"
    )
