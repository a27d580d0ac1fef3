"""Counts of what a simulated server was asked and answered."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any


class Statistics:
    """Counts of requests to the simulated providers, the simulator's own excluded."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._paths: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._highest_weight = 0

    def count(self, path: str, status: int, weight_used: int) -> None:
        """Count one answer; status 0 stands for none (a cut or silent connection)."""
        with self._lock:
            self._paths[path] += 1
            self._statuses[status] += 1
            self._highest_weight = max(self._highest_weight, weight_used)

    def clear(self) -> None:
        """Start at nothing again."""
        with self._lock:
            self._paths.clear()
            self._statuses.clear()
            self._highest_weight = 0

    @property
    def requests(self) -> int:
        """How many requests there were."""
        with self._lock:
            return self._paths.total()

    def answers(self, status: int) -> int:
        """Return how many answers had a status."""
        with self._lock:
            return self._statuses[status]

    def asked(self, path: str) -> int:
        """Return how many requests there were for a path."""
        with self._lock:
            return self._paths[path]

    def as_dict(self) -> dict[str, Any]:
        """Return all counts, for JSON."""
        with self._lock:
            return {
                "requests": self._paths.total(),
                "429": self._statuses[429],
                "418": self._statuses[418],
                "by_path": dict(self._paths),
                "by_status": {str(key): n for key, n in self._statuses.items()},
                "highest_weight": self._highest_weight,
            }
