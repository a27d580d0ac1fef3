"""Streaming a series as CSV, against the real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from klineboard.errors import StorageError
from klineboard.market.interval import HOUR
from klineboard.settings import Settings
from klineboard.storage.csv_files import bring_in_line, header
from klineboard.storage.database import Database
from klineboard.storage.exports import stream_csv

from ..candles import START, store_into


def test_an_export_equals_the_file(database: Database, tmp_path: Path) -> None:
    series = store_into(database)(count=3000)
    with database.transaction() as cursor:
        bring_in_line(cursor, tmp_path, series)
    exported = b"".join(stream_csv(database, series, None, None))
    assert exported == (tmp_path / "BTCUSDT_1h.csv").read_bytes()


def test_a_span_has_both_ends(database: Database) -> None:
    series = store_into(database)(count=10)
    text = b"".join(stream_csv(database, series, START + HOUR, START + 2 * HOUR))
    lines = text.decode().splitlines()
    assert [line[:24] for line in lines[1:]] == [
        "2024-01-01T01:00:00.000Z",
        "2024-01-01T02:00:00.000Z",
    ]


def test_no_candles_are_a_header(database: Database) -> None:
    series = store_into(database)(count=1)
    assert b"".join(stream_csv(database, series, 0, 1)) == header().encode()


def test_a_slow_reader_is_no_slow_statement(
    settings: Settings, database: Database
) -> None:
    series = store_into(database)(count=3000)
    hasty = Database(settings, statement_timeout_seconds=0.05)
    stream = stream_csv(hasty, series, None, None)
    size = len(next(stream)) + len(next(stream))
    # Meanwhile the COPY stands at the full pipe for longer than the limit.
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_sleep(0.2)")
    size += sum(map(len, stream))
    assert size > 300_000
    hasty.close()


def test_a_reader_who_goes_away_ends_the_copy(database: Database) -> None:
    series = store_into(database)(count=3000)
    stream = stream_csv(database, series, None, None)
    next(stream)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    with database.transaction() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^COPY'")
        assert cursor.fetchone() == (0,)


def test_a_failure_in_the_middle_is_no_short_file(database: Database) -> None:
    series = store_into(database)(count=3000)
    stream = stream_csv(database, series, None, None)
    next(stream)
    next(stream)
    with database.transaction() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'COPY (SELECT%' AND pid <> pg_backend_pid()"
        )
    with pytest.raises(StorageError):
        list(stream)
