"""Telling many: in small steps, and one's trouble is not the others'."""

from __future__ import annotations

import asyncio
import time

import pytest

from klineboard.live.fan_out import FanOut
from klineboard.live.topic import Topic
from tests.live.serving import in_loop


class News(Topic):
    """A topic whose snapshot says little."""

    def snapshot(self, limit: int) -> bytes:
        return b"snapshot"


class Busy:
    """A listener that takes a while (s) of the loop's time."""

    ready = True

    def __init__(self, told: asyncio.Queue[Busy], seconds: float = 0.0) -> None:
        self._told = told
        self._seconds = seconds

    def tell(self, data: bytes) -> None:
        self._told.put_nowait(self)
        end = time.perf_counter() + self._seconds
        while time.perf_counter() < end:
            pass


class Broken(Busy):
    """A listener that cannot be told anything."""

    was_cut = False

    def tell(self, data: bytes) -> None:
        raise RuntimeError("no ear")

    def cut(self) -> None:
        self.was_cut = True


@in_loop
async def test_others_have_their_turn_while_many_are_told() -> None:
    told: asyncio.Queue[Busy] = asyncio.Queue()
    topic = News(10)
    topic.on_news = FanOut().add
    for _ in range(60):
        topic.subscribe(Busy(told, 0.001), 1)
    topic.publish(lambda: b"news")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < told.qsize() < 60
    for _ in range(60):
        await told.get()


@in_loop
async def test_news_that_come_meanwhile_are_told_too() -> None:
    told: asyncio.Queue[Busy] = asyncio.Queue()
    first, second = News(10), News(10)
    first.on_news = second.on_news = FanOut().add
    ear = Busy(told)
    first.subscribe(ear, 1)
    second.subscribe(ear, 1)
    for topic in (first, second, first):
        topic.publish(lambda: b"news")
        assert await told.get() is ear


@in_loop
async def test_a_broken_listener_is_left_out_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: asyncio.Queue[Busy] = asyncio.Queue()
    topic, ear = News(10), Busy(told)
    topic.on_news = FanOut().add
    broken = Broken(told)
    topic.subscribe(broken, 1)
    topic.subscribe(ear, 1)
    for _ in range(2):
        topic.publish(lambda: b"news")
        assert await told.get() is ear
    assert caplog.text.count("RuntimeError: no ear") == 1
    assert broken.was_cut, "connected anew, it gets a snapshot"
