"""Faults of the streams: what connections and their messages suffer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .fault_list import checked, parsed
from .stream_events import Event

KINDS = (
    "drop",
    "close",
    "silent",
    "silent_stream",
    "shutdown",
    "garbage",
    "duplicate",
    "out_of_order",
    "skip_close",
    "wrong_close",
    "refuse",
)
"""Cut line, close frame, silence of a connection or of one stream, serverShutdown,
nonsense instead of an event, an event twice, two events swapped, a closing event left
out or with wrong numbers, and a refused handshake."""

_CLOSING_KINDS = ("skip_close", "wrong_close")

FORMS = ("text", "shape", "number", "bare_nan", "event", "time")
"""Forms of garbage: half a text, a field of the wrong shape or missing, "NaN" as a
price, NaN as a number, an event that nobody knows, and a word for a time."""


@dataclass(frozen=True, slots=True)
class StreamFault:
    """One fault, and which events it befalls.

    All kinds but 'refuse' wait for an event that is about to be sent.

    Attributes:
        kind: One of ``KINDS``.
        count: How many events (or handshakes) it befalls.
        skip: How many matching ones pass before it begins.
        symbol: Only events of this symbol, or None.
        interval: Only events of this interval, or None.
        event: Only 'kline' or 'trade', or None.
        closing: Only closing events (True), only others (False), or None.
        seconds: How long 'silent' and 'silent_stream' last, None for ever; how long
            after its word a 'shutdown' ends the connection, None for a second. Real
            seconds, whatever the exchange's clock does.
        code: Of the close frame of a 'close'.
        status: HTTP status of a 'refuse'.
        form: One of ``FORMS``; empty to take one after the other.
    """

    kind: str
    count: int = 1
    skip: int = 0
    symbol: str | None = None
    interval: str | None = None
    event: str | None = None
    closing: bool | None = None
    seconds: float | None = None
    code: int = 1001
    status: int = 503
    form: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> StreamFault:
        """Build a fault from JSON.

        Raises:
            ValueError: The kind, the form or a key is unknown, or a value of the wrong
                kind.
        """
        fault = cls(**checked(values, KINDS, _CONVERSIONS))
        if fault.form and fault.form not in FORMS:
            raise ValueError(f"form={fault.form!r}: expected one of {', '.join(FORMS)}")
        return fault

    @classmethod
    def parse(cls, text: str) -> StreamFault:
        """Build a fault from the command line: ``drop`` or ``silent,seconds=60``.

        Raises:
            ValueError: As ``of``.
        """
        return cls.of(parsed(text))

    def matches(self, event: Event) -> bool:
        """Return whether the fault befalls an event."""
        stream = event.stream
        interval = stream.interval and stream.interval.name
        return (
            self.kind != "refuse"
            and self.symbol in (None, stream.symbol)
            and self.interval in (None, interval)
            and self.event in (None, stream.event)
            and self.closing in (None, event.closing)
            and (event.closing or self.kind not in _CLOSING_KINDS)
        )


def _truth(value: Any) -> bool:
    if value in (True, "true", "1"):
        return True
    if value in (False, "false", "0"):
        return False
    raise ValueError(f"closing={value!r}: expected true or false")


_CONVERSIONS: dict[str, Any] = {
    "kind": str,
    "count": int,
    "skip": int,
    "symbol": str,
    "interval": str,
    "event": str,
    "closing": _truth,
    "seconds": float,
    "code": int,
    "status": int,
    "form": str,
}


def garbage(text: str, form: str) -> str:
    """Return an event's JSON spoilt in one of ``FORMS``."""
    if form == "text":
        return text[: len(text) // 2]
    event = json.loads(text)
    inner = event.get("k", event)
    match form:
        case "shape" if inner is event:
            del event["p"]
        case "shape":
            event["k"] = []
        case "number":
            inner["p" if inner is event else "c"] = "NaN"
        case "bare_nan":
            event["E"] = float("nan")
        case "event":
            event["e"] = "newsOfTomorrow"
        case "time":
            inner["T"] = "yesterday"
    return _json(event)


def wrong_numbers(text: str) -> str:
    """Return a closing event that is sound, but not what REST answers."""
    event = json.loads(text)
    candle = event["k"]
    candle["c"] = candle["l"] if candle["c"] != candle["l"] else candle["h"]
    candle["v"] = format(Decimal(candle["v"]) + Decimal("0.00100000"), "f")
    candle["n"] += 1
    return _json(event)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
