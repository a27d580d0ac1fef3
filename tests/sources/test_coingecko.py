"""CoinGecko's ranking, from the simulator, recorded and broken."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest

from klineboard.errors import ExchangeUnavailable, InvalidAnswer
from klineboard.simulator import Simulator
from klineboard.sources.coingecko import largest_market_caps
from tests.conftest import recorded
from tests.sources.serving import serving


def test_brings_the_ten_largest(simulator: Simulator) -> None:
    caps = largest_market_caps(simulator.url)
    assert [cap.rank for cap in caps] == list(range(1, 11))
    assert caps[0].coin_id == "bitcoin"


def test_understands_a_recorded_answer() -> None:
    path = recorded("rest/coingecko-coins-markets-usd-100-2021-06-24.json.gz")
    with serving(gzip.decompress(path.read_bytes())) as (url, _):
        caps = largest_market_caps(url)
    assert len(caps) == 10
    assert caps[0].price_usd == Decimal("32797")
    assert caps[1].change_24h_percent is not None


def test_small_numbers_and_missing_ones_are_kept() -> None:
    body = (
        b'[{"id":"shiba-inu","symbol":"shib","name":"Shiba","current_price":6.73e-06,'
        b'"market_cap":null,"price_change_percentage_24h":null}]'
    )
    with serving(body) as (url, _):
        (cap,) = largest_market_caps(url)
    assert cap.price_usd == Decimal("6.73e-06")
    assert cap.market_cap_usd is None


def test_the_demo_key_goes_to_the_public_host_and_into_no_message() -> None:
    with serving(b"slow down", status=429) as (url, asked):
        with pytest.raises(ExchangeUnavailable, match="HTTP 429") as caught:
            largest_market_caps(url, "CG-secret")
    assert "x_cg_demo_api_key=CG-secret" in asked[0]
    assert "CG-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"[1]",
        b'[{"id":"x"}]',
        b'[{"id":"x","symbol":"x","name":"x","current_price":NaN}]',
    ],
)
def test_what_is_no_list_of_coins_is_refused(body: bytes) -> None:
    with serving(body) as (url, _), pytest.raises(InvalidAnswer):
        largest_market_caps(url)


@pytest.mark.parametrize(("body", "status"), [(b"<html>", 200), (b"{}", 429)])
def test_errors_are_ours(body: bytes, status: int) -> None:
    with serving(body, status=status) as (url, _), pytest.raises(ExchangeUnavailable):
        largest_market_caps(url)
