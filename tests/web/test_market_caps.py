"""GET /api/market-caps: the stored ranking with its age."""

from __future__ import annotations

from decimal import Decimal

from flask.testing import FlaskClient

from klineboard.market.market_cap import MarketCap
from klineboard.storage.database import Database
from klineboard.storage.market_caps import (
    claim_refresh,
    note_refresh_failed,
    store_market_caps,
)

from ..candles import Store
from .conftest import Clock

COINS = [
    MarketCap(
        1, "bitcoin", "btc", "Bitcoin", Decimal("64210.5"), Decimal(10**12), None
    ),
    MarketCap(2, "tether", "usdt", "Tether", Decimal(1), None, Decimal("-0.01")),
]


def _keep(database: Database, coins: list[MarketCap]) -> None:
    with database.transaction() as cursor:
        claim_refresh(cursor, 0)
        store_market_caps(cursor, coins)


def test_before_the_first_answer_there_is_none(client: FlaskClient) -> None:
    assert client.get("/api/market-caps").get_json() == {
        "fetched_at": None,
        "age_seconds": None,
        "error": None,
        "market_caps": [],
    }


def test_the_newest_ranking_comes_with_its_age(
    client: FlaskClient, database: Database, clock: Clock
) -> None:
    _keep(database, COINS)
    fetched_at = client.get("/api/market-caps").get_json()["fetched_at"]
    clock.now = fetched_at + 61_000
    body = client.get("/api/market-caps").get_json()
    assert body["age_seconds"] == 61
    assert body["market_caps"][0] == {
        "rank": 1,
        "coin_id": "bitcoin",
        "symbol": "btc",
        "name": "Bitcoin",
        "price_usd": 64210.5,
        "market_cap_usd": 10**12,
        "change_24h_percent": None,
        "chart": None,
    }


def test_a_slice_names_the_stored_chart_of_its_coin(
    client: FlaskClient, database: Database, store: Store
) -> None:
    _keep(database, COINS)
    store("BTCEUR", count=1)
    store("BTCUSDT", count=1)
    charts = [
        coin["chart"]
        for coin in client.get("/api/market-caps").get_json()["market_caps"]
    ]
    assert charts == ["BTCUSDT", None]


def test_only_the_ten_largest_are_told(client: FlaskClient, database: Database) -> None:
    many = [COINS[0]._replace(rank=rank) for rank in range(1, 13)]
    _keep(database, many)
    ranks = [
        coin["rank"]
        for coin in client.get("/api/market-caps").get_json()["market_caps"]
    ]
    assert ranks == list(range(1, 11))


def test_a_failed_refresh_keeps_the_last_good_answer(
    client: FlaskClient, database: Database
) -> None:
    _keep(database, COINS)
    with database.transaction() as cursor:
        note_refresh_failed(cursor, "CoinGecko asks for silence (429)")
    body = client.get("/api/market-caps").get_json()
    assert body["error"] == "CoinGecko asks for silence (429)"
    assert len(body["market_caps"]) == 2
