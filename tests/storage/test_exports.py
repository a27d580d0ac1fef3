"""Streaming a series as a file in each format, against the real database."""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
from collections.abc import Generator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from klineboard.errors import NotExportable, StorageError
from klineboard.market.interval import HOUR, INTERVALS
from klineboard.market.kline import COLUMNS, Kline
from klineboard.market.series import Series
from klineboard.settings import PROJECT_ROOT, Settings
from klineboard.storage.csv_files import bring_in_line, header
from klineboard.storage.database import Database
from klineboard.storage.exports import CONTENT_TYPES, Extract, count_rows, stream
from klineboard.storage.parquet import fitting_schema, to_parquet
from klineboard.storage.rows import with_times
from klineboard.storage.series import to_time

from ..candles import START, Store, csv_of_table, make_klines, store_into

MANY = 10_000
DECIMALS = [
    name
    for name in COLUMNS
    if not name.endswith("_time") and name != "number_of_trades"
]


@pytest.fixture
def store(database: Database) -> Store:
    return store_into(database)


# The same candles nine times more, each time some days later.
LONGER = """
INSERT INTO klines SELECT symbol, interval, open_time + later, open_price, high_price,
    low_price, close_price, volume, close_time + later, quote_asset_volume,
    number_of_trades, taker_buy_base_asset_volume, taker_buy_quote_asset_volume
FROM klines, LATERAL (SELECT n * '10 days'::interval FROM generate_series(1, 9) n)
    AS moved(later)
"""


@pytest.fixture
def many(database: Database) -> Series:
    """A series of more candles than pipes and buffers hold."""
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO klines SELECT 'BTCUSDT', '1m', opened, 1.5 + n, 3.25 + n, "
            "1.00000000, 2 + n, 12345.67800000, opened + '59.999 s'::interval, "
            "n * 1.00000001, n, 0.5, 0.00000001 FROM generate_series(1, %s) n, "
            "LATERAL (SELECT '2024-01-01Z'::timestamptz + n * '1 min'::interval) "
            "AS moment(opened)",
            (MANY,),
        )
    return Series("BTCUSDT", INTERVALS["1m"])


def exported(
    database: Database, series: Series, suffix: str = "csv", *span: int | None
) -> bytes:
    return b"".join(stream(database, Extract(series, *span), suffix))


