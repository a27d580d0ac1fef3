"""A series' whole history, rendered once into bytes: an answer is a slice of them.

The candles walk at random between two bounds and are the same at each start; numbers
have as many digits as they need, as Binance writes them, with eight decimals.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from klineboard.market.interval import Interval

Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_ROWS_AT_ONCE = 20_000
_LOWEST, _HIGHEST = 300_000, 12_000_000
"""Bounds of the price in ticks of 0.01."""
_MINUTE_RETURN = 0.0006
_TICK, _STEP = 1_000_000, 1_000
"""Steps of price and volume in units of 0.00000001."""

_FOUR_DIGITS: Bytes = (
    (np.arange(10_000)[:, None] // np.array([1_000, 100, 10, 1])) % 10 + ord("0")
).astype(np.uint8)
_ABSENT = 0
"""Stands in a row's bytes where a number has no digit."""


@dataclass(slots=True)
class History:
    """All candles of one series.

    Attributes:
        interval: Of a fixed length.
        first: Open time of the first candle, ms.
        count: How many candles there are; some of them may open in the future.
        text: Rows of ``/api/v3/klines``, each followed by a comma.
        offsets: Where each row begins in ``text``, and where the last one ends.
    """

    interval: Interval
    first: int
    count: int
    text: bytes
    offsets: Integers

    @classmethod
    def render(cls, symbol: str, interval: Interval, first: int, count: int) -> History:
        """Make a series of ``count`` candles; the symbol chooses its walk."""
        seed = zlib.crc32(f"{symbol} {interval}".encode())
        walk = _walk(np.random.default_rng(seed), interval, first, count)
        text = b"".join(_rows(columns) for columns in walk)
        begins = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("["))
        return cls(interval, first, count, text, np.append(begins, len(text)))

    def slice(
        self, start: int | None, end: int | None, limit: int, now: int
    ) -> memoryview:
        """Return rows as Binance chooses them, without the last one's comma.

        Args:
            start: First open time, ms; None gives the newest rows up to ``end``.
            end: Last open time, ms.
            limit: How many rows at most.
            now: Candles that open later do not exist yet, ms.
        """
        step = self.interval.milliseconds
        last = now if end is None else min(end, now)
        stop = max(min((last - self.first) // step + 1, self.count), 0)
        if start is None:
            begin = max(stop - limit, 0)
        else:
            begin = max(-((self.first - start) // step), 0)
            stop = min(begin + limit, stop)
        if begin >= stop:
            return memoryview(b"")
        left, right = int(self.offsets[begin]), int(self.offsets[stop]) - 1
        return memoryview(self.text)[left:right]


def _walk(
    random: np.random.Generator, interval: Interval, first: int, count: int
) -> Iterator[list[Integers]]:
    """Give the eleven columns, ``_ROWS_AT_ONCE`` rows at a time."""
    step = interval.milliseconds
    spread = _MINUTE_RETURN * (step / 60_000) ** 0.5
    place, before = np.float64(0.6), None
    for begin in range(0, count, _ROWS_AT_ONCE):
        size = min(_ROWS_AT_ONCE, count - begin)
        places = place + np.cumsum(random.normal(0, spread, size))
        place = places[-1]
        closes = _price_at(places)
        opens = np.empty_like(closes)
        opens[0] = closes[0] if before is None else before
        opens[1:] = closes[:-1]
        before = closes[-1]
        times = first + (begin + np.arange(size, dtype=np.int64)) * step
        yield _columns(random, times, step, opens, closes)


def _price_at(places: npt.NDArray[np.float64]) -> Integers:
    """Fold a walk of logarithms into the bounds, as a ball between two walls."""
    width = np.log(_HIGHEST / _LOWEST)
    folded = width - np.abs(places % (2 * width) - width)
    prices: Integers = np.rint(_LOWEST * np.exp(folded)).astype(np.int64)
    return prices


def _columns(
    random: np.random.Generator,
    times: Integers,
    step: int,
    opens: Integers,
    closes: Integers,
) -> list[Integers]:
    size = len(times)
    reach = np.abs(random.normal(0, _MINUTE_RETURN / 2, (2, size)))
    highs = np.rint(np.maximum(opens, closes) * (1 + reach[0])).astype(np.int64)
    lows = np.rint(np.minimum(opens, closes) * (1 - reach[1])).astype(np.int64)
    volumes = (random.exponential(3_000_000, size) + 1).astype(np.int64)
    takers = (volumes * random.random(size)).astype(np.int64)
    trades = (volumes // 9_000) + 1
    # A tick times a step is 0.0000001 of the quote asset.
    middle = (highs + lows) // 2
    return [
        times,
        *(prices * _TICK for prices in (opens, highs, lows, closes)),
        volumes * _STEP,
        times + (step - 1),
        volumes * middle * 10,
        trades,
        takers * _STEP,
        takers * middle * 10,
    ]


def _rows(columns: list[Integers]) -> bytes:
    """Render rows as the exchange's JSON."""
    size = len(columns[0])
    parts: list[Bytes] = []

    def put(text: bytes) -> None:
        parts.append(np.broadcast_to(np.frombuffer(text, np.uint8), (size, len(text))))

    put(b"[")
    for number, column in enumerate(columns):
        if number in (0, 6, 8):
            parts.append(_digits(column))
            put(b",")
        else:
            put(b'"')
            parts.append(_digits(column // 100_000_000))
            put(b".")
            parts.append(_four_at_once(column % 100_000_000, 2))
            put(b'",')
    put(b'"0"],')
    padded: bytes = np.concatenate(parts, axis=1).tobytes()
    return padded.translate(None, bytes([_ABSENT]))


def _digits(values: Integers) -> Bytes:
    """Render whole numbers without leading zeros."""
    groups = -(-len(str(int(values.max()))) // 4)
    digits = _four_at_once(values, groups)
    leading = np.logical_and.accumulate(digits[:, :-1] == ord("0"), axis=1)
    digits[:, :-1][leading] = _ABSENT
    return digits


def _four_at_once(values: Integers, groups: int) -> Bytes:
    parts = []
    for _ in range(groups):
        parts.append(_FOUR_DIGITS[values % 10_000])
        values = values // 10_000
    return np.concatenate(parts[::-1], axis=1)
