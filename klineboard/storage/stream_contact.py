"""How the live relay stands to the exchange's streams, for the page and /health."""

from __future__ import annotations

from typing import NamedTuple

from .database import Cursor
from .series import to_moment, to_time

# The relay writes every ten seconds; after a missed turn or two it is gone.
_STALE_SECONDS = 35


class StreamContact(NamedTuple):
    """The relay's own word.

    Attributes:
        state: 'live', 'late', 'reconnecting', or None where no relay runs.
        last_event: When the newest event came, ms by our clock; None for never.
    """

    state: str | None
    last_event: int | None


def note_stream(cursor: Cursor, host: str, state: str, last_event: int | None) -> None:
    """Write down how the relay stands to ``host``, and its newest event (ms)."""
    cursor.execute(
        "INSERT INTO stream_contact AS c (host, state, last_event_at) "
        "VALUES (%s, %s, %s) ON CONFLICT (host) DO UPDATE SET state = excluded.state, "
        "last_event_at = coalesce(excluded.last_event_at, c.last_event_at), "
        "written_at = now()",
        (host, state, None if last_event is None else to_moment(last_event)),
    )


def read_stream(cursor: Cursor) -> StreamContact:
    """Return what the relay wrote last."""
    cursor.execute(
        "SELECT CASE WHEN written_at > now() - %s * interval '1 second' "
        "THEN state END, last_event_at FROM stream_contact "
        "ORDER BY written_at DESC LIMIT 1",
        (_STALE_SECONDS,),
    )
    row = cursor.fetchone()
    if row is None:
        return StreamContact(None, None)
    return StreamContact(row[0], to_time(row[1]) if row[1] else None)
