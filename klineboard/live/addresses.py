"""What a client may ask for, and from which pages it may come."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from ..errors import KlineboardError
from ..market.interval import INTERVALS, expected_intervals
from ..market.series import Series
from .board import Board
from .topic import Topic
from .trades import MOST_TRADES

MOST_KLINES = 1000
MOST_SYMBOLS = 20
"""So many symbols may one connection name."""

_PATHS = ("/", "/klines", "/trades", "/health")
_PORTS = {"http": 80, "https": 443}


class AddressError(KlineboardError):
    """An address asks for what there is not.

    Attributes:
        code: A word for programs, for example ``unknown_symbol``.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the words for people."""
        super().__init__(message)
        self.code = code


class Wish(NamedTuple):
    """A topic to follow, and how much of it a snapshot holds."""

    topic: Topic
    limit: int


def wishes(address: str, board: Board) -> list[Wish]:
    """Return what an address asks for.

    Args:
        address: Path and query, for example ``/klines?symbol=BTCUSDT&interval=1m``.
        board: What there is.

    Raises:
        AddressError: It asks for what there is not; the text says what there is.
    """
    path = path_of(address)
    asked = _Query(address.partition("?")[2])
    if path == "/":
        return [Wish(topic, 0) for topic in board.coins.values()]
    if path == "/klines":
        limit = asked.limit(500, MOST_KLINES)
        interval = asked.interval()
        symbols = asked.symbols(board)
        return [Wish(_candles(board, one, interval), limit) for one in symbols]
    if path == "/trades":
        limit = asked.limit(100, MOST_TRADES)
        return [Wish(board.trades[one], limit) for one in asked.symbols(board)]
    raise AddressError(
        "unknown_path", f"unknown path {_short(path)}; expected {', '.join(_PATHS)}"
    )


def path_of(address: str) -> str:
    """Return the path of an address."""
    return unquote(address.partition("?")[0])


def may_enter(origin: str, host: str, allowed: Collection[str]) -> bool:
    """Return whether a page of that origin may connect.

    Args:
        origin: The request's header Origin, for example ``https://example.org``.
        host: The request's header Host: a page of the same host, on any port, is ours.
        allowed: Other origins to let in; ``*`` lets in all.
    """
    if "*" in allowed:
        return True
    came_from = _parts(origin)
    if came_from is None:
        return False
    own = _parts(f"http://{host}")
    if own is not None and own[1] == came_from[1]:
        return True
    return came_from in {_parts(one) for one in allowed}


class _Query:
    """The parameters of an address."""

    def __init__(self, text: str) -> None:
        try:
            self._values = parse_qs(text, keep_blank_values=True, max_num_fields=50)
        except ValueError:
            raise AddressError("bad_query", "too many parameters") from None

    def symbols(self, board: Board) -> list[str]:
        known = list(board.trades)
        texts = self._values.get("symbol", [])
        names = [name.strip().upper() for text in texts for name in text.split(",")]
        symbols = list(dict.fromkeys(filter(None, names)))
        if not symbols:
            message = f"symbol is missing; followed are {', '.join(known)}"
            raise AddressError("missing_symbol", message)
        if len(symbols) > MOST_SYMBOLS:
            message = f"{len(symbols)} symbols; expected at most {MOST_SYMBOLS}"
            raise AddressError("too_many_symbols", message)
        for symbol in symbols:
            if symbol not in board.trades:
                raise AddressError(
                    "unknown_symbol",
                    f"unknown symbol {_short(symbol)}; followed are "
                    f"{', '.join(known)}{_near(symbol, known)}",
                )
        return symbols

    def interval(self) -> str:
        text = self._last("interval")
        if not text:
            message = f"interval is missing; expected {expected_intervals('')}"
            raise AddressError("missing_interval", message)
        if text not in INTERVALS:
            expected = expected_intervals(text[:20])
            message = f"unknown interval {_short(text)}; expected {expected}"
            raise AddressError("unknown_interval", message)
        return text

    def limit(self, default: int, most: int) -> int:
        text = self._last("limit")
        if text is None:
            return default
        if text.isascii() and text.isdigit() and len(text) < 20:
            if 1 <= int(text) <= most:
                return int(text)
        message = f"limit={_short(text)}: expected a number from 1 to {most}"
        raise AddressError("bad_limit", message)

    def _last(self, name: str) -> str | None:
        return self._values.get(name, [None])[-1]


def _candles(board: Board, symbol: str, interval: str) -> Topic:
    topic = board.candles.get(Series(symbol, INTERVALS[interval]))
    if topic is None:
        followed = (one.interval.name for one in board.candles if one.symbol == symbol)
        raise AddressError(
            "interval_not_followed",
            f"{symbol} {interval} is not followed; "
            f"followed intervals are {', '.join(followed)}",
        )
    return topic


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:30], list(known), n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _parts(origin: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(origin.strip().lower())
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
