"""The streams of klines: what is told, when, and to whom."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE, SECOND
from klineboard.market.kline import Kline
from klineboard.simulator import BentClock, RecordedMarket, Simulator, utc
from klineboard.simulator.exchange import Exchange
from klineboard.simulator.replay import Recording

from .conftest import NOW, Client
from .listening import (
    MINUTE_STREAM,
    closings,
    heard,
    heard_until_end,
    listening,
    row_of,
)

MINUTE_BEGIN = INTERVALS["1m"].floor(NOW)


def asked(client: Client, symbol: str, interval: str) -> dict[int, list[object]]:
    """Return REST's rows by their open times, from the minute of ``NOW`` on."""
    start = INTERVALS[interval].floor(NOW)
    rows = client.klines(symbol=symbol, interval=interval, startTime=start, limit=1_000)
    return {row[0]: row for row in rows}


def test_a_raw_stream_sends_events_alone_and_a_combined_one_names_them(
    simulator: Simulator,
) -> None:
    with (
        listening(simulator, MINUTE_STREAM, raw=True) as raw,
        listening(simulator, MINUTE_STREAM) as combined,
    ):
        simulator.clock.advance(2 * SECOND)
        event, frame = json.loads(raw.recv(5)), json.loads(combined.recv(5))
    assert frame == {"stream": MINUTE_STREAM, "data": event}
    assert list(event) == ["e", "E", "s", "k"]
    assert list(event["k"]) == list("tTsifLochlvnxqVQB")


def test_the_open_candle_is_told_as_rest_answers_it(
    simulator: Simulator, client: Client
) -> None:
    with listening(simulator, "btcusdt@kline_1h") as connection:
        for _ in range(3):
            simulator.clock.advance(20 * SECOND)
            event = heard(connection, 1)[0]
            assert (event["E"], event["k"]["x"]) == (simulator.clock.now(), False)
            rows = asked(client, "BTCUSDT", "1h")
            assert row_of(event) == rows[event["k"]["t"]]


def test_the_open_candle_is_told_every_two_seconds_if_anybody_traded() -> None:
    feed = Exchange(clock=BentClock(NOW, speed=0)).feed("btcusdt@kline_1h")
    assert feed is not None
    begin = NOW - NOW % (2 * SECOND)
    events = [
        event
        for now in range(begin, begin + MINUTE, 500)
        for event in feed.due(now, now + 500, now + 500)
    ]
    trades = [json.loads(event.text)["k"]["n"] for event in events]
    assert 10 < len(trades) <= 30
    assert trades == sorted(set(trades))
    assert {event.time % (2 * SECOND) for event in events} == {0}


def test_each_closing_event_equals_the_row_of_rest(
    simulator: Simulator, client: Client
) -> None:
    intervals = ("1m", "15m", "1h")
    names = [f"solusdt@kline_{interval}" for interval in intervals]
    with listening(simulator, *names) as connection:
        simulator.clock.advance(2 * HOUR)
        events = closings(connection, 120 + 8 + 2)
    rows = {interval: asked(client, "SOLUSDT", interval) for interval in intervals}
    for event in events:
        assert row_of(event) == rows[event["k"]["i"]][event["k"]["t"]]
        assert event["E"] == event["k"]["T"] + 1


def test_no_closing_event_is_lost_however_time_jumps(simulator: Simulator) -> None:
    with listening(simulator, MINUTE_STREAM) as connection:
        for minutes in (1, 7, 1_000):
            simulator.clock.advance(minutes * MINUTE)
        opens = [event["k"]["t"] for event in closings(connection, 1_008)]
    expected = list(range(MINUTE_BEGIN, MINUTE_BEGIN + 1_008 * MINUTE, MINUTE))
    assert opens == expected


def test_time_that_runs_fast_is_told_without_a_hole() -> None:
    with (
        Simulator(now=NOW, speed=10_000) as simulator,
        listening(simulator, MINUTE_STREAM) as connection,
    ):
        opens = [event["k"]["t"] for event in closings(connection, 60)]
    assert opens == list(range(opens[0], opens[0] + 60 * MINUTE, MINUTE))


def test_events_of_many_streams_come_in_the_order_of_their_times(
    simulator: Simulator,
) -> None:
    names = [f"{one}@kline_1m" for one in ("btcusdt", "ethusdt", "bnbusdt")]
    with listening(simulator, *names) as connection:
        simulator.clock.advance(10 * MINUTE)
        times = [event["E"] for event in heard(connection, 30)]
    assert times == sorted(times)


def test_first_and_last_trade_ids_go_on_from_candle_to_candle(
    simulator: Simulator,
) -> None:
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(30 * MINUTE)
        candles = [event["k"] for event in closings(connection, 30)]
    for before, after in zip(candles, candles[1:], strict=False):
        assert after["f"] == before["L"] + 1
        assert after["L"] - after["f"] + 1 == after["n"]


