"""ccxt's asynchronous half with eight pages at once: the most that it can do.

Its limiter stays as shipped, which is the exchange's limit (see ``ccxt_download``). A
stretch is cut into pages beforehand, which works where no minute is missing.
"""

from __future__ import annotations

import asyncio

import ccxt.async_support

from tests.bench.peers.ccxt_download import MARKET, spot_only
from tests.bench.peers.table import INTERVAL, MINUTE, PAGE_ROWS, Order, Table, run

_AT_ONCE = 8


def download(order: Order, table: Table) -> None:
    """Fetch eight pages at a time and insert each."""
    asyncio.run(_download(order, table))


async def _download(order: Order, table: Table) -> None:
    exchange = ccxt.async_support.binance(spot_only(order.url))
    starts = iter(range(order.start, order.end + 1, PAGE_ROWS * MINUTE))

    async def worker() -> None:
        for start in starts:
            until = min(start + (PAGE_ROWS - 1) * MINUTE, order.end)
            rows = await exchange.fetch_ohlcv(
                MARKET, INTERVAL, start, PAGE_ROWS, {"until": until}
            )
            table.insert_page(rows)

    try:
        await exchange.load_markets()
        await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
    finally:
        await exchange.close()


if __name__ == "__main__":
    run(download)
