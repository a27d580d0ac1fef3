"""The trades that a candle of the simulated market is made of.

All numbers are integers, as in ``splitting``. The first trade is made at the candle's
open, the last at its close, at least one at its high and one at its low; their number
and the volume of either side are the candle's own, always. So is the turnover of
either side, unless there are too few trades to come out at it (about one second in a
thousand, mostly of fewer than eight trades): then it is as near as whole ticks allow.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from .splitting import Candle


class Deal(NamedTuple):
    """One trade: price in ticks, quantity in steps, and whether the taker bought."""

    price: int
    steps: int
    bought: bool


class _Side(NamedTuple):
    """What one side has yet to trade: steps and turnover, and between which prices."""

    steps: int
    quote: int
    low: int
    high: int

    @property
    def is_possible(self) -> bool:
        """Whether trades between the prices can have this turnover."""
        return self.low * self.steps <= self.quote <= self.high * self.steps

    @property
    def least_trades(self) -> int:
        """How many trades it takes at least to come out exactly."""
        if not self.steps:
            return 0
        return 2 if self.quote % self.steps else 1

    def without(self, price: int, steps: int) -> _Side:
        """Return what is left after a trade."""
        return self._replace(steps=self.steps - steps, quote=self.quote - price * steps)

    def nearest(self) -> _Side:
        """Return the side with the nearest turnover that is possible."""
        least, most = self.low * self.steps, self.high * self.steps
        return self._replace(quote=min(max(self.quote, least), most))


class _Plan(NamedTuple):
    """Who makes the trades that must be, and how many free ones either side has."""

    touches: list[Deal]
    buys: _Side
    sells: _Side
    buy_count: int
    sell_count: int


def deals(candle: Candle, noise: Random) -> list[Deal]:
    """Return the trades of a candle, in their order.

    Args:
        candle: What they add up to; it has at least four trades, or none.
        noise: Decides what is free.
    """
    if not candle.trades:
        return []
    prices = _touches(candle, noise)
    plan = _exact_plan(candle, prices, noise) or _near_plan(candle, prices)
    inner = plan.touches[1:-1]
    free = [
        *_free(plan.buys, plan.buy_count, True, noise),
        *_free(plan.sells, plan.sell_count, False, noise),
    ]
    free.sort(key=lambda _: noise.random())
    for place, touch in enumerate(inner, 1):
        free.insert(len(free) * place // (len(inner) + 1), touch)
    return [plan.touches[0], *free, plan.touches[-1]]


def _touches(candle: Candle, noise: Random) -> list[int]:
    """Return the prices at which somebody must trade, in their order."""
    inner = []
    if candle.high > max(candle.open, candle.close):
        inner.append(candle.high)
    if candle.low < min(candle.open, candle.close):
        inner.append(candle.low)
    if noise.random() < 0.5:
        inner.reverse()
    return [candle.open, *inner, candle.close]


def _exact_plan(candle: Candle, prices: list[int], noise: Random) -> _Plan | None:
    """Return a plan by which turnovers come out exactly, or None."""
    choices = 1 << len(prices)
    first = int(noise.random() * choices)
    for choice in range(first, first + choices):
        plan = _planned(candle, prices, choice, exact=True)
        if plan and plan.buys.is_possible and plan.sells.is_possible:
            return plan
    return None


def _near_plan(candle: Candle, prices: list[int]) -> _Plan:
    """Return a plan in which number and volumes are exact, and turnovers near."""
    for choice in range(1 << len(prices)):
        plan = _planned(candle, prices, choice, exact=False)
        plan = plan and _enlarged(plan)
        if plan is not None:
            return plan._replace(buys=plan.buys.nearest(), sells=plan.sells.nearest())
    raise ValueError(f"{candle}: expected four trades and two steps on either side")


def _planned(
    candle: Candle, prices: list[int], choice: int, exact: bool
) -> _Plan | None:
    """Return the plan in which the bits of ``choice`` tell who makes which touch."""
    low, high = candle.low, candle.high
    sells = _Side(candle.sell, candle.sell_quote, low, high)
    buys = _Side(candle.buy, candle.buy_quote, low, high)
    touches = []
    for place, price in enumerate(prices):
        bought = bool(choice >> place & 1)
        touches.append(Deal(price, 1, bought))
        if bought:
            buys = buys.without(price, 1)
        else:
            sells = sells.without(price, 1)
    if buys.steps < 0 or sells.steps < 0:
        return None
    free = candle.trades - len(prices)
    least = max(buys.least_trades if exact else 0, free - sells.steps)
    most = min(buys.steps, free - (sells.least_trades if exact else 0))
    if least > most:
        return None
    share = free * buys.steps // max(1, buys.steps + sells.steps)
    count = min(max(share, least), most)
    return _Plan(touches, buys, sells, count, free - count)


def _enlarged(plan: _Plan) -> _Plan | None:
    """Return the plan with touches that take what no free trade is left for."""
    touches = list(plan.touches)
    sides = {True: plan.buys, False: plan.sells}
    counts = {True: plan.buy_count, False: plan.sell_count}
    for bought, side in sides.items():
        if not side.steps or counts[bought]:
            continue
        place = next((i for i, one in enumerate(touches) if one.bought == bought), None)
        if place is None:
            return None
        touch = touches[place]
        touches[place] = touch._replace(steps=touch.steps + side.steps)
        sides[bought] = side.without(touch.price, side.steps)
    return plan._replace(touches=touches, buys=sides[True], sells=sides[False])


def _free(side: _Side, count: int, bought: bool, noise: Random) -> Iterator[Deal]:
    """Yield trades that add up to a side; the last two make it come out exactly."""
    width = (side.high - side.low) / 4
    while count > 2:
        # Many small trades, few large ones, and what is left shared by as many.
        share = side.steps * 2 * noise.random() ** 3 / count
        steps = 1 + min(int(share), side.steps - count)
        wish = side.quote / side.steps + width * (noise.random() - noise.random())
        prices = _prices(side, steps)
        if prices is None:
            steps = 1
            prices = _prices(side, steps)
            assert prices is not None
        price = min(max(round(wish), prices[0]), prices[1])
        yield Deal(price, steps, bought)
        side, count = side.without(price, steps), count - 1
    if count:
        yield from _last(side, count, bought)


def _prices(side: _Side, steps: int) -> tuple[int, int] | None:
    """Return between which prices ``steps`` may go so that the rest stays possible."""
    left = side.steps - steps
    least = -((side.high * left - side.quote) // steps)
    most = (side.quote - side.low * left) // steps
    least, most = max(least, side.low), min(most, side.high)
    return (least, most) if least <= most else None


def _last(side: _Side, count: int, bought: bool) -> Iterator[Deal]:
    """Yield the last one or two trades, at the mean price and a tick above it."""
    price, above = divmod(side.quote, side.steps)
    if count == 1:
        yield Deal(price, side.steps, bought)
    elif above:
        yield Deal(price, side.steps - above, bought)
        yield Deal(price + 1, above, bought)
    else:
        yield Deal(price, side.steps - side.steps // 2, bought)
        yield Deal(price, side.steps // 2, bought)
