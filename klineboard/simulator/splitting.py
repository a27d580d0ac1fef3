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

# What an active candle holds at least: a trade each for open, high, low and close,
# two of them bought and two sold by the taker.
_LEAST_TRADES = 4
_LEAST_STEPS = 2

_Prices = tuple[int, int, int, int]
_Share = tuple[list[int], list[int]]


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
    _, highs, lows, _, buys, sells, buy_quotes, sell_quotes, trades = zip(
        *parts, strict=True
    )
    return Candle(
        parts[0].open,
        max(highs),
        min(lows),
        parts[-1].close,
        sum(buys),
        sum(sells),
        sum(buy_quotes),
        sum(sell_quotes),
        sum(trades),
    )


def split(candle: Candle, count: int, draws: Sequence[int]) -> tuple[Candle, ...]:
    """Return ``count`` candles whose aggregate is ``candle``.

    Args:
        candle: The candle to split.
        count: At most 6, since that is as far as 32 draws reach.
        draws: The 32 draws of this place (see ``noise``).
    """
    if not candle.trades:
        return (candle,) * count
    active = min(
        count,
        candle.trades // _LEAST_TRADES,
        candle.buy // _LEAST_STEPS,
        candle.sell // _LEAST_STEPS,
    )
    if active > 1:
        # A path that cannot carry the mean price is rare; others are tried first.
        for turn in (0, 7, 14, 21):
            parts = _split_active(candle, active, (*draws[turn:], *draws[:turn]))
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
    candle: Candle, count: int, draws: Sequence[int]
) -> tuple[Candle, ...] | None:
    prices = _prices(candle, count, draws)
    lows = [low for _, _, low, _ in prices]
    highs = [high for _, high, _, _ in prices]
    middles = [sum(four) >> 2 for four in prices]
    sides: list[_Share] = []
    for total, quote, first in (
        (candle.buy, candle.buy_quote, 17),
        (candle.sell, candle.sell_quote, 23),
    ):
        volumes = _volumes(total, draws[first : first + count])
        share = _turnovers(lows, middles, highs, volumes, quote)
        if share is None:
            return None
        sides.append(share)
    (buys, buy_quotes), (sells, sell_quotes) = sides
    trades = _trades(candle, [a + b for a, b in zip(buys, sells, strict=True)])
    return tuple(
        Candle(*four, *rest)
        for four, *rest in zip(
            prices, buys, sells, buy_quotes, sell_quotes, trades, strict=True
        )
    )


def _prices(candle: Candle, count: int, draws: Sequence[int]) -> list[_Prices]:
    """Return open, high, low and close of each part."""
    first, high, low, last = candle[:4]
    bounds = [first]
    for position in range(1, count):
        # Around the straight line from open to close, by at most 0.63 of the room:
        # parts then range about 1/sqrt(count) as far as the whole, as in a market.
        line = first + (last - first) * position // count
        draw = draws[position] - DRAW_RANGE // 2
        bounds.append(line + (high - line if draw > 0 else line - low) * draw // 52_000)
    bounds.append(last)
    span = high - low
    highs = [max(bounds[i], bounds[i + 1]) for i in range(count)]
    lows = [min(bounds[i], bounds[i + 1]) for i in range(count)]
    # The candle beside the highest bound reaches the high: the later or earlier one.
    ups, downs = highs[:: 1 - (draws[6] & 1) * 2], lows[:: 1 - (draws[0] & 1) * 2]
    top, bottom = ups.index(max(ups)), downs.index(min(downs))
    top = count - 1 - top if draws[6] & 1 else top
    bottom = count - 1 - bottom if draws[0] & 1 else bottom
    for i in range(count):
        highs[i] = min(high, highs[i] + (span * draws[7 + i] >> 19))
        lows[i] = max(low, lows[i] - (span * draws[16 - i] >> 19))
    highs[top], lows[bottom] = high, low
    return [(bounds[i], highs[i], lows[i], bounds[i + 1]) for i in range(count)]


def _volumes(total: int, draws: Sequence[int]) -> list[int]:
    """Share steps out by weight, each part getting its least."""
    weights = [5_000 + draw for draw in draws]
    whole = sum(weights)
    spare = total - _LEAST_STEPS * len(weights)
    volumes = [_LEAST_STEPS + spare * weight // whole for weight in weights]
    volumes[-1] += total - sum(volumes)
    return volumes


def _turnovers(
    lows: list[int],
    middles: list[int],
    highs: list[int],
    volumes: list[int],
    quote: int,
) -> _Share | None:
    """Share a turnover out so that each part's mean price is within its range.

    Returns:
        Volumes, moved between parts where needed, and turnovers; None if the volumes
        are too small to do so.
    """
    gap = quote - sum(map(int.__mul__, middles, volumes))
    if gap < 0:
        # The mirror image: prices count downwards.
        lows, middles, highs = (
            [-price for price in highs],
            [-price for price in middles],
            [-price for price in lows],
        )
        mirrored = _turnovers(lows, middles, highs, volumes, -quote)
        return mirrored and (mirrored[0], [-part for part in mirrored[1]])
    rooms = _rooms(middles, highs, volumes)
    room = sum(rooms)
    if gap * 2 > room:
        volumes = _moved_up(middles, volumes, gap - room // 2)
        gap = quote - sum(map(int.__mul__, middles, volumes))
        rooms = _rooms(middles, highs, volumes)
        room = sum(rooms)
        if gap > room:
            return None
    quotes = [mid * v for mid, v in zip(middles, volumes, strict=True)]
    left = gap
    for i, part in enumerate(rooms):
        more = gap * part // room if room else 0
        quotes[i] += more
        left -= more
    for i, part in enumerate(rooms):
        if not left:
            break
        more = min(left, middles[i] * volumes[i] + part - quotes[i])
        quotes[i] += more
        left -= more
    return volumes, quotes


def _rooms(middles: list[int], highs: list[int], volumes: list[int]) -> list[int]:
    """Return by how much each part's turnover could exceed the one of its middle."""
    return [
        (high - middle) * volume
        for high, middle, volume in zip(highs, middles, volumes, strict=True)
    ]


def _moved_up(middles: list[int], volumes: list[int], gap: int) -> list[int]:
    """Return the volumes with some moved to the dearest part, to close the gap."""
    moved = list(volumes)
    dearest = middles.index(max(middles))
    for cheap in sorted(range(len(middles)), key=middles.__getitem__):
        distance = middles[dearest] - middles[cheap]
        if distance <= 0 or gap < distance:
            break
        steps = min(gap // distance, (moved[cheap] - _LEAST_STEPS) * 15 // 16)
        moved[cheap] -= steps
        moved[dearest] += steps
        gap -= steps * distance
    return moved


def _trades(candle: Candle, volumes: list[int]) -> list[int]:
    """Share trades out by volume; a trade moves at least one step."""
    least = _LEAST_TRADES * len(volumes)
    spare, volume = candle.trades - least, candle.buy + candle.sell - least
    trades = [
        _LEAST_TRADES + (spare * (part - _LEAST_TRADES) // volume if volume else 0)
        for part in volumes
    ]
    left = candle.trades - sum(trades)
    for i, part in enumerate(volumes):
        more = min(left, part - trades[i])
        trades[i] += more
        left -= more
    return trades
