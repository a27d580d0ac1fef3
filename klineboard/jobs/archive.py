"""The archive during one run: shared by all series, left alone once it fails."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from types import TracebackType

from ..errors import (
    ArchiveFileRefused,
    ArchiveUnusable,
    ExchangeUnavailable,
    SettingsError,
)
from ..market.archive import (
    ArchiveFile,
    day_of,
    has_days,
    has_months,
    month_of,
    rows_of,
)
from ..market.interval import Interval
from ..market.kline import Kline
from ..sources.archive_zip import read_zip
from ..sources.binance_archive import BinanceArchive, Download
from ..sources.binance_rest import PAGE_ROWS

log = logging.getLogger(__name__)

SOURCES = ("rest", "archive", "auto")
"""What ``--source`` may be."""

_DOWNLOADS_AT_ONCE = 8
_DOWNLOADS_AHEAD = 2
# A month of minutes takes 35 MB as candles: one is stored while the next is checked.
# More series at once would need more memory, and two keep two processors busy.
_FILES_AS_ROWS = 2
_SERIES_AT_ONCE = 2
_MOST_FAILURES_IN_A_ROW = 5
# Checksums asked for by the way may not hold up a run that has nothing else to do.
_CHECKS_A_RUN = 64
_CHECKS_SECONDS = 1.0
_CHECK_TIMEOUT = (1.0, 1.0)
_A_MONTH, _A_DAY = month_of(0), day_of(0)

Checksums = dict[ArchiveFile, str | None]
"""What is published of each file that was asked for; None where nothing is."""


class FetchedFile:
    """A file as it came out of the archive; its candles are read when needed.

    Attributes:
        file: Which.
        sha256: Its checksum, None where it is not published.
        refusal: Why nothing of it can be stored, None where all is well.
        klines: Its candles, once it was read.
    """

    def __init__(
        self,
        file: ArchiveFile,
        download: Download | None,
        refusal: str | None,
        room: threading.BoundedSemaphore,
    ) -> None:
        """Keep what came; nothing is unzipped yet.

        Args:
            file: Which.
            download: Its bytes, None where there are none.
            refusal: Why there are none, None where it is not published.
            room: Held as long as the candles are in memory.
        """
        self.file = file
        self.sha256 = download.sha256 if download else None
        self.refusal = refusal
        self.klines: Sequence[Kline] = ()
        self._body = download.body if download else None
        self._room = room
        self._holds_room = False
        self._reading: Future[Sequence[Kline]] | None = None

    def read_ahead(self, executor: ThreadPoolExecutor) -> None:
        """Begin to read it in another thread, if there is room just now."""
        if self._body is not None and self._room.acquire(blocking=False):
            self._holds_room = True
            self._reading = executor.submit(read_zip, self.file, self._body)

    def read(self) -> None:
        """Have its candles, or the refusal."""
        if self._body is None:
            return
        try:
            if self._reading is not None:
                self.klines = self._reading.result()
            else:
                self._room.acquire()
                self._holds_room = True
                self.klines = read_zip(self.file, self._body)
        except ArchiveFileRefused as error:
            self.refusal = str(error)
        self._body = self._reading = None

    def release(self) -> None:
        """Let the candles go, and let another file have the room."""
        self.klines = ()
        self._body = self._reading = None
        if self._holds_room:
            self._holds_room = False
            self._room.release()


class Archive:
    """Files for the series of one run; safe to share between threads, for ``with``.

    Attributes:
        is_told: Whether somebody asked for a source by name: then every checksum is
            compared, else each once a day.
    """

    def __init__(self, client: BinanceArchive, origin: str, source: str | None) -> None:
        """Prepare threads; nothing is asked yet.

        Args:
            client: Who is asked.
            origin: The exchange whose files are wanted.
            source: One of ``SOURCES``; None is 'auto'.
        """
        self.is_told = source is not None
        self._client = client
        self._origin = origin
        self._everything = source == "archive"
        self._given_up = False
        self._failures_in_a_row = 0
        self._mutex = threading.Lock()
        self._room = threading.BoundedSemaphore(_FILES_AS_ROWS)
        self._seats = threading.BoundedSemaphore(_SERIES_AT_ONCE)
        self._checks_left = _CHECKS_A_RUN
        self._checks_end: float | None = None
        self._pool = ThreadPoolExecutor(_DOWNLOADS_AT_ONCE, "archive")
        self._readers = ThreadPoolExecutor(1, "unzip")

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)

    @property
    def is_usable(self) -> bool:
        """Whether it may be asked: not once it failed in this run."""
        return not self._given_up

    def wants_months(self, interval: Interval) -> bool:
        """Whether whole months shall come from here.

        A file costs two requests, so that it is worth it from the second page of REST
        on, unless somebody wants the archive for its own sake.
        """
        worth_it = self._everything or rows_of(_A_MONTH, interval) > PAGE_ROWS
        return worth_it and has_months(interval)

    def wants_days(self, interval: Interval) -> bool:
        """Whether days shall come from here, where their month cannot."""
        worth_it = self._everything or rows_of(_A_DAY, interval) > PAGE_ROWS
        return worth_it and has_days(interval)

    def files(self, files: Iterable[ArchiveFile]) -> Generator[FetchedFile, None, None]:
        """Give files in the order asked for, the next ones under way meanwhile.

        A file's candles are let go when the next one is asked for. Where the archive
        fails as a whole, the rest is not given. Close it when it is left early.
        """
        present: FetchedFile | None = None
        following: FetchedFile | None = None
        with self._seats, closing(self._downloads(files)) as downloads:
            try:
                for following in downloads:
                    if present is not None:
                        present.read()
                        following.read_ahead(self._readers)
                        yield present
                        present.release()
                    present = following
                if present is not None:
                    present.read()
                    yield present
            finally:
                for one in (present, following):
                    if one is not None:
                        one.release()

    def _downloads(
        self, files: Iterable[ArchiveFile]
    ) -> Generator[FetchedFile, None, None]:
        waiting: deque[tuple[ArchiveFile, Future[Download | None]]] = deque()
        try:
            for file in files:
                waiting.append((file, self._pool.submit(self._fetch, file)))
                if len(waiting) > _DOWNLOADS_AHEAD:
                    yield self._fetched(*waiting.popleft())
            while waiting:
                yield self._fetched(*waiting.popleft())
        except ArchiveUnusable as error:
            self._give_up(error)
        finally:
            for _, future in waiting:
                future.cancel()

    def _fetched(
        self, file: ArchiveFile, future: Future[Download | None]
    ) -> FetchedFile:
        try:
            return FetchedFile(file, future.result(), None, self._room)
        except (ArchiveFileRefused, ExchangeUnavailable) as error:
            return FetchedFile(file, None, str(error), self._room)

    def checksums(self, files: Sequence[ArchiveFile]) -> Checksums:
        """Return what is published now of some files.

        Files of which no good answer came are left out.
        """
        return self._gather(files, self._checksum)

    def checksums_by_the_way(self, files: Sequence[ArchiveFile]) -> Checksums:
        """Return what is published of as many of the files as there is time for.

        One that was asked for in vain counts as not published: it was asked for.
        """
        with self._mutex:
            now = time.monotonic()
            if self._checks_end is None:
                self._checks_end = now + _CHECKS_SECONDS
            files = files[: self._checks_left] if now < self._checks_end else []
            self._checks_left -= len(files)
        return self._gather(files, self._checksum_by_the_way)

    def _gather(
        self,
        files: Sequence[ArchiveFile],
        ask: Callable[[ArchiveFile], str | None],
    ) -> Checksums:
        asked = [(file, self._pool.submit(ask, file)) for file in files]
        answers: Checksums = {}
        for file, future in asked:
            try:
                answers[file] = future.result()
            except _NoTime:
                continue
            except (ArchiveFileRefused, ExchangeUnavailable) as error:
                log.warning("%s", error)
            except ArchiveUnusable as error:
                self._give_up(error)
        return answers

    def _fetch(self, file: ArchiveFile) -> Download | None:
        self._check_usable()
        try:
            download = self._client.fetch(file)
        except ExchangeUnavailable as error:
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
                raise ArchiveUnusable(str(error)) from error
            raise
        self._failures_in_a_row = 0
        self._check_origin()
        return download

    def _checksum(self, file: ArchiveFile) -> str | None:
        self._check_usable()
        checksum = self._client.checksum(file)
        self._check_origin()
        return checksum

    def _checksum_by_the_way(self, file: ArchiveFile) -> str | None:
        self._check_usable()
        if time.monotonic() > (self._checks_end or 0.0):
            raise _NoTime
        try:
            checksum = self._client.checksum(file, 1, _CHECK_TIMEOUT)
            self._check_origin()
        except ArchiveUnusable as error:
            self._give_up(error)
            return None
        except (ArchiveFileRefused, ExchangeUnavailable) as error:
            log.warning("%s", error)
            return None
        return checksum

    def _check_usable(self) -> None:
        if self._given_up:
            raise ArchiveUnusable("it failed before")

    def _check_origin(self) -> None:
        if self._client.origin not in (None, self._origin):
            raise _Foreign

    def _give_up(self, error: ArchiveUnusable) -> None:
        """Ask nothing any more in this run, and say so once."""
        with self._mutex:
            first, self._given_up = not self._given_up, True
        if first and not isinstance(error, _Foreign):
            log.warning("%s; everything comes from REST", error)


def open_archive(
    client: BinanceArchive, origin: str, source: str | None
) -> Archive | None:
    """Return the archive for a run, None where there is none to be used.

    Args:
        client: Who would be asked.
        origin: The exchange that REST belongs to.
        source: One of ``SOURCES``; None is 'auto'.

    Raises:
        SettingsError: The archive is asked for by name, and is another exchange's.
    """
    if source == "rest":
        return None
    # A host of Binance's needs not be asked whose it is.
    if source == "archive" and client.origin in (None, origin):
        try:
            client.greet()
        except ArchiveUnusable as error:
            log.warning("%s; everything comes from REST", error)
            return None
    if client.origin in (None, origin):
        return Archive(client, origin, source)
    if source == "archive":
        raise SettingsError(
            "BINANCE_ARCHIVE_URL",
            client.base_url,
            f"an archive of the exchange that BINANCE_API_URL names, {origin!r}; "
            f"this one is of {client.origin!r}",
        )
    return None


class _Foreign(ArchiveUnusable):
    """The archive says that it is another exchange's: not used, nothing to tell."""


class _NoTime(Exception):
    """A checksum has to wait for the next run."""
