"""Where the pages find the relay, and what it follows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from klineboard.settings import Settings
from klineboard.web.headers import content_security_policy
from klineboard.web.relay import followed, stream_sources

from ..conftest import settings_of


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("localhost:5555", "localhost:8765"),
        ("127.0.0.1", "127.0.0.1:8765"),
        ("charts.example.org:443", "charts.example.org:8765"),
        ("example.org.", "example.org:8765"),
    ],
)
def test_the_relay_is_on_the_host_of_the_page(host: str, place: str) -> None:
    sources = stream_sources(settings_of({}), host)
    assert sources == (f"ws://{place}", f"wss://{place}")


def test_a_public_address_of_its_own_goes_before() -> None:
    settings = settings_of({"STREAM_URL": "wss://x.example/stream"})
    assert stream_sources(settings, "localhost:5555") == ("wss://x.example",)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a.example *",
        "a.example; script-src *",
        "a.example,b.example",
        "*",
        "*.example",
        "a.example:80:90",
        "a.example:port",
        "user@a.example",
        "a.example/path",
        "a.example\t*",
        "[::1]:5555",
        "a" * 300,
    ],
)
def test_a_host_that_is_no_plain_name_widens_nothing(host: str) -> None:
    policy = content_security_policy(settings_of({}), host)
    assert "connect-src 'self'; " in policy


def test_the_header_names_the_host_that_was_asked(client: FlaskClient) -> None:
    answer = client.get("/live", headers={"Host": "charts.lan:5555"})
    assert (
        "connect-src 'self' ws://charts.lan:8765 wss://charts.lan:8765; "
        in answer.headers["Content-Security-Policy"]
    )


def test_the_coins_minutes_are_followed_beside_the_series() -> None:
    settings = settings_of(
        {"SYMBOLS": "ETHUSDT,LTCBTC", "INTERVALS": "1d,1h", "STREAM_COINS": "BTC,ETH"}
    )
    assert followed(settings) == {
        "ETHUSDT": ["1m", "1h", "1d"],
        "LTCBTC": ["1h", "1d"],
        "BTCUSDT": ["1m"],
    }


def test_the_page_is_told_where_the_relay_is(
    make_settings: Callable[..., Settings],
    make_client: Callable[[Settings], FlaskClient],
) -> None:
    client = make_client(make_settings(STREAM_URL="wss://x.example/stream"))
    text = client.get("/live").text
    assert 'data-stream-url="wss://x.example/stream"' in text
    assert 'data-stream-port="8765"' in text
