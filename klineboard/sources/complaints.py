"""Say what goes wrong again and again once a minute, with a count."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Kind:
    told_at: float
    untold: int = 0


class Complaints:
    """Log lines of which there may be thousands, at most one a minute and kind.

    Safe to share between threads.
    """

    def __init__(
        self,
        log: logging.Logger,
        seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing told.

        Args:
            log: Where lines go, as warnings.
            seconds: How long a kind is silent after a line.
            clock: Rising seconds.
        """
        self._log = log
        self._seconds = seconds
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}
        self._mutex = threading.Lock()

    def note(self, kind: str, example: object) -> None:
        """Log it now, or count it for the next line of its kind."""
        with self._mutex:
            now = self._clock()
            known = self._kinds.get(kind)
            if known is not None and now - known.told_at < self._seconds:
                known.untold += 1
                return
            self._kinds[kind] = _Kind(now)
        before = known.untold if known else 0
        more = f" (and {before} more since the last such line)" if before else ""
        self._log.warning("%s: %s%s", kind, example, more)

    def flush(self) -> None:
        """Log the counts of what was not told yet; for the end."""
        for kind, known in self._kinds.items():
            if known.untold:
                self._log.warning("%s: %s more times", kind, known.untold)
                known.untold = 0
