"""Trades that somebody watches: each once, and all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from klineboard.jobs.watch_trades import TradeWatch
from klineboard.market.trade import Trade
from klineboard.sources.binance_stream import AttemptLimit
from klineboard.sources.complaints import Complaints
from klineboard.sources.stream_frames import TradeEvent
from tests.conftest import settings_of


class Board:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.states: list[str] = []
        self.watched = frozenset({"BTCUSDT"})
        self.on_watched: Callable[[frozenset[str]], object] = lambda symbols: None

    def trade(self, trade: Trade, event_time: int) -> None:
        self.ids.append(trade.trade_id)

    def set_trades_state(self, state: str, since: int) -> None:
        self.states.append(state)


def watch_of(board: Board) -> TradeWatch:
    complaints = Complaints(logging.getLogger("trades"))
    return TradeWatch(
        settings_of({}), board, complaints, AttemptLimit(), 1.0, lambda origin: None
    )


def tell(watch: TradeWatch, *ids: int) -> None:
    for trade_id in ids:
        trade = Trade("BTCUSDT", trade_id, "1.5", "2", 1, False)
        watch.received(TradeEvent(trade, 1))


def test_each_trade_is_told_once_in_whatever_order_it_comes() -> None:
    board = Board()
    tell(watch_of(board), 5, 6, 8, 7, 8, 6, 9)
    assert board.ids == [5, 6, 8, 7, 9]


def test_one_absurd_number_keeps_no_later_trade_out() -> None:
    board = Board()
    tell(watch_of(board), 5, 2**63 - 1, 6, 7, 7)
    assert board.ids == [5, 2**63 - 1, 6, 7]


def test_says_whether_trades_come() -> None:
    board = Board()
    watch = watch_of(board)
    watch.connected(watch.feed, None)
    watch.lost(watch.feed, "cut")
    assert board.states == ["live", "reconnecting"]
