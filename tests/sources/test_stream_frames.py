"""Frames of the exchange: what is understood, and what is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineboard.market.interval import INTERVALS
from klineboard.sources.stream_frames import (
    Answer,
    KlineEvent,
    MalformedFrame,
    ShutdownEvent,
    TradeEvent,
    kline_stream,
    parse_frame,
    trade_stream,
)
from tests.conftest import recorded

KLINE: dict[str, Any] = {
    "e": "kline",
    "E": 1_717_243_205_000,
    "s": "BTCUSDT",
    "k": {
        "t": 1_717_243_200_000,
        "T": 1_717_243_259_999,
        "s": "BTCUSDT",
        "i": "1m",
        "f": 100,
        "L": 109,
        "o": "2.00000000",
        "c": "2.50000000",
        "h": "3.00000000",
        "l": "1.00000000",
        "v": "5.00000000",
        "n": 10,
        "x": False,
        "q": "10.00000000",
        "V": "2.00000000",
        "Q": "4.00000000",
        "B": "0",
    },
}
TRADE: dict[str, Any] = {
    "e": "trade",
    "E": 1_717_243_205_001,
    "s": "BTCUSDT",
    "t": 7,
    "p": "61837.63000000",
    "q": "0.02000000",
    "T": 1_717_243_205_000,
    "m": True,
    "M": True,
}


def changed(event: dict[str, Any], **fields: Any) -> str:
    """Return an event's frame with other fields; those of a candle, too."""
    event = json.loads(json.dumps(event))
    for name, value in fields.items():
        inner = event["k"] if name in event.get("k", ()) else event
        inner[name] = value
    return json.dumps(event)


@pytest.mark.parametrize("form", ["raw", "combined"])
def test_understands_klines_with_the_digits_unchanged(form: str) -> None:
    frame: dict[str, Any] = KLINE
    if form == "combined":
        frame = {"stream": "btcusdt@kline_1m", "data": KLINE}
    event = parse_frame(json.dumps(frame))
    assert isinstance(event, KlineEvent)
    assert event.kline[:6] == (
        1_717_243_200_000,
        "2.00000000",
        "3.00000000",
        "1.00000000",
        "2.50000000",
        "5.00000000",
    )
    assert (event.symbol, event.interval.name) == ("BTCUSDT", "1m")
    assert not event.closed and event.event_time == KLINE["E"]


def test_understands_trades() -> None:
    event = parse_frame(json.dumps({"stream": "btcusdt@trade", "data": TRADE}))
    assert isinstance(event, TradeEvent)
    assert event.trade.side == "sell", "the buyer was the maker: the taker sold"
    assert (event.trade.price, event.trade.trade_id) == ("61837.63000000", 7)


@pytest.mark.parametrize(
    "frame",
    [
        {"e": "serverShutdown", "E": 1},
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}},
    ],
)
def test_understands_that_the_server_goes_in_both_forms(frame: object) -> None:
    assert parse_frame(json.dumps(frame)) == ShutdownEvent()


def test_understands_answers_to_subscriptions() -> None:
    assert parse_frame('{"result":null,"id":1}') == Answer(None)
    refused = parse_frame('{"error":{"code":2,"msg":"Invalid request"},"id":1}')
    assert isinstance(refused, Answer)
    assert "Invalid request" in str(refused.error)


def test_microseconds_are_milliseconds() -> None:
    event = parse_frame(changed(TRADE, T=1_717_243_205_000_123))
    assert isinstance(event, TradeEvent)
    assert event.trade.time == 1_717_243_205_000


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("<html>", "no JSON"),
        ("", "no JSON"),
        ("[]", "no event"),
        ("7", "no event"),
        ('{"e":"depthUpdate"}', "unknown event"),
        ('{"stream":5,"data":{}}', "is no name"),
        (changed(KLINE, c="NaN"), "do not parse"),
        (changed(KLINE, c=2.5), "do not parse"),
        (changed(KLINE, h="1.50000000"), "outside"),
        (changed(KLINE, n=True), "is no count"),
        (changed(KLINE, x="true"), "make no kline event"),
        (changed(KLINE, i="7m"), "missing"),
        (changed(KLINE, E="soon"), "is no time"),
        (changed(KLINE, T=1_717_243_319_999), "longer than 1m"),
        (changed(KLINE, x=True, T=1_717_243_100_000), "is no 1m"),
        (changed(KLINE, T=1_717_243_230_000), "is no 1m"),
        (changed(KLINE, t=1_717_243_210_000, T=1_717_243_269_999), "is no 1m"),
        (changed(KLINE, x=True), "before it was"),
        (changed(KLINE, t=1_717_243_260_000, T=1_717_243_319_999), "before it was"),
        (changed(KLINE, k=None), "NoneType"),
        (changed(TRADE, p="1e5"), "no trade"),
        (changed(TRADE, q="-1"), "no trade"),
        (changed(TRADE, t="7"), "no trade"),
        (changed(TRADE, m=0), "no trade"),
    ],
)
def test_refuses_what_is_not_as_documented(frame: str, words: str) -> None:
    with pytest.raises(MalformedFrame, match=words):
        parse_frame(frame)


def test_a_damaged_event_tells_whose_it_was() -> None:
    with pytest.raises(MalformedFrame) as caught:
        parse_frame(changed(KLINE, c="NaN"))
    assert caught.value.stream == "btcusdt@kline_1m"


def test_an_event_in_another_ones_stream_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="event of btcusdt@kline_1m"):
        parse_frame(json.dumps({"stream": "ethusdt@kline_1m", "data": KLINE}))


@given(st.text() | st.binary() | st.recursive(st.none(), st.lists).map(json.dumps))
def test_nothing_that_arrives_raises_anything_else(frame: str | bytes) -> None:
    try:
        parse_frame(frame)
    except MalformedFrame:
        pass


@given(st.sampled_from(sorted(KLINE["k"])), st.none() | st.integers() | st.text())
def test_no_value_of_a_field_raises_anything_else(name: str, value: object) -> None:
    try:
        parse_frame(changed(KLINE, **{name: value}))
    except MalformedFrame:
        pass


def test_names_streams_as_binance_does() -> None:
    assert kline_stream("BTCUSDT", INTERVALS["1M"]) == "btcusdt@kline_1M"
    assert trade_stream("BTCUSDT") == "btcusdt@trade"


@pytest.mark.parametrize(
    ("name", "frames", "closed"),
    [
        ("binance-spot-kline_1m-frames-2021_2023.jsonl", 55, 7),
        ("binance-spot-BTCUSDT-kline_5m-2021-09-14.jsonl", 49, 0),
        ("binance-spot-BTCUSDT-trade-2024-08-08_09.jsonl.gz", 19_904, 0),
    ],
)
def test_understands_every_recorded_frame(name: str, frames: int, closed: int) -> None:
    events = [parse_frame(line) for line in _lines(name)]
    assert len(events) == frames
    assert sum(isinstance(e, KlineEvent) and e.closed for e in events) == closed


def _lines(name: str) -> Iterator[str]:
    path = recorded(f"streams/{name}")
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        yield from file