def test_corrected_and_hidden_candles_are_told_as_rest_answers_them(
    simulator: Simulator, client: Client
) -> None:
    simulator.tampering.correct("BTCUSDT", "1m", MINUTE_BEGIN, close_price="1.50000000")
    simulator.tampering.hide(MINUTE_BEGIN + MINUTE, MINUTE_BEGIN + 2 * MINUTE)
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(3 * MINUTE)
        events = heard(connection, 3)
    assert events[0]["k"]["c"] == "1.50000000"
    assert [event["k"]["t"] for event in events] == [
        MINUTE_BEGIN,
        MINUTE_BEGIN + 2 * MINUTE,
        MINUTE_BEGIN + 3 * MINUTE,
    ]


@pytest.mark.parametrize(
    "name",
    [
        "nosuch@kline_1m",
        "BTCUSDT@kline_1m",
        "btcusdt@kline_1H",
        "btcusdt@depth",
        "btcusdt",
        "lunausdt@kline_1m",
    ],
)
def test_wrong_names_and_delisted_symbols_are_accepted_in_silence(
    simulator: Simulator, name: str
) -> None:
    with listening(simulator, name, MINUTE_STREAM) as connection:
        simulator.clock.advance(2 * MINUTE)
        assert {event["s"] for event in heard(connection, 2)} == {"BTCUSDT"}


def test_an_outage_is_silent_and_its_end_is_not() -> None:
    start, end = utc("2023-03-24T12:40"), utc("2023-03-24T14:00")
    clock = BentClock(start - MINUTE, speed=0)
    names = ("btcusdt@kline_1m", "btcusdt@kline_1h")
    with Simulator(clock=clock) as simulator, listening(simulator, *names) as heard_of:
        clock.set(end + MINUTE + 2 * SECOND)
        events = heard(heard_of, 4)
    assert [(event["k"]["i"], event["E"]) for event in events] == [
        ("1m", start),
        ("1m", end + MINUTE),
        ("1h", end + MINUTE + 2 * SECOND),
        ("1m", end + MINUTE + 2 * SECOND),
    ]


def test_candles_off_the_grid_close_when_they_say() -> None:
    begin = utc("2018-02-09T12:28:14.789")
    candle = ("1", "2", "1", "2", "3")
    klines = [
        Kline(opened, *candle, opened + HOUR - 1, "4", 5, "1", "1")
        for opened in range(begin, begin + 4 * HOUR, HOUR)
    ]
    market = RecordedMarket([Recording("BTCUSDT", "1h", klines)])
    clock = BentClock(begin, speed=0)
    with (
        Simulator(market=market, clock=clock) as simulator,
        listening(simulator, "btcusdt@kline_1h") as connection,
    ):
        clock.advance(4 * HOUR)
        events = closings(connection, 4)
    assert [row_of(event) for event in events] == [[*kline, "0"] for kline in klines]
    assert [event["E"] for event in events] == [one.close_time + 1 for one in klines]


def test_nothing_is_told_of_the_time_before_a_connection(simulator: Simulator) -> None:
    simulator.clock.advance(HOUR)
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(2 * SECOND)
        assert heard(connection, 1)[0]["E"] > NOW + HOUR


def test_time_set_back_goes_on_from_there(simulator: Simulator) -> None:
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(10 * MINUTE)
        closings(connection, 10)
    simulator.clock.set(NOW)
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(MINUTE)
        assert closings(connection, 1)[0]["k"]["t"] == MINUTE_BEGIN


def test_the_handshake_names_the_origin(simulator: Simulator) -> None:
    with listening(simulator, MINUTE_STREAM) as connection:
        assert connection.response is not None
        assert connection.response.headers["X-Market-Origin"] == "simulated"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", HTTPStatus.NOT_FOUND),
        ("/klines", HTTPStatus.NOT_FOUND),
        ("/ws/" + "/".join(map(hex, range(1_025))), HTTPStatus.BAD_REQUEST),
    ],
)
def test_an_address_that_is_none_is_refused(
    simulator: Simulator, path: str, status: HTTPStatus
) -> None:
    with pytest.raises(InvalidStatus) as refusal, connect(simulator.stream_url + path):
        pass
    assert refusal.value.response.status_code == status


def test_a_connection_ends_after_24_hours_of_the_exchange(simulator: Simulator) -> None:
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(2 * DAY)
        events = heard_until_end(connection)
    assert len(events) == 1_440
    assert connection.protocol.close_code == 1001


def test_all_connections_can_be_cut_at_once(simulator: Simulator) -> None:
    with (
        listening(simulator, MINUTE_STREAM) as one,
        listening(simulator, MINUTE_STREAM) as other,
    ):
        assert simulator.streams.connections == 2
        simulator.streams.drop_all()
        for connection in (one, other):
            with pytest.raises(ConnectionClosed) as ending:
                connection.recv(timeout=5)
            assert ending.value.rcvd is None
    assert simulator.streams.wait_for_connections(0)


@pytest.mark.parametrize("raw", [True, False])
def test_a_shutdown_is_announced_and_then_done(simulator: Simulator, raw: bool) -> None:
    with listening(simulator, MINUTE_STREAM, raw=raw) as connection:
        simulator.streams.shutdown(lead=0)
        word = json.loads(connection.recv(timeout=5))
        with pytest.raises(ConnectionClosed) as ending:
            connection.recv(timeout=5)
    event = {"e": "serverShutdown", "E": NOW}
    assert word == (event if raw else {"stream": "!serverShutdown", "data": event})
    assert ending.value.rcvd is not None and ending.value.rcvd.code == 1001
