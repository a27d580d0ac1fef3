"""The day candles of a symbol: pure functions of symbol and day.

Between two anchors the price of each midnight comes from midpoint displacement, the
cheapest way to a path that looks like a market at every scale; its volatility is
inherited from the stretch around it, so that calm and wild weeks cluster.
"""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

from .listings import BLOCK_DAYS, UNIT, Listing
from .noise import DRAW_RANGE, draws
from .splitting import Candle

# Levels of noise; those of the splits begin at 0 (see ``tree``).
_ANCHOR_LEVEL = -1
_BLOCK_LEVEL = -2
_DAY_LEVEL = -3

# Midnight prices are computed finer than ticks, so that cheap coins move smoothly.
_FINE = 1 << 16
_MILLION = 1_000_000
_LEAST_PRICE = 40
# Half the square root of each stretch of days times sqrt(3), in thousandths: the
# width of an even distribution whose deviation is that of a random walk's midpoint.
_WIDTHS = {2**power: isqrt(750_000 * 2**power) for power in range(1, 9)}


class Block(NamedTuple):
    """``BLOCK_DAYS`` days: midnight prices (one more than days; fine ticks) and
    volatilities (thousandths of the symbol's own)."""

    prices: list[int]
    volatilities: list[int]


def anchor(listing: Listing, block: int) -> int:
    """Return the price at the beginning of a block, in fine ticks."""
    index = max(0, block - listing.first_block)
    known = len(listing.anchors) - 1
    price = round(listing.anchors[min(index, known)] * UNIT) * _FINE // listing.tick
    for later in range(known + 1, index + 1):
        # Beyond the known years the price wanders between 0.8 and 1.3 of the last.
        draw = draws(listing.symbol, _ANCHOR_LEVEL, later)[0]
        price = price * (800 + 500 * draw // DRAW_RANGE) // 1_000
    return max(price, _LEAST_PRICE * _FINE)


def block(listing: Listing, index: int) -> Block:
    """Return midnight prices and volatilities of one block of days."""
    noise = [
        draw
        for place in range(index * 16, index * 16 + 16)
        for draw in draws(listing.symbol, _BLOCK_LEVEL, place)
    ]
    prices = [0] * (BLOCK_DAYS + 1)
    prices[0], prices[-1] = anchor(listing, index), anchor(listing, index + 1)
    volatilities = [1_000] * BLOCK_DAYS
    span = BLOCK_DAYS
    while span > 1:
        width = _WIDTHS[span] * listing.volatility // 1_000
        for left in range(0, BLOCK_DAYS, span):
            middle = left + span // 2
            wild = volatilities[left]
            draw = noise[2 * middle] - DRAW_RANGE // 2
            move = width * wild // 1_000 * draw // (DRAW_RANGE // 2)
            price = isqrt(prices[left] * prices[left + span])
            price += price * max(-_MILLION // 2, min(move, _MILLION)) // _MILLION
            prices[middle] = max(price, _LEAST_PRICE * _FINE)
            tilt = 600 * noise[2 * middle + 1] // DRAW_RANGE
            volatilities[left] = wild * (700 + tilt) // 1_000
            volatilities[middle] = wild * (1_300 - tilt) // 1_000
        span //= 2
    return Block(prices, volatilities)


def day_candle(listing: Listing, day: int, within: Block) -> Candle:
    """Return the candle of a day (counted from 1970), given its block."""
    place = day % BLOCK_DAYS
    first = within.prices[place] // _FINE
    last = within.prices[place + 1] // _FINE
    wild = within.volatilities[place] * listing.volatility // 1_000
    noise = draws(listing.symbol, _DAY_LEVEL, day)
    reach = max(first, last) * wild // _MILLION
    upper, lower = max(first, last), min(first, last)
    high = upper + 1 + reach * noise[0] // DRAW_RANGE
    low = max(lower // 2, lower - 1 - reach * noise[1] // DRAW_RANGE)
    middle = (first + high + low + last) >> 2
    busy = _business(listing, day, wild, abs(last - first) * _MILLION // first)
    busy = busy * (600 + 800 * noise[2] // DRAW_RANGE) // 1_000
    steps = listing.turnover * UNIT * busy // _MILLION * UNIT
    steps = steps // (middle * listing.tick * listing.step) + 1_000
    trades = min(steps // 4, listing.trades * busy // _MILLION + 1_000)
    bought = 430 + 140 * noise[3] // DRAW_RANGE
    buy = steps * bought // 1_000
    buy_price, sell_price = (3 * middle + last) >> 2, (3 * middle + first) >> 2
    sell = steps - buy
    return Candle(
        first, high, low, last, buy, sell, buy * buy_price, sell * sell_price, trades
    )


def _business(listing: Listing, day: int, wild: int, move: int) -> int:
    """Return how busy a day is against an ordinary one, in millionths.

    Trade grew over the years, and grows with volatility and with the day's move.
    """
    years = max(0, day - 17_395)
    grown = min(1_000, 60 + years * 940 // 1_600)
    excited = (400_000 * wild + 500_000 * move) // listing.volatility
    return (300_000 + excited) * grown // 1_000
