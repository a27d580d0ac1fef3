"""CoinGecko's ranking over the simulated market."""

from __future__ import annotations

import pytest

from .conftest import Client


@pytest.mark.parametrize("path", ["/coins/markets", "/api/v3/coins/markets"])
def test_the_ten_largest_come_in_order(client: Client, path: str) -> None:
    coins = client.get(
        path, vs_currency="usd", order="market_cap_desc", per_page=10, page=1
    ).json()
    caps = [coin["market_cap"] for coin in coins]
    assert caps == sorted(caps, reverse=True)
    assert [coin["market_cap_rank"] for coin in coins] == list(range(1, 11))


def test_prices_follow_the_simulated_market(client: Client) -> None:
    price = client.get("/api/v3/ticker/price", symbol="ETHUSDT").json()["price"]
    coins = client.get("/coins/markets", vs_currency="usd", ids="ethereum").json()
    assert coins[0]["current_price"] == float(price)


def test_young_coins_have_neither_cap_nor_rank(client: Client) -> None:
    last = client.get("/coins/markets", vs_currency="usd", per_page=250).json()[-1]
    assert (last["market_cap"], last["market_cap_rank"]) == (None, None)


def test_faults_befall_coingecko_by_path(client: Client) -> None:
    client.post("/simulator/faults", {"kind": "status", "status": 429, "path": "/ping"})
    assert client.get("/coins/markets", vs_currency="usd").status_code == 200
    assert client.get("/ping").status_code == 429
