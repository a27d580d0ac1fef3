"""Names of streams, and what a connection's address asks for.

Source: Binance Spot API, web-socket-streams.md, "General WSS information". Names are
lower case, except for the interval; one that is wrong in any way is accepted in silence
and never says a word.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import unquote

from ..market.interval import INTERVALS, Interval
from .messages import Request

MOST_STREAMS = 1_024
"""Streams that one connection may follow."""

TRADES = ("trade", "aggTrade")
"""Events of trades, as their streams' names and the events themselves say it."""


class Stream(NamedTuple):
    """What a name stands for.

    Attributes:
        name: As clients write it: ``btcusdt@kline_1m``.
        symbol: As REST writes it.
        event: 'kline', 'trade' or 'aggTrade'.
        interval: Of klines; None for trades.
    """

    name: str
    symbol: str
    event: str
    interval: Interval | None = None


def parse_stream(name: str, symbols: Collection[str]) -> Stream | None:
    """Return what a name stands for, or None if it stands for nothing."""
    head, _, tail = name.partition("@")
    symbol = head.upper()
    if head != symbol.lower() or symbol not in symbols:
        return None
    if tail in TRADES:
        return Stream(name, symbol, tail)
    event, _, interval = tail.partition("_")
    if event != "kline" or interval not in INTERVALS:
        return None
    return Stream(name, symbol, event, INTERVALS[interval])


class Target(NamedTuple):
    """What an address asks for: which streams, and whether in the combined form."""

    names: tuple[str, ...]
    combined: bool


def parse_target(address: str) -> Target | None:
    """Return what ``/ws/a/b`` or ``/stream?streams=a/b`` asks for.

    ``/ws`` and ``/stream`` alone follow nothing yet. None if it is no such address.
    """
    request = Request.parse("GET", address, {})
    _, first, *rest = [*request.path.split("/"), ""]
    if first == "ws":
        return Target(_names(map(unquote, rest)), combined=False)
    if first == "stream" and not any(rest):
        listed = request.parameter("streams") or ""
        return Target(_names(listed.split("/")), combined=True)
    return None


def _names(parts: Collection[str] | map[str]) -> tuple[str, ...]:
    # A name given twice is followed once.
    return tuple(dict.fromkeys(filter(None, parts)))
