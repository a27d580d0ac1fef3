"""Frames of Binance's WebSocket streams, as values; pure, no socket.

Source of the shapes: Binance Spot, "WebSocket Streams" (kline, trade, serverShutdown,
combined form, answers to SUBSCRIBE).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..market.interval import INTERVALS, Interval
from ..market.kline import Kline, parse_kline, to_milliseconds
from ..market.trade import Trade

# Columns of a REST row, by the names that a kline event gives them.
_KLINE_FIELDS = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
_LARGEST_COUNT = 2**63 - 1
_CLOCKS_APART_MS = 5_000


class KlineEvent(NamedTuple):
    """The state of one candle.

    Attributes:
        symbol: For example ``BTCUSDT``.
        interval: Its interval.
        kline: The whole candle so far.
        closed: Whether it is final.
        event_time: When the exchange said so, ms.
    """

    symbol: str
    interval: Interval
    kline: Kline
    closed: bool
    event_time: int


class TradeEvent(NamedTuple):
    """One trade, and when the exchange told it (ms)."""

    trade: Trade
    event_time: int


class ShutdownEvent(NamedTuple):
    """The server is about to end this connection, with no promise how soon."""


class Answer(NamedTuple):
    """What the exchange says to a SUBSCRIBE or UNSUBSCRIBE.

    Attributes:
        error: None where it was accepted, which unknown streams are, too.
    """

    error: str | None


Event = KlineEvent | TradeEvent | ShutdownEvent | Answer


class MalformedFrame(ValueError):
    """A frame that is not as documented.

    Attributes:
        stream: Whose it is, as far as it says so: ``btcusdt@kline_1m``.
    """

    def __init__(self, reason: str, stream: str | None = None) -> None:
        """Keep what is wrong, and of which stream."""
        super().__init__(reason)
        self.stream = stream


def parse_frame(frame: str | bytes) -> Event:
    """Return what a frame says, in the raw or in the combined form.

    Raises:
        MalformedFrame: It is no JSON, of an unknown kind, or breaks a candle's rules.
    """
    try:
        content = json.loads(frame)
    except (ValueError, RecursionError):
        raise MalformedFrame(f"no JSON: {_short(frame)}") from None
    if not isinstance(content, dict):
        raise MalformedFrame(f"no event: {_short(content)}")
    if "data" in content and "stream" in content:
        stream, data = content["stream"], content["data"]
        if not isinstance(stream, str):
            raise MalformedFrame(f"stream {_short(stream)} is no name")
        return _event(data, stream)
    if "e" not in content and ("result" in content or "error" in content):
        error = content.get("error")
        return Answer(None if error is None else _short(error))
    return _event(content, None)


def kline_stream(symbol: str, interval: Interval) -> str:
    """Return the stream's name; symbols are lower case there, intervals are not."""
    return f"{symbol.lower()}@kline_{interval.name}"


def trade_stream(symbol: str) -> str:
    """Return the name of a symbol's trade stream."""
    return f"{symbol.lower()}@trade"


def _event(data: Any, stream: str | None) -> Event:
    kind = data.get("e") if isinstance(data, dict) else None
    event: Event
    try:
        match kind:
            case "kline":
                event, own = _kline(data)
            case "trade":
                event, own = _trade(data)
            case "serverShutdown":
                return ShutdownEvent()
            case _:
                raise ValueError(f"unknown event {_short(data)}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        words = f"{error.args[0]!s} is missing" if type(error) is KeyError else error
        raise MalformedFrame(str(words), stream or _claimed(data)) from None
    if stream is not None and stream != own:
        raise MalformedFrame(f"event of {own} in {_short(stream)}", own)
    return event


def _kline(data: dict[str, Any]) -> tuple[KlineEvent, str]:
    k = data["k"]
    interval = INTERVALS[k["i"]]
    kline = parse_kline([k[name] for name in _KLINE_FIELDS], interval)
    closed, symbol = k["x"], data["s"]
    if type(closed) is not bool or not isinstance(symbol, str) or k["s"] != symbol:
        raise ValueError(f"x={closed!r} and s={symbol!r} make no kline event")
    # Candles off the grid, or cut short, are REST's to tell: they are real beside
    # outages only, and a wrong time here would keep the true candles out.
    ends = interval.add(kline.open_time) - 1
    if interval.floor(kline.open_time) != kline.open_time or kline.close_time != ends:
        raise ValueError(f"{kline.open_time} to {kline.close_time} is no {interval}")
    event = KlineEvent(symbol, interval, kline, closed, _time(data["E"]))
    # A candle of the future would keep all true ones out.
    reached = kline.close_time if closed else kline.open_time
    if reached > event.event_time + _CLOCKS_APART_MS:
        raise ValueError(f"{reached} is told at {event.event_time}, before it was")
    return event, kline_stream(symbol, interval)


def _trade(data: dict[str, Any]) -> tuple[TradeEvent, str]:
    trade_id, symbol, maker = data["t"], data["s"], data["m"]
    price, quantity = data["p"], data["q"]
    if (
        type(trade_id) is not int
        or not 0 <= trade_id <= _LARGEST_COUNT
        or type(maker) is not bool
        or not isinstance(symbol, str)
        or not (_is_decimal(price) and _is_decimal(quantity))
    ):
        raise ValueError(f"no trade: {_short(data)}")
    trade = Trade(symbol, trade_id, price, quantity, _time(data["T"]), maker)
    return TradeEvent(trade, _time(data["E"])), trade_stream(symbol)


def _is_decimal(value: Any) -> bool:
    whole, point, rest = value.partition(".") if isinstance(value, str) else ("",) * 3
    return (
        len(whole) + len(rest) <= 60
        and whole.isascii()
        and whole.isdigit()
        and (not point or (rest.isascii() and rest.isdigit()))
    )


def _time(value: Any) -> int:
    if type(value) is not int or not 0 < value < 10**16:
        raise ValueError(f"{_short(value)} is no time")
    return to_milliseconds(value)


def _claimed(data: Any) -> str | None:
    """Return the stream that a damaged event seems to be of."""
    try:
        if data["e"] == "kline":
            return f"{data['s'].lower()}@kline_{data['k']['i']}"
    except (KeyError, TypeError, AttributeError):
        pass
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
