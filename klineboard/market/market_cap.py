"""The market value of a coin, as CoinGecko reports it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class MarketCap(NamedTuple):
    """One coin of CoinGecko's ranking; values in US dollars.

    Fields that CoinGecko leaves out are None (it does so for young coins). Numbers
    keep the digits of CoinGecko's JSON.
    """

    rank: int
    coin_id: str
    symbol: str
    name: str
    price_usd: Decimal | None
    market_cap_usd: Decimal | None
    change_24h_percent: Decimal | None
