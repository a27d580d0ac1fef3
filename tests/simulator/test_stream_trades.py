"""The streams of trades, and how trades add up to candles."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klineboard.market.interval import HOUR, INTERVALS, MINUTE, SECOND
from klineboard.market.kline import Kline
from klineboard.market.trade import Trade
from klineboard.simulator import LISTINGS, BentClock, SimulatedMarket, Simulator, utc
from klineboard.simulator.deals import deals
from klineboard.simulator.splitting import Candle

from .conftest import NOW, Client
from .listening import heard, listening

MARKET = SimulatedMarket()
LATER = utc("2026-06-01")


def candle_of(symbol: str, interval: str, open_time: int) -> Kline | None:
    klines = MARKET.klines(
        symbol, INTERVALS[interval], open_time, open_time, 1, open_time + HOUR
    )
    return klines[0] if klines else None


def trades_of(symbol: str, start: int, length: int) -> list[Trade]:
    seconds = range(start, start + length, SECOND)
    return [trade for second in seconds for trade in MARKET.trades(symbol, second)]


def turnover(trades: list[Trade]) -> Decimal:
    return sum((Decimal(t.price) * Decimal(t.quantity) for t in trades), Decimal(0))


def volume(trades: list[Trade]) -> Decimal:
    return sum((Decimal(trade.quantity) for trade in trades), Decimal(0))


def check_sums(trades: list[Trade], kline: Kline) -> None:
    """Check all of a candle but its turnovers."""
    prices = [Decimal(trade.price) for trade in trades]
    bought = [trade for trade in trades if trade.side == "buy"]
    assert len(trades) == kline.number_of_trades
    assert volume(trades) == Decimal(kline.volume)
    assert volume(bought) == Decimal(kline.taker_buy_base_asset_volume)
    if trades:
        assert prices[0] == Decimal(kline.open_price)
        assert max(prices) == Decimal(kline.high_price)
        assert min(prices) == Decimal(kline.low_price)
        assert prices[-1] == Decimal(kline.close_price)


@settings(max_examples=150, deadline=None)
@given(
    symbol=st.sampled_from(sorted(LISTINGS)),
    second=st.integers(utc("2017-09-01"), LATER).map(lambda time: time - time % SECOND),
)
def test_the_trades_of_a_second_add_up_to_its_candle(symbol: str, second: int) -> None:
    kline = candle_of(symbol, "1s", second)
    trades = MARKET.trades(symbol, second)
    if kline is None:
        assert trades == []
        return
    check_sums(trades, kline)
    assert all(second <= trade.time < second + SECOND for trade in trades)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "BNBUSDT"])
def test_turnovers_too_are_exact_in_lively_minutes(symbol: str) -> None:
    for start in range(NOW - NOW % MINUTE, NOW + 5 * MINUTE, MINUTE):
        kline = candle_of(symbol, "1m", start)
        assert kline is not None
        trades = trades_of(symbol, start, MINUTE)
        bought = [trade for trade in trades if trade.side == "buy"]
        assert turnover(trades) == Decimal(kline.quote_asset_volume)
        assert turnover(bought) == Decimal(kline.taker_buy_quote_asset_volume)


@settings(max_examples=300, deadline=None)
@given(
    prices=st.lists(st.integers(1, 10**7), min_size=4, max_size=4).map(sorted),
    buy=st.integers(4, 10**9),
    sell=st.integers(4, 10**9),
    means=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    trades=st.integers(4, 200),
    seed=st.integers(0, 10**6),
)
def test_deals_add_up_to_any_candle(
    prices: list[int],
    buy: int,
    sell: int,
    means: tuple[float, float],
    trades: int,
    seed: int,
) -> None:
    low, first, last, high = prices
    quotes = [
        low * steps + int((high - low) * steps * mean)
        for steps, mean in zip((buy, sell), means, strict=True)
    ]
    trades = min(trades, buy + sell)
    candle = Candle(first, high, low, last, buy, sell, *quotes, trades)
    made = deals(candle, Random(seed))
    assert len(made) == trades
    assert (made[0].price, made[-1].price) == (first, last)
    assert max(deal.price for deal in made) == high
    assert min(deal.price for deal in made) == low
    for bought, steps, quote in ((True, buy, quotes[0]), (False, sell, quotes[1])):
        side = [deal for deal in made if deal.bought == bought]
        assert sum(deal.steps for deal in side) == steps
        told = sum(deal.steps * deal.price for deal in side)
        # Both means well inside, and room for eight trades: exact to the last digit.
        if (
            trades >= 8
            and all(0.3 <= mean <= 0.7 for mean in means)
            and buy > 40 < sell
        ):
            assert told == quote
        else:
            assert abs(told - quote) <= (high - low + 1) * steps


def test_turnovers_are_exact_in_nearly_all_seconds() -> None:
    near = 0
    for second in range(NOW - NOW % SECOND, NOW + HOUR, 7 * SECOND):
        for symbol in ("BTCUSDT", "XRPUSDT", "SOLUSDT"):
            kline = candle_of(symbol, "1s", second)
            assert kline is not None
            trades = MARKET.trades(symbol, second)
            near += turnover(trades) != Decimal(kline.quote_asset_volume)
    assert near <= 3


def test_ids_rise_by_one_from_second_to_second_and_over_midnight() -> None:
    start = utc("2024-06-01T23:59:30")
    ids = [trade.trade_id for trade in trades_of("BTCUSDT", start, MINUTE)]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_the_first_trade_of_all_is_number_one() -> None:
    listed = LISTINGS["BNBUSDT"].listed
    first = trades_of("BNBUSDT", listed, 10 * MINUTE)[0]
    assert first.trade_id == 1


def test_trades_do_not_depend_on_what_was_asked_before() -> None:
    assert SimulatedMarket().trades("BTCUSDT", NOW - NOW % SECOND) == MARKET.trades(
        "BTCUSDT", NOW - NOW % SECOND
    )


def followed(stream: str) -> tuple[list[dict[str, Any]], Kline]:
    """Return the events of one whole minute, and REST's candle of it."""
    begin = NOW - NOW % MINUTE
    clock = BentClock(begin - 1, speed=0)
    with Simulator(clock=clock) as simulator, listening(simulator, stream) as heard_of:
        clock.set(begin + MINUTE - 1)
        client = Client(simulator.url)
        row = client.klines(symbol="BTCUSDT", interval="1m", startTime=begin)[0]
        client.close()
        kline = Kline(*row[:-1])
        return heard(heard_of, kline.number_of_trades), kline


def test_a_followed_minute_of_trades_is_the_candle_of_rest() -> None:
    events, kline = followed("btcusdt@trade")
    trades = [
        Trade(one["s"], one["t"], one["p"], one["q"], one["T"], one["m"])
        for one in events
    ]
    check_sums(trades, kline)
    assert turnover(trades) == Decimal(kline.quote_asset_volume)
    assert list(events[0]) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    times = [trade.time for trade in trades]
    assert times == sorted(times)


def test_an_aggregate_trade_holds_one_trade() -> None:
    events, _ = followed("btcusdt@aggTrade")
    assert list(events[0]) == ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"]
    assert all(one["a"] == one["f"] == one["l"] for one in events)


def test_a_long_jump_leaves_out_all_but_the_last_ten_minutes() -> None:
    clock = BentClock(NOW, speed=0)
    with (
        Simulator(clock=clock) as simulator,
        listening(simulator, "ethusdt@trade") as connection,
    ):
        clock.advance(HOUR)
        first = heard(connection, 1)[0]
    assert first["T"] > NOW + 50 * MINUTE
