"""Fill seams: ask REST for what the stream may have missed, before it is believed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

from ..errors import ExchangeError, StorageError
from ..market.kline import Kline
from ..market.live_series import Change
from ..market.series import Series
from ..sources.complaints import Complaints
from ..sources.silence import backoff
from ..storage.database import Database
from .catch_up import CaughtUp, catch_up
from .contact import Contact
from .fetch import Fetcher
from .keep_closed import Keeper
from .pursuit import Pursuit

log = logging.getLogger(__name__)

REPAIRS_AT_ONCE = 4
"""So many series are asked for at once; the others wait."""

# REST that lags behind the stream catches up within a moment; what it does not say
# after so many questions does not exist.
_PATIENCE = 6


class CandlePublisher(Protocol):
    """Who hands on candles; see :class:`klineboard.live.board.Board`."""

    def load(self, series: Series, klines: Sequence[Kline]) -> None:
        """Replace the closed candles."""

    def close(self, series: Series, kline: Kline, event_time: int) -> None:
        """Take a final candle, or a correction of one."""

    def update(self, series: Series, kline: Kline, event_time: int) -> None:
        """Take the open candle."""


class Seams:
    """Repairs series on the event loop; threads wait for REST and the database."""

    def __init__(
        self,
        database: Database,
        contact: Contact,
        csv_folder: Path,
        executors: tuple[Executor, Executor],
        board: CandlePublisher,
        keeper: Keeper,
        complaints: Complaints,
        on_progress: Callable[[Pursuit], object],
        first_backoff: float,
    ) -> None:
        """Compose the parts; nothing is asked yet.

        Args:
            database: Where candles go.
            contact: Who is asked.
            csv_folder: Where the files lie.
            executors: For catching up, and for the pages that it fetches: one waits
                for the other.
            board: Who hands on what REST and the stream say.
            keeper: Who stores what only the stream said.
            complaints: Where trouble is told.
            on_progress: Told of a series that is repaired.
            first_backoff: Mean seconds before REST is asked again after a failure.
        """
        self._database = database
        self._contact = contact
        self._csv_folder = csv_folder
        self._executor, pages = executors
        self._fetcher = Fetcher(contact.exchange, pages)
        self._board = board
        self._keeper = keeper
        self._complaints = complaints
        self._on_progress = on_progress
        self._first_backoff = first_backoff
        self._repairs = asyncio.Semaphore(REPAIRS_AT_ONCE)

    async def repair(self, pursuit: Pursuit) -> None:
        """Ask REST until nothing of a series is in doubt; the caller has claimed it."""
        failures = tries = 0
        covered = None
        while True:
            try:
                async with self._repairs:
                    seam = pursuit.begin_repair()
                    # Patience is for each seam anew.
                    tries = tries if seam == covered else 0
                    covered = seam
                    caught = await self._ask(pursuit)
            except (ExchangeError, StorageError) as error:
                failures += 1
                self._complaints.note("a seam is not filled yet", error)
                await asyncio.sleep(backoff(failures, self._first_backoff))
                continue
            tries, failures = tries + 1, 0
            self._believe(pursuit, caught, last_try=tries >= _PATIENCE)
            if pursuit.is_repaired(seam):
                break
            await asyncio.sleep(backoff(tries, self._first_backoff / 4))
        pursuit.end_repair()
        self._on_progress(pursuit)

    def publish(self, series: Series, change: Change, event_time: int) -> None:
        """Hand on what a word of the stream or of REST leads to."""
        for kline in change.closed:
            self._board.close(series, kline, event_time)
        if change.open is not None:
            self._board.update(series, change.open, event_time)

    async def _ask(self, pursuit: Pursuit) -> CaughtUp:
        loop = asyncio.get_running_loop()
        # Taken here: the thread shall not look at what the loop changes.
        known, told_until = pursuit.live.known, pursuit.told_until
        return await loop.run_in_executor(
            self._executor, self._catch_up, pursuit, known, told_until
        )

    def _catch_up(
        self, pursuit: Pursuit, known: Mapping[int, Kline], told_until: int | None
    ) -> CaughtUp:
        try:
            now = self._contact.greet()
        except ExchangeError as error:
            self._contact.note_failed(error)
            raise
        return catch_up(
            self._database,
            self._fetcher,
            pursuit.series,
            now,
            known,
            self._csv_folder,
            told_until=told_until,
            history_start=pursuit.history_start,
        )

    def _believe(self, pursuit: Pursuit, caught: CaughtUp, *, last_try: bool) -> None:
        change = pursuit.believe(caught, last_try=last_try)
        if caught.is_apart:
            # What is kept would end in a hole that the collector fills in its time.
            self._board.load(pursuit.series, list(caught.rows))
        # All of them: one that was missing before, or was corrected, is news there.
        for kline in (*caught.corrected, *caught.rows):
            self._board.close(pursuit.series, kline, caught.now)
        self.publish(pursuit.series, change, caught.now)
        from_rest = {row.open_time for row in caught.rows}
        for kline in change.closed:
            if kline.open_time not in from_rest:
                self._keeper.add(pursuit.series, kline)
