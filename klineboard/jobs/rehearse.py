"""Fetch and check without storing anything; needs no database."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..errors import ExchangeError, Stopped
from ..market.coverage import Hole, hole_between
from ..market.kline import Kline
from ..market.series import Series
from ..sources.binance_rest import BinanceRest
from .collect_all import Order
from .contact import unknown_symbol
from .fetch import Fetcher
from .task import Task


@dataclass(slots=True)
class Rehearsal:
    """What a run would have seen of one series."""

    series: Series
    candles: int = 0
    first_open: int | None = None
    last_open: int | None = None
    holes: list[Hole] = field(default_factory=list)
    newest: deque[Kline] = field(default_factory=deque)
    requests: int = 0
    rejected: list[str] = field(default_factory=list)
    error: str | None = None

    def take(self, klines: list[Kline]) -> None:
        """Count candles that follow the ones before."""
        for kline in klines:
            if self.last_open is None:
                self.first_open = kline.open_time
            elif hole := hole_between(
                self.last_open, kline.open_time, self.series.interval
            ):
                self.holes.append(hole)
            self.last_open = kline.open_time
            self.candles += 1
            self.newest.append(kline)


def rehearse(
    base_url: str, order: Order, newest: int, stop: threading.Event
) -> Iterator[Rehearsal]:
    """Fetch and check every series of an order; keep only counts.

    Args:
        base_url: Whom to ask.
        order: What to fetch.
        newest: How many of the newest candles of each series to keep.
        stop: Set to end.

    Raises:
        ExchangeError: The exchange could not be asked at all.
        Stopped: The order to stop came.
    """

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    exchange = BinanceRest(base_url, wait=wait)
    now = exchange.server_time()
    known = exchange.exchange_info(sorted({series.symbol for series in order.series}))
    with ThreadPoolExecutor(8, "page") as executor:
        for series in order.series:
            rehearsal = Rehearsal(series, newest=deque(maxlen=newest))
            fetcher = Fetcher(exchange, executor)
            task = Task(series, order.span(now), now)
            if series.symbol not in known:
                rehearsal.error = unknown_symbol(series.symbol, known)
            else:
                _fetch(fetcher, task, rehearsal)
            if stop.is_set():
                raise Stopped
            rehearsal.requests = fetcher.count.value
            yield rehearsal


def _fetch(fetcher: Fetcher, task: Task, rehearsal: Rehearsal) -> None:
    try:
        for page in fetcher.pages(task.series, *task.span):
            rehearsal.take(task.closed(page.klines))
            rehearsal.rejected += page.rejected
    except ExchangeError as error:
        rehearsal.error = str(error)
    if rehearsal.rejected and not rehearsal.error:
        rehearsal.error = (
            f"{len(rehearsal.rejected)} rows would not be stored: "
            f"{rehearsal.rejected[0]}"
        )
