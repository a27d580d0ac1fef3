"""A series of candles: which symbol, which interval."""

from __future__ import annotations

from typing import NamedTuple

from .interval import Interval


class Series(NamedTuple):
    """A symbol with an interval: ``Series("BTCUSDT", INTERVALS["1h"])``."""

    symbol: str
    interval: Interval

    def __str__(self) -> str:
        return f"{self.symbol} {self.interval}"

    @property
    def file_name(self) -> str:
        """The CSV file's name, for example ``BTCUSDT_1h.csv``."""
        return f"{self.stem}.csv"

    @property
    def stem(self) -> str:
        """The name of its files without their suffix, for example ``BTCUSDT_1h``."""
        return f"{self.symbol}_{self.interval.file_name}"

    @property
    def view_name(self) -> str:
        """The view's name, for example ``btcusdt_1h``."""
        return self.stem.lower()

    @property
    def key(self) -> tuple[str, str]:
        """Symbol and interval as the tables spell them."""
        return self.symbol, self.interval.name


class Extent(NamedTuple):
    """How far the stored candles of an interval reach.

    Attributes:
        interval: Of the candles.
        start: The oldest open time (ms, UTC).
        end: The end of the newest candle (ms, UTC).
    """

    interval: Interval
    start: int
    end: int
