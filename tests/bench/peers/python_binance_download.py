"""python-binance's ``get_historical_klines_generator``: all columns, as strings.

It asks one page after the other and sleeps a second after every third.
"""

from __future__ import annotations

from binance.client import Client

from tests.bench.peers.table import INTERVAL, Order, Table, pages_of, run


class _LocalClient(Client):  # type: ignore[misc]
    """A client of another address, which the constructor does not take."""

    def __init__(self, url: str) -> None:
        self.API_URL = f"{url}/api"
        super().__init__()


def download(order: Order, table: Table) -> None:
    """Fetch with the library's own paging and insert 1,000 rows at a time."""
    client = _LocalClient(order.url)
    rows = client.get_historical_klines_generator(
        "BTCUSDT", INTERVAL, order.start, order.end
    )
    for page in pages_of(rows):
        table.insert_page([row[:11] for row in page])


if __name__ == "__main__":
    run(download)