def read_parquet(data: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
    return rows


def all_rows(database: Database) -> list[tuple[Any, ...]]:
    with database.transaction() as cursor:
        columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        cursor.execute(
            sql.SQL("SELECT {} FROM klines ORDER BY open_time").format(columns)
        )
        return cursor.fetchall()


def with_values(values: Sequence[str], **times: int) -> Kline:
    """Return a candle with these eight decimals."""
    names = dict(zip(DECIMALS, values, strict=True))
    return make_klines("1h", 1)[0]._replace(**names, **times)


# CSV and what all formats share.


def test_an_export_equals_the_file(
    database: Database, store: Store, tmp_path: Path
) -> None:
    series = store(count=3000)
    with database.transaction() as cursor:
        bring_in_line(cursor, tmp_path, series)
    file = (tmp_path / "BTCUSDT_1h.csv").read_bytes()
    assert exported(database, series) == file


def test_times_have_three_digits_also_off_the_grid(
    database: Database, store: Store
) -> None:
    after = [0, HOUR - 1, HOUR + 1, HOUR + 999, 2 * HOUR + 894_789, 2 * HOUR + 895_100]
    after += [3 * HOUR + 894_780, 3 * HOUR + 895_000, 4 * HOUR + 700, 4 * HOUR + 9_010]
    times = [START + ms for ms in after]
    pairs = list(zip(times[::2], times[1::2], strict=True))
    (kline,) = make_klines("1h", 1)
    klines = [
        kline._replace(open_time=opened, close_time=closed) for opened, closed in pairs
    ]
    series = store(klines=klines)
    shown = [(_shown(opened), _shown(closed)) for opened, closed in pairs]
    rows = [line.split(",") for line in exported(database, series).decode().split()]
    assert [(row[0], row[6]) for row in rows[1:]] == shown
    candles = map(json.loads, exported(database, series, "jsonl").splitlines())
    assert [(one["open_time"], one["close_time"]) for one in candles] == shown
    candles = iter(read_parquet(exported(database, series, "parquet")))
    assert [
        (to_time(one["open_time"]), to_time(one["close_time"])) for one in candles
    ] == pairs


def _shown(time: int) -> str:
    moment = dt.datetime.fromtimestamp(time / 1000, dt.UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


MICROSECONDS = st.integers(0, 999_999) | st.sampled_from([9, 99, 999, 99_099, 999_999])


@given(moments=st.lists(st.integers(0, 86_399), min_size=1), after=MICROSECONDS)
def test_every_time_is_shown_as_postgresql_would_show_it(
    moments: list[int], after: int
) -> None:
    rows, expected = [], []
    for second in moments:
        time = dt.datetime(2018, 2, 9) + dt.timedelta(seconds=second)
        time += dt.timedelta(microseconds=after)
        late = f"{time + dt.timedelta(microseconds=1)}"
        rows.append(f"{late.rstrip('0') if '.' in late else late}+00,1.50000000\n")
        expected.append(f"{time.isoformat(timespec='milliseconds')}Z,1.50000000\n")
    assert with_times("".join(rows).encode()) == "".join(expected).encode()


def test_microseconds_that_a_hand_stored_are_cut_off(
    database: Database, store: Store
) -> None:
    series = store(count=4)
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE klines SET close_time = close_time + number_of_trades * "
            "interval '0.000333 s', open_time = open_time + interval '0.000999 s'"
        )
        expected = csv_of_table(cursor, series)
    assert exported(database, series) == expected


def test_a_span_includes_both_ends(database: Database, store: Store) -> None:
    series = store(count=5)
    for start, end, hours in [
        (START + HOUR, START + 2 * HOUR, [1, 2]),
        (START + HOUR + 1, START + 3 * HOUR - 1, [2]),
        (None, START, [0]),
        (START + 4 * HOUR, None, [4]),
        (START + 5 * HOUR, None, []),
        (0, 1, []),
    ]:
        rows = exported(database, series, "csv", start, end).decode().splitlines()[1:]
        lines = exported(database, series, "jsonl", start, end).splitlines()
        candles = read_parquet(exported(database, series, "parquet", start, end))
        assert [int(row[11:13]) for row in rows] == hours
        assert [int(json.loads(line)["open_time"][11:13]) for line in lines] == hours
        assert [candle["open_time"].hour for candle in candles] == hours


def test_no_candles_are_a_header_no_line_and_a_table_without_rows(
    database: Database, store: Store
) -> None:
    series = store(count=1)
    assert exported(database, series, "csv", 0, 1) == header().encode()
    assert exported(database, series, "jsonl", 0, 1) == b""
    table = pq.read_table(io.BytesIO(exported(database, series, "parquet", 0, 1)))
    assert (table.column_names, len(table)) == (list(COLUMNS), 0)


def test_every_row_is_counted_on_the_way(database: Database, many: Series) -> None:
    for suffix in CONTENT_TYPES:
        counts: list[int] = []
        for _ in stream(database, Extract(many), suffix, counts.append):
            pass
        assert sum(counts) == MANY
    with database.transaction() as cursor:
        assert count_rows(cursor, Extract(many)) == MANY


# Digits.

DIGITS = st.integers(0, 10**30 - 1).map(str)
FRACTIONS = st.text("0123456789", min_size=1, max_size=8)
USUAL = st.builds(lambda whole, part: f"{whole}.{part}", DIGITS, FRACTIONS) | DIGITS
# No more digits behind the point than 38 less the most before it, over all rows.
TINY = st.text("0123456789", min_size=1, max_size=30).map(lambda part: f"0.{part}")


@given(
    rows=st.lists(st.lists(USUAL, min_size=8, max_size=8), min_size=1, max_size=4)
    | st.lists(st.lists(TINY, min_size=8, max_size=8), min_size=1, max_size=4)
)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_format_keeps_every_digit(
    database: Database, rows: list[list[str]]
) -> None:
    klines = [
        with_values(values, open_time=START + n * HOUR) for n, values in enumerate(rows)
    ]
    with database.transaction() as cursor:
        cursor.execute("DELETE FROM klines")
    series = store_into(database)(klines=klines)
    with database.transaction() as cursor:
        assert exported(database, series) == csv_of_table(cursor, series)
    for line, kline in zip(
        exported(database, series, "jsonl").decode().splitlines(), klines, strict=True
    ):
        # As texts: zeros at the end are digits, too.
        candle = json.loads(line, parse_float=str, parse_int=str)
        assert list(candle) == list(COLUMNS)
        assert [candle[name] for name in DECIMALS] == [
            f"{Decimal(getattr(kline, name)):f}" for name in DECIMALS
        ]
    parquet = read_parquet(exported(database, series, "parquet"))
    assert [tuple(row.values()) for row in parquet] == all_rows(database)


def test_parquet_has_the_types_that_hold_everything(
    database: Database, store: Store
) -> None:
    data = exported(database, store(count=3), "parquet")
    schema = pq.read_schema(io.BytesIO(data))
    assert schema.field("open_time").type == pa.timestamp("ms", tz="UTC")
    assert schema.field("number_of_trades").type == pa.int64()
    assert {schema.field(name).type for name in DECIMALS} == {pa.decimal128(38, 8)}
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    assert group.column(0).compression == "ZSTD"


def test_parquet_says_what_it_holds(database: Database, store: Store) -> None:
    series = store(count=3)
    with database.transaction() as cursor:
        cursor.execute("INSERT INTO origin (name) VALUES ('simulated')")
        cursor.execute(
            "INSERT INTO symbols VALUES ('BTCUSDT', 'TRADING', 'BTC', 'USDT', 0.01)"
        )
    schema = pq.read_schema(io.BytesIO(exported(database, series, "parquet")))
    said = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert (said["symbol"], said["interval"]) == ("BTCUSDT", "1h")
    assert said["origin"] == "simulated"
    units = json.loads(said["units"])
    assert units["open_time"] == "ms since 1970-01-01 UTC"
    assert (units["close_price"], units["volume"]) == ("USDT", "BTC")
    assert units["taker_buy_quote_asset_volume"] == "USDT"
    assert units["taker_buy_base_asset_volume"] == "BTC"


def test_a_column_with_more_digits_gets_more_and_the_others_do_not(
    database: Database, store: Store
) -> None:
    (kline,) = make_klines("1h", 1)
    series = store(klines=[kline._replace(volume="0.000000000012")])
    schema = pq.read_schema(io.BytesIO(exported(database, series, "parquet")))
    assert schema.field("volume").type == pa.decimal128(38, 12)
    assert schema.field("open_price").type == pa.decimal128(38, 8)


def test_what_no_decimal_of_parquet_holds_is_refused_before_the_first_byte(
    database: Database, store: Store
) -> None:
    series = store(count=3)
    for value, words in [
        ("1" + "0" * 30, "volume needs 31 digits before and 8 behind the point"),
        ("1." + "0" * 37 + "1", "volume needs 1 digits before and 38 behind the point"),
        ("NaN", "volume holds NaN"),
        ("Infinity", "volume holds Infinity"),
    ]:
        with database.transaction() as cursor:
            cursor.execute(
                "UPDATE klines SET volume = %s WHERE open_price < 101", (value,)
            )
        with pytest.raises(NotExportable, match=words):
            next(stream(database, Extract(series), "parquet"))


def test_json_has_null_for_what_is_no_number(database: Database, store: Store) -> None:
    series = store(count=3)
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE klines SET volume = 'NaN', low_price = '-Infinity', "
            "high_price = 'Infinity' WHERE number_of_trades = 1"
        )
    lines = exported(database, series, "jsonl").splitlines()
    candle = json.loads(lines[1], parse_constant=pytest.fail)
    assert (candle["volume"], candle["low_price"], candle["high_price"]) == (None,) * 3
    assert candle["close_price"] == 101.5


