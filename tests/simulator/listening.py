"""What tests of the streams hear, and how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from klineboard.simulator import Simulator

MINUTE_STREAM = "btcusdt@kline_1m"


@contextmanager
def listening(
    simulator: Simulator, *names: str, raw: bool = False
) -> Iterator[ClientConnection]:
    """Follow streams, in the combined form or raw."""
    path = "/ws/" if raw else "/stream?streams="
    url = simulator.stream_url + path + "/".join(names)
    with connect(url, max_queue=None, compression=None) as connection:
        yield connection


def heard(connection: ClientConnection, count: int) -> list[dict[str, Any]]:
    """Return the next events of a combined connection, without their frames."""
    frames = [json.loads(connection.recv(timeout=5)) for _ in range(count)]
    return [frame["data"] for frame in frames]


def heard_until_end(connection: ClientConnection) -> list[dict[str, Any]]:
    """Return all events until the connection ends."""
    events = []
    with suppress(ConnectionClosed):
        while True:
            events += heard(connection, 1)
    return events


def row_of(event: dict[str, Any]) -> list[Any]:
    """Return a kline event as REST writes the candle."""
    return [event["k"][key] for key in "tohlcvTqnVQB"]


def closings(connection: ClientConnection, count: int) -> list[dict[str, Any]]:
    """Return the next events that close a candle; others are passed over."""
    events: list[dict[str, Any]] = []
    while len(events) < count:
        events += [event for event in heard(connection, 1) if event["k"]["x"]]
    return events
