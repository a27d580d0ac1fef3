"""GET /api/klines: what it answers, and what bad input gets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE
from klineboard.storage.database import Database

from ..candles import START, Store, between, make_klines, read_recorded
from ..conftest import recorded


def _get(client: FlaskClient, query: str, **headers: str) -> TestResponse:
    return client.get(f"/api/klines?{query}", headers=headers)


def _times(client: FlaskClient, query: str) -> list[int]:
    answer = _get(client, f"symbol=BTCUSDT&interval=1h&{query}")
    assert answer.status_code == 200, answer.text
    times: list[int] = answer.get_json()["open_time"]
    return times


def test_columns_are_those_of_the_contract(client: FlaskClient, store: Store) -> None:
    store(count=1)
    body = _get(client, "symbol=BTCUSDT&interval=1h").get_json()
    assert set(body) == {
        "symbol",
        "interval",
        "open_time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "close_time",
        "quote_asset_volume",
        "number_of_trades",
        "taker_buy_base_asset_volume",
        "taker_buy_quote_asset_volume",
    }
    assert (body["symbol"], body["interval"]) == ("BTCUSDT", "1h")


def test_numbers_have_the_stored_digits(client: FlaskClient, store: Store) -> None:
    store(count=1)
    text = _get(client, "symbol=BTCUSDT&interval=1h").text
    assert '"open":[100.10000000]' in text
    assert '"taker_buy_base_asset_volume":[0.00000001]' in text


def test_recorded_candles_come_back_digit_by_digit(
    client: FlaskClient, store: Store
) -> None:
    klines = read_recorded(recorded("binance-spot-BTCUSDT-1h-2018-2025.csv.gz"))[-1000:]
    store(klines=klines)
    text = _get(client, "symbol=BTCUSDT&interval=1h").text
    body = json.loads(text, parse_float=Decimal)
    assert list(map(str, body["close"])) == [kline.close_price for kline in klines]
    assert list(map(str, body["taker_buy_quote_asset_volume"])) == [
        kline.taker_buy_quote_asset_volume for kline in klines
    ]
    assert body["close_time"] == [kline.close_time for kline in klines]


def test_without_start_the_newest_come(client: FlaskClient, store: Store) -> None:
    store(count=24)
    assert _times(client, "limit=2") == [START + 22 * HOUR, START + 23 * HOUR]


def test_start_zero_is_the_beginning(client: FlaskClient, store: Store) -> None:
    store(count=24)
    assert _times(client, "start=0&limit=2") == [START, START + HOUR]


@pytest.mark.parametrize(
    "start",
    [
        str(START + 22 * HOUR),
        "2024-01-01T22:00",
        "2024-01-01T22:00:00Z",
        "2024-01-02T00:00:00%2B02:00",
        "2024-01-02T00:00:00+02:00",
    ],
)
def test_times_are_ms_or_iso_8601(
    client: FlaskClient, store: Store, start: str
) -> None:
    store(count=24)
    assert _times(client, f"start={start}") == [START + 22 * HOUR, START + 23 * HOUR]


def test_a_bare_day_as_end_includes_that_day(client: FlaskClient, store: Store) -> None:
    store(count=48)
    times = _times(client, "start=2024-01-01&end=2024-01-01")
    assert times == [START + n * HOUR for n in range(24)]


def test_a_span_without_candles_is_empty(client: FlaskClient, store: Store) -> None:
    store(count=1)
    assert _times(client, "start=2030-01-01") == []


def test_symbols_in_lower_case_are_understood(
    client: FlaskClient, store: Store
) -> None:
    store(count=1)
    body = _get(client, "symbol=btcusdt&interval=1h").get_json()
    assert body["symbol"] == "BTCUSDT"


def test_symbols_may_be_unicode(client: FlaskClient, store: Store) -> None:
    store("币安人生USDT", count=1)
    answer = _get(client, f"symbol={quote('币安人生USDT')}&interval=1h")
    assert answer.get_json()["symbol"] == "币安人生USDT"


@pytest.mark.parametrize(
    ("query", "status", "code", "words"),
    [
        ("interval=1h", 400, "missing_symbol", "stored are BTCUSDT"),
        ("symbol=BTCUSDT", 400, "missing_interval", "one of 1s, 1m"),
        ("symbol=BTCUSD&interval=1h", 404, "unknown_symbol", "did you mean BTCUSDT?"),
        ("symbol=%00&interval=1h", 404, "unknown_symbol", "stored are BTCUSDT"),
        ("symbol=';--&interval=1h", 404, "unknown_symbol", "stored are BTCUSDT"),
        ("symbol=%FF%FE&interval=1h", 404, "unknown_symbol", "stored are BTCUSDT"),
        ("symbol=BTCUSDT&interval=1H", 400, "unknown_interval", "did you mean 1h?"),
        ("symbol=BTCUSDT&interval=7m", 400, "unknown_interval", "unknown interval"),
        (
            "symbol=BTCUSDT&interval=5m",
            404,
            "interval_not_stored",
            "BTCUSDT 5m are neither stored nor to be made of stored ones; stored "
            "intervals are 1h",
        ),
        ("limit=0", 400, "bad_limit", "limit='0': expected a number from 1 to 1000"),
        ("limit=1001", 400, "bad_limit", "limit='1001'"),
        ("limit=1000000000", 400, "bad_limit", "limit='1000000000'"),
        ("limit=" + "9" * 5000, 400, "bad_limit", "expected a number from 1 to 1000"),
        ("limit=abc", 400, "bad_limit", "limit='abc'"),
        ("limit=-1", 400, "bad_limit", "limit='-1'"),
        ("limit=", 400, "bad_limit", "limit=''"),
        ("limit=١", 400, "bad_limit", "from 1 to 1000"),
        ("start=yesterday", 400, "bad_time", "start='yesterday': expected"),
        ("end=2024-02-30", 400, "bad_time", "end='2024-02-30'"),
        ("start=99999999999999999", 400, "bad_time", "start='99999999999999999'"),
        ("start=1704067200", 400, "bad_time", "1704067200000"),
        ("start=", 400, "bad_time", "start=''"),
        (
            "start=2024-01-02&end=2024-01-01",
            400,
            "start_after_end",
            "start='2024-01-02' lies after end='2024-01-01'",
        ),
        ("symbl=BTCUSDT", 400, "unknown_parameter", "did you mean symbol?"),
        ("Limit=5", 400, "unknown_parameter", "did you mean limit?"),
    ],
)
def test_bad_input_is_named_with_what_was_expected(
    client: FlaskClient, store: Store, query: str, status: int, code: str, words: str
) -> None:
    store(count=1)
    if "symbol" not in query and "interval" not in query and "symbl" not in query:
        query = f"symbol=BTCUSDT&interval=1h&{query}"
    answer = _get(client, query)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert words in error["message"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_parameters_of_others_are_none_of_our_business(
    client: FlaskClient, store: Store
) -> None:
    store(count=1)
    answer = _get(client, "symbol=BTCUSDT&interval=1h&utm_source=x&_=123")
    assert answer.status_code == 200


def test_with_nothing_stored_every_symbol_is_unknown(client: FlaskClient) -> None:
    answer = _get(client, "symbol=BTCUSDT&interval=1h")
    assert answer.status_code == 404
    assert "stored are none yet" in answer.get_json()["error"]["message"]


def test_the_same_answer_is_not_sent_twice(client: FlaskClient, store: Store) -> None:
    store(count=1)
    first = _get(client, "symbol=BTCUSDT&interval=1h")
    again = _get(
        client, "symbol=BTCUSDT&interval=1h", **{"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_a_changed_candle_is_seen_at_once(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=1)
    first = _get(client, "symbol=BTCUSDT&interval=1h")
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET close_price = 7.00")
    again = _get(
        client, "symbol=BTCUSDT&interval=1h", **{"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 200
    assert '"close":[7.00]' in again.text


def test_other_parameters_are_another_answer(client: FlaskClient, store: Store) -> None:
    store(count=2)
    first = _get(client, "symbol=BTCUSDT&interval=1h")
    other = _get(
        client,
        "symbol=BTCUSDT&interval=1h&limit=1",
        **{"If-None-Match": first.headers["ETag"]},
    )
    assert other.status_code == 200


def test_answers_are_compressed_for_who_takes_it(
    client: FlaskClient, store: Store
) -> None:
    store(count=24)
    plain = _get(client, "symbol=BTCUSDT&interval=1h")
    packed = _get(client, "symbol=BTCUSDT&interval=1h", **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
    refused = _get(
        client, "symbol=BTCUSDT&interval=1h", **{"Accept-Encoding": "gzip;q=0"}
    )
    assert "Content-Encoding" not in refused.headers


def test_only_reading_is_allowed(client: FlaskClient) -> None:
    answer = client.post("/api/klines")
    assert answer.status_code == 405
    assert answer.get_json()["error"]["code"] == "method_not_allowed"
    assert "GET" in answer.headers["Allow"]


def _made(client: FlaskClient, interval: str, query: str = "") -> dict[str, Any]:
    answer = _get(client, f"symbol=BTCUSDT&interval={interval}&{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
    return body


def test_what_is_not_stored_is_made_of_what_is(
    client: FlaskClient, store: Store
) -> None:
    store(count=24)
    text = _get(client, "symbol=BTCUSDT&interval=4h&limit=2").text
    assert text == (
        '{"symbol":"BTCUSDT","interval":"4h","source_interval":"1h",'
        f'"open_time":[{START + 16 * HOUR},{START + 20 * HOUR}],'
        f'"close_time":[{START + 20 * HOUR - 1},{START + 24 * HOUR - 1}],'
        '"open":[116.10000000,120.10000000],"close":[119.50000000,123.50000000],'
        '"high":[119.90000000,123.90000000],"low":[116.00000000,120.00000000],'
        '"volume":[70.49382712,86.49382712],'
        '"taker_buy_base_asset_volume":[70.00000004,86.00000004],'
        '"quote_asset_volume":[7000.40000004,8600.40000004],'
        '"taker_buy_quote_asset_volume":[70.80000000,86.80000000],'
        '"number_of_trades":[70,86]}'
    )


def test_made_days_are_the_recorded_ones(client: FlaskClient, store: Store) -> None:
    hours = read_recorded(recorded("binance-spot-BTCUSDT-1h-2018-2025.csv.gz"))
    days = read_recorded(recorded("binance-spot-BTCUSDT-1d-2018-2025.csv.gz"))
    store(klines=between(hours, START, START + 30 * DAY))
    body = _made(client, "1d")
    expected = between(days, START, START + 30 * DAY)
    assert body["open_time"] == [day.open_time for day in expected]
    assert body["close_time"] == [day.close_time for day in expected]
    assert body["taker_buy_quote_asset_volume"] == [
        Decimal(day.taker_buy_quote_asset_volume) for day in expected
    ]


def test_start_end_and_limit_are_those_of_made_candles(
    client: FlaskClient, store: Store
) -> None:
    store(count=48)
    cases: list[tuple[str, Sequence[int]]] = [
        ("", range(0, 48, 4)),
        ("limit=2", [40, 44]),
        (f"end={START + 9 * HOUR}&limit=2", [4, 8]),
        (f"start={START + 4 * HOUR}&limit=2", [4, 8]),
        (f"start={START + 4 * HOUR + 1}&limit=2", [8, 12]),
        (f"start={START + 4 * HOUR}&end={START + 8 * HOUR}", [4, 8]),
        (f"start={START + 4 * HOUR}&end={START + 8 * HOUR - 1}", [4]),
        ("start=0&limit=1", [0]),
        ("end=0", []),
        ("start=2030-01-01", []),
        ("start=9999-12-31", []),
    ]
    for query, hours in cases:
        expected = [START + n * HOUR for n in hours]
        assert _made(client, "4h", query)["open_time"] == expected, query


def test_holes_do_not_count_against_the_limit(
    client: FlaskClient, store: Store
) -> None:
    store(klines=make_klines("1h", 2) + make_klines("1h", 2, START + 90 * DAY))
    assert _made(client, "4h", "limit=2")["open_time"] == [START, START + 90 * DAY]
    times = _made(client, "1M", "start=0&limit=2")["open_time"]
    assert times == [START, INTERVALS["1M"].add(START, 2)]


def test_a_made_candle_that_is_not_over_closes_with_its_last_one(
    client: FlaskClient, store: Store
) -> None:
    store(count=30)
    ends = _made(client, "1d")["close_time"]
    assert ends == [START + DAY - 1, START + 30 * HOUR - 1]


def test_the_source_is_what_has_the_time_asked_for(
    client: FlaskClient, store: Store
) -> None:
    store("BTCUSDT", "1h", 10)
    store("BTCUSDT", "1m", 60 * 24)
    assert _made(client, "2h", "start=0&limit=2")["source_interval"] == "1h"
    body = _made(client, "2h", "limit=2")
    assert body["source_interval"] == "1m"
    assert body["close_time"][-1] == START + 24 * HOUR - 1
    assert _made(client, "5m", "limit=1")["open_time"] == [START + DAY - 5 * MINUTE]


def test_made_candles_change_with_their_source(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=8)
    query = "symbol=BTCUSDT&interval=4h"
    tag = {"If-None-Match": _get(client, query).headers["ETag"]}
    assert _get(client, query, **tag).status_code == 304
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET high_price = 7777.5")
    again = _get(client, query, **tag)
    assert (again.status_code, '"high":[7777.5,7777.5]' in again.text) == (200, True)
