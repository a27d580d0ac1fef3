"""What we say to the exchange on a stream connection: SUBSCRIBE and UNSUBSCRIBE.

Source of the rules: Binance Spot, "WebSocket Streams", "Live Subscribing": at most 5
messages a second, pongs included. One message of many streams is one message; beyond
about 200 of them its size is refused (unicorn-binance-websocket-api#19).
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator

from websockets.exceptions import ConnectionClosed

STREAMS_A_MESSAGE = 200
"""How many streams one address or one message names."""

# One of the five a second is left for pongs.
_PAUSE_SECONDS = 0.25


class Requests:
    """Brings the streams of one connection in line with what is wanted."""

    def __init__(
        self, send: Callable[[str], Awaitable[object]], streams: Iterable[str]
    ) -> None:
        """Keep how to send, and what the connection's address asked for."""
        self._send = send
        self._followed = frozenset(streams)
        self._wanted = self._followed
        self._changed = asyncio.Event()
        self._numbers = itertools.count(1)

    def want(self, streams: Iterable[str]) -> None:
        """Note what is wanted from now on."""
        self._wanted = frozenset(streams)
        self._changed.set()

    async def run(self) -> None:
        """Send what is needed, at the exchange's pace, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            for method, streams in self._differences():
                await self._say(method, streams)

    def _differences(self) -> Iterator[tuple[str, list[str]]]:
        surplus = sorted(self._followed - self._wanted)
        lacking = sorted(self._wanted - self._followed)
        self._followed = self._wanted
        # First what goes: the exchange counts streams at every moment.
        for method, streams in (("UNSUBSCRIBE", surplus), ("SUBSCRIBE", lacking)):
            for start in range(0, len(streams), STREAMS_A_MESSAGE):
                yield method, streams[start : start + STREAMS_A_MESSAGE]

    async def _say(self, method: str, streams: list[str]) -> None:
        message = {"method": method, "params": streams, "id": next(self._numbers)}
        try:
            await self._send(json.dumps(message, separators=(",", ":")))
        except ConnectionClosed:
            return  # The reader notices, and the next connection asks for all.
        await asyncio.sleep(_PAUSE_SECONDS)
