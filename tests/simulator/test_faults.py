"""Faults, tampering and bent time, as tests in other processes ask for them."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import requests

from klineboard.market.interval import HOUR, INTERVALS
from klineboard.simulator import Simulator
from klineboard.simulator.faults import Fault

from .conftest import NOW, Client

SERIES = {"symbol": "BTCUSDT", "interval": "1h", "limit": 10}
FLOOR = INTERVALS["1h"].floor(NOW)


def fail(client: Client, **fault: Any) -> None:
    assert client.post("/simulator/faults", [fault]).status_code == 200


def test_a_status_comes_as_often_as_asked_with_its_words(client: Client) -> None:
    fail(client, kind="status", status=429, code=-1003, retry_after=3, count=2)
    answers = [client.get("/api/v3/time") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert answers[0].json()["code"] == -1003


def test_a_fault_waits_for_its_series_and_skips_some(client: Client) -> None:
    fail(client, kind="status", symbol="BTCUSDT", interval="1h", skip=1)
    assert client.get("/api/v3/klines", symbol="ETHUSDT", interval="1h").ok
    assert [client.get("/api/v3/klines", **SERIES).ok for _ in range(3)] == [
        True,
        False,
        True,
    ]


def test_a_reset_cuts_the_connection(client: Client) -> None:
    fail(client, kind="reset")
    with pytest.raises(requests.ConnectionError):
        client.get("/api/v3/time")


def test_a_hang_stays_silent(simulator: Simulator) -> None:
    simulator.faults.add(kind="hang", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        requests.get(simulator.url + "/api/v3/time", timeout=0.2)


def test_stopping_does_not_wait_for_those_that_hang() -> None:
    with Simulator() as simulator:
        simulator.faults.add(kind="hang", seconds=3_600)
        host, _, port = simulator.url.removeprefix("http://").partition(":")
        waiting = socket.create_connection((host, int(port)), timeout=5)
        waiting.sendall(b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n")
    waiting.close()


def test_a_truncated_body_ends_early(client: Client) -> None:
    fail(client, kind="truncate", path="/api/v3/klines")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/api/v3/klines", **SERIES)


def test_html_comes_instead_of_json(client: Client) -> None:
    fail(client, kind="html", status=403)
    answer = client.get("/api/v3/klines", **SERIES)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html")


def test_rows_are_damaged_one_way_each(client: Client) -> None:
    whole = client.klines(**SERIES)
    fail(client, kind="wrong_columns")
    assert len(client.klines(**SERIES)[5]) == 7
    fail(client, kind="duplicate_rows")
    assert client.klines(**SERIES)[5] == client.klines(**SERIES)[5] == whole[5]
    fail(client, kind="nan")
    assert client.klines(**SERIES)[5][4] == "NaN"
    fail(client, kind="high_below_low")
    row = client.klines(**SERIES)[5]
    assert float(row[2]) < float(row[3])
    fail(client, kind="short_page")
    assert client.klines(**SERIES) == whole[:5]
    assert client.klines(**SERIES) == whole


def test_a_stale_answer_lacks_the_newest_closed_candles(client: Client) -> None:
    fail(client, kind="stale", rows=2)
    assert client.klines(**SERIES)[-1][0] == FLOOR - 3 * HOUR
    assert client.klines(**SERIES)[-1][0] == FLOOR


def test_faults_are_listed_and_cleared(client: Client) -> None:
    fail(client, kind="reset", count=7)
    assert client.get("/simulator/faults").json()[0]["count"] == 7
    assert client.delete("/simulator/faults").json() == []
    assert client.get("/api/v3/time").ok


def test_an_unknown_fault_is_refused_by_name(client: Client) -> None:
    answer = client.post("/simulator/faults", [{"kind": "earthquake"}])
    assert answer.status_code == 400
    assert "earthquake" in answer.json()["error"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reset", Fault("reset")),
        (
            "status=429,retry_after=2,count=3",
            Fault("status", 429, retry_after=2, count=3),
        ),
        ("kind=hang,seconds=1.5", Fault("hang", seconds=1.5)),
    ],
)
def test_the_command_line_has_a_short_form(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


def test_time_can_be_set_sped_up_and_advanced(
    client: Client, simulator: Simulator
) -> None:
    client.post("/simulator/clock", {"now": "2023-01-01", "advance_ms": 5})
    assert simulator.clock.now() == 1_672_531_200_005
    assert client.post("/simulator/clock", {"speed": 60}).json()["speed"] == 60


def test_hidden_candles_heal(client: Client) -> None:
    whole = client.klines(**SERIES)
    stretch = {"symbol": "BTCUSDT", "start": FLOOR - 3 * HOUR, "end": FLOOR - HOUR}
    client.post("/simulator/outages", stretch)
    assert client.klines(**SERIES)[-3:] == [whole[-5], *whole[-2:]]
    assert len(client.klines(**SERIES)) == len(whole)
    client.delete("/simulator/outages")
    assert client.klines(**SERIES) == whole


def test_a_candle_can_be_corrected_and_taken_back(client: Client) -> None:
    whole = client.klines(**SERIES)
    correction = {"open_time": FLOOR - HOUR, "close_price": "1.50000000"}
    client.post(
        "/simulator/corrections", {**correction, "symbol": "BTCUSDT", "interval": "1h"}
    )
    assert client.klines(**SERIES)[-2][4] == "1.50000000"
    client.delete("/simulator/corrections")
    assert client.klines(**SERIES) == whole
