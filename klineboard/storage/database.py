"""Connections to PostgreSQL: a pool, transactions, waiting, and migrations."""

from __future__ import annotations

import logging
import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg2
import psycopg2.errors
import psycopg2.sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from ..errors import DatabaseUnavailable, DiskFull, StorageError
from ..settings import Settings
from . import embedded

if TYPE_CHECKING:
    from _typeshed import StrPath

__all__ = ["Connection", "Cursor", "Database"]

log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
# Advisory lock that keeps two starting processes from migrating at once.
_MIGRATION_LOCK = 5_555_000_001
# SQLSTATE classes and codes of a server that is going, gone or not there yet
# (PostgreSQL, Appendix A: 08 connection, 57P0x operator intervention).
_AWAY_CODES = ("08", "57P01", "57P02", "57P03", "53300")
_DISK_FULL = "53100"


class _Connection(Connection):
    """A connection that knows the queries prepared on it, by their texts."""

    def __init__(self, *args: Any, **keys: Any) -> None:
        super().__init__(*args, **keys)
        self.prepared: dict[str, str] = {}


class Database:
    """A small pool of connections to one database.

    Connections are opened when first needed and never at import, so that a forking
    server may build this object early. Safe to share between threads.
    """

    def __init__(
        self, settings: Settings, *, statement_timeout_seconds: float = 0
    ) -> None:
        """Keep the settings; nothing is connected yet.

        Args:
            settings: Where the database is.
            statement_timeout_seconds: Longest time of one statement; 0 for no limit.
        """
        self._settings = settings
        self._statement_timeout_ms = int(statement_timeout_seconds * 1000)
        self._idle: list[_Connection] = []
        self._mutex = threading.Lock()

    @property
    def place(self) -> str:
        """Host and port, or the folder of the embedded server, for messages."""
        settings = self._settings
        if settings.postgres_host:
            return f"PostgreSQL at {settings.postgres_host}:{settings.postgres_port}"
        return f"the embedded PostgreSQL in {settings.data_dir / 'postgres'}"

    def connect(self) -> _Connection:
        """Open a new connection outside of the pool; the caller closes it.

        Raises:
            DatabaseUnavailable: It could not be opened; the text says where.
        """
        settings = self._settings
        target: dict[str, Any] = {
            "host": settings.postgres_host,
            "port": settings.postgres_port,
            "user": settings.postgres_user,
            "password": settings.postgres_password,
        }
        if not settings.postgres_host:
            target = dict(embedded.start(settings.data_dir / "postgres"))
            self._ensure_embedded_database(target)
        try:
            connection: _Connection = psycopg2.connect(
                **target,
                connection_factory=_Connection,
                dbname=settings.postgres_db,
                connect_timeout=5,
                application_name="klineboard",
                # A host that vanished is noticed within a quarter of a minute.
                keepalives_idle=10,
                keepalives_interval=3,
                keepalives_count=3,
                tcp_user_timeout=20_000,
                options=f"-c timezone=UTC -c statement_timeout="
                f"{self._statement_timeout_ms}",
            )
            return connection
        except psycopg2.OperationalError as error:
            raise DatabaseUnavailable(f"{self.place}: {_first_line(error)}") from error

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Give a cursor; commit at the end, roll back on an exception.

        Raises:
            DatabaseUnavailable: The server cannot be reached or went away.
            StorageError: The server refused a statement.
        """
        connection = self._take()
        try:
            with (
                translated_errors(self.place),
                connection,
                connection.cursor() as cursor,
            ):
                yield cursor
        except BaseException:
            if connection.closed or connection.info.transaction_status != 0:
                connection.close()
            raise
        finally:
            self._give_back(connection)

    def ask(self, query: str, value: str) -> list[tuple[Any, ...]]:
        """Return the rows of a short query, read in one round trip.

        A transaction takes three, and each costs this process and the server about as
        much as such a query does.

        Args:
            query: As for :func:`run_prepared`, with one parameter.
            value: Of the parameter.

        Raises:
            DatabaseUnavailable: The server cannot be reached or went away.
            StorageError: The server refused the query.
        """
        with self._mutex:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            # Not probed, which would cost half as much as the query; where the server
            # has closed it, the query fails, and can be asked again.
            with suppress(DatabaseUnavailable):
                return self._ask(connection, query, value)
        return self._ask(self._take(), query, value)

    def wait(self, pause: Callable[[float], object] = time.sleep) -> None:
        """Wait until the database answers, with backoff, then bring its schema up.

        Args:
            pause: Called with the seconds to wait between two attempts.

        Raises:
            DatabaseUnavailable: It did not answer for ``database_wait_seconds``.
        """
        limit = self._settings.database_wait_seconds
        waited, delay = 0.0, 0.25
        while True:
            try:
                migrate(self)
                return
            except DatabaseUnavailable as error:
                if waited >= limit:
                    raise DatabaseUnavailable(
                        f"{error} (waited {waited:.0f} s)"
                    ) from error
                log.warning("waiting for the database: %s", error)
                step = min(delay * random.uniform(0.8, 1.2), limit - waited)
                pause(step)
                waited += step
                delay = min(delay * 2, 5.0)

    def close(self) -> None:
        """Close all idle connections."""
        with self._mutex:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _ask(
        self, connection: _Connection, query: str, value: str
    ) -> list[tuple[Any, ...]]:
        try:
            with translated_errors(self.place):
                connection.autocommit = True
                with connection.cursor() as cursor:
                    run_prepared(cursor, query, value)
                    rows = cursor.fetchall()
                connection.autocommit = False
                return rows
        except BaseException:
            connection.close()
            raise
        finally:
            self._give_back(connection)

    def _take(self) -> _Connection:
        while True:
            with self._mutex:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self.connect()
            # An idle connection has nothing to read. Where it has, the server said
            # good-bye (a restart, a kill), and the next one may be sound.
            # (poll, since select knows no file descriptor beyond 1023)
            socket = select.poll()
            socket.register(connection.fileno(), select.POLLIN)
            if not socket.poll(0):
                return connection
            connection.close()

    def _give_back(self, connection: _Connection) -> None:
        if not connection.closed:
            with self._mutex:
                self._idle.append(connection)

    def _ensure_embedded_database(self, target: dict[str, Any]) -> None:
        name = self._settings.postgres_db
        if name == "postgres":
            return
        with translated_errors(self.place):
            connection = psycopg2.connect(**target, dbname="postgres")
            connection.autocommit = True
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
                    )
                    if cursor.fetchone() is None:
                        cursor.execute(
                            psycopg2.sql.SQL("CREATE DATABASE {}").format(
                                psycopg2.sql.Identifier(name)
                            )
                        )
            except (
                psycopg2.errors.UniqueViolation,
                psycopg2.errors.DuplicateDatabase,
            ):
                pass  # Another process made it in the same moment.
            finally:
                connection.close()


@contextmanager
def translated_errors(place: str) -> Iterator[None]:
    """Turn psycopg2's exceptions into ours, with the cause kept."""
    try:
        yield
    except psycopg2.Error as error:
        code = _cause(error).pgcode or ""
        if code == _DISK_FULL:
            raise DiskFull(
                f"{place}: its disk is full ({_first_line(_cause(error))}); make room, "
                "and the next run goes on from here"
            ) from error
        lost = code.startswith(_AWAY_CODES) or (
            not code
            and isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
        )
        if lost:
            raise DatabaseUnavailable(f"{place}: {_first_line(error)}") from error
        raise StorageError(f"{place}: {_first_line(error)}") from error


