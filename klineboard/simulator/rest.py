"""Binance's public REST endpoints over a market.

Source of the rules: Binance Spot API, rest-api.md, "General endpoints" and "Market
Data endpoints"; of the fields and filters, its sections of the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..market.interval import INTERVALS, Interval
from ..market.kline import Kline, to_milliseconds
from . import parameters
from .listings import Listing
from .market import Market, decimal_text
from .messages import ApiError, Reply, Request

MOST_ROWS = 1_000
_DEFAULT_ROWS = 500
_KLINES_PARAMETERS = ("symbol", "interval", "startTime", "endTime", "timeZone", "limit")
_RAW_REQUESTS = 300_000

Shaper = Callable[[Interval, list[Kline]], list[list[Any]]]
"""Turns candles into the rows of an answer; faults damage them here."""


def row_of(kline: Kline) -> list[Any]:
    """Return a candle as one row of ``/api/v3/klines``."""
    return [*kline, "0"]


class BinanceRest:
    """The endpoints; each is a function of the request and the exchange's time."""

    def __init__(self, market: Market, weight_limit: Callable[[], int]) -> None:
        """Serve a market.

        Args:
            market: Where candles come from.
            weight_limit: Tells the request weight a minute, for exchangeInfo.
        """
        self._market = market
        self._weight_limit = weight_limit
        self._endpoints = {
            "/api/v3/ping": self._ping,
            "/api/v3/time": self._time,
            "/api/v3/exchangeInfo": self._exchange_info,
            "/api/v3/ticker/price": self._price,
        }

    def knows(self, path: str) -> bool:
        """Return whether the path is one of Binance's."""
        return path in self._endpoints or path == "/api/v3/klines"

    @staticmethod
    def weight(request: Request) -> int:
        """Return what a request costs (rest-api.md names it for each endpoint)."""
        match request.path:
            case "/api/v3/exchangeInfo":
                return 20
            case "/api/v3/klines":
                return 2
            case "/api/v3/ticker/price":
                return 2 if request.parameter("symbol") else 4
            case _:
                return 1

    def answer(self, request: Request, now: int, shape: Shaper) -> Reply:
        """Answer a request at ``now`` (ms).

        Raises:
            ApiError: The request breaks a rule.
        """
        if request.path == "/api/v3/klines":
            return self._klines(request, now, shape)
        return self._endpoints[request.path](request, now)

    def _ping(self, request: Request, now: int) -> Reply:
        parameters.check_names(request, (), ())
        return Reply.of({})

    def _time(self, request: Request, now: int) -> Reply:
        parameters.check_names(request, (), ())
        return Reply.of(
            {"serverTime": now * (1_000 if _in_microseconds(request) else 1)}
        )

    def _klines(self, request: Request, now: int, shape: Shaper) -> Reply:
        parameters.check_names(request, _KLINES_PARAMETERS, ("symbol", "interval"))
        listed = {listing.symbol for listing in self._market.listings(now)}
        symbol = parameters.symbol_of(request.parameter("symbol") or "", listed)
        interval = parameters.interval_of(request.parameter("interval") or "")
        start = parameters.number_of(request, "startTime")
        end = parameters.number_of(request, "endTime")
        limit = parameters.limit_of(request, _DEFAULT_ROWS, MOST_ROWS)
        parameters.check_time_zone(request)
        klines = self._market.klines(
            symbol,
            interval,
            None if start is None else to_milliseconds(start),
            None if end is None else to_milliseconds(end),
            limit,
            now,
        )
        rows = shape(interval, klines)
        if _in_microseconds(request):
            for row in rows:
                row[0], row[6] = row[0] * 1_000, row[6] * 1_000 + 999
        return Reply.of(rows)

    def _price(self, request: Request, now: int) -> Reply:
        chosen = self._chosen(request, now, ("symbol", "symbols"))
        rows = [row for row in (self._ticker(one, now) for one in chosen) if row]
        return Reply.of(rows[0] if request.parameter("symbol") and rows else rows)

    def _ticker(self, listing: Listing, now: int) -> dict[str, str] | None:
        price = last_price(self._market, listing.symbol, now)
        return None if price is None else {"symbol": listing.symbol, "price": price}

    def _exchange_info(self, request: Request, now: int) -> Reply:
        chosen = self._chosen(request, now, ("symbol", "symbols"))
        return Reply.of(
            {
                "timezone": "UTC",
                "serverTime": now,
                "rateLimits": [
                    _rate_limit("REQUEST_WEIGHT", 1, self._weight_limit()),
                    _rate_limit("RAW_REQUESTS", 5, _RAW_REQUESTS),
                ],
                "exchangeFilters": [],
                "symbols": [_symbol_info(listing) for listing in chosen],
            }
        )

    def _chosen(
        self, request: Request, now: int, known: tuple[str, ...]
    ) -> list[Listing]:
        parameters.check_names(request, known, ())
        listed = {listing.symbol: listing for listing in self._market.listings(now)}
        symbol, symbols = request.parameter("symbol"), request.parameter("symbols")
        if symbol is not None and symbols is not None:
            raise ApiError(-1128, "Combination of optional parameters invalid.")
        if symbol is not None:
            return [listed[parameters.symbol_of(symbol, listed)]]
        if symbols is not None:
            return [listed[name] for name in parameters.symbols_of(symbols, listed)]
        return list(listed.values())


def last_price(market: Market, symbol: str, now: int) -> str | None:
    """Return the last price of a symbol at ``now`` (ms), or None if it never traded."""
    for name in ("1s", "1m", "1h", "4h", "1d"):
        klines = market.klines(symbol, INTERVALS[name], None, now, 1, now)
        if klines:
            return klines[-1].close_price
    return None


def _in_microseconds(request: Request) -> bool:
    # rest-api.md, "General API Information": the header X-MBX-TIME-UNIT.
    unit = request.headers.get("x-mbx-time-unit", "")
    return unit.upper() in ("MICROSECOND", "MICROSECONDS")


def _rate_limit(kind: str, minutes: int, limit: int) -> dict[str, Any]:
    return {
        "rateLimitType": kind,
        "interval": "MINUTE",
        "intervalNum": minutes,
        "limit": limit,
    }


def _symbol_info(listing: Listing) -> dict[str, Any]:
    tick, step = decimal_text(listing.tick), decimal_text(listing.step)
    return {
        "symbol": listing.symbol,
        "status": listing.status,
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": decimal_text(listing.tick * 100_000_000),
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": step,
                "maxQty": decimal_text(listing.step * 900_000_000),
                "stepSize": step,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }
