"""A simulator at a fixed time, and a client for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from klineboard.simulator import BentClock, Simulator, utc

DATA = Path(__file__).resolve().parents[3] / "shared/data"
NOW = utc("2024-06-01T12:34:56")


class Ticks:
    """Seconds that only tests move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Client:
    """Asks one simulator; keeps its connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return self._session.get(self._url + path, params=parameters, timeout=5)

    def klines(self, **parameters: Any) -> Any:
        return self.get("/api/v3/klines", **parameters).json()

    def post(self, path: str, value: Any) -> requests.Response:
        return self._session.post(self._url + path, data=json.dumps(value), timeout=5)

    def delete(self, path: str) -> requests.Response:
        return self._session.delete(self._url + path, timeout=5)

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def simulator(ticks: Ticks) -> Iterator[Simulator]:
    clock = BentClock(NOW, speed=0, source=ticks)
    with Simulator(clock=clock, weight_limit=100) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    asking = Client(simulator.url)
    yield asking
    asking.close()


@pytest.fixture
def recorded() -> Path:
    if not DATA.is_dir():
        pytest.skip("the recorded market data (shared/data) are not here")
    return DATA
