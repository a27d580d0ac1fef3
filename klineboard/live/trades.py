"""The newest trades of one symbol, kept while somebody watches them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice

from ..market.trade import Trade
from .messages import (
    Condition,
    status_message,
    symbol_head,
    trade_message,
    trades_snapshot,
)
from .topic import Listener, Subscription, Topic

MOST_TRADES = 1000
"""As many trades are kept of a watched symbol."""

# A busy second of the busiest symbol; who missed more gets a snapshot.
_KEPT_NEWS = 2000
_STATUS = "status"


class TradeTopic(Topic):
    """Trades of a symbol.

    Attributes:
        event_time: When the exchange spoke last of these trades (ms).
    """

    def __init__(
        self, symbol: str, condition: Condition, on_watched: Callable[[], object]
    ) -> None:
        """Begin empty; ``on_watched`` is told of the first watcher and of the last."""
        super().__init__(_KEPT_NEWS)
        self.symbol = symbol
        self.condition = condition
        self.event_time: int | None = None
        self._trades: deque[Trade] = deque(maxlen=MOST_TRADES)
        self._head = symbol_head(symbol)
        self._on_watched = on_watched

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self.subscriptions)

    def subscribe(self, listener: Listener, limit: int) -> Subscription:
        """Let a listener follow."""
        subscription = super().subscribe(listener, limit)
        try:
            if len(self.subscriptions) == 1:
                self._on_watched()
        except Exception:
            super().unsubscribe(subscription)
            raise
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a listener, and with the last one the trades: a hole would follow."""
        watched = self.watched
        super().unsubscribe(subscription)
        if watched and not self.watched:
            self._trades.clear()
            self._on_watched()

    def trade(self, trade: Trade, event_time: int) -> None:
        """Take a trade; one that nobody watches, or that came before, is ignored."""
        last = self._trades[-1].trade_id if self._trades else -1
        # Out of order is true all the same; only what came before is no news.
        came_before = trade.trade_id <= last and any(
            one.trade_id == trade.trade_id for one in self._trades
        )
        if not self.watched or came_before:
            return
        self._trades.append(trade)
        self.event_time = event_time
        self.publish(lambda: trade_message(self._head, trade, event_time))

    def set_condition(self, condition: Condition) -> None:
        """Say how far the trades can be trusted, if that has changed."""
        if condition.differs_from(self.condition):
            self.condition = condition
            self.publish(lambda: status_message(self._head, condition), _STATUS)

    def snapshot(self, limit: int) -> bytes:
        """Return up to ``limit`` newest trades, oldest first."""
        skipped = max(0, len(self._trades) - limit)
        return trades_snapshot(
            self._head, self.condition, islice(self._trades, skipped, None)
        )
