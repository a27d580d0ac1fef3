"""One connection to the streams as it stands, without its socket."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import NamedTuple

from .stream_events import Event, combined, shutdown_message
from .stream_faults import StreamFault, garbage, wrong_numbers

# Messages that a client may send in a second; pings and pongs count too.
_MOST_HEARD = 5
_LEAD_SECONDS = 1.0


class Ending(NamedTuple):
    """How a connection ends.

    Attributes:
        code: Code of the close frame; None cuts the line without a word.
        reason: Words of the close frame.
        after: Seconds (wall time) until then, in which it goes on as before.
    """

    code: int | None
    reason: str = ""
    after: float = 0.0


Output = str | Ending
"""What a connection is to do next: send a text, or end."""


class Subscriber:
    """What one connection follows, and which faults it suffers.

    Attributes:
        combined: Whether its events are framed with the stream's name.
        expires: When the exchange ends it (ms of its time).
        ended: Whether it was told to end; it gets no event any more.
    """

    def __init__(self, is_combined: bool, expires: int) -> None:
        """Begin without streams."""
        self.combined = is_combined
        self.expires = expires
        self.ended = False
        self._since: dict[str, int] = {}
        self._heard: deque[float] = deque(maxlen=_MOST_HEARD)
        self._silent_until = -inf
        self._silent_streams: dict[str, float] = {}
        self._held: dict[str, list[str]] = {}

    @property
    def names(self) -> list[str]:
        """The streams that it follows, wrong names included."""
        return list(self._since)

    @property
    def begin(self) -> float:
        """Since when (ms) it follows anything; infinite if it follows nothing."""
        return min(self._since.values(), default=inf)

    def follow(self, names: list[str] | tuple[str, ...], now: int) -> None:
        """Follow streams from ``now`` (ms) on; those followed already go on."""
        for name in names:
            self._since.setdefault(name, now)

    def leave(self, names: list[str]) -> None:
        """Follow streams no longer."""
        for name in names:
            self._since.pop(name, None)
            self._held.pop(name, None)

    def hears(self, seconds: float) -> Ending | None:
        """Note a message, ping or pong of the client; return an end if it is too many.

        Args:
            seconds: Rising wall time.
        """
        crowded = len(self._heard) == _MOST_HEARD and seconds - self._heard[0] < 1
        self._heard.append(seconds)
        return Ending(1008, "Too many requests") if crowded else None

    def wants(self, event: Event, seconds: float) -> bool:
        """Return whether it gets an event, as far as silence lets it.

        Args:
            event: What happened.
            seconds: Rising wall time.
        """
        name = event.stream.name
        since = self._since.get(name)
        if since is None or self.ended or not since < event.time <= self.expires:
            return False
        return seconds >= max(self._silent_until, self._silent_streams.get(name, -inf))

    def told(self, event: Event) -> list[Output]:
        """Return what is sent of an event that it wants."""
        return [self._framed(event, event.text), *self._late(event)]

    def suffers(self, fault: StreamFault, event: Event, seconds: float) -> list[Output]:
        """Return what is sent of an event instead, because of a fault."""
        name, text = event.stream.name, self._framed(event, event.text)
        lasts = inf if fault.seconds is None else seconds + fault.seconds
        match fault.kind:
            case "drop":
                return [self.ends(Ending(None))]
            case "close":
                return [self.ends(Ending(fault.code, "closed by a fault"))]
            case "shutdown":
                return [*self.shuts_down(event.time, fault.seconds), text]
            case "silent":
                self._silent_until = lasts
            case "silent_stream":
                self._silent_streams[name] = lasts
            case "out_of_order":
                self._held.setdefault(name, []).append(text)
            case "duplicate":
                return [text, text, *self._late(event)]
            case "garbage" if fault.form == "text":
                return [garbage(text, fault.form), *self._late(event)]
            case "garbage":
                spoilt = garbage(event.text, fault.form)
                return [self._framed(event, spoilt), *self._late(event)]
            case "wrong_close":
                wrong = wrong_numbers(event.text)
                return [self._framed(event, wrong), *self._late(event)]
        return []

    def shuts_down(self, now: int, lead: float | None = None) -> list[Output]:
        """Return the word that the server ends it, and the end ``lead`` seconds on."""
        lead = _LEAD_SECONDS if lead is None else lead
        return [
            shutdown_message(now, self.combined),
            Ending(1001, "server shutdown", lead),
        ]

    def ends(self, ending: Ending) -> Ending:
        """Return ``ending``; no event is sent any more."""
        self.ended = True
        return ending

    def _framed(self, event: Event, text: str) -> str:
        return combined(event.stream.name, text) if self.combined else text

    def _late(self, event: Event) -> list[str]:
        """Return what was held back until after an event."""
        return self._held.pop(event.stream.name, [])
