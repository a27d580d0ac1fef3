"""GET /api/view: all that the dashboard shows of one symbol."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from klineboard.market.coverage import Hole
from klineboard.market.interval import DAY, HOUR
from klineboard.storage.database import Database
from klineboard.storage.series import (
    mark_gap,
    series_lock,
    sync_gaps,
    widen_searched_span,
)

from ..candles import START, Store, make_klines
from .conftest import Clock


def _view(client: FlaskClient, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/view?{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def test_nothing_asked_is_a_month_of_the_first_configured_symbol(
    client: FlaskClient, store: Store
) -> None:
    store("ZECUSDT", count=3)
    store("ETHUSDT", count=3)
    body = _view(client)
    assert (body["symbol"], body["interval"], body["range"]) == ("ETHUSDT", "1h", "1M")
    assert body["requested_interval"] is None


def test_candles_have_the_stored_digits(client: FlaskClient, store: Store) -> None:
    store(count=3)
    candles = _view(client)["candles"]
    assert candles["open"] == ["100.10000000", "101.10000000", "102.10000000"]
    assert candles["open_time"] == [START, START + HOUR, START + 2 * HOUR]
    assert candles["quote_asset_volume"][0] == "0.10000001"


def test_a_coarser_interval_is_aggregated(client: FlaskClient, store: Store) -> None:
    store(count=24)
    body = _view(client, "interval=4h")
    assert (body["interval"], body["source_interval"]) == ("4h", "1h")
    assert body["candles"]["close"][0] == "103.50000000"
    assert body["candles"]["volume"][0] == "6.49382712"
    assert body["intervals"] == "1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
    assert body["stored_intervals"] == ["1h"]


def test_an_interval_too_short_for_its_range_is_replaced_with_a_word(
    client: FlaskClient, store: Store
) -> None:
    store(count=24 * 60)
    body = _view(client, "interval=1h&range=3M")
    assert (body["interval"], body["requested_interval"]) == ("4h", "1h")
    assert "3M has more than 1,000 candles of 1h" in body["note"]


def test_a_candle_of_a_part_is_told(client: FlaskClient, store: Store) -> None:
    store(count=6)
    body = _view(client, "interval=4h")
    assert body["forming_until"] == START + 6 * HOUR
    assert "The last candle of 4h is not over" in body["note"]
    assert body["candles"]["close_time"][-1] == START + 6 * HOUR - 1


def test_whole_candles_need_no_word(client: FlaskClient, store: Store) -> None:
    store(count=8)
    body = _view(client, "interval=4h")
    assert (body["forming_until"], body["note"]) == (None, None)


def test_the_last_price_changes_over_24_hours(
    client: FlaskClient, store: Store
) -> None:
    store(count=48)
    assert _view(client)["last"] == {
        "price": "147.50000000",
        "change_24h": "24.00000000",
        "change_24h_percent": "19.43",
        "close_time": START + 48 * HOUR - 1,
    }


def test_a_young_series_has_a_price_and_no_change(
    client: FlaskClient, store: Store
) -> None:
    store(count=2)
    last = _view(client)["last"]
    assert (last["price"], last["change_24h"]) == ("101.50000000", None)


def test_minutes_that_began_today_are_compared_with_the_hours_of_yesterday(
    client: FlaskClient, store: Store
) -> None:
    store(count=48)
    store("BTCUSDT", "1m", 10, START + 48 * HOUR)
    last = _view(client)["last"]
    assert last["price"] == "109.50000000"
    assert Decimal(last["change_24h"]) == Decimal("109.5") - Decimal("123.5")


def test_weeks_alone_tell_no_change_of_a_day(client: FlaskClient, store: Store) -> None:
    store("BTCUSDT", "1w", 5)
    assert _view(client)["last"]["change_24h_percent"] is None


def test_the_price_comes_from_the_series_that_closed_last(
    client: FlaskClient, store: Store
) -> None:
    store("BTCUSDT", "1d", 1)
    store("BTCUSDT", "1h", 26)
    assert _view(client, "interval=1d")["last"]["price"] == "125.50000000"


def test_gaps_in_the_view_are_told_and_drawn(
    client: FlaskClient, store: Store, database: Database
) -> None:
    klines = make_klines("1h", 24)
    series = store(klines=klines[:4] + klines[10:])
    hole = Hole(START + 4 * HOUR, START + 10 * HOUR)
    with database.transaction() as cursor:
        sync_gaps(cursor, series, [hole])
        mark_gap(cursor, series, hole, "exchange", START + DAY)
    body = _view(client)
    assert body["gaps"] == [
        {"start": hole.start, "end": hole.end, "state": "exchange", "candles": 6}
    ]
    assert body["coverage"]["never_existed"] == 6
    (shape,) = body["figure"]["layout"]["shapes"]
    assert shape["name"] == "exchange"
    assert (shape["x0"], shape["x1"]) == ("2024-01-01T03:30:00", "2024-01-01T09:30:00")


def test_a_gap_outside_of_the_view_is_not_told(
    client: FlaskClient, store: Store, database: Database
) -> None:
    series = store(count=24 * 10)
    with database.transaction() as cursor:
        sync_gaps(cursor, series, [Hole(START + HOUR, START + 2 * HOUR)])
    assert _view(client, "range=1D")["gaps"] == []


def test_coverage_counts_what_is_known(
    client: FlaskClient, store: Store, database: Database, clock: Clock
) -> None:
    series = store(count=24)
    with database.transaction() as cursor:
        widen_searched_span(cursor, series, 0, START + 23 * HOUR)
    clock.now = START + 25 * HOUR
    body = _view(client)
    coverage = body["coverage"]
    assert (coverage["stored"], coverage["missing"]) == (24, 0)
    assert coverage["expected"] == 24
    assert coverage["first_open_time"] == START
    assert (body["state"], body["state_text"]) == ("ok", None)


def test_a_late_series_says_so(client: FlaskClient, store: Store, clock: Clock) -> None:
    store(count=24)
    clock.now = START + 10 * DAY
    body = _view(client)
    assert body["state"] == "late"
    assert body["state_text"].startswith("Late: the newest candle closed at 2024-01-02")


def test_a_collector_at_work_is_told_with_its_progress(
    client: FlaskClient, store: Store, database: Database, clock: Clock
) -> None:
    series = store(count=24)
    clock.now = START + 10 * DAY
    with series_lock(database, series):
        body = _view(client)
    assert body["state"] == "collecting"
    assert body["progress"] == {"stored": 24, "expected": 240}


def test_a_configured_symbol_without_candles_is_a_state_and_no_error(
    client: FlaskClient,
) -> None:
    body = _view(client, "symbol=BTCUSDT&interval=4h")
    assert (body["state"], body["interval"]) == ("empty", "4h")
    assert body["view"] is body["last"] is None
    assert body["candles"]["open"] == []
    assert body["intervals"] == ["1h", "4h", "1d"]


def test_a_configured_interval_without_candles_is_empty_too(
    client: FlaskClient, store: Store
) -> None:
    store("BTCUSDT", "1d", 3)
    body = _view(client, "symbol=BTCUSDT&interval=4h")
    assert (body["state"], body["interval"]) == ("empty", "4h")
    assert body["last"]["price"] == "102.50000000"


def test_a_range_behind_the_last_candle_of_an_old_series_is_empty(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store("BTCUSDT", "1h", 3)
    store("BTCUSDT", "4h", 3, START + 30 * DAY)
    clock.now = START + HOUR * 3
    body = _view(client, "interval=1h&range=1D")
    assert body["state"] == "range_empty"
    assert "the newest closed at 2024-01-01 03:00 UTC" in body["state_text"]


def test_a_late_series_without_candles_in_its_range_keeps_its_state(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store("BTCUSDT", "1h", 3)
    store("BTCUSDT", "4h", 3, START + 30 * DAY)
    clock.now = START + 31 * DAY
    assert _view(client, "interval=1h&range=1D")["state"] == "late"


@pytest.mark.parametrize(
    ("query", "status", "code", "words"),
    [
        ("symbol=BTCUSD", 404, "unknown_symbol", "did you mean BTCUSDT?"),
        ("symbol=%00", 404, "unknown_symbol", "unknown symbol"),
        ("interval=1H", 400, "unknown_interval", "did you mean 1h?"),
        ("interval=5m", 404, "interval_not_stored", "expected one of 1h, 2h"),
        ("range=2W", 400, "unknown_range", "expected one of 1D, 1W, 1M, 3M, 1Y, All"),
        ("range=1m", 400, "unknown_range", "did you mean 1M"),
        ("simbol=BTCUSDT", 400, "unknown_parameter", "did you mean symbol?"),
    ],
)
def test_bad_input_is_named_with_what_was_expected(
    client: FlaskClient, store: Store, query: str, status: int, code: str, words: str
) -> None:
    store(count=2)
    answer = client.get(f"/api/view?{query}")
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert words in error["message"]


def test_symbols_may_be_unicode_and_not_configured(
    client: FlaskClient, store: Store
) -> None:
    store("币安人生USDT", count=2)
    body = _view(client, f"symbol={quote('币安人生usdt')}")
    assert (body["base_asset"], body["quote_asset"]) == ("币安人生", "USDT")


def test_the_answer_stays_the_same_until_something_changes(
    client: FlaskClient, store: Store, database: Database, clock: Clock
) -> None:
    series = store(count=3)
    first = client.get("/api/view")
    tag = {"If-None-Match": first.headers["ETag"]}
    clock.now += 60_000
    assert client.get("/api/view", headers=tag).status_code == 304
    with database.transaction() as cursor:
        sync_gaps(cursor, series, [Hole(START + HOUR, START + 2 * HOUR)])
    assert client.get("/api/view", headers=tag).status_code == 200


def test_the_time_in_a_body_is_not_old(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store(count=3)
    _view(client)
    clock.now += 60_000
    assert _view(client)["now"] == clock.now


def test_a_finer_series_of_the_symbol_renews_the_price(
    client: FlaskClient, store: Store
) -> None:
    store("BTCUSDT", "1d", 1)
    first = client.get("/api/view?interval=1d")
    store("BTCUSDT", "1h", 25)
    again = client.get(
        "/api/view?interval=1d", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 200


def test_digits_are_those_of_the_tick_size(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=1)
    assert _view(client)["price_digits"] == 1
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO symbols (symbol, status, base_asset, quote_asset, tick_size) "
            "VALUES ('BTCUSDT', 'TRADING', 'BTC', 'USDT', 0.01000000)"
        )
    assert _view(client)["price_digits"] == 2


def test_values_that_are_no_numbers_are_not_drawn(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=2)
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET close_price = 'NaN', volume = 'Infinity'")
    body = _view(client)
    assert body["figure"]["data"][0]["close"] == [None, None]
    assert body["figure"]["data"][1]["y"] == [None, None]


def test_a_series_is_told_by_its_last_run(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=1)
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO collection_runs (started_at, finished_at, symbol, interval, "
            "status, rows_stored) VALUES ('2024-01-01T01:00Z', '2024-01-01T01:01Z', "
            "'BTCUSDT', '1h', 'ok', 12)"
        )
    assert _view(client)["last_run"] == {
        "started_at": START + HOUR,
        "finished_at": START + HOUR + 60_000,
        "status": "ok",
        "error": None,
        "rows_stored": 12,
    }
