"""The exact text of messages."""

from __future__ import annotations

import pytest

from klineboard.live.messages import (
    Condition,
    coin_message,
    kline_message,
    klines_snapshot,
    series_head,
    symbol_head,
    trade_message,
    trades_snapshot,
)
from klineboard.market.trade import Trade
from tests.live.serving import KLINES, MINUTES, make_trade

HEAD = series_head(MINUTES)
TRADE = Trade("BTCUSDT", 7, "0.00000100", "1000000.00000000", 12, True)


def test_a_kline_has_the_exchanges_own_digits() -> None:
    assert kline_message(HEAD, KLINES[1], 9, closed=False).decode() == (
        '{"type":"kline","symbol":"BTCUSDT","interval":"1m","event_time":9,'
        '"open_time":1704067260000,"open":101.10000000,"high":101.90000000,'
        '"low":101.00000000,"close":101.50000000,"volume":1.12345678,'
        '"close_time":1704067319999,"quote_asset_volume":100.10000001,'
        '"number_of_trades":1,"taker_buy_base_asset_volume":1.00000001,'
        '"taker_buy_quote_asset_volume":1.20000000,"closed":false}'
    )


def test_a_snapshot_without_candles_has_empty_columns() -> None:
    text = klines_snapshot(HEAD, Condition("late", 1, 2), None, [], None).decode()
    assert text.startswith(
        '{"type":"snapshot","symbol":"BTCUSDT","interval":"1m","state":"late",'
        '"since":1,"no_trades_since":2,"event_time":null,"open_time":[],"open":[],'
    )
    assert text.endswith('"taker_buy_quote_asset_volume":[],"closed":[]}')


def test_a_trade_has_the_exchanges_own_digits() -> None:
    assert trade_message(symbol_head("BTCUSDT"), TRADE, 13).decode() == (
        '{"type":"trade","symbol":"BTCUSDT","trade_id":7,"price":0.00000100,'
        '"quantity":1000000.00000000,"time":12,"side":"sell","event_time":13}'
    )


def test_a_snapshot_of_trades_names_the_symbol_once() -> None:
    head, condition = symbol_head("BTCUSDT"), Condition("live")
    text = trades_snapshot(head, condition, [make_trade(1), make_trade(2)]).decode()
    assert text == (
        '{"type":"snapshot","symbol":"BTCUSDT","state":"live","since":null,'
        '"no_trades_since":null,"trades":['
        '{"trade_id":1,"price":1.50,"quantity":0.00100000,"time":1,"side":"sell"},'
        '{"trade_id":2,"price":2.50,"quantity":0.00100000,"time":2,"side":"buy"}]}'
    )


def test_a_symbol_may_hold_any_letters() -> None:
    assert symbol_head('币"USDT') == '"symbol":"币\\"USDT"'


@pytest.mark.parametrize(
    ("bought", "operation"), [("5.00000001", "buy"), ("5", "sell"), ("4.9", "sell")]
)
def test_a_coins_operation_is_what_takers_did_more(bought: str, operation: str) -> None:
    kline = KLINES[0]._replace(volume="10.0", taker_buy_base_asset_volume=bought)
    assert coin_message("BTC", [kline]).decode() == (
        '{"coin":"BTC","values":[100.50000000],'
        f'"operations":["{operation}"],"time":["00:00"]}}'
    )


def test_a_coins_time_is_the_minute_of_the_close_and_its_values_are_floats() -> None:
    kline = KLINES[0]._replace(close_price="7", close_time=1_704_153_599_999)
    text = coin_message("BTC", [kline]).decode()
    assert '"values":[7.0]' in text
    assert '"time":["23:59"]' in text
