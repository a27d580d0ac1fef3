"""From years to minutes on the dashboard: by wheel, drag, keys, buttons and links."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from klineboard.storage.database import Database
from tests.conftest import settings_of

from .board import NOW, STEPS, Board, create_database, fill, serve
from .conftest import OpenPage
from .test_dashboard import ask_again, box, wait_for_chart
from .zooming import blank_frames, hover, rested, watch, zoom

pytestmark = pytest.mark.browser

KEYS = {
    "SYMBOLS": "BTCUSDT",
    "INTERVALS": "1m,1h,1d",
    "HISTORY_START": "2017-08-17",
}
FIRST = dt.datetime(2017, 8, 17, tzinfo=dt.UTC)
HOLES = (
    ("1d", dt.datetime(2019, 3, 1, tzinfo=dt.UTC), dt.timedelta(days=60)),
    ("1h", NOW - dt.timedelta(days=30), dt.timedelta(days=4)),
    ("1m", NOW - dt.timedelta(hours=4), dt.timedelta(minutes=30)),
)
"""One that is seen at each scale."""


def fill_wide(database: Database) -> None:
    """Store days since 2017, hours for 500 days and minutes for 21, with holes."""
    for interval, first in (
        ("1d", FIRST),
        ("1h", NOW.replace(hour=0, minute=0) - dt.timedelta(days=500)),
        ("1m", NOW.replace(hour=0, minute=0) - dt.timedelta(days=21)),
    ):
        step = STEPS.get(interval, dt.timedelta(days=1))
        fill(database, "BTCUSDT", interval, first, NOW - step)
    with database.transaction() as cursor:
        for interval, start, length in HOLES:
            opened = start.replace(minute=0)
            cursor.execute(
                "DELETE FROM klines WHERE interval = %s AND open_time >= %s "
                "AND open_time < %s",
                (interval, opened, opened + length),
            )
            cursor.execute(
                "INSERT INTO gaps (symbol, interval, start_time, end_time, state, "
                "attempts, checked_at) VALUES ('BTCUSDT', %s, %s, %s, 'exchange', 1, "
                "%s)",
                (interval, opened, opened + length, NOW),
            )
        cursor.execute(
            "UPDATE series SET searched_from = %s, searched_until = %s", (FIRST, NOW)
        )
        cursor.execute("INSERT INTO origin (name) VALUES ('binance')")
        cursor.execute(
            "INSERT INTO symbols (symbol, status, base_asset, quote_asset, tick_size) "
            "VALUES ('BTCUSDT', 'TRADING', 'BTC', 'USDT', 0.01)"
        )
