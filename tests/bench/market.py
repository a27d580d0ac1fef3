"""The bench's exchange as a process of its own, and what it has counted."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klineboard.market.interval import MINUTE
from tests.bench.processes import environment, free_port, running

LATENCY_MS = 60


@dataclass(frozen=True, slots=True)
class Market:
    """An exchange that runs, with a history of ``candles`` closed candles a symbol.

    Attributes:
        url: Its address, the archive's too.
        folder: Where the measured parts keep their files.
    """

    url: str
    folder: Path

    def settings(self, name: str, database: dict[str, str]) -> dict[str, str]:
        """Return the settings of a part that asks it, with folders of its own."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        values = environment(folder, 0, free_port()) | database
        return values | {
            "BINANCE_API_URL": self.url,
            "BINANCE_ARCHIVE_URL": self.url,
            "COINGECKO_API_URL": self.url,
            "HISTORY_START": "2000-01-01",
        }

    def reset(self, limit: int | None = None) -> None:
        """Forget what was counted, and allow so much weight a minute from now on."""
        query = "" if limit is None else f"?limit={limit}"
        self._ask(f"/bench/reset{query}")

    def statistics(self) -> dict[str, Any]:
        """Return what was counted since the last reset."""
        return self._ask("/bench/statistics")

    def _ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}{path}") as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def market(folder: Path, *options: str) -> Iterator[Market]:
    """Run an exchange; ``options`` are those of ``tests.bench.exchange``."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["-m", "tests.bench.exchange", "--port", str(port)]
    command += ["--latency-ms", str(LATENCY_MS), *options]
    settings = environment(folder, port, free_port())
    ready = f"{url}/bench/statistics"
    with running(command, settings, ready, patience=600):
        yield Market(url, folder)


def refused(statistics: dict[str, Any]) -> int:
    """Return how many requests drew 429 or 418."""
    return int(statistics["429"] + statistics["418"])


def shares(statistics: dict[str, Any]) -> list[float]:
    """Return the used part of each whole minute's weight.

    The first minute began before the work did, and the last one was not over.
    """
    used = dict(statistics["weights"])
    minutes = range(min(used) + MINUTE, max(used), MINUTE)
    return [used.get(minute, 0) / statistics["limit"] for minute in minutes]
