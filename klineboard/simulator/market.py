"""The simulated market: candles of every interval, as the exchange would answer.

A candle of any interval is the exact aggregate of the minutes (and seconds) that
existed in it: after the listing, outside of outages, before the delisting, and up to
now. The open candle therefore grows and ends as the closed one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Protocol

from ..market.interval import DAY, SECOND, Interval
from ..market.kline import Kline
from ..market.trade import Trade
from .deals import deals
from .listings import LISTINGS, OUTAGES, Listing
from .noise import dice
from .splitting import Candle, join
from .tree import CandleTree

_ALWAYS = 1 << 60
# Level of the noise of trades; ``days`` has the negative ones before it.
_TRADES_LEVEL = -4


class Market(Protocol):
    """What the simulated exchange trades; ``now`` is always in ms."""

    def listings(self, now: int) -> list[Listing]:
        """Return the symbols that are listed at ``now``."""

    def klines(
        self,
        symbol: str,
        interval: Interval,
        start: int | None,
        end: int | None,
        limit: int,
        now: int,
    ) -> list[Kline]:
        """Return at most ``limit`` candles, ascending, the open one included.

        With ``start`` the oldest whose open time lies from ``start`` to ``end``
        (ms, both inclusive), otherwise the newest up to ``end``.
        """


class SimulatedMarket:
    """A deterministic market over all of ``LISTINGS``, or over those given."""

    def __init__(
        self,
        listings: Iterable[Listing] = tuple(LISTINGS.values()),
        outages: Iterable[tuple[int, int]] = OUTAGES,
    ) -> None:
        """Build the market.

        Args:
            listings: What is traded.
            outages: Stretches (ms; first minute without trade, first minute again)
                in which no symbol has a minute.
        """
        self._histories = {
            listing.symbol: _History(listing, outages) for listing in listings
        }

    def listings(self, now: int) -> list[Listing]:
        """Return the symbols that are listed at ``now`` (ms)."""
        known = [history.listing for history in self._histories.values()]
        return [listing for listing in known if listing.listed <= now]

    def klines(
        self,
        symbol: str,
        interval: Interval,
        start: int | None,
        end: int | None,
        limit: int,
        now: int,
    ) -> list[Kline]:
        """Return candles as ``Market.klines`` says.

        Raises:
            KeyError: The symbol is not listed.
        """
        history = self._histories[symbol]
        end = now if end is None else min(end, now)
        if start is None:
            opens = history.newest(interval, end, limit, now)
        else:
            opens = history.oldest(interval, start, end, limit, now)
        return [history.kline(interval, open_time, now) for open_time in opens]

    def is_open(self, symbol: str, time: int) -> bool:
        """Return whether a symbol is traded at ``time`` (ms): listed, and no outage."""
        return self._histories[symbol].exists(time)

    def trades_before(self, symbol: str, time: int) -> int:
        """Return how many trades a symbol had before a whole second (ms)."""
        return self._histories[symbol].trades_before(time)

    def trades(self, symbol: str, second: int) -> list[Trade]:
        """Return the trades of a whole second (ms), in their order.

        They add up to the candle of that second, hence of the minute and of all
        others: always in prices, volumes and number, and in the turnovers of nearly
        every second (see ``deals``). Their ids go on where the second before ended.
        """
        return self._histories[symbol].trades(second)


class _History:
    """One symbol's candles, and the stretches that have none."""

    def __init__(self, listing: Listing, outages: Iterable[tuple[int, int]]) -> None:
        self.listing = listing
        self._tree = CandleTree(listing)
        voids = [(-_ALWAYS, listing.listed), *sorted(outages)]
        if listing.delisted is not None:
            voids.append((listing.delisted, _ALWAYS))
        self._voids = _joined(voids)
        self._void_starts = [start for start, _ in self._voids]
        # Trades before each day since the listing; grows as far as it is asked for.
        self._first_day = listing.listed // DAY
        self._trades = [0]
        self.trades_before = lru_cache(maxsize=4_096)(self._trades_before)

    def exists(self, time: int) -> bool:
        """Return whether there was trade at a time (ms)."""
        return self._is_whole(time, time + 1)

    def _trades_before(self, time: int) -> int:
        """Return the number of trades before a whole second (ms)."""
        day = time // DAY
        if day < self._first_day:
            return 0
        while len(self._trades) <= day - self._first_day:
            start = (self._first_day + len(self._trades) - 1) * DAY
            self._trades.append(
                self._trades[-1] + self._trades_between(start, start + DAY)
            )
        return self._trades[day - self._first_day] + self._trades_between(
            day * DAY, time
        )

    def _trades_between(self, start: int, end: int) -> int:
        pieces = self._existing(start, end)
        return sum(self._tree.aggregate(*piece).trades for piece in pieces)

    def trades(self, second: int) -> list[Trade]:
        """Return the trades of a whole second (ms), in their order."""
        if not self.exists(second):
            return []
        listing = self.listing
        noise = dice(listing.symbol, _TRADES_LEVEL, second // SECOND)
        made = deals(self._tree.aggregate(second, second + SECOND), noise)
        times = sorted(second + int(noise.random() * SECOND) for _ in made)
        first = 1 + self.trades_before(second)
        return [
            Trade(
                listing.symbol,
                first + place,
                decimal_text(deal.price * listing.tick),
                decimal_text(deal.steps * listing.step),
                time,
                not deal.bought,
            )
            for place, (deal, time) in enumerate(zip(made, times, strict=True))
        ]

    def oldest(
        self, interval: Interval, start: int, end: int, limit: int, now: int
    ) -> list[int]:
        """Return open times from ``start`` to ``end`` (ms), ascending."""
        opens: list[int] = []
        open_time = interval.floor(max(start, interval.floor(self.listing.listed)))
        if open_time < start:
            open_time = interval.add(open_time)
        while open_time <= end and len(opens) < limit:
            following = interval.add(open_time)
            void = self._void_around(open_time, min(following, now + 1))
            if void is None:
                opens.append(open_time)
                open_time = following
            elif void[1] == _ALWAYS:
                break
            else:
                open_time = max(following, interval.floor(void[1]))
        return opens

    def newest(self, interval: Interval, end: int, limit: int, now: int) -> list[int]:
        """Return the last open times up to ``end`` (ms), ascending."""
        opens: list[int] = []
        open_time = interval.floor(end)
        while open_time + interval.milliseconds > 0 and len(opens) < limit:
            following = interval.add(open_time)
            void = self._void_around(open_time, min(following, now + 1))
            if void is None:
                opens.append(open_time)
                open_time = interval.add(open_time, -1)
            elif void[0] == -_ALWAYS:
                break
            else:
                before = interval.floor(void[0] - 1)
                open_time = min(interval.add(open_time, -1), before)
        return opens[::-1]

    def kline(self, interval: Interval, open_time: int, now: int) -> Kline:
        """Return one candle; of the open one what exists up to ``now``."""
        end = interval.add(open_time)
        # A second exists as soon as it begins: the open candle is never empty.
        stop = end if end <= now else min(end, now - now % SECOND + SECOND)
        if self._is_whole(open_time, stop):
            candle = self._tree.aggregate(open_time, stop)
        else:
            pieces = self._existing(open_time, stop)
            candle = join([self._tree.aggregate(*piece) for piece in pieces])
        return to_kline(self.listing, candle, open_time, end - 1)

    def _void_around(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the void that swallows all of ``start`` to before ``end``."""
        place = bisect_right(self._void_starts, start) - 1
        void = self._voids[place] if place >= 0 else None
        return void if void is not None and void[1] >= end else None

    def _is_whole(self, start: int, end: int) -> bool:
        """Return whether no void touches a stretch."""
        place = bisect_right(self._void_starts, end - 1) - 1
        return place < 0 or self._voids[place][1] <= start

    def _existing(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the pieces of a stretch in which there was trade."""
        place = max(0, bisect_right(self._void_starts, start) - 1)
        for void_start, void_end in self._voids[place:]:
            if void_start >= end:
                break
            if start < void_start:
                yield start, void_start
            start = max(start, void_end)
        if start < end:
            yield start, end


def decimal_text(units: int) -> str:
    """Return units of 0.00000001 as Binance writes them: 150000000 is 1.50000000."""
    text = str(units).zfill(9)
    return text[:-8] + "." + text[-8:]


def to_kline(
    listing: Listing, candle: Candle, open_time: int, close_time: int
) -> Kline:
    """Return a candle as the exchange writes it, with eight decimals."""
    tick, step, product = listing.tick, listing.step, listing.quote_units(1)
    opened, high, low, close, volume, quote, bought, bought_quote = map(
        decimal_text,
        (
            candle.open * tick,
            candle.high * tick,
            candle.low * tick,
            candle.close * tick,
            (candle.buy + candle.sell) * step,
            (candle.buy_quote + candle.sell_quote) * product,
            candle.buy * step,
            candle.buy_quote * product,
        ),
    )
    return Kline(
        open_time,
        opened,
        high,
        low,
        close,
        volume,
        close_time,
        quote,
        candle.trades,
        bought,
        bought_quote,
    )


def _joined(voids: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return stretches that neither touch nor overlap."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(voids):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
