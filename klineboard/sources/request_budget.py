"""One budget of request weight, shared by all threads and programs that ask.

Binance counts weight per address and minute of its own clock (Spot REST API,
"IP Limits"). What has been spent is read from each answer's header, so that other
programs on the same address are counted too. Programs that know of each other do
better: they take their weight from one ledger before they spend it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

log = logging.getLogger(__name__)

DEFAULT_SHARE = 0.97
"""The rest covers programs that we do not know of and that ask in the same moment."""

# The minute that we compute may begin a little before the exchange's.
_GUARD_SECONDS = 0.3
# Taken from the ledger at once: a part of the limit so small that it does not matter
# when it is left over, and so large that the ledger is asked a few times a second.
_LEASE_PART = 300


class Ledger(Protocol):
    """Where several programs take their weight from."""

    def take(self, minute: int, weight: int, *, seen: int, most: int) -> bool:
        """Take weight of a minute (since 1970), or answer that too little is left.

        Args:
            minute: Of the exchange's clock.
            weight: How much.
            seen: What is known to be spent already, by anybody.
            most: What all together may take.
        """


class PrivateLedger:
    """For a program that shares its budget with none that it knows of."""

    def take(self, minute: int, weight: int, *, seen: int, most: int) -> bool:
        """Give what the exchange leaves."""
        return True


@dataclass(slots=True)
class _Minute:
    number: int = -1
    used: int = 0
    # Taken from the ledger and not yet spent.
    leased: int = 0
    # The ledger had nothing left.
    exhausted: bool = False
    announced: bool = False


class RequestBudget:
    """Lets requests through as long as the minute's weight lasts. Thread-safe."""

    def __init__(
        self,
        limit_per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], object] = time.sleep,
        ledger: Ledger | None = None,
        share: float = DEFAULT_SHARE,
    ) -> None:
        """Begin without a limit; :meth:`learn_limit` sets it.

        Args:
            limit_per_minute: Weight; None until ``exchangeInfo`` has told it, which
                must not wait for a limit that nobody knows yet.
            clock: The exchange's time in seconds, or as near as is known.
            wait: Called with seconds to wait for the next minute.
            ledger: What is shared with other programs; None to share nothing.
            share: How much of the limit may be spent.
        """
        self._limit = limit_per_minute
        self._clock = clock
        self._wait = wait
        self._ledger = ledger or PrivateLedger()
        self._share = share
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
        with self._mutex:
            self._roll()
            return self._minute.used

    @property
    def used_share(self) -> float | None:
        """What part of the current minute's limit is spent, None without a limit."""
        limit = self._limit
        return self.used / limit if limit else None

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
                first, self._minute.announced = not self._minute.announced, True
            log.log(
                logging.INFO if first else logging.DEBUG,
                "the minute's request weight is spent; going on in %.0f s",
                seconds,
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
        limit = self._limit
        # A lone request is always let through: a limit below its weight, or a
        # foreign program that spends everything, must not silence us for ever.
        alone = self._in_flight == 0 and self._minute.used == 0
        if limit is None or self._may_spend(weight, limit) or alone:
            return 0.0
        return 60 - self._clock() % 60 + _GUARD_SECONDS

    def _may_spend(self, weight: int, limit: int) -> bool:
        minute = self._minute
        most = int(limit * self._share)
        if minute.exhausted or minute.used + self._in_flight + weight > most:
            return False
        if minute.leased < weight:
            lease = max(weight, limit // _LEASE_PART)
            seen = minute.used + self._in_flight + minute.leased
            # The mutex is held: who comes meanwhile needs the lease, too.
            if not self._ledger.take(minute.number, lease, seen=seen, most=most):
                minute.exhausted = True
                return False
            minute.leased += lease
        minute.leased -= weight
        return True

    def _roll(self) -> None:
        number = int((self._clock() - _GUARD_SECONDS) // 60)
        if number != self._minute.number:
            self._minute = _Minute(number)
