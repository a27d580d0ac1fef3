"""When to ask again: the exchange's orders to be silent, and our own backing off.

Source of the orders: Binance Spot REST API, "IP Limits" (429, 418, Retry-After).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from ..errors import RateLimited

log = logging.getLogger(__name__)

_LONGEST_BACKOFF_SECONDS = 30.0
# A short silence is waited for; a longer one ends the run, and the next run keeps it.
_PATIENCE_429_SECONDS = 90.0
_PATIENCE_418_SECONDS = 10.0


class Silence:
    """Until when nothing may be asked; shared by all threads of a process."""

    def __init__(self) -> None:
        """Begin without one."""
        self._until = 0.0
        self._banned = False

    def begin(self, limited: RateLimited) -> None:
        """Obey an order that just came; an earlier, longer one stands."""
        self._until = max(self._until, time.monotonic() + limited.seconds)
        self._banned = limited.banned

    def resume(self, seconds: float) -> None:
        """Go on with an order that an earlier run was given.

        Whether it was a ban is not known any more: what is longer than a 429 would be
        waited for is treated as one.
        """
        banned = seconds > _PATIENCE_429_SECONDS
        self.begin(RateLimited(seconds, banned=banned))

    def keep(self, wait: Callable[[float], object]) -> None:
        """Wait for a short silence to end.

        Raises:
            RateLimited: It is too long to wait for.
        """
        while (seconds := self._until - time.monotonic()) > 0:
            patience = _PATIENCE_418_SECONDS if self._banned else _PATIENCE_429_SECONDS
            if seconds > patience:
                raise RateLimited(seconds, banned=self._banned)
            log.warning("told to be silent; going on in %.1f s", seconds)
            wait(seconds)


def backoff(attempt: int, first: float) -> float:
    """Return the seconds to wait after failed attempt number ``attempt`` (from 1).

    Doubling, at most 30 s, with jitter so that many clients do not return at once.
    """
    longest = min(first * 2.0 ** (attempt - 1), _LONGEST_BACKOFF_SECONDS)
    return longest * random.uniform(0.5, 1.5)
