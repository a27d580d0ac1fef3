"""Exports beside the pages: how many at once, and what the next one is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from klineboard.settings import Settings

from ..candles import Store
from ..conftest import MakeSettings

EXPORT = "/export/BTCUSDT_1h.csv"


@pytest.fixture
def client(
    make_settings: MakeSettings, make_client: Callable[[Settings], FlaskClient]
) -> FlaskClient:
    """An application that answers one export at once."""
    return make_client(make_settings(WEB_WORKERS="64"))


def test_one_too_many_is_told_to_come_again(client: FlaskClient, store: Store) -> None:
    store(count=24)
    with client.get(EXPORT, buffered=False):
        refused = client.get(EXPORT)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        error = refused.get_json()["error"]
        assert error["code"] == "busy"
        assert "try again" in error["message"]
        assert client.get("/api/klines?symbol=BTCUSDT&interval=1h").status_code == 200
    assert client.get(EXPORT).status_code == 200


@pytest.mark.parametrize("path", [EXPORT, "/export/nothing", f"{EXPORT}?start=soon"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_over_makes_room(
    client: FlaskClient, store: Store, path: str, method: str
) -> None:
    store(count=24)
    for _ in range(2):
        client.open(path, method=method).close()
    assert client.get(EXPORT).status_code == 200
