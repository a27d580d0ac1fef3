"""The archive's client against the simulated archive, well and badly behaved."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from klineboard.errors import (
    ArchiveFileRefused,
    ArchiveUnusable,
    ExchangeUnavailable,
)
from klineboard.market.archive import ArchiveFile, parse_period
from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series
from klineboard.simulator import Simulator
from klineboard.sources.archive_zip import parse_checksum, read_zip
from klineboard.sources.binance_archive import BinanceArchive, Download
from tests.sources.serving import serving

FILE = ArchiveFile(Series("BTCUSDT", INTERVALS["1h"]), parse_period("2024-02-28"))
CHECKSUM_PATH = f"{FILE.path}.CHECKSUM"


@pytest.fixture
def archive(simulator: Simulator) -> BinanceArchive:
    return client(simulator.url)


def client(url: str) -> BinanceArchive:
    return BinanceArchive(url, first_backoff=0.001, timeout=(2.0, 0.3))


def fetched(archive: BinanceArchive) -> Download:
    download = archive.fetch(FILE)
    assert download is not None
    return download


def test_a_file_has_the_candles_of_rest(
    archive: BinanceArchive, simulator: Simulator
) -> None:
    download = fetched(archive)
    assert download.sha256 == archive.checksum(FILE)
    assert download.sha256 == hashlib.sha256(download.body).hexdigest()
    period, now = FILE.period, simulator.clock.now()
    assert list(read_zip(FILE, download.body)) == simulator.market.klines(
        *FILE.series, period.start, period.end - 1, 1000, now
    )


def test_what_is_not_published_is_none(archive: BinanceArchive) -> None:
    today = ArchiveFile(FILE.series, parse_period("2024-03-01"))
    assert archive.fetch(today) is None
    assert archive.checksum(today) is None


def test_whose_files_they_are(simulator: Simulator, archive: BinanceArchive) -> None:
    assert archive.origin is None
    archive.greet()
    assert archive.origin == "simulated"
    assert BinanceArchive("https://data.binance.vision").origin == "binance"


@pytest.mark.parametrize("kind", ["status", "reset", "truncate", "wrong_checksum"])
def test_passing_trouble_is_asked_through(
    archive: BinanceArchive, simulator: Simulator, kind: str
) -> None:
    path = FILE.path if kind != "wrong_checksum" else None
    simulator.faults.add(kind=kind, path=path)
    assert fetched(archive).body.startswith(b"PK")


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"kind": "status"}, ExchangeUnavailable, "HTTP 500 for BTCUSDT-1h-2024-02-28"),
        ({"kind": "truncate"}, ExchangeUnavailable, "28.zip broke off: "),
        ({"kind": "hang", "seconds": 1}, ArchiveUnusable, "not reached: .*timed out"),
        ({"kind": "reset"}, ArchiveUnusable, "not reached: .*reset"),
        ({"kind": "status", "status": 403}, ArchiveUnusable, "refused with HTTP 403"),
        ({"kind": "status", "status": 400}, ArchiveFileRefused, "refused: HTTP 400"),
        ({"kind": "wrong_checksum"}, ArchiveFileRefused, "its checksum says"),
    ],
)
def test_lasting_trouble_is_named(
    archive: BinanceArchive,
    simulator: Simulator,
    fault: dict[str, object],
    error: type[Exception],
    words: str,
) -> None:
    simulator.faults.add(**fault, path=FILE.path, count=9)
    with pytest.raises(error, match=words):
        archive.fetch(FILE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"0" * 64,
        b"0" * 63 + b"  " + FILE.zip_name.encode(),
        b"0" * 64 + b"  ETHUSDT-1h-2024-02-28.zip\n",
        b"0" * 64 + b"  " + FILE.zip_name.encode() + b"\n" + b"0" * 64 + b"  more\n",
    ],
)
def test_what_is_no_checksum_of_this_file_is_refused(body: bytes) -> None:
    with serving(body) as (url, _), pytest.raises(ArchiveFileRefused, match="checksum"):
        client(url.removesuffix("/api/v3")).checksum(FILE)


def test_a_checksum_may_be_in_upper_case_and_of_a_binary_file() -> None:
    line = f"{'AB' * 32} *{FILE.zip_name}\r\n".encode()
    assert parse_checksum(FILE, line) == "ab" * 32


def test_an_answer_that_does_not_end_is_cut_off() -> None:
    with (
        serving(b"x" * 100_000) as (url, _),
        pytest.raises(ArchiveFileRefused, match="more than 1000 bytes"),
    ):
        client(url.removesuffix("/api/v3")).checksum(FILE)


def zip_with(
    *names: str, text: bytes = b"", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name in names:
            archive.writestr(name, text)
    return body.getvalue()


SOUND = zip_with(FILE.csv_name, text=b"1,2,3\n" * 500)
BAD_ZIPS = {
    "empty": (b"", "unsound"),
    "html": (b"<html></html>", "unsound"),
    "torn": (SOUND[: len(SOUND) // 2], "unsound"),
    "flipped": (SOUND[:60] + bytes([SOUND[60] ^ 255]) + SOUND[61:], "unsound"),
    "nothing": (zip_with(), "expected BTCUSDT-1h-2024-02-28.csv in it, got -"),
    "two": (
        zip_with(FILE.csv_name, "more.csv"),
        "in it, got BTCUSDT-1h-2024-02-28.csv",
    ),
    "other": (zip_with("ETHUSDT-1h-2024-02-28.csv"), "in it, got ETHUSDT"),
    "path": (zip_with(f"../{FILE.csv_name}"), "in it, got .."),
    "bomb": (zip_with(FILE.csv_name, text=b"0" * 10_000_000), "bytes unzipped"),
    "lzma": (zip_with(FILE.csv_name, method=zipfile.ZIP_LZMA), "unknown way"),
    "rows": (SOUND, "expected 12 columns"),
}


@pytest.mark.parametrize("kind", BAD_ZIPS)
def test_a_zip_that_is_unsound_is_refused(kind: str) -> None:
    body, words = BAD_ZIPS[kind]
    with pytest.raises(ArchiveFileRefused, match=words):
        read_zip(FILE, body)
