"""Numbered news: no hole, no repeat, and no memory for those who are slow."""

from __future__ import annotations

from klineboard.live.topic import Topic


class Numbers(Topic):
    """A topic whose snapshot names the news that it stands for."""

    def snapshot(self, limit: int) -> bytes:
        return f"[{self.newest}]".encode()


class Ear:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.ready = True
        self.heard: list[bytes] = []

    def tell(self, data: bytes) -> None:
        self.heard.append(data)


def test_begins_with_a_snapshot_and_goes_on_with_what_is_new() -> None:
    topic, ear = Numbers(10), Ear()
    subscription = topic.subscribe(ear, 1)
    subscription.serve()
    topic.publish(lambda: b"a")
    topic.publish(lambda: b"b")
    subscription.serve()
    assert ear.heard == [b"[0]", b"ab"]


def test_tells_nothing_twice() -> None:
    topic, ear = Numbers(10), Ear()
    subscription = topic.subscribe(ear, 1)
    topic.publish(lambda: b"a")
    for _ in range(3):
        subscription.serve()
    assert ear.heard == [b"[1]"]


def test_tells_only_the_newest_of_news_that_replace_each_other() -> None:
    topic, ear = Numbers(10), Ear()
    subscription = topic.subscribe(ear, 1)
    subscription.serve()
    for message in (b"1", b"2", b"3"):
        topic.publish(lambda message=message: message, "open")
    topic.publish(lambda: b"c")
    subscription.serve()
    assert ear.heard[1:] == [b"3c"]


def test_tells_no_more_what_was_withdrawn() -> None:
    topic, ear = Numbers(10), Ear()
    subscription = topic.subscribe(ear, 1)
    subscription.serve()
    topic.publish(lambda: b"open", "open")
    topic.withdraw("open")
    topic.publish(lambda: b"closed")
    subscription.serve()
    assert ear.heard[1:] == [b"closed"]


def test_who_missed_more_than_is_kept_gets_a_snapshot() -> None:
    topic, ear = Numbers(2), Ear()
    subscription = topic.subscribe(ear, 1)
    subscription.serve()
    for _ in range(3):
        topic.publish(lambda: b"x")
    subscription.serve()
    assert ear.heard[1:] == [b"[3]"]


def test_who_is_not_ready_is_told_later_all_that_is_kept() -> None:
    topic, ear = Numbers(10), Ear()
    subscription = topic.subscribe(ear, 1)
    subscription.serve()
    ear.ready = False
    topic.publish(lambda: b"a")
    subscription.serve()
    topic.publish(lambda: b"b")
    ear.ready = True
    subscription.serve()
    assert ear.heard[1:] == [b"ab"]


def test_everyone_gets_a_snapshot_when_it_starts_over() -> None:
    topic, ear = Numbers(10), Ear()
    subscription = topic.subscribe(ear, 1)
    subscription.serve()
    topic.publish(lambda: b"a")
    topic.start_over()
    subscription.serve()
    assert ear.heard[1:] == [b"[2]"]


def test_makes_no_message_that_nobody_hears() -> None:
    made: list[bytes] = []
    topic = Numbers(10)
    topic.publish(lambda: made.append(b"") or b"")
    assert not made


def test_makes_what_many_hear_once() -> None:
    wrapped: list[bytes] = []
    topic = Numbers(10)
    topic.wrap = lambda message: wrapped.append(message) or message
    subscriptions = [topic.subscribe(Ear(), 1) for _ in range(3)]
    for subscription in subscriptions:
        subscription.serve()
    topic.publish(lambda: b"a")
    for subscription in subscriptions:
        subscription.serve()
    assert wrapped == [b"[0]", b"a"]
