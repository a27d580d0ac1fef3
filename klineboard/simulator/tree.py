"""The tree of a symbol's candles: days, split down to seconds, and their sums."""

from __future__ import annotations

from functools import lru_cache

from ..market.interval import DAY, HOUR, MINUTE, SECOND
from .days import Block, block, day_candle
from .listings import BLOCK_DAYS, Listing
from .noise import draws
from .sharing import LEAST_STEPS
from .splitting import Candle, join, split

LENGTHS = (
    DAY,
    4 * HOUR,
    HOUR,
    15 * MINUTE,
    5 * MINUTE,
    MINUTE,
    15 * SECOND,
    5 * SECOND,
    SECOND,
)
"""Lengths (ms) of the candles of each level; each level is split into the next."""

# A month of days; more nodes than that are replaced by coarser ones inside.
_MOST_OF_A_KIND = 31
# Below the minute a candle is made of single trades: one each for open, high, low and
# close, and two on either side by which the turnover comes out exactly.
_LEAST_IN_SECONDS = 4
_COUNTS = (0, *(LENGTHS[i - 1] // LENGTHS[i] for i in range(1, len(LENGTHS))))


class CandleTree:
    """Every candle of one symbol, as if the exchange had never stood still.

    Candles are pure functions of symbol and time; what is kept is only a cache.
    """

    def __init__(self, listing: Listing) -> None:
        """Prepare empty caches."""
        self._listing = listing
        self._block = lru_cache(maxsize=64)(self._make_block)
        self._day = lru_cache(maxsize=4_096)(self._make_day)
        self._parts = lru_cache(maxsize=4_096)(self._make_parts)

    def _make_block(self, index: int) -> Block:
        return block(self._listing, index)

    def _make_day(self, day: int) -> Candle:
        return day_candle(self._listing, day, self._block(day // BLOCK_DAYS))

    def _make_parts(self, level: int, parent: int) -> tuple[Candle, ...]:
        noise = draws(self._listing.symbol, level, parent)
        least = LEAST_STEPS if LENGTHS[level] >= MINUTE else _LEAST_IN_SECONDS
        return split(self.node(level - 1, parent), _COUNTS[level], noise, least)

    def node(self, level: int, index: int) -> Candle:
        """Return candle number ``index`` (counted from 1970) of a level."""
        if level == 0:
            return self._day(index)
        parent, part = divmod(index, _COUNTS[level])
        return self._parts(level, parent)[part]

    def aggregate(self, start: int, end: int) -> Candle:
        """Return the exact candle from ``start`` to before ``end`` (ms).

        Both must be whole seconds, and ``end`` after ``start``.
        """
        for level, length in enumerate(LENGTHS):
            if start % length == 0 and end % length == 0:
                first, stop = start // length, end // length
                if stop - first == 1:
                    return self.node(level, first)
                if stop - first <= _MOST_OF_A_KIND:
                    return join([self.node(level, i) for i in range(first, stop)])
                break
        return join(self._nodes(start, end))

    def _nodes(self, start: int, end: int) -> list[Candle]:
        """Return the fewest nodes that cover a stretch."""
        nodes = []
        time = start
        while time < end:
            for level, length in enumerate(LENGTHS):
                if time % length == 0 and time + length <= end:
                    nodes.append(self.node(level, time // length))
                    time += length
                    break
        return nodes
