"""CoinGecko's ranking of coins by market value.

Source: CoinGecko API, "Coins List with Market Data" (``/coins/markets``).
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import requests
from pycoingecko import CoinGeckoAPI

from ..errors import ExchangeUnavailable, InvalidAnswer
from ..market.market_cap import MarketCap

# pycoingecko waits two minutes by itself.
_TIMEOUT_SECONDS = 15
_TOP = 10


def largest_market_caps(base_url: str, demo_api_key: str = "") -> list[MarketCap]:
    """Ask for the ten largest coins, largest first.

    Args:
        base_url: For example ``https://api.coingecko.com/api/v3``.
        demo_api_key: A key of the free demo plan, or nothing.

    Raises:
        ExchangeUnavailable: No network, or a status other than 200 (429 too).
        InvalidAnswer: Something that is no list of coins.
    """
    # In pycoingecko api_key= means the paid plan and another host.
    client = CoinGeckoAPI(demo_api_key=demo_api_key, retries=0)
    client.api_base_url = f"{base_url}/"
    client.request_timeout = _TIMEOUT_SECONDS
    try:
        coins = client.get_coins_markets(
            vs_currency="usd", order="market_cap_desc", per_page=_TOP, page=1
        )
    except requests.RequestException as error:
        raise ExchangeUnavailable(_without_key(error)) from None
    except ValueError as error:
        # An error with a JSON body arrives as ValueError(that body), its HTTP error
        # as the context.
        status = getattr(
            getattr(error.__context__, "response", None), "status_code", ""
        )
        raise ExchangeUnavailable(
            f"CoinGecko refused: HTTP {status} {str(error)[:200]}"
        ) from None
    finally:
        client.session.close()
    if not isinstance(coins, list) or not coins:
        raise InvalidAnswer(f"expected a list of coins, got {str(coins)[:80]}")
    return [_market_cap(rank, coin) for rank, coin in enumerate(coins[:_TOP], 1)]


def _market_cap(rank: int, coin: Any) -> MarketCap:
    try:
        return MarketCap(
            # Young coins have no market_cap_rank; the order of the answer is the rank.
            rank=rank,
            coin_id=str(coin["id"]),
            symbol=str(coin["symbol"]),
            name=str(coin["name"]),
            price_usd=_number(coin.get("current_price")),
            market_cap_usd=_number(coin.get("market_cap")),
            change_24h_percent=_number(coin.get("price_change_percentage_24h")),
        )
    except (TypeError, KeyError, AttributeError, InvalidOperation) as error:
        raise InvalidAnswer(f"no coin: {json.dumps(coin)[:80]}") from error


def _number(value: Any) -> Decimal | None:
    if value is None:
        return None
    # repr of a float is the shortest text that means it: what CoinGecko wrote.
    number = Decimal(repr(value))
    if not number.is_finite():
        raise InvalidOperation(value)
    return number


def _without_key(error: requests.RequestException) -> str:
    # The key travels in the query string and would stand in the exception's text.
    response = error.response
    if response is not None:
        return f"CoinGecko answered HTTP {response.status_code}"
    return f"CoinGecko not reached ({type(error).__name__})"
