"""The archive of the simulated exchange: zips of whole months and days.

Source of the layout: github.com/binance/binance-public-data, README. A day's file is
published on the next day, a month's at the start of the next.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections import OrderedDict
from typing import NamedTuple
from urllib.parse import unquote

from ..market.archive import ArchiveFile, parse_period
from ..market.interval import HOUR, INTERVALS
from ..market.kline import COLUMNS, Kline
from ..market.series import Series
from .market import Market
from .messages import Reply
from .tampering import Tampering

PREFIX = "/data/spot/"
CHECKSUM = ".CHECKSUM"
KINDS = (
    "corrupt_zip",
    "wrong_checksum",
    "other_symbol",
    "header",
    "reissue",
    "lacking",
    "zip_bomb",
)
"""What may be wrong with a file, beside what befalls any answer."""

_PATH = re.compile(
    rf"{PREFIX}(?P<kind>monthly|daily)/klines/(?P<symbol>[^/]+)/(?P<interval>[^/]+)/"
    r"(?P=symbol)-(?P=interval)-(?P<period>\d{4}-\d\d(?:-\d\d)?)\.zip"
)
_BY_FILE_NAME = {interval.file_name: interval for interval in INTERVALS.values()}
# Times in the files are microseconds from then on (binance-public-data#386).
_MICROSECONDS_FROM = parse_period("2025-01-01").start
_MOST_ROWS = 3_000_000
_KEPT_FILES = 48
# The same candles shall make the same bytes at any time.
_MADE_AT = (2020, 1, 1, 0, 0, 0)
_BOMB_BYTES = 8 << 20


class _Key(NamedTuple):
    file: ArchiveFile
    fault: str
    tampering: object


class Archive:
    """Files made of a market's candles when they are first asked for.

    Attributes:
        lag: How long after the end of its period a file is published, ms.
    """

    def __init__(
        self, market: Market, tampering: Tampering, lag: int = 8 * HOUR
    ) -> None:
        """Serve a market.

        Args:
            market: Where candles come from, tampered with.
            tampering: What was done to them: it makes other files.
            lag: How long after the end of its period a file is published, ms.
        """
        self.lag = lag
        self._market = market
        self._tampering = tampering
        self._lock = threading.Lock()
        self._made: OrderedDict[_Key, bytes] = OrderedDict()

    @staticmethod
    def knows(path: str) -> bool:
        """Return whether a path lies in the archive."""
        return path.startswith(PREFIX)

    def answer(self, path: str, now: int, fault: str = "") -> Reply:
        """Answer a request for a zip or its checksum at ``now`` (ms).

        Args:
            path: Which.
            now: The exchange's time.
            fault: One of ``KINDS``, or nothing.
        """
        zip_path = path.removesuffix(CHECKSUM)
        file = file_at(zip_path)
        body = self._published(file, now, fault) if file else None
        if file is None or body is None:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>", "text/xml")
        if path == zip_path:
            return Reply(200, body, "application/zip")
        digest = hashlib.sha256(body).hexdigest()
        if fault == "wrong_checksum":
            digest = digest[::-1]
        return Reply(200, f"{digest}  {file.zip_name}\n".encode(), "text/plain")

    def _published(self, file: ArchiveFile, now: int, fault: str) -> bytes | None:
        symbol = file.series.symbol
        listed = {listing.symbol for listing in self._market.listings(now)}
        if symbol not in listed or now < file.period.end + self.lag:
            return None
        if fault == "other_symbol":
            other = next((name for name in sorted(listed) if name != symbol), symbol)
            file = ArchiveFile(Series(other, file.series.interval), file.period)
        key = _Key(file, fault, self._tampering.mark())
        with self._lock:
            body = self._made.get(key)
            if body is None:
                body = self._made[key] = self._make(file, now, fault)
            self._made.move_to_end(key)
            while len(self._made) > _KEPT_FILES:
                self._made.popitem(last=False)
        return body or None

    def _make(self, file: ArchiveFile, now: int, fault: str) -> bytes:
        """Return the zip of a file, empty where it has no candles."""
        symbol, interval = file.series
        period = file.period
        klines = self._market.klines(
            symbol, interval, period.start, period.end - 1, _MOST_ROWS, now
        )
        if not klines:
            return b""
        if fault == "reissue":
            klines[0] = _reissued(klines[0])
        elif fault == "lacking":
            del klines[len(klines) // 2]
        text = csv_of(klines, microseconds=period.start >= _MICROSECONDS_FROM)
        if fault == "header":
            text = ",".join((*COLUMNS, "ignore")) + "\n" + text
        elif fault == "zip_bomb":
            text += "0" * _BOMB_BYTES
        body = zip_of(file.csv_name, text)
        return body[: len(body) // 2] if fault == "corrupt_zip" else body


def file_at(path: str) -> ArchiveFile | None:
    """Return the file that a zip's path names, or None."""
    match = _PATH.fullmatch(unquote(path))
    if match is None or match["interval"] not in _BY_FILE_NAME:
        return None
    try:
        period = parse_period(match["period"])
    except ValueError:
        return None
    series = Series(match["symbol"], _BY_FILE_NAME[match["interval"]])
    file = ArchiveFile(series, period)
    return file if file.path == unquote(path) else None


def csv_of(klines: list[Kline], *, microseconds: bool) -> str:
    """Return candles as the lines of a file: twelve columns, no header."""
    if microseconds:
        klines = [
            kline._replace(
                open_time=kline.open_time * 1_000,
                close_time=kline.close_time * 1_000 + 999,
            )
            for kline in klines
        ]
    return "".join([",".join(map(str, kline)) + ",0\n" for kline in klines])


def zip_of(name: str, text: str) -> bytes:
    """Return a zip with one file, the same bytes for the same text."""
    member = zipfile.ZipInfo(name, _MADE_AT)
    member.compress_type = zipfile.ZIP_DEFLATED
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(member, text, compresslevel=1)
    return body.getvalue()


def _reissued(kline: Kline) -> Kline:
    """Return a candle with one trade more."""
    return kline._replace(number_of_trades=kline.number_of_trades + 1)
