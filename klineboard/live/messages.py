"""What the server says, as JSON: one function a message.

Numbers carry the exchange's own digits: its decimal strings are written without their
quotes, and no float is made of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from ..market.interval import DAY, HOUR, MINUTE
from ..market.kline import Kline
from ..market.series import Series
from ..market.trade import Trade

# The names of GET /api/klines, in the order of Kline's fields.
_COLUMNS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_asset_volume",
    "number_of_trades",
    "taker_buy_base_asset_volume",
    "taker_buy_quote_asset_volume",
)
_KLINE_VALUES = ",".join(f'"{name}":%s' for name in _COLUMNS)


class Condition(NamedTuple):
    """How far what is shown can be trusted.

    Attributes:
        state: "live", "late" (connected, but the data lag or a seam is being filled)
            or "reconnecting" (no connection to the exchange).
        since: When it became so, ms since 1970 UTC; None before the relay's first word.
        no_trades_since: Where the symbol is halted or very quiet, since when (ms).
    """

    state: str
    since: int | None = None
    no_trades_since: int | None = None

    def differs_from(self, other: Condition) -> bool:
        """Return whether more than the moment it began is another."""
        return self._replace(since=other.since) != other


def series_head(series: Series) -> str:
    """Return the members that name a series, for the functions below."""
    return f"{symbol_head(series.symbol)},{_member('interval', series.interval.name)}"


def symbol_head(symbol: str) -> str:
    """Return the member that names a symbol, for the functions below."""
    return _member("symbol", symbol)


def kline_message(head: str, kline: Kline, event_time: int, *, closed: bool) -> bytes:
    """Return the message of one candle, open or closed."""
    return (
        f'{{"type":"kline",{head},"event_time":{event_time},'
        f'{_KLINE_VALUES % kline},"closed":{_text(closed)}}}'
    ).encode()


def klines_snapshot(
    head: str,
    condition: Condition,
    event_time: int | None,
    closed: Sequence[Kline],
    open_kline: Kline | None,
) -> bytes:
    """Return closed candles, and the open one last, by column."""
    rows = closed if open_kline is None else [*closed, open_kline]
    columns = zip(*rows, strict=True) if rows else [()] * len(_COLUMNS)
    values = ",".join(
        f'"{name}":[{",".join(map(str, column))}]'
        for name, column in zip(_COLUMNS, columns, strict=True)
    )
    flags = ["true"] * len(closed) + ["false"] * (open_kline is not None)
    return (
        f'{{"type":"snapshot",{head},{_condition(condition)},'
        f'"event_time":{_text(event_time)},{values},"closed":[{",".join(flags)}]}}'
    ).encode()


def trade_message(head: str, trade: Trade, event_time: int) -> bytes:
    """Return the message of one trade."""
    return (
        f'{{"type":"trade",{head},{_trade(trade)},"event_time":{event_time}}}'.encode()
    )


def trades_snapshot(head: str, condition: Condition, trades: Iterable[Trade]) -> bytes:
    """Return the newest trades, oldest first."""
    rows = ",".join(f"{{{_trade(trade)}}}" for trade in trades)
    return (
        f'{{"type":"snapshot",{head},{_condition(condition)},"trades":[{rows}]}}'
    ).encode()


def status_message(head: str, condition: Condition) -> bytes:
    """Return the message of a changed condition."""
    return f'{{"type":"status",{head},{_condition(condition)}}}'.encode()


def coin_message(coin: str, klines: Sequence[Kline]) -> bytes:
    """Return a coin's last closed candles, oldest first: closes, sides and times."""
    values = ",".join(_float(kline.close_price) for kline in klines)
    return (
        f'{{{_member("coin", coin)},"values":[{values}],'
        f'"operations":{_text([_operation(kline) for kline in klines])},'
        f'"time":{_text([_minute(kline.close_time) for kline in klines])}}}'
    ).encode()


def error_message(code: str, message: str) -> bytes:
    """Return what was wrong: a word for programs, a sentence for people."""
    return _text(
        {"type": "error", "error": {"code": code, "message": message}}
    ).encode()


def health_message(values: dict[str, object]) -> bytes:
    """Return the answer of ``GET /health``."""
    return _text(values).encode()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _member(name: str, value: object) -> str:
    return f'"{name}":{_text(value)}'


def _condition(condition: Condition) -> str:
    return ",".join(_member(name, value) for name, value in condition._asdict().items())


def _trade(trade: Trade) -> str:
    return (
        f'"trade_id":{trade.trade_id},"price":{trade.price},'
        f'"quantity":{trade.quantity},"time":{trade.time},"side":"{trade.side}"'
    )


def _float(digits: str) -> str:
    # Readers that tell whole numbers from floats are promised floats.
    return digits if "." in digits else f"{digits}.0"


def _operation(kline: Kline) -> str:
    bought = Decimal(kline.taker_buy_base_asset_volume)
    return "buy" if bought * 2 > Decimal(kline.volume) else "sell"


def _minute(time: int) -> str:
    return f"{time % DAY // HOUR:02}:{time % HOUR // MINUTE:02}"
