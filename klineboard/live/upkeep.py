"""Noticing clients that are gone without a word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from websockets.protocol import OPEN

from .connection import LiveConnection

log = logging.getLogger(__name__)

# A round's pings are spread over it.
_PARTS = 25


async def keep_looking(crowd: Collection[LiveConnection], seconds: float) -> None:
    """Look at every connection once in ``seconds``, for ever.

    One task for all: the library's keepalive is a task and a timer for each.
    """
    while True:
        connections = list(crowd)
        for part in range(_PARTS):
            await asyncio.sleep(seconds / _PARTS)
            for connection in connections[part::_PARTS]:
                _look_safely(connection)


def _look_safely(connection: LiveConnection) -> None:
    try:
        look_at(connection)
    except Exception:
        # One connection's trouble must not end the looking after all others.
        log.exception("a connection could not be looked after")
        connection.transport.abort()


def look_at(connection: LiveConnection) -> None:
    """Ping a connection, and cut it where nothing came since the last look."""
    if connection.protocol.state is not OPEN:
        # A handshake or a farewell takes no whole round.
        if connection.leaving:
            connection.transport.abort()
        connection.leaving = True
        return
    connection.leaving = False
    if connection.heard:
        connection.heard = False
        connection.probe()
    elif not connection.stuck:
        connection.transport.abort()
