"""Time that can be bent: set, sped up, frozen and moved by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class BentClock:
    """The simulated exchange's clock.

    It runs ``speed`` times as fast as its source; 0 is a frozen clock.
    """

    def __init__(
        self,
        now: int | None = None,
        speed: float = 1.0,
        source: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the clock.

        Args:
            now: Simulated time to begin with (ms); None for the real one.
            speed: Simulated seconds a second of the source.
            source: Rising seconds from anywhere; tests give their own.
        """
        self._lock = threading.Lock()
        self._source = source
        self._speed = speed
        self._began = source()
        self._base = float(time.time_ns() // 1_000_000 if now is None else now)
        self._listeners: list[Callable[[], object]] = []

    def listen(self, listener: Callable[[], object]) -> None:
        """Call ``listener`` whenever time is bent or moved, in the thread that did."""
        self._listeners.append(listener)

    @property
    def speed(self) -> float:
        """Simulated seconds a second of the source."""
        return self._speed

    def now(self) -> int:
        """Return the simulated time (ms since 1970, UTC)."""
        with self._lock:
            return int(self._now())

    def seconds(self) -> float:
        """Return the source's seconds, which no bending changes."""
        return self._source()

    def set(self, now: int | None = None, speed: float | None = None) -> None:
        """Go on from ``now`` (ms), at ``speed``; None leaves either as it is."""
        with self._lock:
            self._base = self._now() if now is None else float(now)
            self._began = self._source()
            self._speed = self._speed if speed is None else speed
        self._tell()

    def advance(self, milliseconds: int) -> None:
        """Move the clock, at once."""
        with self._lock:
            self._base += milliseconds
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _now(self) -> float:
        return self._base + (self._source() - self._began) * self._speed * 1_000
