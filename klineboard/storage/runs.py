"""``collection_runs``: one row a series and run."""

from __future__ import annotations

import datetime as dt

from ..market.series import Series
from .database import Cursor


def record_run(
    cursor: Cursor,
    series: Series,
    started_at: dt.datetime,
    *,
    status: str,
    rows_stored: int = 0,
    rows_corrected: int = 0,
    requests: int = 0,
    error: str | None = None,
) -> None:
    """Note how a run of a series ended.

    Args:
        cursor: Of the transaction to do it in.
        series: What was collected.
        started_at: By the local clock, UTC.
        status: 'ok', 'failed' or 'skipped'.
        rows_stored: Candles added.
        rows_corrected: Candles replaced.
        requests: Requests sent, repeated ones included.
        error: What went wrong, in words.
    """
    cursor.execute(
        "INSERT INTO collection_runs (started_at, symbol, interval, rows_stored, "
        "rows_corrected, requests, status, error) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            started_at,
            *series.key,
            rows_stored,
            rows_corrected,
            requests,
            status,
            error,
        ),
    )