def migrate(database: Database, folder: StrPath = _MIGRATIONS) -> list[int]:
    """Apply the numbered SQL files that the database has not seen, oldest first.

    Each runs in one transaction with its row in ``schema_migrations``.

    Returns:
        The numbers that were applied now.

    Raises:
        StorageError: The database is newer than this program.
        DatabaseUnavailable: It cannot be reached.
    """
    files = {int(path.name[:4]): path for path in sorted(Path(folder).glob("*.sql"))}
    with database.transaction() as cursor:
        cursor.execute("SELECT to_regclass('schema_migrations')")
        applied = _applied(cursor) if _one(cursor) is not None else set()
    if newer := applied - files.keys():
        raise StorageError(
            f"the database has migration {max(newer)}, this program knows none beyond "
            f"{max(files)}; use a newer klineboard"
        )
    done = []
    for number in sorted(files.keys() - applied):
        with database.transaction() as cursor:
            # Another process may be at it for minutes, with millions of candles.
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS schema_migrations ("
                "version integer PRIMARY KEY, name text NOT NULL, "
                "applied_at timestamptz NOT NULL DEFAULT now())"
            )
            if number in _applied(cursor):
                continue  # Another process was quicker.
            cursor.execute(files[number].read_text(encoding="utf-8"))
            cursor.execute(
                "INSERT INTO schema_migrations (version, name) VALUES (%s, %s)",
                (number, files[number].name),
            )
            done.append(number)
            log.info("applied migration %s", files[number].name)
    return done


def run_prepared(cursor: Cursor, query: str, *values: object) -> None:
    """Run a query that each connection plans once, when it is first run there.

    For what is asked again and again, and takes as long to plan as to run.

    Args:
        cursor: Of a connection of a :class:`Database`.
        query: A SELECT with parameters written $1, $2 ...; where one of them changes
            the plan, PostgreSQL goes on planning each time.
        values: Of the parameters.
    """
    connection = cast(_Connection, cursor.connection)
    if query not in connection.prepared:
        name = f"query_{len(connection.prepared)}"
        cursor.execute(
            psycopg2.sql.SQL("PREPARE {} AS {}").format(
                psycopg2.sql.Identifier(name), psycopg2.sql.SQL(query)
            )
        )
        places = f"({', '.join(['%s'] * len(values))})" if values else ""
        connection.prepared[query] = f"EXECUTE {name}{places}"
    cursor.execute(connection.prepared[query], values or None)


def _applied(cursor: Cursor) -> set[int]:
    cursor.execute("SELECT version FROM schema_migrations")
    return {row[0] for row in cursor.fetchall()}


def _one(cursor: Cursor) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None


def _cause(error: psycopg2.Error) -> psycopg2.Error:
    """Return the error that began it.

    A server that falls in the middle of a statement says why, and the roll-back that
    follows only finds the connection closed.
    """
    before = error.__context__
    return _cause(before) if isinstance(before, psycopg2.Error) else error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line]
    return lines[0] if lines else type(error).__name__
