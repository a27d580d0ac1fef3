"""Events as the streams write them.

Source: Binance Spot API, web-socket-streams.md, "Kline/Candlestick Streams", "Trade
Streams" and "Aggregate Trade Streams".
"""

from __future__ import annotations

from typing import NamedTuple

from ..market.kline import Kline
from ..market.trade import Trade
from .stream_names import Stream


class Event(NamedTuple):
    """One event of one stream.

    Attributes:
        time: When it happens (ms); its ``E``, except in a replay.
        stream: Whose it is.
        text: Its JSON, without the combined form's frame.
        closing: Whether it closes a candle.
    """

    time: int
    stream: Stream
    text: str
    closing: bool = False


def combined(name: str, text: str) -> str:
    """Return an event in the frame of the combined form."""
    return f'{{"stream":"{name}","data":{text}}}'


def kline_event(
    stream: Stream, time: int, kline: Kline, first_id: int, closing: bool
) -> Event:
    """Return the event of a candle.

    Args:
        stream: A stream of klines.
        time: Its event time (ms).
        kline: The candle as it is then.
        first_id: What its first trade is numbered, if it has any.
        closing: Whether the candle is final.
    """
    assert stream.interval is not None
    trades = kline.number_of_trades
    first, last = (first_id, first_id + trades - 1) if trades else (-1, -1)
    text = (
        f'{{"e":"kline","E":{time},"s":"{stream.symbol}","k":{{"t":{kline.open_time},'
        f'"T":{kline.close_time},"s":"{stream.symbol}","i":"{stream.interval.name}",'
        f'"f":{first},"L":{last},"o":"{kline.open_price}","c":"{kline.close_price}",'
        f'"h":"{kline.high_price}","l":"{kline.low_price}","v":"{kline.volume}",'
        f'"n":{trades},"x":{"true" if closing else "false"},'
        f'"q":"{kline.quote_asset_volume}","V":"{kline.taker_buy_base_asset_volume}",'
        f'"Q":"{kline.taker_buy_quote_asset_volume}","B":"0"}}}}'
    )
    return Event(time, stream, text, closing)


def trade_event(stream: Stream, trade: Trade) -> Event:
    """Return the event of a trade; an aggregate holds just one trade here."""
    number = f'"t":{trade.trade_id}'
    numbers = ""
    if stream.event == "aggTrade":
        number = f'"a":{trade.trade_id}'
        numbers = f'"f":{trade.trade_id},"l":{trade.trade_id},'
    text = (
        f'{{"e":"{stream.event}","E":{trade.time},"s":"{trade.symbol}",{number},'
        f'"p":"{trade.price}","q":"{trade.quantity}",{numbers}"T":{trade.time},'
        f'"m":{"true" if trade.buyer_is_maker else "false"},"M":true}}'
    )
    return Event(trade.time, stream, text)


def shutdown_message(time: int, is_combined: bool) -> str:
    """Return the word that the server is about to end this connection."""
    text = f'{{"e":"serverShutdown","E":{time}}}'
    return combined("!serverShutdown", text) if is_combined else text
