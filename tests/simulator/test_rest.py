"""Binance's rules for requests, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from klineboard.market.interval import HOUR, INTERVALS
from klineboard.simulator import Simulator

from .conftest import NOW, Client

SERIES = {"symbol": "BTCUSDT", "interval": "1h"}
FLOOR = INTERVALS["1h"].floor(NOW)


def opens(rows: Any) -> list[int]:
    return [row[0] for row in rows]


def test_time_is_the_simulated_one(client: Client) -> None:
    assert client.get("/api/v3/time").json() == {"serverTime": NOW}


def test_without_times_the_newest_candles_come_the_open_one_last(
    client: Client,
) -> None:
    rows = client.klines(**SERIES, limit=3)
    assert opens(rows) == [FLOOR - 2 * HOUR, FLOOR - HOUR, FLOOR]
    assert rows[-1][6] == FLOOR + HOUR - 1


def test_rows_have_twelve_columns_of_binance_types(client: Client) -> None:
    kinds = [type(value) for value in client.klines(**SERIES, limit=1)[0]]
    assert kinds == [int, *[str] * 5, int, str, int, str, str, str]


def test_the_default_is_500_rows_and_the_most_1000(client: Client) -> None:
    assert len(client.klines(**SERIES)) == 500
    assert len(client.klines(**SERIES, limit=5_000)) == 1_000


def test_only_start_gives_the_oldest_from_there(client: Client) -> None:
    start = FLOOR - 100 * HOUR
    assert opens(client.klines(**SERIES, startTime=start, limit=2)) == [
        start,
        start + HOUR,
    ]
    assert opens(client.klines(**SERIES, startTime=start + 1, limit=1)) == [
        start + HOUR
    ]


def test_only_end_gives_the_newest_up_to_it(client: Client) -> None:
    end = FLOOR - 100 * HOUR
    assert opens(client.klines(**SERIES, endTime=end, limit=2)) == [end - HOUR, end]
    assert opens(client.klines(**SERIES, endTime=end - 1, limit=1)) == [end - HOUR]


def test_equal_start_and_end_give_one_candle(client: Client) -> None:
    times = {"startTime": FLOOR - HOUR, "endTime": FLOOR - HOUR}
    assert opens(client.klines(**SERIES, **times)) == [FLOOR - HOUR]


def test_a_page_in_an_outage_or_before_the_listing_is_empty(client: Client) -> None:
    assert (
        client.klines(**SERIES, startTime=1_518_080_400_000, endTime=1_518_084_000_000)
        == []
    )
    assert client.klines(**SERIES, startTime=0, endTime=1_500_000_000_000) == []


def test_paging_forward_meets_every_candle_once(client: Client) -> None:
    start, seen = FLOOR - 2_500 * HOUR, []
    while rows := client.klines(**SERIES, startTime=start, limit=1_000):
        seen += opens(rows)
        start = rows[-1][0] + HOUR
    assert seen == list(range(FLOOR - 2_500 * HOUR, FLOOR + HOUR, HOUR))


def test_microseconds_are_understood(client: Client) -> None:
    start = (FLOOR - HOUR) * 1_000
    assert opens(client.klines(**SERIES, startTime=start, limit=1)) == [FLOOR - HOUR]


def test_microseconds_are_served_to_those_who_ask_for_them(
    simulator: Simulator,
) -> None:
    answer = requests.get(
        simulator.url + "/api/v3/klines",
        params={**SERIES, "limit": "1"},
        headers={"X-MBX-TIME-UNIT": "MICROSECOND"},
        timeout=5,
    )
    row = answer.json()[0]
    assert (row[0], row[6]) == (FLOOR * 1_000, (FLOOR + HOUR) * 1_000 - 1)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"interval": "1h"}, -1102),
        ({"symbol": "BTCUSDT"}, -1102),
        ({**SERIES, "symbol": ""}, -1105),
        ({**SERIES, "symbol": "NOSUCH"}, -1121),
        ({**SERIES, "symbol": "btcusdt"}, -1100),
        ({**SERIES, "symbol": "BTC/USDT"}, -1100),
        ({**SERIES, "interval": "1H"}, -1120),
        ({**SERIES, "symbol": ["BTCUSDT", "BTCUSDT"]}, -1101),
        ({**SERIES, "start": 1}, -1104),
        ({**SERIES, "limit": 0}, -1130),
        ({**SERIES, "limit": -1}, -1100),
        ({**SERIES, "startTime": "2024-01-01"}, -1100),
        ({**SERIES, "timeZone": "8"}, -1130),
    ],
)
def test_broken_rules_get_binances_code(
    client: Client, parameters: dict[str, Any], code: int
) -> None:
    answer = client.get("/api/v3/klines", **parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_unread_parameters_are_counted_in_binances_words(client: Client) -> None:
    assert client.klines(**SERIES, x=1)["msg"] == (
        "Not all sent parameters were read; read '2' parameter(s) but was sent '3'."
    )


def test_symbols_beyond_ascii_are_served(client: Client, simulator: Simulator) -> None:
    simulator.clock.set(now=1_780_000_000_000)
    rows = client.klines(symbol="币安人生USDT", interval="1d", limit=2)
    assert len(rows) == 2


def test_a_symbol_is_unknown_before_its_listing(
    client: Client, simulator: Simulator
) -> None:
    simulator.clock.set(now=1_546_300_800_000)
    assert client.klines(symbol="SOLUSDT", interval="1d")["code"] == -1121


def test_exchange_info_names_symbols_limits_and_filters(client: Client) -> None:
    info = client.get("/api/v3/exchangeInfo").json()
    statuses = {symbol["symbol"]: symbol["status"] for symbol in info["symbols"]}
    assert statuses["BTCUSDT"] == "TRADING"
    assert statuses["LUNAUSDT"] == "BREAK"
    assert statuses["FTTUSDT"] == "HALT"
    assert info["rateLimits"][0] == {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 100,
    }
    filters = {one["filterType"]: one for one in info["symbols"][0]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"


def test_exchange_info_can_be_asked_for_some_symbols(client: Client) -> None:
    def asked(**parameters: str) -> Any:
        info = client.get("/api/v3/exchangeInfo", **parameters).json()
        return info.get("code") or [symbol["symbol"] for symbol in info["symbols"]]

    assert asked(symbol="ETHUSDT") == ["ETHUSDT"]
    assert asked(symbols='["BNBUSDT","ETHUSDT"]') == ["BNBUSDT", "ETHUSDT"]
    assert asked(symbols='["NOSUCH"]') == -1121
    assert asked(symbols="BTCUSDT") == -1100


def test_the_ticker_is_the_close_of_the_open_candle(client: Client) -> None:
    price = client.get("/api/v3/ticker/price", symbol="BTCUSDT").json()["price"]
    assert price == client.klines(**SERIES, limit=1)[0][4]
    assert len(client.get("/api/v3/ticker/price").json()) > 10


def test_every_answer_names_the_origin(client: Client) -> None:
    for path in ("/api/v3/time", "/nothing", "/coins/markets", "/simulator/statistics"):
        assert client.get(path).headers["X-Market-Origin"] == "simulated"


def test_an_empty_origin_sends_no_header() -> None:
    with Simulator(origin="") as simulator:
        client = Client(simulator.url)
        assert "X-Market-Origin" not in client.get("/api/v3/time").headers
        client.close()
