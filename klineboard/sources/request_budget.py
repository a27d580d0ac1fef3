"""One budget of request weight, shared by all threads that ask the exchange.

Binance counts weight per address and minute of its own clock (Spot REST API,
"IP Limits"). What has been spent is read from each answer's header, so that other
programs on the same address are counted too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

# Answers under way are counted by us before Binance has counted them; the rest of
# the difference to 100% covers other programs that ask in the same moment.
_SHARE = 0.95
# The minute that we compute may begin a little before the exchange's.
_GUARD_SECONDS = 0.3


@dataclass(slots=True)
class _Minute:
    number: int = -1
    used: int = 0


class RequestBudget:
    """Lets requests through as long as the minute's weight lasts. Thread-safe."""

    def __init__(
        self,
        limit_per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Begin without a limit; :meth:`learn_limit` sets it.

        Args:
            limit_per_minute: Weight; None until ``exchangeInfo`` has told it, which
                must not wait for a limit that nobody knows yet.
            clock: The exchange's time in seconds, or as near as is known.
            wait: Called with seconds to wait for the next minute.
        """
        self._limit = limit_per_minute
        self._clock = clock
        self._wait = wait
        self._minute = _Minute()
        self._in_flight = 0
        self._mutex = threading.Lock()

    @property
    def limit(self) -> int | None:
        """Weight that the exchange allows in a minute, None before it is known."""
        return self._limit

    @property
    def used(self) -> int:
        """Weight spent in the current minute, as the exchange last said."""
        return self._minute.used

    def learn_limit(self, limit_per_minute: int) -> None:
        """Take the limit that ``exchangeInfo`` names."""
        with self._mutex:
            self._limit = limit_per_minute

    def acquire(self, weight: int) -> int:
        """Wait until ``weight`` may be spent, and reserve it.

        Returns:
            The minute that it was reserved in, for :meth:`release`.
        """
        while True:
            with self._mutex:
                seconds = self._seconds_to_wait(weight)
                if seconds <= 0:
                    self._in_flight += weight
                    return self._minute.number
            log.info(
                "the minute's request weight is spent; going on in %.0f s", seconds
            )
            self._wait(seconds)

    def release(self, weight: int, used: int | None, minute: int) -> None:
        """Give a reservation back after the answer.

        Args:
            weight: What was reserved.
            used: The answer's ``X-MBX-USED-WEIGHT-1M``; None where there was none,
                then the reservation counts as spent.
            minute: What :meth:`acquire` returned. An answer of an earlier minute
                tells what was spent then, which would silence the new one.
        """
        with self._mutex:
            self._roll()
            self._in_flight -= weight
            if minute == self._minute.number:
                # Answers may come out of order; within a minute the count only grows.
                mine = self._minute.used + weight if used is None else used
                self._minute.used = max(mine, self._minute.used)

    def _seconds_to_wait(self, weight: int) -> float:
        self._roll()
        spent = self._minute.used + self._in_flight
        # A lone request is always let through: a limit below its weight, or a
        # foreign program that spends everything, must not silence us for ever.
        alone = self._in_flight == 0 and self._minute.used == 0
        limit = self._limit
        if limit is None or spent + weight <= limit * _SHARE or alone:
            return 0.0
        return 60 - self._clock() % 60 + _GUARD_SECONDS

    def _roll(self) -> None:
        number = int((self._clock() - _GUARD_SECONDS) // 60)
        if number != self._minute.number:
            self._minute = _Minute(number)
