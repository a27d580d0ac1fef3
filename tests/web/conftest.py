"""An application on a database of the test's own, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from klineboard.market.interval import HOUR
from klineboard.settings import Settings
from klineboard.storage.database import Database
from klineboard.web import create_app
from klineboard.web.services import Services

from ..candles import START, Store, store_into


@dataclass
class Clock:
    """The time (ms) that the application is told."""

    now: int = START + 12 * HOUR

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_client(clock: Clock) -> Iterator[Callable[[Settings], FlaskClient]]:
    """Build applications without a background thread; their pools close at the end."""
    apps: list[Flask] = []

    def make(settings: Settings) -> FlaskClient:
        app = create_app(settings, now=clock, refresh=None)
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        own: Services = app.extensions["klineboard"]
        own.database.close()


@pytest.fixture
def client(
    settings: Settings, make_client: Callable[[Settings], FlaskClient]
) -> FlaskClient:
    return make_client(settings)


@pytest.fixture
def store(database: Database) -> Store:
    """Store candles, 24 hours of BTCUSDT 1h unless said otherwise."""
    return store_into(database)
