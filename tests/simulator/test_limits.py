"""Request weight, 429 and 418."""

from __future__ import annotations

from klineboard.simulator import Simulator

from .conftest import NOW, Client, Ticks


def spend(client: Client, times: int) -> list[int]:
    """Ask for exchangeInfo (weight 20), and return the statuses."""
    return [client.get("/api/v3/exchangeInfo").status_code for _ in range(times)]


def test_each_answer_tells_the_weight_used(client: Client) -> None:
    weights = [
        client.get(path, **parameters).headers["X-MBX-USED-WEIGHT-1M"]
        for path, parameters in (
            ("/api/v3/ping", {}),
            ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1h"}),
            ("/api/v3/exchangeInfo", {}),
            ("/api/v3/ticker/price", {}),
        )
    ]
    assert weights == ["1", "3", "23", "27"]


def test_beyond_the_limit_comes_429_until_the_minute_ends(
    client: Client, ticks: Ticks
) -> None:
    ticks.seconds = 18.5
    assert spend(client, 6) == [200] * 5 + [429]
    refused = client.get("/api/v3/exchangeInfo")
    assert refused.headers["Retry-After"] == "42"
    assert refused.json()["code"] == -1003
    ticks.seconds = 60.5
    assert spend(client, 1) == [200]


def test_who_goes_on_asking_is_banned(client: Client, ticks: Ticks) -> None:
    assert spend(client, 16) == [200] * 5 + [429] * 10 + [418]
    ticks.seconds = 61.0
    banned = client.get("/api/v3/ping")
    assert (banned.status_code, banned.headers["Retry-After"]) == (418, "60")
    assert f"IP banned until {NOW + 59_000}." in banned.json()["msg"]
    ticks.seconds = 121.0
    assert client.get("/api/v3/ping").status_code == 200


def test_statistics_count_what_was_refused(
    client: Client, simulator: Simulator
) -> None:
    spend(client, 16)
    counts = client.get("/simulator/statistics").json()
    assert (counts["requests"], counts["429"], counts["418"]) == (16, 10, 1)
    assert counts["by_path"] == {"/api/v3/exchangeInfo": 16}
    assert simulator.statistics.answers(200) == 5


def test_weights_can_be_set_by_request(client: Client) -> None:
    client.post("/simulator/weights", {"used": 99})
    assert spend(client, 1) == [429]
    client.post("/simulator/weights", {"limit": 6_000, "used": 0})
    assert spend(client, 1) == [200]
