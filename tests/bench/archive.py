"""The archive's files of rendered histories: zipped CSV with a checksum beside it.

Whole months are monthly files, the days since then daily ones, as
``data.binance.vision`` has them the day after. Deflated quickly, not well.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from klineboard.market.interval import DAY
from tests.bench.history import History

_MICROSECONDS_FROM = dt.date(2025, 1, 1)
_TIMES = re.compile(rb"^(\d{13}),((?:[^,]*,){5})(\d{13}),", re.MULTILINE)
_EPOCH = dt.date(1970, 1, 1)
_EVERY_ROW = 1 << 40


def build_archive(
    folder: Path, histories: Mapping[tuple[str, str], History], now: int
) -> None:
    """Write ``data/spot/...`` below ``folder``.

    Args:
        folder: Made when absent.
        histories: By symbol and interval.
        now: The exchange's time, ms; files end with the day before.
    """
    for (symbol, interval), history in histories.items():
        for kind, label, begin, end in _periods(history.first, now):
            name = f"{symbol}-{interval}-{label}"
            place = folder / "data/spot" / kind / "klines" / symbol / interval
            place.mkdir(parents=True, exist_ok=True)
            text = csv_of(history, begin, end, now)
            _write(place / f"{name}.zip", f"{name}.csv", text)


def csv_of(history: History, begin: dt.date, end: dt.date, now: int) -> bytes:
    """Return the candles of the days from ``begin`` to before ``end`` as CSV."""
    rows = history.slice(_time(begin), _time(end) - 1, _EVERY_ROW, now)
    text = bytes(rows).replace(b"],[", b"\n").translate(None, b'"[]') + b"\n"
    if begin >= _MICROSECONDS_FROM:
        text = _TIMES.sub(rb"\g<1>000,\2\g<3>999,", text)
    return text


def _periods(first: int, now: int) -> Iterator[tuple[str, str, dt.date, dt.date]]:
    """Give kind, label and bounds of every file that is published at ``now``."""
    today = _EPOCH + dt.timedelta(days=now // DAY)
    this_month = today.replace(day=1)
    day = _EPOCH + dt.timedelta(days=first // DAY)
    month = day.replace(day=1)
    while month < this_month:
        following = (month + dt.timedelta(days=32)).replace(day=1)
        yield "monthly", f"{month:%Y-%m}", month, following
        month = following
    day = max(day, this_month)
    while day < today:
        yield "daily", f"{day:%Y-%m-%d}", day, day + dt.timedelta(days=1)
        day += dt.timedelta(days=1)


def _write(path: Path, member: str, text: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(zipfile.ZipInfo(member), text, zipfile.ZIP_DEFLATED, 1)
    path.write_bytes(packed.getvalue())
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")


def _time(day: dt.date) -> int:
    return (day - _EPOCH).days * DAY
