"""What Binance's answers mean: failures by status and code, limits, symbols.

Source: Binance Spot API documentation, "General API Information", "Error codes".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import (
    AccessBlocked,
    ExchangeError,
    ExchangeUnavailable,
    InvalidAnswer,
    RateLimited,
    SeriesRejected,
)
from ..market.kline import to_milliseconds

PUBLIC_HOST = "https://data-api.binance.vision"
"""Public market data without a key, and without a fence around some countries."""

# Codes of passing trouble: UNKNOWN, DISCONNECTED, UNEXPECTED_RESP, TIMEOUT,
# SERVER_BUSY, SERVICE_SHUTTING_DOWN ("Error codes", 10xx).
_TRANSIENT_CODES = (-1000, -1001, -1006, -1007, -1008, -1016)
# A 429 that names no time, or none at all, still asks for some; bans last from two
# minutes to three days ("IP Limits").
_SHORTEST_SILENCE = 1.0
_SHORTEST_BAN = 120.0
_LONGEST_SILENCE = 3 * 86_400.0
_BANNED_UNTIL = re.compile(r"banned until (\d{12,14})")
_UNIT = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}


@dataclass(frozen=True, slots=True)
class SymbolInfo:
    """What ``exchangeInfo`` says of a symbol.

    ``tick_size`` is the smallest step of its price, None where no filter names it.
    """

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal | None


def failure_of(
    status: int, headers: Mapping[str, str], body: bytes, host: str
) -> ExchangeError | None:
    """Decide what an answer means for the caller; None means success.

    Args:
        status: HTTP status.
        headers: The answer's headers.
        body: Its body.
        host: Who answered, for the message.
    """
    if status < 400:
        return None
    code, message = _error_body(body)
    if status in (429, 418) or code == -1003:
        return RateLimited(
            _silence_seconds(status, headers, body), banned=status == 418
        )
    if status in (451, 403):
        return AccessBlocked(
            f"{host} refused with HTTP {status}: "
            + (
                "it does not serve this place"
                if status == 451
                else "its firewall blocks this client"
            )
            + f"; set BINANCE_API_URL to {PUBLIC_HOST}, which serves public data only"
        )
    if status >= 500 or code is None or code in _TRANSIENT_CODES:
        return ExchangeUnavailable(f"{host} answered HTTP {status} {message}".rstrip())
    return SeriesRejected(code, message)


def _silence_seconds(status: int, headers: Mapping[str, str], body: bytes) -> float:
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return min(max(float(told), _SHORTEST_SILENCE), _LONGEST_SILENCE)
    # Without the header, the words of code -1003 name the end of a ban by the
    # exchange's clock, which the same answer tells.
    shortest = _SHORTEST_BAN if status == 418 else 60.0
    until = _BANNED_UNTIL.search(body.decode("utf-8", "replace"))
    if until is None:
        return shortest
    seconds = float(until[1]) / 1000 - _answered_at(headers)
    return min(max(seconds, shortest), _LONGEST_SILENCE)


def _answered_at(headers: Mapping[str, str]) -> float:
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return time.time()


def _error_body(body: bytes) -> tuple[int | None, str]:
    try:
        content = json.loads(body)
        return int(content["code"]), str(content["msg"])
    except (ValueError, KeyError, TypeError):
        return None, ""


def used_weight(headers: Mapping[str, str]) -> int | None:
    """Return the weight that the current minute has cost so far, if it was said."""
    value = headers.get("X-MBX-USED-WEIGHT-1M", "")
    return int(value) if value.isascii() and value.isdigit() else None


def parse_time(body: Any) -> int:
    """Return the exchange's clock (ms) from an answer of ``/api/v3/time``."""
    try:
        now = body["serverTime"]
    except (TypeError, KeyError):
        now = None
    if type(now) is not int or now <= 0:
        raise InvalidAnswer(f"expected serverTime, got {str(body)[:60]!r}")
    return to_milliseconds(now)


def parse_info(body: Any) -> tuple[int | None, dict[str, SymbolInfo]]:
    """Return the weight allowed a minute, and the symbols, from ``exchangeInfo``."""
    try:
        limits = [_per_minute(limit) for limit in body.get("rateLimits", ())]
        entries = body["symbols"]
    except (AttributeError, TypeError, KeyError, ValueError, ArithmeticError) as error:
        raise InvalidAnswer(f"exchangeInfo is not as documented: {error!r}") from error
    symbols = {}
    for entry in entries:
        try:
            info = _symbol_info(entry)
        except (AttributeError, TypeError, KeyError, ArithmeticError):
            continue  # One strange symbol among thousands; who asks for it is told.
        symbols[info.symbol] = info
    known = [limit for limit in limits if limit is not None]
    return (min(known) if known else None), symbols


def _per_minute(limit: Mapping[str, Any]) -> int | None:
    """Return a weight limit as weight a minute, None for other and new kinds."""
    if limit["rateLimitType"] != "REQUEST_WEIGHT" or limit["interval"] not in _UNIT:
        return None
    seconds = _UNIT[limit["interval"]] * int(limit["intervalNum"])
    return int(limit["limit"]) * 60 // seconds


def _symbol_info(entry: Mapping[str, Any]) -> SymbolInfo:
    ticks = [
        Decimal(rule["tickSize"])
        for rule in entry.get("filters", ())
        if rule.get("filterType") == "PRICE_FILTER"
    ]
    return SymbolInfo(
        symbol=entry["symbol"],
        status=entry.get("status", "TRADING"),
        base_asset=entry.get("baseAsset", ""),
        quote_asset=entry.get("quoteAsset", ""),
        tick_size=ticks[0] if ticks and ticks[0] > 0 else None,
    )
