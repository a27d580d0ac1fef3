"""``GET /api/market-caps``: the ten largest coins, as stored, with their age."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response

from ..market.market_cap import MarketCap
from ..storage.charts import stored_symbols
from ..storage.ranking import read_base_assets, read_ranking
from .answers import cached_answer, to_json
from .services import services
from .states import split_name

blueprint = Blueprint("market_caps", __name__)

_COINS = 10
_KEPT_FOR = 10_000


@blueprint.get("/api/market-caps")
def market_caps() -> Response:
    """Answer the newest stored ranking; nobody outside is asked for it here."""
    own = services()
    now = own.now()
    with own.reading() as cursor:
        ranking = read_ranking(cursor, _COINS)
        assets = read_base_assets(cursor)
        symbols = stored_symbols(cursor)
    charts = _charts(symbols, assets, own.settings.symbols)
    body = {
        "fetched_at": ranking.fetched_at,
        "error": ranking.error,
        "market_caps": [_entry(cap, charts) for cap in ranking.caps],
    }

    def make() -> bytes:
        fetched_at = ranking.fetched_at
        age = None if fetched_at is None else max(0, now - fetched_at) // 1000
        return to_json({**body, "age_seconds": age})

    return cached_answer(own.bodies, body, make, fresh=now // _KEPT_FOR)


def _charts(
    stored: Iterable[str],
    assets: dict[str, tuple[str, str]],
    preferred: tuple[str, ...],
) -> dict[str, str]:
    """Return the stored symbol that shows each base asset.

    Among several the first of the settings, then one against USDT.
    """

    def rank(symbol: str) -> tuple[int, bool, str]:
        place = preferred.index(symbol) if symbol in preferred else len(preferred)
        return place, not symbol.endswith("USDT"), symbol

    charts: dict[str, str] = {}
    for symbol in sorted(stored, key=rank):
        base, _quote = assets.get(symbol) or split_name(symbol)
        charts.setdefault(base, symbol)
    return charts


def _entry(cap: MarketCap, charts: dict[str, str]) -> dict[str, Any]:
    return {
        "rank": cap.rank,
        "coin_id": cap.coin_id,
        "symbol": cap.symbol,
        "name": cap.name,
        "price_usd": _number(cap.price_usd),
        "market_cap_usd": _number(cap.market_cap_usd),
        "change_24h_percent": _number(cap.change_24h_percent),
        "chart": charts.get(cap.symbol.upper()),
    }


def _number(value: Decimal | None) -> float | int | None:
    # These become the angles of a pie, not money: a float is enough.
    if value is None or not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)
