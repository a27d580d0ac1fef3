"""A trade as Binance's trade stream tells it."""

from __future__ import annotations

from typing import NamedTuple


class Trade(NamedTuple):
    """One trade; decimals as the exchange wrote them.

    Attributes:
        symbol: For example ``BTCUSDT``.
        trade_id: Rises by one with each trade of a symbol.
        price: In the quote asset.
        quantity: In the base asset.
        time: When it was made, ms since 1970 UTC.
        buyer_is_maker: True where the taker sold; Binance's ``m``.
    """

    symbol: str
    trade_id: int
    price: str
    quantity: str
    time: int
    buyer_is_maker: bool

    @property
    def side(self) -> str:
        """What the taker did: 'buy' or 'sell'."""
        return "sell" if self.buyer_is_maker else "buy"
