"""Out of a downloaded file of the archive: its checksum, its CSV, its candles."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Sequence

from ..errors import ArchiveFileRefused
from ..market.archive import ArchiveFile, rows_of
from ..market.archive_rows import check_file
from ..market.kline import Kline

_CHECKSUM_LINE = re.compile(rb"([0-9a-fA-F]{64})[ \t]+\*?([^\r\n]+?)\s*")
# Real rows have some 140 bytes. Candles off the grid may be a few more than fit on it.
_LONGEST_ROW = 400
_SPARE_ROWS = 100
_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


def largest(file: ArchiveFile) -> int:
    """Return how many bytes the CSV of a file can have, and its zip, too."""
    rows = rows_of(file.period, file.series.interval) + _SPARE_ROWS
    return rows * _LONGEST_ROW


def parse_checksum(file: ArchiveFile, body: bytes) -> str:
    """Return the SHA-256 that a ``.CHECKSUM`` names, in lower case.

    Raises:
        ValueError: It is no line of ``sha256sum``, or one for another file.
    """
    line = _CHECKSUM_LINE.fullmatch(body)
    if line is None:
        raise ValueError(f"its checksum is none: {body[:60]!r}")
    name = line[2].decode("utf-8", "replace")
    if name != file.zip_name:
        raise ValueError(f"its checksum is that of {name[:80]}")
    return line[1].decode().lower()


def read_zip(file: ArchiveFile, body: bytes) -> Sequence[Kline]:
    """Unzip a file in memory and return its checked candles.

    Raises:
        ArchiveFileRefused: It is corrupt, of another symbol, too large, or a row of it
            breaks a rule.
    """
    # Imported late: Arrow takes 40 MB and a moment, and most runs read no file.
    from .archive_columns import sound_klines

    try:
        content = _unzipped(file, body)
        klines = sound_klines(file, content)
        return check_file(file, content) if klines is None else klines
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        # All of them are what a damaged zip makes the standard library say.
        raise ArchiveFileRefused(str(file), f"its zip is unsound: {error}") from error


def _unzipped(file: ArchiveFile, body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = archive.infolist()
        if [member.filename for member in members] != [file.csv_name]:
            names = ", ".join(member.filename for member in members[:3])
            raise ArchiveFileRefused(
                str(file), f"expected {file.csv_name} in it, got {names[:120] or '-'}"
            )
        (member,) = members
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _COMPRESSION:
            raise ValueError("encrypted, or compressed in an unknown way")
        limit = largest(file)
        with archive.open(member) as stream:
            # What the zip says of its size is not to be trusted: a few bytes can
            # unfold to gigabytes.
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise ValueError(f"more than {limit} bytes unzipped")
        return content
