"""Binance's archive of whole months and days, https://data.binance.vision.

Source of the layout: github.com/binance/binance-public-data, README. Beside each zip
lies its ``.CHECKSUM``, as ``sha256sum`` writes it. Files cost no request weight.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import requests

from .. import __version__
from ..errors import (
    ArchiveFileRefused,
    ArchiveUnusable,
    ExchangeError,
    ExchangeUnavailable,
)
from ..market.archive import ArchiveFile
from .archive_zip import largest, parse_checksum
from .binance_rest import ORIGIN_HEADER
from .complaints import Complaints
from .reasons import reason_of
from .silence import backoff

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = (5.0, 15.0)
_LONGEST_ANSWER_SECONDS = 120.0
_LARGEST_CHECKSUM = 1_000
_LARGEST_404 = 10_000
_CHECKSUM = ".CHECKSUM"
# Told to slow down, or too slow for a proxy: passing, as all 5xx are.
_PASSING = (408, 425, 429)
_BLOCKED = (401, 403, 451)

_T = TypeVar("_T")


class Download(NamedTuple):
    """A zip as it came, and its SHA-256, which is the one that was promised."""

    sha256: str
    body: bytes


class BinanceArchive:
    """Asks one host for files. Safe to share between threads.

    Network errors, 5xx answers, torn downloads, and files that do not match their
    checksums are asked for again, a few times: REST has the same candles.
    """

    def __init__(
        self,
        base_url: str,
        *,
        wait: Callable[[float], object] = time.sleep,
        attempts: int = 3,
        first_backoff: float = 0.5,
        timeout: tuple[float, float] = _TIMEOUT_SECONDS,
    ) -> None:
        """Keep the address; nothing is asked yet.

        Args:
            base_url: For example ``https://data.binance.vision``.
            wait: Called with seconds before a repetition; may raise to end the run.
            attempts: How often one file is asked for in all.
            first_backoff: Mean seconds before the second attempt; doubled each time.
            timeout: Seconds to connect, and between two pieces of an answer.
        """
        self.base_url = base_url
        self._wait = wait
        self._attempts = attempts
        self._first_backoff = first_backoff
        self._timeout = timeout
        self._complaints = Complaints(log)
        self._sessions = threading.local()
        self._declared_origin: str | None = None

    @property
    def host(self) -> str:
        """The host's name, without port."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def origin(self) -> str | None:
        """Whose files they are; ask after the first answer. None: nobody says.

        'binance' for every host of binance.com and binance.vision, else what the
        server says of itself.
        """
        if self.host.endswith((".binance.com", ".binance.vision")):
            return "binance"
        return self._declared_origin

    def greet(self) -> None:
        """Ask for nothing in particular, to learn whether and who answers.

        Raises:
            ArchiveUnusable: Nobody does.
        """
        self._patiently(lambda: self._answer("/", _LARGEST_CHECKSUM, probe=True))

    def checksum(
        self,
        file: ArchiveFile,
        attempts: int | None = None,
        timeout: tuple[float, float] | None = None,
    ) -> str | None:
        """Return the SHA-256 of a file as it is published now, None if it is not.

        Args:
            file: Which.
            attempts: How often to ask at most, if not as often as for the rest.
            timeout: Seconds to connect and to wait, if not as long as for the rest.

        Raises:
            ArchiveFileRefused: What is published is no checksum of this file.
            ArchiveUnusable: The archive does not answer, or refuses this client.
            ExchangeUnavailable: It answered with errors only.
        """
        return self._patiently(lambda: self._checksum(file, timeout), attempts)

    def fetch(self, file: ArchiveFile) -> Download | None:
        """Return a file whose SHA-256 is as promised, None if it is not published.

        Raises:
            ArchiveFileRefused: It does not match its checksum, or is too large.
            ArchiveUnusable: The archive does not answer, or refuses this client.
            ExchangeUnavailable: It answered with errors only, or broke off each time.
        """
        return self._patiently(lambda: self._fetch(file))

    def _fetch(self, file: ArchiveFile) -> Download | None:
        promised = self._checksum(file)
        if promised is None:
            return None
        body = self._answer(file.path, largest(file))
        if body is None:
            return None
        found = hashlib.sha256(body).hexdigest()
        if found != promised:
            # A file may be re-issued between the two answers: asked for again.
            raise _Mismatch(
                str(file), f"its SHA-256 is {found}, its checksum says {promised}"
            )
        return Download(found, body)

    def _checksum(
        self, file: ArchiveFile, timeout: tuple[float, float] | None = None
    ) -> str | None:
        body = self._answer(file.path + _CHECKSUM, _LARGEST_CHECKSUM, timeout)
        if body is None:
            return None
        try:
            return parse_checksum(file, body)
        except ValueError as error:
            raise _Mismatch(str(file), str(error)) from error

    def _patiently(self, ask: Callable[[], _T], attempts: int | None = None) -> _T:
        attempts = attempts or self._attempts
        for attempt in range(1, attempts + 1):
            try:
                return ask()
            except (ExchangeUnavailable, _Unreached, _Mismatch) as error:
                failure: ExchangeError = error
                if attempt < attempts:
                    self._complaints.note("asked again", error)
                    self._wait(backoff(attempt, self._first_backoff))
        raise failure

    def _answer(
        self,
        path: str,
        limit: int,
        timeout: tuple[float, float] | None = None,
        *,
        probe: bool = False,
    ) -> bytes | None:
        """Return what lies at a path, None if nothing does.

        Args:
            path: Which.
            limit: The most bytes that it can have.
            timeout: Instead of the usual one.
            probe: Only learn who answers; whatever is said is fine.
        """
        try:
            response = self._session().get(
                self.base_url + quote(path),
                timeout=timeout or self._timeout,
                stream=True,
            )
        except requests.RequestException as error:
            raise _Unreached(
                f"the archive at {self.host} not reached: {reason_of(error)}"
            ) from error
        with response:
            self._declared_origin = response.headers.get(ORIGIN_HEADER)
            if probe:
                return None
            if response.status_code == 404:
                if int(response.headers.get("Content-Length", _LARGEST_404)) < (
                    _LARGEST_404
                ):
                    # Read to its end, so that the connection can be used again.
                    self._read(response, _LARGEST_404)
                return None
            self._check_status(response.status_code, path)
            return self._read(response, limit)

    def _check_status(self, status: int, path: str) -> None:
        if status == 200:
            return
        name = path.rpartition("/")[2]
        if status in _BLOCKED:
            raise ArchiveUnusable(
                f"the archive at {self.host} refused with HTTP {status}"
            )
        if status >= 500 or status in _PASSING:
            raise ExchangeUnavailable(f"{self.host} answered HTTP {status} for {name}")
        raise ArchiveFileRefused(name.removesuffix(_CHECKSUM), f"HTTP {status}")

    def _read(self, response: requests.Response, limit: int) -> bytes:
        """Read one answer whole, but no endless one."""
        deadline = time.monotonic() + _LONGEST_ANSWER_SECONDS
        body = bytearray()
        name = response.url.rpartition("/")[2]
        try:
            for piece in response.iter_content(1 << 18):
                body += piece
                if len(body) > limit:
                    raise ArchiveFileRefused(name, f"more than {limit} bytes")
                if time.monotonic() > deadline:
                    raise requests.ConnectionError("the answer does not end")
        except requests.RequestException as error:
            raise ExchangeUnavailable(
                f"{name} broke off: {reason_of(error)}"
            ) from error
        return bytes(body)

    def _session(self) -> requests.Session:
        # requests does not promise that a session may be shared between threads.
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
            session.headers["User-Agent"] = f"klineboard/{__version__}"
            # Zips do not get smaller, and a checksum is of the bytes as they are.
            session.headers["Accept-Encoding"] = "identity"
        return session


class _Unreached(ArchiveUnusable):
    """No answer began: asked again, then the archive is left alone."""


class _Mismatch(ArchiveFileRefused):
    """Zip and checksum do not belong together: asked again, then refused."""
