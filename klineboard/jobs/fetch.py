"""Fetch a stretch of a series, several pages in flight, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from ..market.kline import Page
from ..market.series import Series
from ..sources.binance_rest import PAGE_ROWS, BinanceRest, RequestCount

_IN_FLIGHT = 12
# One less than a page holds: where candles leave the interval's grid, one more than
# fits on the grid may open in a stretch, and a full page shall mean just that.
_STRETCH = PAGE_ROWS - 1


@dataclass(frozen=True)
class Fetcher:
    """Where pages come from, and the threads that wait for them."""

    exchange: BinanceRest
    executor: Executor
    count: RequestCount = field(default_factory=RequestCount)

    def pages(self, series: Series, start: int, end: int) -> Iterator[Page]:
        """Give all candles that open from ``start`` to ``end`` (ms), oldest first.

        What arrived while the last page was being stored comes as one page: the fewer
        transactions, the fewer times a disk must be waited for.

        The first request finds where the series begins: before a symbol's listing
        nothing needs to be asked. The rest is cut into stretches of known length, and
        an empty answer inside (an outage) does not end it.
        """
        if start > end:
            return
        first = self._one(series, start, end)
        if first.row_count < PAGE_ROWS or not first.klines:
            yield first
            return
        start = first.klines[-1].open_time + 1
        waiting: deque[Future[Page]] = deque()
        try:
            page = first
            while True:
                while start <= end and len(waiting) < _IN_FLIGHT:
                    last = min(series.interval.add(start, _STRETCH) - 1, end)
                    waiting.append(
                        self.executor.submit(self._whole, series, start, last)
                    )
                    start = last + 1
                # The next ones are under way while this one is being stored.
                yield page
                if not waiting:
                    return
                page = waiting.popleft().result()
                while waiting and waiting[0].done():
                    page = joined(page, waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()

    def _whole(self, series: Series, start: int, end: int) -> Page:
        page = self._one(series, start, end)
        whole = page
        while page.row_count >= PAGE_ROWS and page.klines:
            page = self._one(series, page.klines[-1].open_time + 1, end)
            whole = joined(whole, page)
        return whole

    def _one(self, series: Series, start: int, end: int) -> Page:
        return self.exchange.klines(
            series.symbol, series.interval, start, end, self.count
        )


def joined(page: Page, following: Page) -> Page:
    """Return two pages as one."""
    return Page(page.klines + following.klines, page.rejected + following.rejected)
