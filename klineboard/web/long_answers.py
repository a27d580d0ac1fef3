"""Answers that take as long as their reader wants, and keep nobody else waiting.

A reader of an export takes a thread for as long as it reads, and one that stalls takes
it for ever. So the thread hands its place among those that answer pages to a new one.
Threads cost little, but each export reads with a connection to PostgreSQL: there is a
limit, and who comes when it is reached is told to come again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response

from .errors import Busy
from .services import services
from .worker import hand_over_place

_Arguments = ParamSpec("_Arguments")


def takes_long(
    view: Callable[_Arguments, Response],
) -> Callable[_Arguments, Response]:
    """Answer beside the pages; refuse where too many such answers are under way.

    It stands below the route. An answer is under way until it was sent, or its reader
    went away.
    """

    @wraps(view)
    def limited(*args: _Arguments.args, **keys: _Arguments.kwargs) -> Response:
        give_back = _take(services().long_answers)
        try:
            hand_over_place()
            response = view(*args, **keys)
        except BaseException:
            give_back()
            raise
        response.call_on_close(give_back)
        return response

    return limited


def _take(slots: threading.BoundedSemaphore) -> Callable[[], None]:
    """Take a slot, and return what gives it back, once however often it is called.

    Raises:
        Busy: All are taken.
    """
    if not slots.acquire(blocking=False):
        raise Busy(
            "as many exports as can be at once are being read already; "
            "try again when one of them is over"
        )
    once = threading.Lock()

    def give_back() -> None:
        if once.acquire(blocking=False):
            slots.release()

    return give_back
