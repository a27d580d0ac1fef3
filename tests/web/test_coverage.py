"""GET /coverage and /api/coverage: how complete each day and month is."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from klineboard.market.coverage import Hole
from klineboard.market.interval import DAY, HOUR, INTERVALS
from klineboard.market.kline import to_milliseconds
from klineboard.market.series import Series
from klineboard.settings import Settings
from klineboard.storage.database import Database
from klineboard.storage.exchange import claim_origin
from klineboard.storage.runs import record_run
from klineboard.storage.series import (
    hold_gaps,
    mark_gap,
    scan_holes,
    series_lock,
    sync_gaps,
    to_moment,
    widen_searched_span,
)

from ..candles import START, Store, make_klines
from ..conftest import MakeSettings, recorded
from .conftest import Clock

HOURS = Series("BTCUSDT", INTERVALS["1h"])
ONE = "/api/coverage?symbol=BTCUSDT&interval=1h"
COUNTS = ("expected", "stored", "missing", "outage")


def _cells(body: dict[str, Any]) -> list[dict[str, Any]]:
    columns = {name: rows for name, rows in body["cells"].items() if name != "size"}
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _one(client: FlaskClient, more: str = "") -> dict[str, Any]:
    response = client.get(ONE + more)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    return body


def _note_gaps(database: Database, series: Series, state: str) -> None:
    """Look for holes as the collector does, and give them all the same state."""
    with database.transaction() as cursor:
        hold_gaps(cursor, series)
        for gap in sync_gaps(cursor, series, scan_holes(cursor, series)):
            mark_gap(cursor, series, gap.hole, state, START)


# What is stored, and what is not ------------------------------------------------------


def test_days_tell_what_is_stored(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store(count=30)
    clock.now = START + 30 * HOUR
    body = _one(client)
    first, second = _cells(body)
    assert (first["start"], first["end"]) == (START, START + DAY)
    assert [first[name] for name in COUNTS] == [24, 24, 0, 0]
    assert [second[name] for name in COUNTS] == [6, 6, 0, 0]
    assert first["state"] == second["state"] == "complete"
    assert (body["stored"], body["expected"], body["unplaced"]) == (30, 30, 0)


@pytest.mark.parametrize(
    ("state", "word", "column"),
    [("exchange", "outage", "outage"), ("missing", "partial", "missing")],
)
def test_a_hole_shows_in_its_days_by_its_state(
    client: FlaskClient,
    database: Database,
    store: Store,
    state: str,
    word: str,
    column: str,
) -> None:
    klines = make_klines("1h", 72)
    store(klines=klines[:20] + klines[50:])
    _note_gaps(database, HOURS, state)
    cells = _cells(_one(client))
    assert [cell["stored"] for cell in cells[:3]] == [20, 0, 22]
    assert [cell[column] for cell in cells[:3]] == [4, 24, 2]
    whole = "outage" if word == "outage" else "missing"
    assert [cell["state"] for cell in cells[:3]] == [word, whole, word]


def test_eight_years_with_27_holes_and_43_odd_candles_agree_to_the_candle(
    client: FlaskClient, database: Database, clock: Clock
) -> None:
    path = recorded("binance-spot-BTCUSDT-1h-2018-2025.csv.gz")
    with gzip.open(path, "rt") as file:
        opens = [to_milliseconds(int(line.split(",", 1)[0])) for line in file]
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO klines SELECT 'BTCUSDT', '1h', t, 1, 1, 1, 1, 1, "
            "t + interval '3599999 ms', 1, 1, 1, 1 FROM (SELECT timestamptz 'epoch' "
            "+ ms * interval '1 ms' AS t FROM unnest(%s::bigint[]) AS ms) AS times",
            (opens,),
        )
        widen_searched_span(cursor, HOURS, 0, 2 * START)
        cursor.execute(
            "SELECT (extract(epoch FROM date_trunc('day', open_time, 'UTC')) * 1000)"
            "::bigint, count(*) FROM klines GROUP BY 1"
        )
        true = dict(cursor.fetchall())
    _note_gaps(database, HOURS, "exchange")
    clock.now = 1_767_225_600_000  # 2026-01-01
    body = _one(client)
    days = _cells(body)
    assert {day["start"]: day["stored"] for day in days if day["stored"]} == true
    listed = client.get("/api/series").get_json()["series"][0]
    for cells in (days, _cells(_one(client, "&cell=month"))):
        assert sum(cell["stored"] for cell in cells) == listed["rows"] == 70_008
        assert sum(cell["outage"] for cell in cells) == listed["never_existed"] == 120
        assert sum(cell["missing"] for cell in cells) == listed["missing"] == 0
        assert sum(cell["expected"] for cell in cells) == listed["expected"]
    assert body["unplaced"] == 0


def test_a_late_series_lacks_what_closed_since(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store(count=24)
    clock.now = START + 2 * DAY + 5 * HOUR
    body = _one(client)
    _, second, third = _cells(body)
    assert (second["missing"], second["state"]) == (24, "missing")
    assert third["missing"] == 5
    assert (body["missing"], body["state"]) == (29, "late")


def test_days_before_the_searched_span_lack_their_candles(
    make_client: Callable[[Settings], FlaskClient],
    make_settings: MakeSettings,
    database: Database,
    store: Store,
) -> None:
    client = make_client(make_settings(HISTORY_START="2023-12-30"))
    store(count=24)
    with database.transaction() as cursor:
        widen_searched_span(cursor, HOURS, START, START + DAY)
    body = _one(client)
    assert [cell["missing"] for cell in _cells(body)] == [24, 24, 0]
    assert body["missing"] == 48


def test_a_day_before_the_listing_has_no_cell(
    client: FlaskClient, database: Database, store: Store
) -> None:
    store(count=24)
    with database.transaction() as cursor:
        widen_searched_span(cursor, HOURS, 0, START + DAY)
    assert [cell["start"] for cell in _cells(_one(client))] == [START]


def test_deleted_candles_that_nobody_looked_for_are_told(
    client: FlaskClient, database: Database, store: Store
) -> None:
    store(count=24)
    with database.transaction() as cursor:
        cursor.execute(
            "DELETE FROM klines WHERE open_time > %s AND open_time < %s",
            (to_moment(START), to_moment(START + 4 * HOUR)),
        )
    body = _one(client)
    assert (body["stored"], body["unplaced"]) == (21, 3)
    _note_gaps(database, HOURS, "missing")
    body = _one(client)
    assert (body["missing"], body["unplaced"]) == (3, 0)


def test_only_cells_of_the_span_asked_for_are_told(
    client: FlaskClient, store: Store
) -> None:
    store(count=5 * 24)
    cells = _cells(_one(client, "&start=2024-01-02T12:00&end=2024-01-03"))
    assert [cell["start"] for cell in cells] == [START + DAY, START + 2 * DAY]


def test_no_candle_is_read_for_the_cells(
    client: FlaskClient, database: Database, store: Store, clock: Clock
) -> None:
    store(count=1)
    store(count=1, start=START + 4_000_000 * HOUR)
    with database.transaction() as cursor:
        cursor.execute("UPDATE series SET row_count = 4000001")
    clock.now = START + 4_000_001 * HOUR
    body = _one(client, "&cell=month&end=2024-02-29")
    assert [cell["stored"] for cell in _cells(body)] == [31 * 24, 29 * 24]
    assert body["unplaced"] == 0


# Runs and corrections -----------------------------------------------------------------


def test_runs_and_corrections_are_told_newest_first(
    client: FlaskClient, database: Database, store: Store
) -> None:
    started = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    store(count=2)
    with database.transaction() as cursor:
        record_run(cursor, HOURS, started, status="ok", rows_stored=2, requests=1)
        record_run(cursor, HOURS, started, status="failed", error="no network")
    (kline,) = make_klines("1h", 1)
    store(klines=[kline._replace(close_price="100.75")])
    body = _one(client)
    assert [run["status"] for run in body["runs"]] == ["failed", "ok"]
    assert body["runs"][1]["started_at"] == START
    (correction,) = body["corrections"]
    assert correction["columns"] == ["close_price"]
    assert correction["stored"]["close_price"] == "100.50000000"
    assert correction["replacement"]["close_price"] == "100.75"
    assert body["last_correction"]["open_time"] == START
    assert body["last_run"]["status"] == "failed"
    every = client.get("/api/coverage?limit=1").get_json()
    assert [run["status"] for run in every["runs"]] == ["failed"]


# All series ---------------------------------------------------------------------------


def test_all_series_are_told_by_month_those_of_the_settings_first(
    client: FlaskClient, database: Database, store: Store
) -> None:
    store("ADAUSDT", count=24)
    store(count=24)
    with database.transaction() as cursor:
        claim_origin(cursor, "simulated")
    body = client.get("/api/coverage").get_json()
    first, *_, last = body["series"]
    assert (first["symbol"], first["interval"], last["symbol"]) == (
        "BTCUSDT",
        "1h",
        "ADAUSDT",
    )
    assert (first["cells"]["size"], first["cells"]["stored"]) == ("month", [24])
    assert first["cells"]["end"] == [START + 31 * DAY]
    assert body["origin"] == "simulated"


def test_with_nothing_stored_every_series_says_so(client: FlaskClient) -> None:
    body = client.get("/api/coverage").get_json()
    assert {one["state"] for one in body["series"]} == {"empty"}
    assert body["series"][0]["cells"]["start"] == body["runs"] == []
    assert _one(client)["first_open_time"] is None


def test_a_collector_at_work_is_told_with_its_progress(
    client: FlaskClient, database: Database, store: Store, clock: Clock
) -> None:
    store(count=24)
    clock.now = START + 4 * DAY
    with series_lock(database, HOURS):
        body = _one(client)
    assert body["state"] == "collecting"
    assert body["progress"] == {"stored": 24, "expected": 96}


# Bad requests, and answers that stay --------------------------------------------------


_BAD = (
    ("symbol=BTCUSDT", 400, "missing_interval", "expected one of 1s"),
    ("interval=1h", 400, "missing_symbol", "symbol is missing"),
    ("symbol=BTCUSDT&interval=7m", 400, "unknown_interval", "'7m'"),
    ("symbol=BTCUSD&interval=1h", 404, "unknown_symbol", "did you mean BTCUSDT"),
    ("symbol=%00&interval=1h", 404, "unknown_symbol", "stored are BTCUSDT"),
    ("symbol=BTCUSDT&interval=3m", 404, "interval_not_stored", "1h, 4h, 1d"),
    ("symbol=BTCUSDT&interval=1h&cell=week", 400, "bad_cell", "'week'"),
    ("cell=day", 400, "bad_cell", "needs a symbol"),
    ("limit=0", 400, "bad_limit", "'0'"),
    ("limit=1000000000", 400, "bad_limit", "from 1 to 100"),
    ("start=soon", 400, "bad_time", "'soon'"),
    ("start=2024-02-01&end=2024-01-01", 400, "start_after_end", "2024-02-01"),
    ("symbl=BTCUSDT", 400, "unknown_parameter", "did you mean symbol"),
)


def test_a_bad_request_is_told_what_was_expected(
    client: FlaskClient, store: Store
) -> None:
    store(count=1)
    for query, status, code, word in _BAD:
        response = client.get(f"/api/coverage?{query}")
        error = response.get_json()["error"]
        assert (response.status_code, error["code"]) == (status, code), query
        assert word in error["message"], query


def test_the_answer_stays_the_same_until_something_changes(
    client: FlaskClient, database: Database, store: Store, clock: Clock
) -> None:
    store(count=12)
    response = client.get(ONE, headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.data))["stored"] == 12
    tag = {"If-None-Match": response.headers["ETag"]}
    clock.now += 60_000
    assert client.get(ONE, headers=tag).status_code == 304
    with database.transaction() as cursor:
        sync_gaps(cursor, HOURS, [Hole(START + HOUR, START + 2 * HOUR)])
    assert client.get(ONE, headers=tag).status_code == 200


def test_one_series_and_all_series_are_different_answers(
    make_client: Callable[[Settings], FlaskClient], make_settings: MakeSettings
) -> None:
    client = make_client(make_settings(SYMBOLS="BTCUSDT", INTERVALS="1h"))
    every = client.get("/api/coverage?cell=month").get_json()
    assert "series" in every
    assert "series" not in _one(client, "&cell=month")


# The page -----------------------------------------------------------------------------


def test_no_script_and_no_style_is_inline(client: FlaskClient) -> None:
    text = client.get("/coverage").text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


def test_the_files_of_the_page_are_there(client: FlaskClient) -> None:
    addresses = re.findall(r'"(/static/[^"]+)"', client.get("/coverage").text)
    assert len(addresses) > 18
    assert {client.get(address).status_code for address in addresses} == {200}


def test_every_page_leads_to_it(client: FlaskClient) -> None:
    for path in ("/", "/live", "/trades", "/coverage"):
        assert '<a href="/coverage" data-page="/coverage"' in client.get(path).text


def test_the_frame_is_sent_once(client: FlaskClient) -> None:
    tag = client.get("/coverage").headers["ETag"]
    assert client.get("/coverage", headers={"If-None-Match": tag}).status_code == 304
