"""Ask for candles that lie here and there: neighbours together, requests in flight."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import TypeVar

from ..market.interval import Interval

# Fewer than one answer brings, also where candles leave the interval's grid.
_CANDLES = 900

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def stretches(opens: Sequence[int], interval: Interval) -> Iterator[list[int]]:
    """Split rising open times (ms) into groups that one request brings each."""
    group: list[int] = []
    for opened in opens:
        if group and interval.steps(group[0], opened) >= _CANDLES:
            yield group
            group = []
        group.append(opened)
    if group:
        yield group


def in_order(
    executor: Executor,
    ask: Callable[[_Item], _Answer],
    items: Iterable[_Item],
    at_once: int,
) -> Iterator[tuple[_Item, _Answer]]:
    """Give each item with its answer, in order, while others are under way."""
    waiting: deque[tuple[_Item, Future[_Answer]]] = deque()
    try:
        for item in items:
            waiting.append((item, executor.submit(ask, item)))
            if len(waiting) >= at_once:
                first, answer = waiting.popleft()
                yield first, answer.result()
        for item, answer in waiting:
            yield item, answer.result()
    finally:
        for _, answer in waiting:
            answer.cancel()
