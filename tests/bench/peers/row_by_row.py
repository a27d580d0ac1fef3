"""The ancestors' way: a page by ``requests``, then a statement for each row.

Written from the description "row-by-row insert", which leaves open when to commit:
``row`` after each row, ``page`` after each page (the kinder reading).
"""

from __future__ import annotations

import sys

import requests

from tests.bench.peers.table import (
    INTERVAL,
    MINUTE,
    PAGE_ROWS,
    SYMBOL,
    Order,
    Table,
    run,
)


def download(order: Order, table: Table, commit: str) -> None:
    """Fetch one page after the other and insert row by row."""
    session = requests.Session()
    since = order.start
    while since <= order.end:
        query: dict[str, str | int] = {
            "symbol": SYMBOL,
            "interval": INTERVAL,
            "startTime": since,
            "endTime": order.end,
            "limit": PAGE_ROWS,
        }
        answer = session.get(f"{order.url}/api/v3/klines", params=query, timeout=15)
        answer.raise_for_status()
        rows = answer.json()
        if not rows:
            break
        for row in rows:
            table.insert_row(row[:11])
            if commit == "row":
                table.connection.commit()
        table.connection.commit()
        since = rows[-1][0] + MINUTE


if __name__ == "__main__":
    run(lambda order, table: download(order, table, sys.argv[1]))
