"""The simulated market: exact, believable, and the same whoever asks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE, SECOND, Interval
from klineboard.market.kline import Kline, check_page
from klineboard.simulator import LISTINGS, OUTAGES, SimulatedMarket, utc
from klineboard.simulator.noise import draws
from klineboard.simulator.splitting import Candle, join, split

NOW = utc("2026-06-01T12:34:56.789")
MARKET = SimulatedMarket()
SUMS = (
    "volume",
    "quote_asset_volume",
    "number_of_trades",
    "taker_buy_base_asset_volume",
    "taker_buy_quote_asset_volume",
)


def candles(
    symbol: str, interval: str, start: int, end: int, now: int = NOW
) -> list[Kline]:
    """Return all candles that open from ``start`` to before ``end``."""
    rows: list[Kline] = []
    while page := MARKET.klines(
        symbol, INTERVALS[interval], start, end - 1, 1_000, now
    ):
        rows += page
        start = page[-1].open_time + 1
    return rows


def aggregate(parts: list[Kline], whole: Kline) -> Kline:
    """Return what ``whole`` should be, from finer candles."""
    sums = {name: sum(Decimal(getattr(part, name)) for part in parts) for name in SUMS}
    return whole._replace(
        open_price=parts[0].open_price,
        high_price=max((part.high_price for part in parts), key=Decimal),
        low_price=min((part.low_price for part in parts), key=Decimal),
        close_price=parts[-1].close_price,
        number_of_trades=int(sums.pop("number_of_trades")),
        **{name: format(value, "f") for name, value in sums.items()},
    )


@pytest.mark.parametrize("interval", [n for n in INTERVALS if n not in ("1s", "1m")])
@pytest.mark.parametrize("moment", ["2018-02-09T09:28", "2021-04-25T06:00"])
def test_coarser_candles_are_exact_aggregates_of_minutes(
    interval: str, moment: str
) -> None:
    start = INTERVALS[interval].floor(utc(moment))
    end = INTERVALS[interval].add(start)
    finer = "1m" if INTERVALS[interval].milliseconds <= DAY else "1h"
    minutes = candles("ETHUSDT", finer, start, end)
    wholes = candles("ETHUSDT", interval, start, end)
    if not minutes:
        assert wholes == []
        return
    assert wholes == [aggregate(minutes, wholes[0])]


def test_minutes_are_exact_aggregates_of_seconds() -> None:
    start = utc("2023-03-24T12:30")
    for minute in candles("BTCUSDT", "1m", start, start + 20 * MINUTE):
        seconds = candles("BTCUSDT", "1s", minute.open_time, minute.close_time)
        assert aggregate(seconds, minute) == minute


@settings(max_examples=40, deadline=None)
@given(
    symbol=st.sampled_from(sorted(LISTINGS)),
    interval=st.sampled_from([name for name in INTERVALS if name != "1M"]),
    start=st.integers(utc("2017-01-01"), NOW),
)
def test_every_candle_keeps_the_rules_of_a_true_one(
    symbol: str, interval: str, start: int
) -> None:
    rows = MARKET.klines(symbol, INTERVALS[interval], start, None, 50, NOW)
    page = check_page([list(row) for row in rows], INTERVALS[interval], start, NOW)
    assert page.rejected == []
    for row in rows:
        volume, quote = Decimal(row.volume), Decimal(row.quote_asset_volume)
        assert Decimal(row.low_price) * volume <= quote
        assert quote <= Decimal(row.high_price) * volume
        assert Decimal(row.taker_buy_base_asset_volume) <= volume
        assert (row.number_of_trades == 0) == (volume == 0)


@settings(max_examples=30, deadline=None)
@given(
    symbol=st.sampled_from(sorted(LISTINGS)),
    interval=st.sampled_from(sorted(INTERVALS)),
    start=st.integers(utc("2017-08-01"), NOW),
)
def test_prices_are_multiples_of_the_tick(
    symbol: str, interval: str, start: int
) -> None:
    tick = Decimal(LISTINGS[symbol].tick) / 100_000_000
    for row in MARKET.klines(symbol, INTERVALS[interval], start, None, 20, NOW):
        assert all(Decimal(price) % tick == 0 for price in row[1:5])


@settings(max_examples=200, deadline=None)
@given(
    prices=st.lists(st.integers(1, 10**7), min_size=4, max_size=4).map(sorted),
    buy=st.integers(2, 10**12),
    sell=st.integers(2, 10**12),
    mean=st.fractions(0, 1),
    trades=st.integers(4, 10**6),
    count=st.integers(3, 6),
    place=st.integers(0, 10**6),
)
def test_parts_add_up_to_any_candle(
    prices: list[int],
    buy: int,
    sell: int,
    mean: float,
    trades: int,
    count: int,
    place: int,
) -> None:
    low, first, last, high = prices
    quotes = [low * side + int((high - low) * side * mean) for side in (buy, sell)]
    trades = min(trades, buy + sell)
    candle = Candle(first, high, low, last, buy, sell, *quotes, trades)
    parts = split(candle, count, draws("ANY", 1, place))
    assert len(parts) == count
    assert join(parts) == candle
    for part in parts:
        assert part.low <= min(part.open, part.close)
        assert max(part.open, part.close) <= part.high
        assert part.low * part.buy <= part.buy_quote <= part.high * part.buy
        assert part.low * part.sell <= part.sell_quote <= part.high * part.sell
        assert part.buy >= 0 <= part.sell


def test_each_candle_opens_where_the_one_before_closed() -> None:
    rows = candles("BNBUSDT", "1h", utc("2022-01-01"), utc("2022-02-01"))
    assert all(
        a.close_price == b.open_price for a, b in zip(rows, rows[1:], strict=False)
    )


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    start = utc("2022-05-05T05:05")
    asked = candles("XRPUSDT", "1m", start, start + HOUR)
    fresh = SimulatedMarket()
    assert fresh.klines("XRPUSDT", INTERVALS["1m"], start, None, 60, NOW) == asked


def test_the_market_stays_the_same_from_release_to_release() -> None:
    row = candles("BTCUSDT", "1m", utc("2024-01-01"), utc("2024-01-01") + MINUTE)[0]
    assert row == Kline(
        1704067200000,
        "45321.82000000",
        "45403.99000000",
        "45317.76000000",
        "45374.11000000",
        "76.06104000",
        1704067259999,
        "3449075.40694260",
        4216,
        "7.74764000",
        "351323.55493820",
    )


@pytest.mark.parametrize("interval", sorted(INTERVALS))
def test_the_first_candle_opens_at_the_floor_of_the_listing(interval: str) -> None:
    listed = LISTINGS["BNBUSDT"].listed
    first = MARKET.klines("BNBUSDT", INTERVALS[interval], 0, None, 1, NOW)[0]
    assert first.open_time == INTERVALS[interval].floor(listed)


def test_the_first_day_holds_only_minutes_since_the_listing() -> None:
    listed = LISTINGS["BNBUSDT"].listed
    day = MARKET.klines("BNBUSDT", INTERVALS["1d"], 0, None, 1, NOW)[0]
    minutes = candles("BNBUSDT", "1m", 0, day.close_time)
    assert minutes[0].open_time == listed
    assert aggregate(minutes, day) == day


def test_a_delisted_symbol_has_no_candles_afterwards() -> None:
    delisted = LISTINGS["LUNAUSDT"].delisted
    assert delisted is not None
    newest = MARKET.klines("LUNAUSDT", INTERVALS["1m"], None, None, 1, NOW)
    assert newest[-1].open_time == delisted - MINUTE
    assert MARKET.klines("LUNAUSDT", INTERVALS["1h"], delisted, None, 9, NOW) == []


@pytest.mark.parametrize("outage", OUTAGES)
def test_no_minute_exists_in_an_outage(outage: tuple[int, int]) -> None:
    start, end = outage
    around = candles("BTCUSDT", "1m", start - 2 * MINUTE, end + 2 * MINUTE)
    opens = [row.open_time for row in around]
    assert opens == [start - 2 * MINUTE, start - MINUTE, end, end + MINUTE]


def test_a_coarse_candle_exists_if_any_of_its_minutes_does() -> None:
    start = utc("2018-02-08T00:00")
    hours = candles("BTCUSDT", "1h", start, start + 2 * DAY)
    assert [row.open_time for row in hours[:2]] == [start, utc("2018-02-09T09:00")]
    assert len(candles("BTCUSDT", "1d", start, start + 2 * DAY)) == 2


@pytest.mark.parametrize("interval", ["1m", "15m", "1h", "1d", "1M"])
def test_the_open_candle_grows_into_the_closed_one(interval: str) -> None:
    start = INTERVALS[interval].floor(utc("2024-06-12T10:00"))
    length = INTERVALS[interval].add(start) - start
    before = seen(INTERVALS[interval], start, start)
    for part in range(1, 12):
        now = seen(INTERVALS[interval], start, start + length * part // 12 + 137)
        assert Decimal(now.high_price) >= Decimal(before.high_price)
        assert Decimal(now.low_price) <= Decimal(before.low_price)
        for name in SUMS:
            assert Decimal(getattr(now, name)) >= Decimal(getattr(before, name))
        before = now
    last = seen(INTERVALS[interval], start, start + length - 1)
    assert last == seen(INTERVALS[interval], start, start + length + DAY)


def seen(interval: Interval, open_time: int, now: int) -> Kline:
    """Return a candle as it is answered at ``now``."""
    return MARKET.klines("SOLUSDT", interval, open_time, open_time, 1, now)[0]


def test_the_open_candle_is_there_from_its_first_moment() -> None:
    midnight = utc("2024-06-12")
    newest = MARKET.klines("BTCUSDT", INTERVALS["1d"], None, None, 2, midnight)
    assert [row.open_time for row in newest] == [midnight - DAY, midnight]
    assert newest[-1] == aggregate(
        candles("BTCUSDT", "1s", midnight, midnight + SECOND), newest[-1]
    )
