"""What runs did and which candles they replaced, newest first."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any, NamedTuple

from ..market.kline import COLUMNS
from ..market.series import Series
from .database import Cursor
from .series import to_time

_OF_SERIES = """
(%(symbol)s IS NULL OR (symbol = %(symbol)s AND interval = %(interval)s))
ORDER BY id DESC LIMIT %(limit)s"""

_RUNS = """
SELECT symbol, interval, started_at, finished_at, status, rows_stored, rows_corrected,
    requests, error
FROM collection_runs WHERE """

# As text: a parser of JSON would make floats of the decimals.
_CORRECTIONS = """
SELECT symbol, interval, corrected_at, open_time, stored::text, replacement::text
FROM corrections WHERE """

_LAST_CORRECTIONS = """
SELECT s.symbol, s.interval, c.corrected_at, c.open_time
FROM series s CROSS JOIN LATERAL (
    SELECT corrected_at, open_time FROM corrections
    WHERE symbol = s.symbol AND interval = s.interval
    ORDER BY id DESC LIMIT 1) c"""


class PastRun(NamedTuple):
    """One row of ``collection_runs``; times in ms, UTC."""

    symbol: str
    interval: str
    started_at: int
    finished_at: int
    status: str
    rows_stored: int
    rows_corrected: int
    requests: int
    error: str | None


class Correction(NamedTuple):
    """A candle that was replaced; times in ms, UTC.

    Attributes:
        symbol: Of the series.
        interval: Of the series.
        corrected_at: When it was replaced, by PostgreSQL's clock.
        open_time: Of the candle.
        columns: Names of the columns that differ.
        stored: What was stored before, by column; decimals as text with their digits.
        replacement: What replaced it, in the same way.
    """

    symbol: str
    interval: str
    corrected_at: int
    open_time: int
    columns: list[str]
    stored: dict[str, str | int]
    replacement: dict[str, str | int]


class LastCorrection(NamedTuple):
    """When a series was last corrected, and which candle it was; ms, UTC."""

    corrected_at: int
    open_time: int


def read_runs(cursor: Cursor, series: Series | None, limit: int) -> list[PastRun]:
    """Return the newest runs of a series, or of all where None is given."""
    cursor.execute(_RUNS + _OF_SERIES, _which(series, limit))
    return [
        PastRun._make((*row[:2], to_time(row[2]), to_time(row[3]), *row[4:]))
        for row in cursor.fetchall()
    ]


def read_corrections(
    cursor: Cursor, series: Series | None, limit: int
) -> list[Correction]:
    """Return the newest corrections of a series, or of all where None is given."""
    cursor.execute(_CORRECTIONS + _OF_SERIES, _which(series, limit))
    return [_correction(*row) for row in cursor.fetchall()]


def read_last_corrections(cursor: Cursor) -> dict[tuple[str, str], LastCorrection]:
    """Return the newest correction of each series that has any, by its key."""
    cursor.execute(_LAST_CORRECTIONS)
    return {
        (symbol, interval): LastCorrection(to_time(corrected), to_time(opened))
        for symbol, interval, corrected, opened in cursor.fetchall()
    }


def _which(series: Series | None, limit: int) -> dict[str, Any]:
    symbol, interval = (None, None) if series is None else series.key
    return {"symbol": symbol, "interval": interval, "limit": limit}


def _correction(
    symbol: str,
    interval: str,
    corrected_at: dt.datetime,
    open_time: dt.datetime,
    stored: str,
    replacement: str,
) -> Correction:
    before, after = _candle(stored), _candle(replacement)
    return Correction(
        symbol,
        interval,
        to_time(corrected_at),
        to_time(open_time),
        [n for n in COLUMNS if _differ(before.get(n), after.get(n))],
        before,
        after,
    )


def _differ(before: str | int | None, after: str | int | None) -> bool:
    if isinstance(before, str) and isinstance(after, str) and before != after:
        # 1.10 and 1.1 are one number, and no reason to replace a candle.
        return Decimal(before) != Decimal(after)
    return before != after


def _candle(text: str) -> dict[str, str | int]:
    fields = json.loads(text, parse_float=str, parse_int=str)
    return {name: _value(name, fields[name]) for name in COLUMNS if name in fields}


def _value(name: str, text: str) -> str | int:
    if name == "number_of_trades":
        return int(text)
    if name in ("open_time", "close_time"):
        return to_time(dt.datetime.fromisoformat(text))
    return text
