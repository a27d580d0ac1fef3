"""The newest state, as those hear it who follow one topic."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klineboard.live.board import Board
from klineboard.live.topic import Subscription, Topic
from klineboard.live.trades import MOST_TRADES
from tests.live.serving import (
    HOURS,
    KLINES,
    MINUTES,
    OTHER,
    make_board,
    make_trade,
    moved,
)


class Ear:
    """A listener that reads what it is told."""

    def __init__(self, topic: Topic, limit: int = 500) -> None:
        self.ready = True
        self._told: list[Any] = []
        topic.wrap = lambda message: message + b"\n"
        self._subscription: Subscription = topic.subscribe(self, limit)

    def tell(self, data: bytes) -> None:
        self._told += map(json.loads, data.splitlines())

    def hear(self) -> list[Any]:
        """Return what was told since the last call."""
        self._subscription.serve()
        told, self._told = self._told, []
        return told

    def leave(self) -> None:
        self._subscription.topic.unsubscribe(self._subscription)


@pytest.fixture
def board() -> Board:
    """A board with ten closed minutes of BTCUSDT."""
    board = make_board()
    board.load(MINUTES, KLINES[:10])
    return board


@pytest.fixture
def ear(board: Board) -> Ear:
    """A listener of those minutes that has its snapshot."""
    ear = Ear(board.candles[MINUTES])
    ear.hear()
    return ear


def test_a_snapshot_holds_closed_candles_and_the_open_one_last(board: Board) -> None:
    board.update(MINUTES, KLINES[10], 1234)
    (snapshot,) = Ear(board.candles[MINUTES], limit=2).hear()
    assert snapshot["open_time"] == [kline.open_time for kline in KLINES[8:11]]
    assert snapshot["closed"] == [True, True, False]
    assert snapshot["event_time"] == 1234


def test_an_open_candle_is_told_only_as_it_is_now(board: Board, ear: Ear) -> None:
    for price in ("1.1", "1.2", "1.3"):
        board.update(MINUTES, moved(KLINES[10], price), 5)
    (message,) = ear.hear()
    assert (message["type"], message["close"]) == ("kline", 1.3)
    assert message["closed"] is False


def test_a_closed_candle_takes_the_open_ones_place(board: Board, ear: Ear) -> None:
    board.update(MINUTES, KLINES[10], 5)
    board.close(MINUTES, KLINES[10], 6)
    (message,) = ear.hear()
    assert message["closed"] is True
    (snapshot,) = Ear(board.candles[MINUTES]).hear()
    assert snapshot["closed"] == [True] * 11


def test_closed_candles_are_never_merged(board: Board, ear: Ear) -> None:
    for kline in KLINES[10:15]:
        board.update(MINUTES, kline, 5)
        board.close(MINUTES, kline, 6)
    opened = [message["open_time"] for message in ear.hear()]
    assert opened == [kline.open_time for kline in KLINES[10:15]]


def test_a_candle_closed_twice_is_told_once(board: Board, ear: Ear) -> None:
    board.close(MINUTES, KLINES[10], 5)
    board.close(MINUTES, KLINES[10], 6)
    assert len(ear.hear()) == 1


def test_an_open_candle_that_is_told_again_as_it_was_is_no_news(
    board: Board, ear: Ear
) -> None:
    board.update(MINUTES, KLINES[10], 5)
    ear.hear()
    board.update(MINUTES, KLINES[10], 9)
    assert ear.hear() == []
    assert board.candles[MINUTES].event_time == 9


def test_an_update_after_the_close_is_ignored(board: Board, ear: Ear) -> None:
    board.update(MINUTES, moved(KLINES[9], "1.0"), 5)
    assert ear.hear() == []


def test_a_correction_replaces_the_whole_row(board: Board, ear: Ear) -> None:
    board.update(MINUTES, KLINES[10], 5)
    board.close(MINUTES, moved(KLINES[4], "7.77"), 6)
    opened, corrected = ear.hear()
    assert opened["closed"] is False
    assert (corrected["open_time"], corrected["close"]) == (KLINES[4].open_time, 7.77)
    (snapshot,) = Ear(board.candles[MINUTES]).hear()
    assert snapshot["close"][4] == 7.77
    assert snapshot["closed"] == [True] * 10 + [False]


def test_a_candle_found_in_the_middle_makes_a_new_snapshot(
    board: Board, ear: Ear
) -> None:
    board.close(MINUTES, KLINES[11], 5)
    board.close(MINUTES, KLINES[10], 6)
    (snapshot,) = ear.hear()
    assert snapshot["type"] == "snapshot"
    assert snapshot["open_time"] == [kline.open_time for kline in KLINES[:12]]


def test_loading_gives_everyone_a_new_snapshot(board: Board, ear: Ear) -> None:
    board.update(MINUTES, KLINES[10], 5)
    board.load(MINUTES, KLINES[:12])
    (snapshot,) = ear.hear()
    assert snapshot["closed"] == [True] * 12


def test_loading_the_same_candles_is_no_news(board: Board, ear: Ear) -> None:
    board.load(MINUTES, KLINES[:10])
    assert ear.hear() == []


def test_keeps_no_more_candles_than_its_depth() -> None:
    board = Board([MINUTES], {}, depth=5)
    board.load(MINUTES, KLINES[:8])
    board.close(MINUTES, KLINES[8], 1)
    (snapshot,) = Ear(board.candles[MINUTES]).hear()
    assert snapshot["open_time"] == [kline.open_time for kline in KLINES[4:9]]


def test_a_correction_of_a_candle_older_than_the_depth_is_told(board: Board) -> None:
    board = Board([MINUTES], {}, depth=5)
    board.load(MINUTES, KLINES[:8])
    ear = Ear(board.candles[MINUTES])
    ear.hear()
    board.close(MINUTES, KLINES[1], 1)
    (message,) = ear.hear()
    assert message["open_time"] == KLINES[1].open_time
    (snapshot,) = Ear(board.candles[MINUTES]).hear()
    assert snapshot["open_time"] == [kline.open_time for kline in KLINES[3:8]]


def test_a_coin_is_told_again_when_its_candle_closes(board: Board) -> None:
    ear = Ear(board.coins["BTC"])
    (first,) = ear.hear()
    board.update(MINUTES, KLINES[10], 5)
    board.close(OTHER, KLINES[10], 5)
    assert ear.hear() == []
    board.close(MINUTES, KLINES[10], 6)
    (second,) = ear.hear()
    assert second["values"] == [*first["values"][1:], 110.5]


def test_a_state_is_told_when_it_changes(board: Board, ear: Ear) -> None:
    board.set_state("live", MINUTES, 10)
    board.set_state("live", MINUTES, 11)
    assert ear.hear() == [
        {
            "type": "status",
            "symbol": "BTCUSDT",
            "interval": "1m",
            "state": "live",
            "since": 10,
            "no_trades_since": None,
        }
    ]


def test_a_state_of_all_reaches_candles_and_trades(board: Board, ear: Ear) -> None:
    trades = Ear(board.trades["ETHUSDT"])
    trades.hear()
    board.set_state("late", None, 10, no_trades_since=3)
    assert ear.hear()[0]["no_trades_since"] == 3
    (message,) = trades.hear()
    assert (message["state"], message["no_trades_since"]) == ("late", 3)
    assert "interval" not in message


def test_trades_are_as_good_as_the_best_series_of_the_symbol(board: Board) -> None:
    trades = Ear(board.trades["BTCUSDT"])
    board.set_state("live", None, 10)
    trades.hear()
    board.set_state("late", MINUTES, 11)
    assert trades.hear() == []
    board.set_state("late", HOURS, 12)
    assert [message["state"] for message in trades.hear()] == ["late"]


def test_the_whole_is_as_good_as_its_worst_series(board: Board) -> None:
    assert board.state == "reconnecting"
    board.set_state("live", None, 10)
    board.set_state("late", HOURS, 11)
    assert board.state == "late"


def test_an_unknown_state_is_refused(board: Board) -> None:
    with pytest.raises(ValueError, match="'fine' is no state"):
        board.set_state("fine", None, 1)


def test_the_relay_hears_of_the_first_and_the_last_watcher(board: Board) -> None:
    told: list[frozenset[str]] = []
    board.on_watched = told.append
    first, second = Ear(board.trades["BTCUSDT"]), Ear(board.trades["BTCUSDT"])
    first.leave()
    second.leave()
    second.leave()
    assert told == [frozenset({"BTCUSDT"}), frozenset()]


def test_trades_are_kept_while_somebody_watches(board: Board) -> None:
    board.trade(make_trade(1), 1)
    first = Ear(board.trades["BTCUSDT"])
    board.trade(make_trade(2), 2)
    board.trade(make_trade(3), 3)
    (snapshot,) = Ear(board.trades["BTCUSDT"], limit=1).hear()
    assert [trade["trade_id"] for trade in snapshot["trades"]] == [3]
    (snapshot,) = first.hear()
    assert [trade["trade_id"] for trade in snapshot["trades"]] == [2, 3]


def test_trades_are_forgotten_with_the_last_watcher(board: Board) -> None:
    ear = Ear(board.trades["BTCUSDT"])
    board.trade(make_trade(1), 1)
    ear.leave()
    (snapshot,) = Ear(board.trades["BTCUSDT"]).hear()
    assert snapshot["trades"] == []


def test_a_trade_that_came_before_is_ignored(board: Board) -> None:
    ear = Ear(board.trades["BTCUSDT"])
    ear.hear()
    for number in (5, 6, 5, 6, 7):
        board.trade(make_trade(number), number)
    assert [message["trade_id"] for message in ear.hear()] == [5, 6, 7]


def test_keeps_a_bounded_number_of_trades(board: Board) -> None:
    ear = Ear(board.trades["BTCUSDT"], limit=10 * MOST_TRADES)
    for number in range(MOST_TRADES + 5):
        board.trade(make_trade(number), number)
    assert len(ear.hear()[0]["trades"]) == MOST_TRADES


def test_trades_are_no_better_than_the_connection_that_brings_them() -> None:
    board = Board([MINUTES], {})
    board.set_state("live", None, 1)
    board.set_trades_state("reconnecting", 2)
    board.set_state("live", MINUTES, 3)
    assert board.trades["BTCUSDT"].condition[:2] == ("reconnecting", 2)
    board.set_trades_state("live", 4)
    assert board.trades["BTCUSDT"].condition.state == "live"
