"""GET /api/series: every series with its coverage and state."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from klineboard.market.interval import DAY, HOUR
from klineboard.storage.database import Database
from klineboard.storage.exchange import claim_origin, note_failed, note_reached

from ..candles import START, Store
from .conftest import Clock


def _series(client: FlaskClient) -> list[dict[str, Any]]:
    series: list[dict[str, Any]] = client.get("/api/series").get_json()["series"]
    return series


def test_configured_series_come_first_and_in_their_order(
    client: FlaskClient, store: Store
) -> None:
    store("ADAUSDT", count=1)
    names = [(one["symbol"], one["interval"]) for one in _series(client)]
    assert names[:4] == [
        ("BTCUSDT", "1h"),
        ("BTCUSDT", "4h"),
        ("BTCUSDT", "1d"),
        ("ETHUSDT", "1h"),
    ]
    assert names[-1] == ("ADAUSDT", "1h")


def test_a_series_without_candles_is_listed_as_empty(client: FlaskClient) -> None:
    first = _series(client)[0]
    assert (first["rows"], first["state"], first["spark"]) == (0, "empty", [])
    assert first["first_open_time"] is first["last_price"] is None


def test_a_stored_series_is_told_in_full(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store(count=60)
    clock.now = START + 60 * HOUR
    first = _series(client)[0]
    assert first["first_open_time"] == START
    assert first["last_open_time"] == START + 59 * HOUR
    assert first["rows"] == first["expected"] == 60
    assert (first["missing"], first["never_existed"]) == (0, 0)
    assert first["last_price"] == "159.50000000"
    assert first["change_24h_percent"] == "17.71"
    assert first["spark"] == [112.5 + n for n in range(48)]
    assert (first["state"], first["last_run"]) == ("ok", None)


def test_the_exchange_and_its_last_contact_are_told(
    client: FlaskClient, database: Database
) -> None:
    with database.transaction() as cursor:
        claim_origin(cursor, "simulated")
        note_reached(cursor, "127.0.0.1", START)
        note_failed(cursor, "127.0.0.1", "refused")
    body = client.get("/api/series").get_json()
    assert body["origin"] == "simulated"
    assert body["exchange"]["error"] == "refused"
    assert isinstance(body["exchange"]["failed_at"], int)


def test_candles_grow_old_by_the_exchanges_clock_not_by_ours(
    client: FlaskClient, database: Database, store: Store, clock: Clock
) -> None:
    store(count=3)
    years = 3 * 365 * DAY
    clock.now = START + 3 * HOUR + years
    with database.transaction() as cursor:
        # The exchange lives three years before us (PostgreSQL's clock is the real one).
        cursor.execute(
            "INSERT INTO exchange_contact (host, reached_at, clock_ahead_ms) "
            "VALUES ('bent', now(), %s)",
            (-years,),
        )
    (series,) = [s for s in client.get("/api/series").get_json()["series"] if s["rows"]]
    assert (series["state"], series["missing"]) == ("ok", 0)
    assert client.get("/health").get_json()["status"] == "ok"
    view = client.get("/api/view?symbol=BTCUSDT").get_json()
    assert view["state"] == "ok"
    assert view["now"] == START + 3 * HOUR


def test_a_row_with_nan_breaks_no_page(
    client: FlaskClient, database: Database, store: Store
) -> None:
    store(count=3)
    with database.transaction() as cursor:
        cursor.execute("UPDATE klines SET close_price = 'NaN'")
    for path in ("/api/series", "/api/klines?symbol=BTCUSDT&interval=1h", "/health"):
        assert client.get(path).status_code == 200, path


def test_the_answer_stays_the_same_until_something_changes(
    client: FlaskClient, store: Store, clock: Clock
) -> None:
    store(count=3)
    clock.now = START + 3 * HOUR
    tag = {"If-None-Match": client.get("/api/series").headers["ETag"]}
    clock.now += 60_000
    assert client.get("/api/series", headers=tag).status_code == 304
    clock.now += 10 * DAY
    assert client.get("/api/series", headers=tag).status_code == 200
