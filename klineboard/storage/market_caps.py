"""The ranking of market values, and whose turn it is to ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2.extras import execute_values

from ..market.market_cap import MarketCap
from .database import Cursor


def claim_refresh(cursor: Cursor, seconds: float) -> bool:
    """Take the turn to ask CoinGecko, if nobody did within ``seconds``.

    One statement decides, so that any number of processes ask once between them. A
    failed attempt counts too: CoinGecko's limit counts it.
    """
    cursor.execute(
        "INSERT INTO market_cap_refresh AS r (attempted_at) VALUES (now()) "
        "ON CONFLICT (only_row) DO UPDATE SET attempted_at = now() "
        "WHERE r.attempted_at <= now() - %s * interval '1 second'",
        (seconds,),
    )
    return cursor.rowcount == 1


def store_market_caps(cursor: Cursor, caps: Sequence[MarketCap]) -> None:
    """Keep one ranking under the moment of this transaction."""
    execute_values(
        cursor,
        "INSERT INTO market_caps (fetched_at, rank, coin_id, symbol, name, price_usd, "
        "market_cap_usd, change_24h_percent) VALUES %s",
        list(caps),
        template="(now(), %s, %s, %s, %s, %s, %s, %s)",
    )
    cursor.execute("UPDATE market_cap_refresh SET error = NULL")


def note_refresh_failed(cursor: Cursor, error: str) -> None:
    """Keep why the last attempt brought nothing."""
    cursor.execute("UPDATE market_cap_refresh SET error = %s", (error,))
