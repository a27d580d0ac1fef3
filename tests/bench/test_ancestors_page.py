"""The page to be measured beside ours shows what such a page shows."""

from __future__ import annotations

from klineboard.settings import Settings
from klineboard.storage.database import Database
from tests.bench.ancestors_page import create_app
from tests.candles import store_into


def test_it_draws_every_candle_and_the_market_caps(
    settings: Settings, database: Database
) -> None:
    store_into(database)(count=24)
    text = create_app(settings).test_client().get("/").text
    assert text.count('"type":"candlestick"') == 1
    assert text.count('"labels":') == 1
    assert "2024-01-01T23:00:00" in text
