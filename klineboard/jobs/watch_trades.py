"""Follow the trades that somebody watches, over a connection of their own."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..market.trade import Trade
from ..settings import Settings
from ..sources.binance_stream import AttemptLimit, Feed
from ..sources.complaints import Complaints
from ..sources.stream_frames import KlineEvent, TradeEvent, trade_stream

# A page that is loaded again is no reason to connect again.
_LINGER_SECONDS = 15.0
# Trades that two connections bring during a change; some hundred a second at most.
_REMEMBERED = 5_000


class TradePublisher(Protocol):
    """Who hands on trades; see :class:`klineboard.live.board.Board`."""

    on_watched: Callable[[frozenset[str]], object]

    @property
    def watched(self) -> frozenset[str]:
        """The symbols whose trades somebody watches."""

    def trade(self, trade: Trade, event_time: int) -> None:
        """Take a trade."""

    def set_trades_state(self, state: str, since: int) -> None:
        """Say how far the trades can be trusted."""


class _Seen:
    """Which trades of a symbol came lately."""

    def __init__(self) -> None:
        self._newest = -1
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)

    def is_news(self, trade_id: int) -> bool:
        """Remember a trade; return whether it did not come before."""
        # Nearly all come in order; only the others are worth a search.
        if trade_id <= self._newest and trade_id in self._recent:
            return False
        self._newest = max(self._newest, trade_id)
        self._recent.append(trade_id)
        return True


class TradeWatch:
    """Brings each trade of the watched symbols once, as it comes.

    Attributes:
        feed: The connection; it is there as long as somebody watches.
    """

    def __init__(
        self,
        settings: Settings,
        board: TradePublisher,
        complaints: Complaints,
        attempts: AttemptLimit,
        first_backoff: float,
        on_connected: Callable[[str | None], object],
    ) -> None:
        """Compose the parts.

        Args:
            settings: Where the exchange is.
            board: Who hands on.
            complaints: Where trouble is told.
            attempts: Shared with the other feeds.
            first_backoff: Mean seconds before a failed attempt is made again.
            on_connected: Given what the server says it is; may refuse it.
        """
        self._board = board
        self._complaints = complaints
        self._on_connected = on_connected
        self._seen: dict[str, _Seen] = {}
        self.feed = Feed(
            settings.binance_stream_url,
            (),
            self,
            stall_seconds=settings.stall_seconds,
            attempts=attempts,
            first_backoff=first_backoff,
        )

    def begin(self) -> None:
        """Follow who is watched, those included who are watched already."""
        self._board.on_watched = self._watch
        self._watch(self._board.watched)

    def connected(self, feed: Feed, origin: str | None) -> None:
        """Say that trades come."""
        self._on_connected(origin)
        self._board.set_trades_state("live", _now())

    def received(self, event: KlineEvent | TradeEvent) -> None:
        """Hand on a trade, once: two connections overlap at a change."""
        if not isinstance(event, TradeEvent):
            return
        trade = event.trade
        seen = self._seen.setdefault(trade.symbol, _Seen())
        if seen.is_news(trade.trade_id):
            self._board.trade(trade, event.event_time)

    def spoiled(self, feed: Feed, reason: str, stream: str | None) -> None:
        """Tell of a frame that could not be understood; a trade may be missing."""
        self._complaints.note("frame of the exchange skipped", reason)

    def lost(self, feed: Feed, reason: str) -> None:
        """Say that no trades come."""
        self._complaints.note("the connection for trades ended", reason)
        self._board.set_trades_state("reconnecting", _now())

    def _watch(self, symbols: frozenset[str]) -> None:
        for symbol in self._seen.keys() - symbols:
            del self._seen[symbol]
        pause = 0.0 if symbols else _LINGER_SECONDS
        asyncio.get_running_loop().call_later(pause, self._follow_watched)

    def _follow_watched(self) -> None:
        streams = frozenset(map(trade_stream, self._board.watched))
        if streams != self.feed.streams:
            self.feed.change(streams)


def _now() -> int:
    return time.time_ns() // 1_000_000
