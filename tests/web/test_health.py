"""GET /health: 200 or 503, and how old everything is."""

from __future__ import annotations

from flask.testing import FlaskClient

from klineboard.market.interval import DAY, HOUR
from klineboard.storage.database import Database
from klineboard.storage.stream_contact import note_stream

from ..candles import START, Store
from .conftest import Clock


def test_a_fresh_series_is_ok(client: FlaskClient, store: Store, clock: Clock) -> None:
    store(count=24)
    clock.now = START + DAY + HOUR
    answer = client.get("/health")
    body = answer.get_json()
    assert (answer.status_code, body["status"]) == (200, "ok")
    assert body["database"] == {"ok": True, "error": None}
    assert body["series"][0] == {
        "symbol": "BTCUSDT",
        "interval": "1h",
        "newest_close_time": START + DAY - 1,
        "age_seconds": 3600,
        "interval_seconds": 3600,
        "late": False,
    }
    nothing = {"state": None, "last_event": None, "age_seconds": None}
    assert body["stream"] == nothing
    assert body["market_caps"] == {"fetched_at": None, "age_seconds": None}


def test_a_late_series_is_told_but_a_restart_would_not_help(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store(count=24)
    clock.now = START + 2 * DAY
    answer = client.get("/health")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "late")
    assert answer.get_json()["series"][0]["late"] is True


def test_a_symbol_that_trades_no_more_is_not_late(
    client: FlaskClient, store: Store, clock: Clock, database: Database
) -> None:
    store(count=24)
    clock.now = START + 20 * DAY
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO symbols (symbol, status, base_asset, quote_asset) "
            "VALUES ('BTCUSDT', 'BREAK', 'BTC', 'USDT')"
        )
    assert client.get("/health").get_json()["status"] == "ok"


def test_the_relays_last_event_is_told(
    client: FlaskClient, clock: Clock, database: Database
) -> None:
    with database.transaction() as cursor:
        note_stream(cursor, "stream.example", "live", clock.now - 2000)
    assert client.get("/health").get_json()["stream"] == {
        "state": "live",
        "last_event": clock.now - 2000,
        "age_seconds": 2,
    }


def test_an_empty_database_is_healthy(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")
    assert answer.headers["Cache-Control"] == "no-store"
