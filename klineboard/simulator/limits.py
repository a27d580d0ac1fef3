"""Request weight: windows of a minute, 429 beyond the limit, 418 for those who go on.

Source: Binance Spot API, rest-api.md, "LIMITS", and errors.md, -1003. Windows are
counted on seconds that bent time does not touch, since clients wait in real ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from .messages import ApiError

# Requests that may follow a 429 in the same window before the address is banned.
_PATIENCE = 10


class WeightLimits:
    """The weight that one address has used."""

    def __init__(
        self,
        seconds: Callable[[], float],
        limit: int = 6_000,
        window: float = 60.0,
        ban: float = 120.0,
    ) -> None:
        """Start with nothing used.

        Args:
            seconds: Rising seconds from anywhere.
            limit: Weight a window.
            window: Length of a window in seconds; Binance's is 60.
            ban: Length of a ban in seconds; Binance's first one lasts 2 minutes.
        """
        self.limit = limit
        self._seconds = seconds
        self._window = window
        self._ban = ban
        self._lock = threading.Lock()
        self._number = -1
        self._used = 0
        self._refused = 0
        self._banned_until = 0.0

    @property
    def used(self) -> int:
        """Weight used in the current window."""
        with self._lock:
            self._turn(self._seconds())
            return self._used

    def set(self, limit: int | None = None, used: int | None = None) -> None:
        """Change the limit, or what counts as used; lift a ban if nothing is used."""
        with self._lock:
            self._turn(self._seconds())
            self.limit = self.limit if limit is None else limit
            self._used = self._used if used is None else used
            if used == 0:
                self._refused, self._banned_until = 0, 0.0

    def spend(self, weight: int, now: int) -> int:
        """Count a request and return the weight used in this window.

        Args:
            weight: What the request costs.
            now: The exchange's time (ms), which the words of a ban name.

        Raises:
            ApiError: -1003 with status 429 or 418, and ``Retry-After`` in seconds.
        """
        with self._lock:
            seconds = self._seconds()
            self._turn(seconds)
            if seconds < self._banned_until:
                raise self._banned(seconds, now)
            if self._used + weight <= self.limit:
                self._used += weight
                return self._used
            self._refused += 1
            if self._refused > _PATIENCE:
                self._banned_until = seconds + self._ban
                raise self._banned(seconds, now)
            raise self._too_many(seconds)

    def _turn(self, seconds: float) -> None:
        """Begin a new window if its time has come."""
        number = int(seconds // self._window)
        if number != self._number:
            self._number, self._used, self._refused = number, 0, 0

    def _too_many(self, seconds: float) -> ApiError:
        left = (self._number + 1) * self._window - seconds
        error = ApiError(
            -1003,
            f"Too much request weight used; current limit is {self.limit} request "
            "weight per 1 MINUTE. Please use WebSocket Streams for live updates to "
            "avoid polling the API.",
            429,
        )
        error.headers["Retry-After"] = str(int(left) + 1)
        return error

    def _banned(self, seconds: float, now: int) -> ApiError:
        left = self._banned_until - seconds
        error = ApiError(
            -1003,
            f"Way too much request weight used; IP banned until "
            f"{now + int(left * 1_000)}. Please use WebSocket Streams for live "
            "updates to avoid bans.",
            418,
        )
        error.headers["Retry-After"] = str(int(left) + 1)
        return error
