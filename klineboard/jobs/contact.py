"""One exchange by REST, with what the database remembers of it."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Collection, Iterable

from ..errors import RateLimited, SettingsError, StorageError
from ..settings import Settings
from ..sources.binance_answers import SymbolInfo
from ..sources.binance_rest import BinanceRest, host_of
from ..sources.complaints import Complaints
from ..sources.request_budget import DEFAULT_SHARE
from ..storage.database import Database
from ..storage.exchange import (
    claim_origin,
    note_failed,
    note_reached,
    remaining_silence,
    remember_silence,
    store_symbols,
    take_weight,
)

log = logging.getLogger(__name__)


class Contact:
    """Asks the exchange, and keeps bans, origin and symbols in the database.

    Attributes:
        exchange: Who is asked.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        wait: Callable[[float], object],
        first_backoff: float = 0.5,
        share: float = DEFAULT_SHARE,
    ) -> None:
        """Compose the parts; nothing is connected yet.

        Args:
            settings: Where the exchange is.
            database: Who remembers.
            wait: Called with seconds before a repetition; may raise to end the run.
            first_backoff: Mean seconds before a failed request is sent again.
            share: How much of the exchange's limit may be spent.
        """
        self._database = database
        self.exchange = BinanceRest(
            settings.binance_api_url,
            wait=wait,
            on_silence=self._remember_silence,
            first_backoff=first_backoff,
            ledger=SharedLedger(database, host_of(settings.binance_api_url)),
            share=share,
        )

    def greet(self, attempts: int | None = None) -> int:
        """Keep an earlier ban, ask for the time, and make sure who answers.

        Args:
            attempts: How often to ask at most, if not as often as for the rest.

        Returns:
            The exchange's clock, ms.

        Raises:
            ExchangeError: It cannot be asked.
            OriginMismatch: It is another exchange than this database's.
        """
        with self._database.transaction() as cursor:
            silence = remaining_silence(cursor, self.exchange.host)
        if silence:
            self.exchange.keep_silent(silence)
        now = self.exchange.server_time(attempts)
        with self._database.transaction() as cursor:
            claim_origin(cursor, self.exchange.origin)
            note_reached(cursor, self.exchange.host, now)
        return now

    def keep_symbols(
        self, wanted: Collection[str], known: dict[str, SymbolInfo]
    ) -> None:
        """Store what the exchange said of the wanted symbols.

        Raises:
            SettingsError: It knows none of them.
        """
        found = [known[symbol] for symbol in sorted(known.keys() & set(wanted))]
        if not found:
            raise SettingsError(
                "symbols",
                ",".join(sorted(wanted)),
                "one that the exchange knows; "
                + unknown_symbol(next(iter(wanted)), known),
            )
        with self._database.transaction() as cursor:
            store_symbols(
                cursor,
                [
                    (s.symbol, s.status, s.base_asset, s.quote_asset, s.tick_size)
                    for s in found
                ],
            )

    def note_failed(self, error: Exception) -> None:
        """Keep that the exchange could not be asked, and why, for the page."""
        with self._database.transaction() as cursor:
            note_failed(cursor, self.exchange.host, str(error))

    def _remember_silence(self, limited: RateLimited) -> None:
        with self._database.transaction() as cursor:
            remember_silence(cursor, self.exchange.host, limited.seconds)


class SharedLedger:
    """Request weight in the database, for all programs that are at it."""

    def __init__(self, database: Database, host: str) -> None:
        """Keep whose weight it is; nothing is connected yet."""
        self._database = database
        self._host = host
        self._complaints = Complaints(log)

    def take(self, minute: int, weight: int, *, seen: int, most: int) -> bool:
        """Take weight of a minute; see :class:`Ledger`."""
        try:
            with self._database.transaction() as cursor:
                return take_weight(
                    cursor, self._host, minute, weight, seen=seen, most=most
                )
        except StorageError as error:
            # What the exchange says is spent still holds us back.
            self._complaints.note("request weight not shared", error)
            return True


def unknown_symbol(symbol: str, known: Iterable[str]) -> str:
    """Say in words that a symbol does not exist, with near names."""
    near = difflib.get_close_matches(symbol, list(known), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"Invalid symbol. (code -1121): {symbol!r}{hint}"
