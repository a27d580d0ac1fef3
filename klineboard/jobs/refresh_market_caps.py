"""Keep the ranking of market values fresh, politely."""

from __future__ import annotations

import logging

from ..errors import ExchangeError
from ..settings import Settings
from ..sources.coingecko import largest_market_caps
from ..storage.database import Database
from ..storage.market_caps import (
    claim_refresh,
    note_refresh_failed,
    store_market_caps,
)

log = logging.getLogger(__name__)

REFRESH_SECONDS = 300
"""CoinGecko renews its figures about every minute, and its free plan is shared by
everybody at one address: five minutes keep the page fresh and the limit far."""


def refresh_market_caps(database: Database, settings: Settings) -> bool:
    """Ask CoinGecko if no process did within five minutes, and keep the answer.

    A failure is noted beside the last good answer, which stays.

    Returns:
        Whether a new ranking was stored.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
    """
    with database.transaction() as cursor:
        if not claim_refresh(cursor, REFRESH_SECONDS):
            return False
    try:
        caps = largest_market_caps(
            settings.coingecko_api_url, settings.coingecko_demo_api_key
        )
    except ExchangeError as error:
        log.warning("market caps not refreshed: %s", error)
        with database.transaction() as cursor:
            note_refresh_failed(cursor, str(error))
        return False
    with database.transaction() as cursor:
        store_market_caps(cursor, caps)
    return True
