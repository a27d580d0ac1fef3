"""What the database remembers of the exchange: origin, symbols, contact, silence."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from psycopg2.extras import execute_values

from ..errors import OriginMismatch
from .database import Cursor


def claim_origin(cursor: Cursor, origin: str) -> None:
    """Note the exchange of this database's candles, or compare with the one noted.

    Raises:
        OriginMismatch: The database holds candles of another exchange.
    """
    cursor.execute(
        "INSERT INTO origin (name) VALUES (%s) ON CONFLICT DO NOTHING", (origin,)
    )
    cursor.execute("SELECT name FROM origin")
    row = cursor.fetchone()
    stored = row[0] if row else origin
    if stored != origin:
        raise OriginMismatch(stored, origin)


def store_symbols(
    cursor: Cursor, symbols: Iterable[tuple[str, str, str, str, Decimal | None]]
) -> None:
    """Keep symbol, status, base asset, quote asset and tick size of each symbol."""
    execute_values(
        cursor,
        "INSERT INTO symbols (symbol, status, base_asset, quote_asset, tick_size) "
        "VALUES %s ON CONFLICT (symbol) DO UPDATE SET status = excluded.status, "
        "base_asset = excluded.base_asset, quote_asset = excluded.quote_asset, "
        "tick_size = excluded.tick_size, checked_at = now()",
        list(symbols),
    )


def note_reached(cursor: Cursor, host: str, now: int) -> None:
    """Note that the exchange answered just now, its clock saying ``now`` (ms)."""
    cursor.execute(
        "INSERT INTO exchange_contact (host, reached_at, clock_ahead_ms) "
        "VALUES (%s, now(), %s - (extract(epoch FROM clock_timestamp()) * 1000)) "
        "ON CONFLICT (host) DO UPDATE SET reached_at = now(), error = NULL, "
        "clock_ahead_ms = excluded.clock_ahead_ms",
        (host, now),
    )


def note_failed(cursor: Cursor, host: str, error: str) -> None:
    """Note that the exchange did not answer just now, and why."""
    cursor.execute(
        "INSERT INTO exchange_contact (host, failed_at, error) VALUES (%s, now(), %s) "
        "ON CONFLICT (host) DO UPDATE SET failed_at = now(), error = excluded.error",
        (host, error),
    )


def remember_silence(cursor: Cursor, host: str, seconds: float) -> None:
    """Keep that the exchange told this address to be silent for ``seconds``."""
    cursor.execute(
        "INSERT INTO exchange_contact AS c (host, silent_until) "
        "VALUES (%s, now() + %s * interval '1 second') ON CONFLICT (host) DO UPDATE "
        "SET silent_until = greatest(c.silent_until, excluded.silent_until)",
        (host, seconds),
    )


def take_weight(
    cursor: Cursor, host: str, minute: int, weight: int, *, seen: int, most: int
) -> bool:
    """Take request weight of a minute that all programs at this database share.

    Args:
        cursor: Of a transaction of its own: the others wait for its end.
        host: Whose limit it is.
        minute: Minutes since 1970 of the exchange's clock.
        weight: How much to take.
        seen: What is known to be spent in that minute, by anybody.
        most: What all together may take.

    Returns:
        Whether there was so much left.
    """
    if seen + weight > most:
        return False
    # A crash may forget it: the exchange's own count is heeded besides.
    cursor.execute("SET LOCAL synchronous_commit = off")
    cursor.execute(
        "DELETE FROM request_weight WHERE host = %s AND minute < %s", (host, minute - 1)
    )
    cursor.execute(
        "INSERT INTO request_weight AS r (host, minute, taken) "
        "VALUES (%(host)s, %(minute)s, %(seen)s + %(weight)s) "
        "ON CONFLICT (host, minute) DO UPDATE "
        "SET taken = greatest(r.taken, %(seen)s) + %(weight)s "
        "WHERE greatest(r.taken, %(seen)s) + %(weight)s <= %(most)s",
        {"host": host, "minute": minute, "weight": weight, "seen": seen, "most": most},
    )
    return cursor.rowcount == 1


def remaining_silence(cursor: Cursor, host: str) -> float:
    """Return for how many seconds the exchange must not be asked; 0 for none."""
    cursor.execute(
        "SELECT extract(epoch FROM silent_until - now())::float8 "
        "FROM exchange_contact WHERE host = %s AND silent_until > now()",
        (host,),
    )
    row = cursor.fetchone()
    return float(row[0]) if row else 0.0
