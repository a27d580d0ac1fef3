"""A topic: numbered news that listeners follow without a hole and without a repeat.

Each listener remembers the number of the news it was told last. News of one kind that
replace each other (the open candle's updates) are told only in their newest form, so
that a slow listener costs no memory; all others are kept for a while, and who needs
older ones than are kept gets a snapshot, which stands for everything until now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Listener(Protocol):
    """Who can be told news."""

    @property
    def ready(self) -> bool:
        """Whether there is room for more at the moment."""

    def tell(self, data: bytes) -> None:
        """Send what the topic's ``wrap`` made of messages."""

    def cut(self) -> None:
        """End at once: something could not be told."""


class Subscription:
    """One listener's place in one topic.

    Attributes:
        told: The number of the news that the listener has; -1 where it has nothing.
        limit: How many candles or trades its snapshots hold.
    """

    __slots__ = ("limit", "listener", "told", "topic")

    def __init__(self, topic: Topic, listener: Listener, limit: int) -> None:
        """Begin with nothing told."""
        self.topic = topic
        self.listener = listener
        self.limit = limit
        self.told = -1

    def serve(self) -> None:
        """Tell what is new, or a snapshot where that does not reach back far enough.

        A listener that is not ready is left alone; serve it again when it is.
        """
        topic = self.topic
        if self.told != topic.newest and self.listener.ready:
            told, self.told = self.told, topic.newest
            if frames := topic.frames_after(told, self.limit):
                self.listener.tell(frames)


class Topic:
    """News by number, and who follows them.

    Attributes:
        newest: The number of the newest news.
        subscriptions: Who follows, in order of arrival.
    """

    # Different limits have different snapshots; a few of them are kept ready.
    _READY_SNAPSHOTS = 4

    def __init__(self, keep: int) -> None:
        """Keep up to ``keep`` news for listeners that are a little behind."""
        self.newest = 0
        self.subscriptions: dict[Subscription, None] = {}
        self.on_news: Callable[[Topic], object] = lambda topic: None
        self.wrap: Callable[[bytes], bytes] = bytes
        self._keep = keep
        self._floor = 0
        self._news: dict[int, bytes] = {}
        self._kinds: dict[str, int] = {}
        self._ready: dict[tuple[int, int], bytes] = {}

    def snapshot(self, limit: int) -> bytes:
        """Return the message that stands for everything until now; empty for none."""
        raise NotImplementedError

    def subscribe(self, listener: Listener, limit: int) -> Subscription:
        """Let a listener follow; its first :meth:`Subscription.serve` is a snapshot."""
        subscription = Subscription(self, listener, limit)
        self.subscriptions[subscription] = None
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a listener; one that left already is fine."""
        self.subscriptions.pop(subscription, None)

    def publish(self, make: Callable[[], bytes], kind: str | None = None) -> None:
        """Add a message; one of the same kind that is not told yet is replaced.

        Without subscriptions the message is not even made.
        """
        if not self.subscriptions:
            self.start_over()
            return
        self._advance()
        if kind is not None:
            self.withdraw(kind)
            self._kinds[kind] = self.newest
        self._news[self.newest] = make()
        if len(self._news) > self._keep:
            self._forget(next(iter(self._news)))
        self.on_news(self)

    def withdraw(self, kind: str) -> None:
        """Tell nobody any more what was published under ``kind``, if anything was."""
        number = self._kinds.pop(kind, None)
        if number is not None:
            self._news.pop(number, None)

    def start_over(self) -> None:
        """Give everyone a snapshot, since no message tells what has changed."""
        self._advance()
        self._news.clear()
        self._kinds.clear()
        self._floor = self.newest
        if self.subscriptions:
            self.on_news(self)

    def frames_after(self, number: int, limit: int) -> bytes:
        """Return everything after that number, as :attr:`wrap` made it.

        Many ask the same, so that the answer is made once.
        """
        snapshot = number < self._floor
        key = (-1, limit) if snapshot else (number, 0)
        frames = self._ready.get(key)
        if frames is None:
            while len(self._ready) >= self._READY_SNAPSHOTS:
                del self._ready[next(iter(self._ready))]
            messages = [self.snapshot(limit)] if snapshot else self._after(number)
            frames = self._ready[key] = b"".join(
                self.wrap(message) for message in messages if message
            )
        return frames

    def _after(self, number: int) -> list[bytes]:
        return [message for n, message in self._news.items() if n > number]

    def _advance(self) -> None:
        self.newest += 1
        self._ready.clear()

    def _forget(self, number: int) -> None:
        del self._news[number]
        self._floor = number
