"""A limit on answers that take long, so that a page always finds a free thread.

A reader of an export takes one of the worker's threads for as long as it reads, and
one that stalls takes it for ever. Half of the threads are theirs at most; who comes
when these are taken is told to come again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response

from .errors import Busy
from .services import services

_Arguments = ParamSpec("_Arguments")


def one_of_few(
    view: Callable[_Arguments, Response],
) -> Callable[_Arguments, Response]:
    """Let a view answer only while few answers of such views are under way.

    It stands below the route. The slot is held until the answer was sent, or its
    reader went away.
    """

    @wraps(view)
    def limited(*args: _Arguments.args, **keys: _Arguments.kwargs) -> Response:
        give_back = _take(services().long_answers)
        try:
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
        Busy: All are taken; nobody waits for one, since that would take a thread too.
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
