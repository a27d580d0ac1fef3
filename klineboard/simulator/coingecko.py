"""CoinGecko's ``/coins/markets`` over the simulated market.

Source of parameters and fields: CoinGecko API v3, "Coins List with Market Data".
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from ..market.interval import DAY, INTERVALS
from .market import Market
from .messages import Reply, Request
from .rest import last_price

_PREFIX = "/api/v3"
_MOST_PER_PAGE = 250


class _Coin(NamedTuple):
    """A coin; ``pair`` is the symbol that prices it, None for one dollar."""

    id: str
    symbol: str
    name: str
    pair: str | None
    supply: float
    most: float | None = None
    known: bool = True


# A coin that is not known has no market cap, as CoinGecko's young coins have none.
_COINS = (
    _Coin("bitcoin", "btc", "Bitcoin", "BTCUSDT", 19_950_000.0, 21_000_000.0),
    _Coin("ethereum", "eth", "Ethereum", "ETHUSDT", 120_700_000.0),
    _Coin("tether", "usdt", "Tether", None, 183_000_000_000.0),
    _Coin("binancecoin", "bnb", "BNB", "BNBUSDT", 137_700_000.0, 200_000_000.0),
    _Coin("ripple", "xrp", "XRP", "XRPUSDT", 60_100_000_000.0, 100_000_000_000.0),
    _Coin("solana", "sol", "Solana", "SOLUSDT", 552_000_000.0),
    _Coin("usd-coin", "usdc", "USDC", None, 75_000_000_000.0),
    _Coin("dogecoin", "doge", "Dogecoin", "DOGEUSDT", 152_000_000_000.0),
    _Coin("tron", "trx", "TRON", "TRXUSDT", 94_700_000_000.0),
    _Coin("cardano", "ada", "Cardano", "ADAUSDT", 35_900_000_000.0, 45_000_000_000.0),
    _Coin("chainlink", "link", "Chainlink", "LINKUSDT", 697_000_000.0, 1_000_000_000.0),
    _Coin("avalanche-2", "avax", "Avalanche", "AVAXUSDT", 427_000_000.0, 715_748_719.0),
    _Coin("shiba-inu", "shib", "Shiba Inu", "SHIBUSDT", 589_500_000_000_000.0),
    _Coin("pepe", "pepe", "Pepe", "PEPEUSDT", 420_690_000_000_000.0),
    _Coin("ftx-token", "ftt", "FTX", "FTTUSDT", 328_000_000.0, known=False),
)


class CoinGecko:
    """The endpoints, with and without the prefix ``/api/v3``."""

    def __init__(self, market: Market) -> None:
        """Price the coins by a market."""
        self._market = market

    def knows(self, path: str) -> bool:
        """Return whether the path is one of CoinGecko's."""
        return path.removeprefix(_PREFIX) == "/coins/markets" or path == "/ping"

    def answer(self, request: Request, now: int) -> Reply:
        """Answer a request at ``now`` (ms)."""
        if request.path == "/ping":
            return Reply.of({"gecko_says": "(V3) To the Moon!"})
        if not request.parameter("vs_currency"):
            return Reply.of({"error": "Missing parameter vs_currency"}, 422)
        if request.parameter("vs_currency") != "usd":
            return Reply.of({"error": "invalid vs_currency"}, 422)
        try:
            page = int(request.parameter("page") or 1)
            size = int(request.parameter("per_page") or 100)
        except ValueError:
            return Reply.of({"error": "page and per_page must be numbers"}, 422)
        size = min(max(size, 1), _MOST_PER_PAGE)
        rows = self._rows(now)
        ids = (request.parameter("ids") or "").split(",")
        rows = [row for row in rows if ids == [""] or row["id"] in ids]
        if request.parameter("order") == "market_cap_asc":
            rows.reverse()
        first = (max(page, 1) - 1) * size
        return Reply.of(rows[first : first + size])

    def _rows(self, now: int) -> list[dict[str, Any]]:
        rows = [row for row in (self._row(coin, now) for coin in _COINS) if row]
        rows.sort(key=lambda row: row["market_cap"] or 0.0, reverse=True)
        for rank, row in enumerate(rows, 1):
            row["market_cap_rank"] = rank if row["market_cap"] is not None else None
        return rows

    def _row(self, coin: _Coin, now: int) -> dict[str, Any] | None:
        values = self._values(coin, now)
        if values is None:
            return None
        price, before, high, low, volume = values
        change = (price - before) / before * 100
        cap = round(price * coin.supply) if coin.known else None
        moment = dt.datetime.fromtimestamp(now // 60_000 * 60, dt.UTC)
        return {
            "id": coin.id,
            "symbol": coin.symbol,
            "name": coin.name,
            "image": f"https://coin-images.coingecko.com/coins/images/{coin.id}.png",
            "current_price": price,
            "market_cap": cap,
            "market_cap_rank": None,
            "fully_diluted_valuation": round(price * coin.most) if coin.most else None,
            "total_volume": round(volume),
            "high_24h": high,
            "low_24h": low,
            "price_change_24h": price - before,
            "price_change_percentage_24h": round(change, 5),
            "market_cap_change_24h": (price - before) * coin.supply if cap else None,
            "market_cap_change_percentage_24h": round(change, 5) if cap else None,
            "circulating_supply": coin.supply,
            "total_supply": coin.supply,
            "max_supply": coin.most,
            "ath": None,
            "ath_change_percentage": None,
            "ath_date": None,
            "atl": None,
            "atl_change_percentage": None,
            "atl_date": None,
            "roi": None,
            "last_updated": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }

    def _values(
        self, coin: _Coin, now: int
    ) -> tuple[float, float, float, float, float] | None:
        """Return price, the one a day before, high, low and dollars traded."""
        if coin.pair is None:
            return 1.0, 0.9998, 1.001, 0.9991, coin.supply * 0.6
        if coin.pair not in {one.symbol for one in self._market.listings(now)}:
            return None
        hours = self._market.klines(coin.pair, INTERVALS["1h"], now - DAY, now, 24, now)
        price = last_price(self._market, coin.pair, now)
        if not hours or price is None:
            return None
        return (
            float(price),
            float(hours[0].open_price),
            max(float(hour.high_price) for hour in hours),
            min(float(hour.low_price) for hour in hours),
            sum(float(hour.quote_asset_volume) for hour in hours),
        )
