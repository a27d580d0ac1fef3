"""The last ten closed candles of one coin, as the path ``/`` tells them."""

from __future__ import annotations

from .candles import CandleTopic
from .messages import coin_message
from .topic import Topic

_CANDLES = 10
_KEPT_NEWS = 16


class CoinTopic(Topic):
    """A coin's closes and sides, told again whenever one of its candles closes."""

    def __init__(self, coin: str, candles: CandleTopic) -> None:
        """Follow the candles of one series."""
        super().__init__(_KEPT_NEWS)
        self.coin = coin
        self.candles = candles
        self._last = self.snapshot(_CANDLES)

    def refresh(self) -> None:
        """Tell the last candles again, if they have changed."""
        message = self.snapshot(_CANDLES)
        if message != self._last:
            self._last = message
            self.publish(lambda: message)

    def snapshot(self, limit: int) -> bytes:
        """Return the coin's message; nothing before its first candle is known."""
        closed = self.candles.closed[-_CANDLES:]
        return coin_message(self.coin, closed) if closed else b""
