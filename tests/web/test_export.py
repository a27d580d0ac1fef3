"""GET /export/...: a series as a file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

from klineboard.storage.csv_files import bring_in_line, header
from klineboard.storage.database import Database

from ..candles import Store


def test_an_export_equals_the_file_in_the_folder(
    client: FlaskClient, store: Store, database: Database, tmp_path: Path
) -> None:
    series = store(count=24)
    with database.transaction() as cursor:
        bring_in_line(cursor, tmp_path, series)
    answer = client.get("/export/BTCUSDT_1h.csv")
    assert answer.data == (tmp_path / "BTCUSDT_1h.csv").read_bytes()
    assert (
        answer.headers["Content-Disposition"] == 'attachment; filename="BTCUSDT_1h.csv"'
    )
    assert answer.mimetype == "text/csv"


def test_a_row_has_the_formats_of_the_contract(
    client: FlaskClient, store: Store
) -> None:
    store(count=1)
    assert client.get("/export/BTCUSDT_1h.csv").text == header() + (
        "2024-01-01T00:00:00.000Z,100.10000000,100.90000000,100.00000000,"
        "100.50000000,0.12345678,2024-01-01T00:59:59.999Z,0.10000001,0,0.00000001,"
        "0.20000000\n"
    )


def test_a_span_includes_the_day_that_ends_it(
    client: FlaskClient, store: Store
) -> None:
    store(count=72)
    answer = client.get("/export/BTCUSDT_1h.csv?start=2024-01-02&end=2024-01-02")
    assert len(answer.text.splitlines()) == 1 + 24


def test_months_have_a_name_that_file_systems_keep_apart(
    client: FlaskClient, store: Store
) -> None:
    store("BTCUSDT", "1M", 2)
    store("BTCUSDT", "1m", 3)
    assert len(client.get("/export/BTCUSDT_1mo.csv").text.splitlines()) == 3
    assert len(client.get("/export/BTCUSDT_1m.csv").text.splitlines()) == 4
    assert len(client.get("/export/BTCUSDT_1mo.jsonl").text.splitlines()) == 2


def test_a_line_of_json_has_the_names_and_digits_of_the_csv(
    client: FlaskClient, store: Store
) -> None:
    store(count=1)
    answer = client.get("/export/BTCUSDT_1h.jsonl")
    assert answer.text == (
        '{"open_time":"2024-01-01T00:00:00.000Z","open_price":100.10000000,'
        '"high_price":100.90000000,"low_price":100.00000000,'
        '"close_price":100.50000000,"volume":0.12345678,'
        '"close_time":"2024-01-01T00:59:59.999Z","quote_asset_volume":0.10000001,'
        '"number_of_trades":0,"taker_buy_base_asset_volume":0.00000001,'
        '"taker_buy_quote_asset_volume":0.20000000}\n'
    )
    assert list(json.loads(answer.text)) == header().strip().split(",")
    assert answer.mimetype == "application/jsonl"
    assert answer.headers["Content-Disposition"].endswith('"BTCUSDT_1h.jsonl"')


def test_parquet_is_asked_for_by_its_name(client: FlaskClient, store: Store) -> None:
    store(count=48)
    answer = client.get("/export/btcusdt_1h.parquet?start=2024-01-02")
    assert answer.mimetype == "application/vnd.apache.parquet"
    assert answer.headers["Content-Disposition"].endswith('"BTCUSDT_1h.parquet"')
    assert len(pq.read_table(io.BytesIO(answer.data))) == 24


def test_what_parquet_cannot_hold_is_refused_with_the_way_out(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=3)
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET volume = 1e31 WHERE number_of_trades = 2")
    answer = client.get("/export/BTCUSDT_1h.parquet")
    assert answer.status_code == 422
    error = answer.get_json()["error"]
    assert error["code"] == "does_not_fit"
    assert "volume needs 32 digits before" in error["message"]
    assert "ask for .csv or .jsonl" in error["message"]
    assert client.get("/export/BTCUSDT_1h.csv").status_code == 200


def test_a_head_request_gets_the_headers_and_leaves_no_query(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=3000)
    answer = client.head("/export/BTCUSDT_1h.jsonl")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.mimetype == "application/jsonl"
    answer.close()
    with database.transaction() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^COPY'")
        assert cursor.fetchone() == (0,)


def test_symbols_may_be_in_lower_case_or_unicode(
    client: FlaskClient, store: Store
) -> None:
    store("币安人生USDT", count=1)
    answer = client.get(f"/export/{quote('币安人生usdt_1h.csv')}")
    assert answer.status_code == 200
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("BTCUSD_1h.csv", 404, "did you mean BTCUSDT_1h.csv"),
        ("BTCUSDT_1M.csv", 404, "there are BTCUSDT_1h.csv"),
        ("BTCUSDT_4h.csv", 404, "there are BTCUSDT_1h.csv"),
        ("nonsense", 404, "unknown file 'nonsense'"),
        ("BTCUSDT_1h.xlsx", 404, "BTCUSDT_1h.csv, each as .parquet and .jsonl too"),
        ("BTCUSD_1h.jsonl", 404, "did you mean BTCUSDT_1h.jsonl"),
        ("BTCUSDT_1h.parquet?end=soon", 400, "end='soon'"),
        ("..%2F..%2Fetc%2Fpasswd", 404, "There is nothing at"),
        ("BTCUSDT_1h.csv?start=soon", 400, "start='soon'"),
        ("BTCUSDT_1h.csv?start=2024-01-02&end=2024-01-01", 400, "lies after"),
        ("BTCUSDT_1h.csv?star=2024", 400, "did you mean start?"),
    ],
)
def test_bad_input_is_named_with_what_was_expected(
    client: FlaskClient, store: Store, path: str, status: int, words: str
) -> None:
    store(count=1)
    answer = client.get(f"/export/{path}")
    assert answer.status_code == status
    assert words in answer.get_json()["error"]["message"]
