"""GET /api/view: all that the dashboard shows of one symbol."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from klineboard.market.coverage import Hole
from klineboard.market.interval import DAY, HOUR, MINUTE
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
        ("start=2024-01-01", 400, "missing_end", "beside start='2024-01-01'"),
        ("end=1704067200000", 400, "missing_start", "beside end='1704067200000'"),
        ("start=0&end=soon", 400, "bad_time", "end='soon': expected"),
        (
            "start=2024-01-02&end=2024-01-02T00:00",
            400,
            "start_after_end",
            "start='2024-01-02' does not lie before end='2024-01-02T00:00'",
        ),
        (
            "start=2024-01-02&end=2024-01-01",
            400,
            "start_after_end",
            "end='2024-01-01'; expected start before end",
        ),
        (
            "range=1D&start=2024-01-01&end=2024-01-02",
            400,
            "range_and_span",
            "range='1D'",
        ),
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


def _between(start: int, end: int, rest: str = "") -> str:
    return f"start={start}&end={end}&{rest}"


def test_a_span_shows_the_candles_that_it_cuts_as_a_whole(
    client: FlaskClient, store: Store
) -> None:
    store(count=24)
    body = _view(client, _between(START + 5 * HOUR + 1, START + 9 * HOUR - 1))
    assert body["candles"]["open_time"] == [START + n * HOUR for n in range(5, 9)]
    assert body["view"] == {"start": START + 5 * HOUR, "end": START + 9 * HOUR}
    assert (body["range"], body["interval"], body["note"]) == (None, "1h", None)


def test_a_bare_day_ends_a_span_with_that_day(
    client: FlaskClient, store: Store
) -> None:
    store(count=72)
    body = _view(client, "start=2024-01-02&end=2024-01-02&interval=1d")
    assert body["candles"]["open_time"] == [START + DAY]
    assert body["candles"]["volume"] == ["854.96296272"]


def test_a_minute_is_shown_with_its_seconds(client: FlaskClient, store: Store) -> None:
    store("BTCUSDT", "1s", 300)
    store("BTCUSDT", "1m", 5)
    body = _view(client, _between(START + MINUTE, START + 2 * MINUTE))
    assert (body["interval"], len(body["candles"]["open"])) == ("1s", 60)


def test_every_answer_tells_how_far_the_candles_reach(
    client: FlaskClient, store: Store
) -> None:
    assert _view(client)["bounds"] is None
    store("BTCUSDT", "1h", 24)
    store("BTCUSDT", "1m", 3, START + DAY)
    bounds = {"start": START, "end": START + DAY + 3 * MINUTE}
    assert _view(client, "range=1D")["bounds"] == bounds
    span = _between(START + 5 * HOUR, START + 6 * HOUR)
    assert _view(client, span)["bounds"] == bounds


def test_minutes_of_today_do_not_show_the_hours_of_before(
    client: FlaskClient, store: Store
) -> None:
    store("BTCUSDT", "1h", 240)
    store("BTCUSDT", "1m", 60, START + 10 * DAY - HOUR)
    body = _view(client, _between(START + DAY, START + DAY + 2 * HOUR))
    assert (body["interval"], len(body["candles"]["open"])) == ("1h", 2)
    body = _view(client, _between(START + DAY, START + DAY + 2 * HOUR, "interval=1m"))
    assert (body["interval"], body["requested_interval"]) == ("1h", "1m")
    assert "No candles of 1m are stored from 2024-01-02 00:00" in body["note"]


def test_a_span_outside_of_what_is_stored_says_where_that_is(
    client: FlaskClient, store: Store
) -> None:
    store(count=12)
    body = _view(client, "start=2019-01-01&end=2019-12-31")
    assert (body["state"], body["candles"]["open"]) == ("range_empty", [])
    assert body["state_text"] == (
        "No candles of BTC/USDT 1h are stored from 2019-01-01 00:00 to 2020-01-01 "
        "00:00 UTC; those stored reach from 2024-01-01 00:00 UTC to 2024-01-01 12:00 "
        "UTC."
    )


@pytest.mark.parametrize("end", ["9999-12-31", "253402300799999"])
def test_a_span_may_be_as_long_as_time(
    client: FlaskClient, store: Store, end: str
) -> None:
    store(count=12)
    assert len(_view(client, f"start=0&end={end}")["candles"]["open"]) == 12
    assert _view(client, f"start=9999-01-01&end={end}&interval=1M")["view"] is not None


def test_only_a_span_with_the_newest_candle_has_one_that_is_not_over(
    client: FlaskClient, store: Store
) -> None:
    store(count=30)
    early = _view(client, _between(START, START + 6 * HOUR, "interval=4h"))
    assert early["forming_until"] is None
    assert early["candles"]["close_time"][-1] == START + 8 * HOUR - 1
    late = _view(client, _between(START, START + 30 * HOUR, "interval=4h"))
    assert late["forming_until"] == START + 30 * HOUR


def test_candles_that_stand_closer_than_their_interval_do_not_pass_the_limit(
    client: FlaskClient, store: Store
) -> None:
    store(klines=make_klines("1m", 1200))
    for query in ("", "interval=1h", "range=All", _between(START, START + DAY)):
        body = _view(client, query)
        assert len(body["candles"]["open"]) <= 1000, query
    assert body["interval"] == "2h"


def test_thousands_of_gaps_are_joined_and_said_so(
    client: FlaskClient, store: Store, database: Database
) -> None:
    series = store(klines=make_klines("1h", 900)[::2])
    holes = [Hole(START + n * HOUR, START + (n + 1) * HOUR) for n in range(1, 899, 2)]
    with database.transaction() as cursor:
        sync_gaps(cursor, series, holes)
    body = _view(client, _between(START, START + 900 * HOUR))
    assert len(body["gaps"]) == len(body["figure"]["layout"]["shapes"]) == 200
    assert sum(gap["candles"] for gap in body["gaps"]) == 449
    assert "449 gaps are shown as 200: near ones are joined." in body["note"]
