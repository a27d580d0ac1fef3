"""How a candle is split into the candles that it is made of, exactly.

All numbers are integers: prices count ticks, volumes count steps, turnovers count
ticks times steps. The parts of a candle begin and end where it does, one reaches its
high and one its low, and volumes, turnovers and trades add up to its own. In each part
the mean price of buys, and of sells, lies between the part's low and high.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .noise import DRAW_RANGE
from .sharing import LEAST_STEPS, Prices, share_side, share_trades

# By how much the draws are turned for another path, and whether it must fit well.
_ATTEMPTS = ((0, True), (5, True), (10, True), (15, True), (0, False), (20, False))


class Candle(NamedTuple):
    """A candle in whole ticks and steps.

    ``buy`` and ``sell`` are the volumes (steps) that takers bought and sold, the
    ``quote`` fields what was paid for them (ticks times steps). A candle without
    trades is flat.
    """

    open: int
    high: int
    low: int
    close: int
    buy: int
    sell: int
    buy_quote: int
    sell_quote: int
    trades: int


def flat(price: int) -> Candle:
    """Return the candle of a time in which nobody traded."""
    return Candle(price, price, price, price, 0, 0, 0, 0, 0)


def join(parts: Sequence[Candle]) -> Candle:
    """Return the exact aggregate of one or more neighbouring candles."""
    if len(parts) == 1:
        return parts[0]
    _, highs, lows, _, *sums = zip(*parts, strict=True)
    buy, sell, buy_quote, sell_quote, trades = map(sum, sums)
    return Candle(
        parts[0].open,
        max(highs),
        min(lows),
        parts[-1].close,
        buy,
        sell,
        buy_quote,
        sell_quote,
        trades,
    )


def split(
    candle: Candle, count: int, draws: tuple[int, ...], least: int = LEAST_STEPS
) -> tuple[Candle, ...]:
    """Return ``count`` candles whose aggregate is ``candle``.

    Args:
        candle: The candle to split.
        count: At most 6, since that is as far as 32 draws reach.
        draws: The 32 draws of this place (see ``noise``).
        least: Steps of volume that each active part gets on either side at least; it
            gets twice as many trades.
    """
    if not candle.trades:
        return (candle,) * count
    active = min(
        count,
        candle.trades // (2 * least),
        candle.buy // least,
        candle.sell // least,
    )
    if active > 1:
        # A path that hardly carries the mean price is rare; others are tried first.
        for turn, strict in _ATTEMPTS:
            parts = _split_active(
                candle, active, draws[turn:] + draws[:turn], strict, least
            )
            if parts is not None:
                return _spread(parts, count, draws[29]) if active < count else parts
    return _spread((candle,), count, draws[29])


def _spread(parts: tuple[Candle, ...], count: int, draw: int) -> tuple[Candle, ...]:
    """Return the parts in their order, with quiet candles between them."""
    quiet = count - len(parts)
    spread: list[Candle] = []
    price = parts[0].open
    waiting = iter(parts)
    for position in range(count):
        if quiet and draw >> position & 1:
            quiet -= 1
            spread.append(flat(price))
            continue
        part = next(waiting, None)
        spread.append(flat(price) if part is None else part)
        price = spread[-1].close
    return tuple(spread)


def _split_active(
    candle: Candle, count: int, draws: Sequence[int], strict: bool, least: int
) -> tuple[Candle, ...] | None:
    prices = _prices(candle, count, draws)
    # Both sides trade more where the market is busy, and lean a little apart.
    busy, lean = draws[17 : 17 + count], draws[23 : 23 + count]
    weights = [5_000 + a + (b >> 2) for a, b in zip(busy, lean, strict=True)]
    bought = share_side(prices, weights, candle.buy, candle.buy_quote, strict, least)
    if bought is None:
        return None
    weights = [21_384 + a - (b >> 2) for a, b in zip(busy, lean, strict=True)]
    sold = share_side(prices, weights, candle.sell, candle.sell_quote, strict, least)
    if sold is None:
        return None
    trades = share_trades(
        candle.trades, list(map(int.__add__, bought[0], sold[0])), 2 * least
    )
    columns = (*prices[:4], bought[0], sold[0], bought[1], sold[1], trades)
    return tuple(map(Candle._make, zip(*columns, strict=True)))


def _prices(candle: Candle, count: int, draws: Sequence[int]) -> Prices:
    """Return the path of the price through the parts."""
    first, high, low, last = candle[:4]
    mean = (candle.buy_quote + candle.sell_quote) // (candle.buy + candle.sell)
    bend = mean - (first + last) // 2
    bounds = [first]
    steps, half = last - first, DRAW_RANGE // 2
    for position in range(1, count):
        # Around the line from open to close, bent to the mean price, by at most 0.63
        # of the room: parts then range about 1/sqrt(count) as far as the whole, as
        # in a market.
        line = first + steps * position // count + bend
        line = min(max(line, low), high)
        draw = draws[position] - half
        bounds.append(line + (high - line if draw > 0 else line - low) * draw // 52_000)
    bounds.append(last)
    opens, closes = bounds[:-1], bounds[1:]
    highs = [a if a > b else b for a, b in zip(opens, closes, strict=True)]
    lows = [a if a < b else b for a, b in zip(opens, closes, strict=True)]
    top, bottom = highs.index(max(highs)), lows.index(min(lows))
    # Two parts meet at an extreme bound; either may go on to the extreme itself.
    if draws[6] & 1 and top + 1 < count and highs[top + 1] == highs[top]:
        top += 1
    if draws[0] & 1 and bottom + 1 < count and lows[bottom + 1] == lows[bottom]:
        bottom += 1
    span = high - low
    for i in range(count):
        wick = highs[i] + (span * draws[7 + i] >> 19)
        highs[i] = wick if wick < high else high
        wick = lows[i] - (span * draws[11 + i] >> 19)
        lows[i] = wick if wick > low else low
    highs[top], lows[bottom] = high, low
    fours = [
        a + b + c + d for a, b, c, d in zip(opens, highs, lows, closes, strict=True)
    ]
    return Prices(opens, highs, lows, closes, fours)
