"""Reading the newest ranking of market values."""

from __future__ import annotations

from typing import NamedTuple

from ..market.market_cap import MarketCap
from .database import Cursor
from .series import to_time


class Ranking(NamedTuple):
    """The newest stored ranking.

    Attributes:
        fetched_at: When it was fetched (ms, UTC), None where there is none yet.
        error: Why the last attempt to renew it brought nothing, else None.
        caps: The coins, the largest first.
    """

    fetched_at: int | None
    error: str | None
    caps: list[MarketCap]


def read_ranking(cursor: Cursor, count: int) -> Ranking:
    """Return the ``count`` largest coins of the newest ranking."""
    cursor.execute("SELECT error FROM market_cap_refresh")
    row = cursor.fetchone()
    error = row[0] if row else None
    cursor.execute(
        "SELECT fetched_at, rank, coin_id, symbol, name, price_usd, market_cap_usd, "
        "change_24h_percent FROM market_caps "
        "WHERE fetched_at = (SELECT max(fetched_at) FROM market_caps) "
        "ORDER BY rank LIMIT %s",
        (count,),
    )
    rows = cursor.fetchall()
    fetched_at = to_time(rows[0][0]) if rows else None
    return Ranking(fetched_at, error, [MarketCap(*row[1:]) for row in rows])


def read_base_assets(cursor: Cursor) -> dict[str, tuple[str, str]]:
    """Return base and quote asset of the symbols that the exchange told us of."""
    cursor.execute("SELECT symbol, base_asset, quote_asset FROM symbols")
    return {symbol: (base, quote) for symbol, base, quote in cursor.fetchall()}