def test_row_groups_have_a_hundred_thousand_rows(
    database: Database, store: Store
) -> None:
    series = store(count=1)
    with database.transaction() as cursor:
        schema = fitting_schema(cursor, series, None, None)
    row = exported(database, series).splitlines(keepends=True)[1]
    # Cut anywhere, as a pipe does.
    blocks = [row * 999 + row[:50], row[50:], *[row * 1000] * 120, row[:-7], row[-7:]]
    data = b"".join(to_parquet(schema, blocks))
    metadata = pq.read_metadata(io.BytesIO(data))
    groups = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert groups == [100_000, 21_001]


# Readers.


def begin(
    database: Database, series: Series, suffix: str
) -> tuple[Generator[bytes], bytes]:
    blocks = stream(database, Extract(series), suffix)
    return blocks, next(blocks)


def test_a_slow_reader_is_no_slow_statement(
    settings: Settings, database: Database, many: Series
) -> None:
    hasty = Database(settings, statement_timeout_seconds=0.1)
    begun = {suffix: begin(hasty, many, suffix) for suffix in CONTENT_TYPES}
    # Meanwhile each COPY stands at the full pipe for longer than the limit.
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_sleep(0.2)")
    for suffix, (blocks, first) in begun.items():
        assert first + b"".join(blocks) == exported(database, many, suffix)
    hasty.close()


