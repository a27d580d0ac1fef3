"""Closed candles on their way from the event loop to the database; none is dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from ..errors import DatabaseUnavailable, StorageError
from ..market.kline import Kline
from ..market.series import Series
from ..sources.complaints import Complaints
from ..sources.silence import backoff
from ..storage.database import Database
from .store_closed import store_closed, write_file

log = logging.getLogger(__name__)

# A database that is away for days: what is dropped then, REST brings again.
_MOST_WAITING = 20_000
_FIRST_PAUSE_SECONDS = 0.25


class Keeper:
    """Takes closed candles on the event loop and stores them in a thread."""

    def __init__(
        self,
        database: Database,
        csv_folder: Path,
        executor: Executor,
        on_missing: Callable[[Series], object],
    ) -> None:
        """Keep where to store.

        Args:
            database: Where candles go.
            csv_folder: Where the files lie.
            executor: Whose threads wait for the database.
            on_missing: Told of a series that lacks candles: some could not be kept,
                or a hole lies before those that were.
        """
        self._database = database
        self._csv_folder = csv_folder
        self._executor = executor
        self._on_missing = on_missing
        self._waiting: dict[Series, dict[int, Kline]] = {}
        self._arrived = asyncio.Event()
        self._files: set[Series] = set()
        self._stored = asyncio.Event()
        self._complaints = Complaints(log)

    @property
    def waiting(self) -> int:
        """How many candles are not stored yet."""
        return sum(map(len, self._waiting.values()))

    def add(self, series: Series, kline: Kline) -> None:
        """Take a closed candle; never waits."""
        klines = self._waiting.setdefault(series, {})
        klines[kline.open_time] = kline
        if len(klines) > _MOST_WAITING:
            del klines[min(klines)]
            self._on_missing(series)
        self._arrived.set()

    async def run(self) -> None:
        """Store what comes, until cancelled."""
        failures = 0
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                try:
                    await self.store_waiting()
                    failures = 0
                except DatabaseUnavailable as error:
                    self._complaints.note("candles wait for the database", error)
                    failures += 1
                    await asyncio.sleep(backoff(failures, _FIRST_PAUSE_SECONDS))

    async def store_waiting(self) -> None:
        """Store all that waits now.

        Raises:
            DatabaseUnavailable: What is not stored goes on waiting.
        """
        loop = asyncio.get_running_loop()
        for series in list(self._waiting):
            klines = self._waiting[series]
            rising = [klines[opened] for opened in sorted(klines)]
            try:
                has_hole = await loop.run_in_executor(
                    self._executor, store_closed, self._database, series, rising
                )
                if has_hole:
                    self._on_missing(series)
                self._files.add(series)
                self._stored.set()
            except DatabaseUnavailable:
                raise
            except StorageError as error:
                # Its disk may be full: REST brings the candles again.
                self._complaints.note(f"{series} could not be stored", error)
                self._on_missing(series)
            self._forget(series, rising)

    async def run_files(self) -> None:
        """Bring files in line with what is stored, until cancelled.

        Apart from storing: a file that must be written anew may take seconds.
        """
        failures = 0
        while True:
            await self._stored.wait()
            self._stored.clear()
            try:
                await self.write_files()
                failures = 0
            except StorageError as error:
                self._complaints.note("files wait for the database", error)
                failures += 1
                await asyncio.sleep(backoff(failures, _FIRST_PAUSE_SECONDS))
                self._stored.set()

    async def write_files(self) -> None:
        """Bring the files in line of all series that were stored since.

        Raises:
            StorageError: What is not in line goes on waiting.
        """
        loop = asyncio.get_running_loop()
        while self._files:
            series = next(iter(self._files))
            await loop.run_in_executor(
                self._executor, write_file, self._database, self._csv_folder, series
            )
            self._files.discard(series)

    def _forget(self, series: Series, stored: list[Kline]) -> None:
        klines = self._waiting[series]
        for kline in stored:
            # Unless a newer word on the same candle has come meanwhile.
            if klines.get(kline.open_time) == kline:
                del klines[kline.open_time]
        if not klines:
            del self._waiting[series]
