"""ccxt, page after page as its examples do, with its rate limiter as shipped.

``fetch_ohlcv`` brings six columns as floats. The limiter counts in units of 50 ms, a
page of klines costs 0.4: one request each 20 ms, which is the exchange's own 6,000
weight a minute. Asking one page after the other never comes near it.
"""

from __future__ import annotations

import ccxt

from tests.bench.peers.table import INTERVAL, MINUTE, PAGE_ROWS, Order, Table, run

MARKET = "BTC/USDT"


def spot_only(url: str) -> dict[str, object]:
    """Return ccxt's configuration for the spot market of an exchange at ``url``."""
    return {
        "enableRateLimit": True,
        "urls": {"api": {"public": f"{url}/api/v3"}},
        "options": {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
        },
    }


def download(order: Order, table: Table) -> None:
    """Fetch and insert one page after the other."""
    exchange = ccxt.binance(spot_only(order.url))
    since = order.start
    while since <= order.end:
        rows = exchange.fetch_ohlcv(
            MARKET, INTERVAL, since, PAGE_ROWS, {"until": order.end}
        )
        if not rows:
            break
        table.insert_page(rows)
        since = rows[-1][0] + MINUTE


if __name__ == "__main__":
    run(download)