def test_a_reader_who_goes_away_ends_the_copy(database: Database, many: Series) -> None:
    for suffix in CONTENT_TYPES:
        blocks, _ = begin(database, many, suffix)
        blocks.close()
    with database.transaction() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^COPY'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_the_memory_that_it_takes_does_not_grow_with_the_series(
    database: Database, many: Series, suffix: str
) -> None:
    with database.transaction() as cursor:
        cursor.execute(LONGER)
    size, process, peak = 0, psutil.Process(), 0
    blocks, _ = begin(database, many, suffix)
    before = process.memory_info().rss
    for block in blocks:
        size += len(block)
        peak = max(peak, process.memory_info().rss)
    assert size > 12_000_000
    assert peak - before < 7_000_000


def test_a_failure_in_the_middle_is_no_short_file(
    database: Database, many: Series
) -> None:
    # A row group of Parquet is longer than this series: it is read in one go.
    begun = [begin(database, many, suffix)[0] for suffix in ("csv", "jsonl")]
    with database.transaction() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'COPY (SELECT%' AND pid <> pg_backend_pid()"
        )
    for blocks in begun:
        with pytest.raises(StorageError):
            list(blocks)


def test_a_connection_serves_again_after_an_export_that_was_left(
    settings: Settings, many: Series
) -> None:
    hasty = Database(settings, statement_timeout_seconds=7)
    for suffix in CONTENT_TYPES:
        blocks, _ = begin(hasty, many, suffix)
        blocks.close()
    with hasty.transaction() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("7s",)
    assert exported(hasty, many).count(b"\n") == MANY + 1
    hasty.close()


_IMPORTED = """
import sys, get_kline_data, klineboard.web, klineboard.storage.exports
assert not {"pyarrow", "pandas", "numpy"} & set(sys.modules)
"""


def test_nobody_pays_for_parquet_who_does_not_ask_for_it() -> None:
    subprocess.run([sys.executable, "-c", _IMPORTED], check=True, cwd=PROJECT_ROOT)
