"""What the views share: settings, the database, ready bodies and the clock."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app

from ..errors import DatabaseUnavailable, StorageError
from ..market.interval import INTERVALS
from ..market.series import Series
from ..settings import Settings
from ..storage.charts import look_up_versions
from ..storage.database import Cursor, Database, migrate
from ..storage.series import to_time
from .answers import BodyCache
from .repeats import Holds

_KEY = "klineboard"
_LONGEST_TURN_SECONDS = 3.0
# Of all workers together; PostgreSQL has 100 connections unless told otherwise.
_LONG_ANSWERS = 64


def system_time() -> int:
    """Return the time in ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass
class Services:
    """One for each application; safe to share between threads."""

    settings: Settings
    database: Database
    now: Callable[[], int] = system_time
    bodies: BodyCache = field(default_factory=BodyCache)
    long_answers: threading.BoundedSemaphore = field(init=False)
    _prepared: bool = False
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Share the connections that exports may take among the workers."""
        share = max(1, _LONG_ANSWERS // self.settings.web_workers)
        self.long_answers = threading.BoundedSemaphore(share)

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """Give a cursor of a short transaction, on a schema that is up to date.

        Raises:
            DatabaseUnavailable: The database is away; the next request tries again.
        """
        self.prepare()
        with self.database.transaction() as cursor:
            yield cursor

    def prepare(self) -> None:
        """Bring the schema up to date, once in a process.

        The page may be there before the first run of the collector.

        Raises:
            DatabaseUnavailable: The database is away, or does not answer the thread
                that is at it: then the others need not wait in line.
        """
        if self._prepared:
            return
        if not self._mutex.acquire(timeout=_LONGEST_TURN_SECONDS):
            raise DatabaseUnavailable(f"{self.database.place}: not reached yet")
        try:
            if not self._prepared:
                migrate(self.database)
                self._prepared = True
        finally:
            self._mutex.release()

    def while_unchanged(self, symbol: str) -> Holds:
        """Return a question: are all series of a symbol still as they are now?

        Ask for it before anything is read that the answer will stand on. It reads
        the versions in PostgreSQL each time, and says no where it cannot.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        self.prepare()
        before = look_up_versions(self.database, symbol)

        def holds() -> bool:
            try:
                return look_up_versions(self.database, symbol) == before
            except StorageError:
                return False  # The application finds out why, and tells.

        return holds

    @property
    def configured(self) -> list[Series]:
        """The series that the settings ask for, in their order."""
        settings = self.settings
        return [
            Series(symbol, INTERVALS[name])
            for symbol in settings.symbols
            for name in settings.intervals
        ]

    @property
    def history_start(self) -> int:
        """Since when candles are wanted (ms, UTC)."""
        day = self.settings.history_start
        return to_time(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC))

    def install(self, app: Flask) -> None:
        """Make these the services of an application."""
        app.extensions[_KEY] = self


def services() -> Services:
    """Return the services of the application that answers now."""
    return cast(Services, current_app.extensions[_KEY])
