"""What each stream has to say between two moments of the exchange's time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from ..market.interval import INTERVALS, MINUTE, SECOND
from ..market.kline import Kline
from .market import Market, SimulatedMarket
from .stream_events import Event, kline_event, trade_event
from .stream_names import Stream

_PAGE = 1_000
_UPDATE = 2_000
# Of a longer stretch in one go only the last trades are told: nobody can make or read
# those of a clock that runs ten thousand times as fast. Their ids jump then.
_MOST_TRADES = 10 * MINUTE

FirstId = Callable[[str, int], int]
"""Tells which number the first trade of a symbol has from a time (ms) on."""


class Feed(Protocol):
    """One stream's source.

    Attributes:
        pace: About how many events a ms that must not be lost it has.
    """

    pace: float

    def due(self, since: int, until: int, target: int) -> list[Event]:
        """Return the events after ``since`` up to ``until`` (ms), in their order.

        Args:
            since: What happened up to then was told.
            until: How far to tell.
            target: How far will be told in this go; what only the newest state
                matters of may wait until then.
        """


class KlineFeed:
    """A stream of candles.

    Each candle that closes is told at its end, with the row that REST answers then.
    The open one is told every 2 s (those of a second every second) if anybody traded;
    where time is bent, of several such updates only the newest is told.
    """

    def __init__(
        self, stream: Stream, market: Market, truth: Market, first_id: FirstId
    ) -> None:
        """Tell of one series.

        Args:
            stream: The stream.
            market: What REST answers from.
            truth: The market behind it, without tampering.
            first_id: Numbers trades.
        """
        assert stream.interval is not None
        self._stream = stream
        self._interval = stream.interval
        self.pace = 1 / stream.interval.milliseconds
        self._market = market
        self._simulated = truth if isinstance(truth, SimulatedMarket) else None
        self._first_id = first_id
        self._every = SECOND if stream.interval == INTERVALS["1s"] else _UPDATE
        self._told: tuple[int, int] | None = None
        self._updated: int | None = None

    def due(self, since: int, until: int, target: int) -> list[Event]:
        """Return events as ``Feed.due`` says."""
        update = until == target and self._is_time(since, until)
        if not update and not self._may_close(since, until):
            return []
        events = []
        for kline in self._klines(since, until):
            end = max(kline.close_time, kline.open_time) + 1
            if since < end <= until:
                if self._is_awake(end - 1):
                    events.append(self._event(end, kline, True))
            elif update and end > until and self._is_news(kline, until):
                events.append(self._event(until, kline, False))
        return events

    def _is_time(self, since: int, until: int) -> bool:
        """Return whether the open candle is to be told again."""
        before = since if self._updated is None else min(self._updated, since)
        self._updated = until
        return until // self._every > before // self._every

    def _may_close(self, since: int, until: int) -> bool:
        # Recorded candles may lie off the grid: one has to look.
        return self._simulated is None or self._interval.floor(until) > since

    def _klines(self, since: int, until: int) -> list[Kline]:
        """Return all candles that were open after ``since``, up to ``until``."""
        start = self._interval.floor(since)
        if self._simulated is None:
            start = since - self._interval.milliseconds
        klines: list[Kline] = []
        while True:
            page = self._market.klines(
                self._stream.symbol, self._interval, start, until, _PAGE, until
            )
            klines += page
            if len(page) < _PAGE:
                return klines
            start = page[-1].open_time + 1

    def _is_awake(self, time: int) -> bool:
        """Return whether the symbol was traded at a time (ms)."""
        return self._simulated is None or self._simulated.is_open(
            self._stream.symbol, time
        )

    def _is_news(self, kline: Kline, now: int) -> bool:
        told = (kline.open_time, kline.number_of_trades)
        changed, self._told = told != self._told, told
        return changed and self._is_awake(now)

    def _event(self, time: int, kline: Kline, closing: bool) -> Event:
        first = self._first_id(self._stream.symbol, kline.open_time)
        return kline_event(self._stream, time, kline, first, closing)


class TradeFeed:
    """A stream of trades, each told when it is made.

    Candles hold a second whole as soon as it begins: they are up to one second ahead.
    """

    # Some dozens a second.
    pace = 0.03

    def __init__(self, stream: Stream, market: SimulatedMarket) -> None:
        """Tell of one symbol's trades."""
        self._stream = stream
        self._market = market
        # A second is looked at several times while it passes.
        self._second = lru_cache(maxsize=2)(self._events)

    def due(self, since: int, until: int, target: int) -> list[Event]:
        """Return events as ``Feed.due`` says."""
        since = max(since, target - _MOST_TRADES)
        seconds = range(since - since % SECOND, until + 1, SECOND)
        return [
            event
            for second in seconds
            for event in self._second(second)
            if since < event.time <= until
        ]

    def _events(self, second: int) -> list[Event]:
        trades = self._market.trades(self._stream.symbol, second)
        return [trade_event(self._stream, trade) for trade in trades]
