"""Who gets which event, when: the streams without their sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, cycle

from ..market.interval import SECOND
from .fault_list import FaultList
from .feeds import Feed
from .stream_events import Event
from .stream_faults import FORMS, StreamFault
from .subscriber import Ending, Output, Subscriber

Delivery = tuple[Subscriber, list[Output]]

# About how many closing candles are told in one step, so that a long jump of the
# clock neither blocks the others nor piles up in memory.
_STEP_EVENTS = 500


class Publisher:
    """Tells all subscribers what happened, step by step.

    Attributes:
        subscribers: All connections.
        faults: Faults that wait for their events.
        sent: How many events were sent.
    """

    def __init__(self, now: int, feed: Callable[[str], Feed | None]) -> None:
        """Begin at ``now`` (ms).

        Args:
            now: The exchange's time.
            feed: Gives the source of a stream's name, or None for a wrong name.
        """
        self.subscribers: list[Subscriber] = []
        self.faults = FaultList(StreamFault.of)
        self.sent = 0
        self._told = now
        self._new_feed = feed
        self._feeds: dict[str, Feed | None] = {}
        self._forms = cycle(FORMS)

    def refusal(self) -> StreamFault | None:
        """Return the fault that refuses a handshake, if one waits."""
        return self.faults.take(lambda fault: fault.kind == "refuse")

    def due(self, now: int, seconds: float) -> Iterator[list[Delivery]]:
        """Yield what is to be sent, in steps that subscribers may change between.

        Args:
            now: The exchange's time (ms), up to which is told.
            seconds: Rising wall time.
        """
        if now < self._told:
            # Time was set back: what comes is told again, nothing before.
            self._told = now
        while self._told < now:
            # What happened before anybody listened need not even be looked at.
            begin = min((one.begin for one in self.subscribers), default=now)
            self._told = max(self._told, int(min(begin, now)))
            feeds = self._wanted()
            until = min(now, self._told + _step(feeds))
            events = sorted(
                chain.from_iterable(feed.due(self._told, until, now) for feed in feeds),
                key=_time,
            )
            self._told = until
            yield [
                (subscriber, self._outputs(subscriber, events, seconds))
                for subscriber in self.subscribers
            ]

    def _wanted(self) -> list[Feed]:
        names = {name for one in self.subscribers for name in one.names}
        self._feeds = {
            name: self._feeds[name] if name in self._feeds else self._new_feed(name)
            for name in sorted(names)
        }
        return [feed for feed in self._feeds.values() if feed is not None]

    def _outputs(
        self, subscriber: Subscriber, events: list[Event], seconds: float
    ) -> list[Output]:
        outputs: list[Output] = []
        for event in events:
            if subscriber.wants(event, seconds):
                self.sent += 1
                outputs += self._told_or_spoilt(subscriber, event, seconds)
        if subscriber.expires <= self._told and not subscriber.ended:
            outputs.append(subscriber.ends(Ending(1001, "24 hours are over")))
        return outputs

    def _told_or_spoilt(
        self, subscriber: Subscriber, event: Event, seconds: float
    ) -> list[Output]:
        fault = self.faults.take(lambda fault: fault.matches(event))
        if fault is None:
            return subscriber.told(event)
        if fault.kind == "garbage" and not fault.form:
            fault = replace(fault, form=next(self._forms))
        return subscriber.suffers(fault, event, seconds)


def _time(event: Event) -> int:
    return event.time


def _step(feeds: list[Feed]) -> int:
    """Return how far (ms) to go at once."""
    pace = sum(feed.pace for feed in feeds)
    return max(SECOND, int(_STEP_EVENTS / pace)) if pace else 1 << 60
