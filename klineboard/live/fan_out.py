"""Telling news to many without keeping the event loop from its other work."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

from .topic import Subscription, Topic

log = logging.getLogger(__name__)

# So long (s) one step may take; then whoever else waits for the loop has a turn, the
# reader of the exchange's messages among them.
_STEP = 0.005
_CLOCK_EVERY = 16


class FanOut:
    """Serves the subscriptions of topics with news, topic after topic.

    News that come while a topic's listeners are being told reach those whose turn is
    still to come at once, and all others in the next round: the more there is to do,
    the fewer intermediate updates are sent.
    """

    def __init__(self) -> None:
        """Begin with nothing to do, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Topic, None] = {}
        self._work = self._subscriptions()
        self._scheduled = False

    def add(self, topic: Topic) -> None:
        """Tell a topic's news soon."""
        self._waiting[topic] = None
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._step)

    def _step(self) -> None:
        end = time.perf_counter() + _STEP
        for count, subscription in enumerate(self._work, 1):
            _serve(subscription)
            if count % _CLOCK_EVERY == 0 and time.perf_counter() > end:
                self._loop.call_soon(self._step)
                return
        self._work = self._subscriptions()
        self._scheduled = False

    def _subscriptions(self) -> Iterator[Subscription]:
        while self._waiting:
            topic = next(iter(self._waiting))
            del self._waiting[topic]
            # A copy: who comes meanwhile has a snapshot, who leaves is not ready.
            yield from list(topic.subscriptions)


def _serve(subscription: Subscription) -> None:
    try:
        subscription.serve()
    except Exception:
        # One listener's trouble is not the others'; without this the rest of them
        # would never be told anything again.
        log.exception("a client of %s could not be served", subscription.topic)
        subscription.topic.unsubscribe(subscription)
        # It would wait for ever; connected anew, it gets a snapshot.
        subscription.listener.cut()
