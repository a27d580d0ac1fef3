"""Binance's checks of request parameters, with its codes and words.

Source: Binance Spot API, errors.md, "11xx - Request issues". The order of the checks
is Binance's: duplicates, empty values, missing ones, malformed ones, unread ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence

from ..market.interval import INTERVALS, Interval
from .messages import ApiError, Request

_SYMBOL_RANGE = "^[A-Z0-9-_.]{1,20}$"
_NUMBER_RANGE = "^[0-9]{1,20}$"
_ZERO_ZONES = frozenset({"0", "+0", "-0", "0:00", "00:00", "+00:00", "-00:00"})


def check_names(
    request: Request, known: Sequence[str], required: Sequence[str]
) -> None:
    """Check which parameters are there.

    Raises:
        ApiError: -1101, -1105, -1102 or -1104.
    """
    sent = [name for name, _ in request.query]
    if len(set(sent)) < len(sent):
        raise ApiError(-1101, "Duplicate values for a parameter detected.")
    for name, value in request.query:
        if name in known and not value:
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
    for name in required:
        if name not in sent:
            raise _missing(name)
    read = sum(name in known for name in sent)
    if read < len(sent):
        raise ApiError(
            -1104,
            f"Not all sent parameters were read; read '{read}' parameter(s) but was "
            f"sent '{len(sent)}'.",
        )


def symbol_of(text: str, symbols: Collection[str]) -> str:
    """Return the symbol, if the exchange has it.

    Raises:
        ApiError: -1100 for characters that no symbol has, -1121 for an unknown one.
    """
    # Since December 2025 listed symbols may be Unicode, so the list goes first.
    if text in symbols:
        return text
    if not re.fullmatch(_SYMBOL_RANGE, text):
        raise _illegal("symbol", _SYMBOL_RANGE)
    raise ApiError(-1121, "Invalid symbol.")


def symbols_of(text: str, symbols: Collection[str]) -> list[str]:
    """Return the symbols of a parameter like ``["BTCUSDT","ETHUSDT"]``.

    Raises:
        ApiError: -1100 or -1121.
    """
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _illegal(
            "symbols", '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\\]$'
        )
    return [symbol_of(name, symbols) for name in names]


def interval_of(text: str) -> Interval:
    """Return the interval of that name; case matters.

    Raises:
        ApiError: -1120.
    """
    try:
        return INTERVALS[text]
    except KeyError:
        raise ApiError(-1120, "Invalid interval.") from None


def number_of(request: Request, name: str) -> int | None:
    """Return a whole number, or None if the parameter was not sent.

    Raises:
        ApiError: -1100, for signs and points too.
    """
    text = request.parameter(name)
    if text is None:
        return None
    if not re.fullmatch(_NUMBER_RANGE, text, re.ASCII):
        raise _illegal(name, _NUMBER_RANGE)
    return int(text)


def limit_of(request: Request, default: int, most: int) -> int:
    """Return the limit; more than the most is the most.

    Raises:
        ApiError: -1100 or, for 0, -1130.
    """
    limit = number_of(request, "limit")
    if limit is None:
        return default
    if limit < 1:
        raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)


def check_time_zone(request: Request) -> None:
    """Accept UTC, the only time zone whose candles are simulated.

    Raises:
        ApiError: -1130.
    """
    if (request.parameter("timeZone") or "0") not in _ZERO_ZONES:
        raise ApiError(-1130, "Data sent for parameter 'timeZone' is not valid.")


def _missing(name: str) -> ApiError:
    return ApiError(
        -1102,
        f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
    )


def _illegal(name: str, legal: str) -> ApiError:
    return ApiError(
        -1100,
        f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.",
    )
