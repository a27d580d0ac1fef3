"""Faults of the streams: what connections and their messages suffer by request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from klineboard.market.interval import HOUR, MINUTE
from klineboard.simulator import Simulator
from klineboard.simulator.publisher import Publisher
from klineboard.simulator.stream_events import Event
from klineboard.simulator.stream_faults import (
    FORMS,
    KINDS,
    StreamFault,
    garbage,
    wrong_numbers,
)
from klineboard.simulator.stream_names import Stream, parse_stream
from klineboard.simulator.subscriber import Ending, Output, Subscriber

from .conftest import NOW, Client
from .listening import MINUTE_STREAM, closings, heard, heard_until_end, listening


class Clockwork:
    """A feed that says one numbered event a ms; each tenth closes a candle."""

    pace = 1.0

    def __init__(self, name: str) -> None:
        stream = parse_stream(name, {"BTCUSDT", "ETHUSDT"})
        assert stream is not None
        self.stream: Stream = stream

    def due(self, since: int, until: int, target: int) -> list[Event]:
        times = range(since + 1, until + 1)
        return [Event(n, self.stream, str(n), n % 10 == 0) for n in times]


def published(
    publisher: Publisher, subscriber: Subscriber, now: int, seconds: float = 0
) -> list[Output]:
    """Return what a subscriber gets until ``now``."""
    return [
        output
        for deliveries in publisher.due(now, seconds)
        for output in dict(deliveries)[subscriber]
    ]


@pytest.fixture
def publisher() -> Publisher:
    return Publisher(0, Clockwork)


def follower(publisher: Publisher, *names: str) -> Subscriber:
    subscriber = Subscriber(False, HOUR)
    subscriber.follow(names or (MINUTE_STREAM,), 0)
    publisher.subscribers.append(subscriber)
    return subscriber


def numbers(*values: int) -> list[str]:
    return [str(value) for value in values]


def test_without_faults_each_event_comes_once(publisher: Publisher) -> None:
    subscriber = follower(publisher)
    assert published(publisher, subscriber, 3) == numbers(1, 2, 3)
    assert published(publisher, subscriber, 5) == numbers(4, 5)
    assert publisher.faults.applied() == {}


def test_a_duplicate_comes_twice(publisher: Publisher) -> None:
    subscriber = follower(publisher)
    publisher.faults.add(kind="duplicate", skip=1, count=2)
    assert published(publisher, subscriber, 4) == numbers(1, 2, 2, 3, 3, 4)


def test_out_of_order_swaps_two_events_of_one_stream(publisher: Publisher) -> None:
    subscriber = follower(publisher)
    publisher.faults.add(kind="out_of_order", closing=True)
    assert published(publisher, subscriber, 12)[8:] == numbers(9, 11, 10, 12)


def test_a_closing_event_left_out_is_only_that(publisher: Publisher) -> None:
    subscriber = follower(publisher)
    publisher.faults.add(kind="skip_close")
    assert published(publisher, subscriber, 20)[8:10] == numbers(9, 11)
    assert publisher.faults.applied() == {"skip_close": 1}


def test_faults_wait_for_their_symbol(publisher: Publisher) -> None:
    publisher.faults.add(kind="duplicate", symbol="ETHUSDT", interval="1h")
    bitcoin = follower(publisher, MINUTE_STREAM, "btcusdt@kline_1h")
    assert len(published(publisher, bitcoin, 1)) == 2
    ether = follower(publisher, "ethusdt@kline_1m", "ethusdt@kline_1h")
    assert published(publisher, ether, 2) == numbers(2, 2, 2)


def test_a_fault_befalls_one_connection(publisher: Publisher) -> None:
    publisher.faults.add(kind="drop")
    first, second = follower(publisher), follower(publisher)
    (deliveries,) = publisher.due(2, 0)
    assert dict(deliveries) == {first: [Ending(None)], second: numbers(1, 2)}


def test_silence_lasts_as_long_as_told_and_its_events_are_lost(
    publisher: Publisher,
) -> None:
    subscriber = follower(publisher)
    publisher.faults.add(kind="silent", seconds=5)
    assert published(publisher, subscriber, 2, seconds=0) == []
    assert published(publisher, subscriber, 4, seconds=4.9) == []
    assert published(publisher, subscriber, 6, seconds=5.0) == numbers(5, 6)


def test_one_stream_falls_silent_for_ever_and_the_others_go_on(
    publisher: Publisher,
) -> None:
    subscriber = follower(publisher, MINUTE_STREAM, "ethusdt@kline_1m")
    publisher.faults.add(kind="silent_stream", symbol="BTCUSDT")
    assert published(publisher, subscriber, 1) == numbers(1)
    assert published(publisher, subscriber, 3, seconds=1e9) == numbers(2, 3)


def test_nothing_is_sent_after_an_end(publisher: Publisher) -> None:
    subscriber = follower(publisher)
    publisher.faults.add(kind="close", code=1012, skip=1)
    outputs = published(publisher, subscriber, 9)
    assert outputs == ["1", Ending(1012, "closed by a fault")]
    assert published(publisher, subscriber, 99) == []


def test_a_shutdown_says_its_word_and_goes_on_until_then(publisher: Publisher) -> None:
    subscriber = follower(publisher)
    publisher.faults.add(kind="shutdown", seconds=3, skip=1)
    assert published(publisher, subscriber, 3) == [
        "1",
        '{"e":"serverShutdown","E":2}',
        Ending(1001, "server shutdown", 3),
        "2",
        "3",
    ]


def kline_text(simulator: Simulator) -> str:
    feed = simulator.exchange.feed(MINUTE_STREAM)
    assert feed is not None
    return feed.due(NOW, NOW + MINUTE, NOW + MINUTE)[0].text


def test_no_form_of_garbage_is_a_sound_candle(simulator: Simulator) -> None:
    sound = kline_text(simulator)
    spoilt = {form: garbage(sound, form) for form in FORMS}
    with pytest.raises(ValueError):
        json.loads(spoilt.pop("text"))
    events = {form: json.loads(text) for form, text in spoilt.items()}
    assert events["shape"]["k"] == []
    assert events["number"]["k"]["c"] == "NaN"
    assert '"E":NaN' in spoilt["bare_nan"]
    assert events["event"]["e"] == "newsOfTomorrow"
    assert events["time"]["k"]["T"] == "yesterday"


def test_forms_of_garbage_take_turns(simulator: Simulator) -> None:
    simulator.streams.faults.add(kind="garbage", count=len(FORMS))
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance((len(FORMS) + 1) * MINUTE)
        texts = [connection.recv(timeout=5) for _ in range(len(FORMS) + 1)]
    assert len({len(text) for text in texts}) > 3
    assert json.loads(texts[-1])["data"]["k"]["x"] is True
    assert simulator.streams.faults.applied() == {"garbage": len(FORMS)}


def test_wrong_numbers_are_sound_but_not_those_of_rest(simulator: Simulator) -> None:
    sound = kline_text(simulator)
    right, wrong = json.loads(sound)["k"], json.loads(wrong_numbers(sound))["k"]
    different = {key for key, value in right.items() if wrong[key] != value}
    assert different == {"c", "v", "n"}
    assert wrong["c"] in (right["l"], right["h"])


def test_a_wrong_closing_event_is_followed_by_right_ones(
    simulator: Simulator, client: Client
) -> None:
    simulator.streams.faults.add(kind="wrong_close")
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(2 * MINUTE)
        told = [event["k"]["v"] for event in closings(connection, 2)]
    rows = client.klines(symbol="BTCUSDT", interval="1m", limit=3)
    assert told[0] != rows[0][5]
    assert told[1] == rows[1][5]


def test_a_drop_has_no_close_frame(simulator: Simulator) -> None:
    simulator.streams.faults.add(kind="drop", skip=2)
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(5 * MINUTE)
        with pytest.raises(ConnectionClosed) as ending:
            heard(connection, 5)
    assert ending.value.rcvd is None


def test_a_silent_connection_still_answers_pings(simulator: Simulator) -> None:
    simulator.streams.faults.add(kind="silent")
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(5 * MINUTE)
        assert connection.ping().wait(timeout=5)
        simulator.clock.advance(5 * MINUTE)
        assert connection.ping().wait(timeout=5)
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0)


@pytest.mark.parametrize("status", [503, 429])
def test_a_handshake_can_be_refused(simulator: Simulator, status: int) -> None:
    simulator.streams.faults.add(kind="refuse", status=status)
    with pytest.raises(InvalidStatus) as refusal, listening(simulator, MINUTE_STREAM):
        pass
    assert refusal.value.response.status_code == status
    with listening(simulator, MINUTE_STREAM):
        assert simulator.streams.statistics()["attempts"] == 2


def test_other_processes_ask_by_http(simulator: Simulator, client: Client) -> None:
    fault = {"kind": "duplicate", "symbol": "BTCUSDT", "closing": True}
    waiting = client.post("/simulator/stream-faults", [fault]).json()
    assert waiting[0]["kind"] == "duplicate"
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(MINUTE)
        one, other = closings(connection, 2)
        assert one == other
        counts = client.get("/simulator/statistics").json()["streams"]
        assert counts["faults"] == {"duplicate": 1}
        assert counts["connections"] == 1
        client.post("/simulator/streams", {"action": "shutdown", "lead": 0})
        assert heard_until_end(connection)[-1]["e"] == "serverShutdown"
    assert simulator.streams.wait_for_connections(0)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("stream-faults", {"kind": "earthquake"}, "earthquake"),
        ("stream-faults", {"kind": "garbage", "form": "poem"}, "poem"),
        ("streams", {"action": "dance"}, "dance"),
    ],
)
def test_what_is_unknown_is_refused_by_name(
    client: Client, path: str, value: Any, words: str
) -> None:
    answer = client.post(f"/simulator/{path}", value)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_line_has_a_short_form(kind: str) -> None:
    assert StreamFault.parse(f"{kind},count=2") == StreamFault(kind, count=2)


def test_waiting_faults_can_be_asked_for_again(simulator: Simulator) -> None:
    faults = simulator.streams.faults
    faults.add(kind="silent", symbol="BTCUSDT", count=3)
    (waiting,) = faults.waiting()
    faults.clear()
    faults.add(**waiting)
    assert faults.waiting() == [waiting]


def test_rest_can_lag_behind_the_stream(simulator: Simulator, client: Client) -> None:
    with listening(simulator, MINUTE_STREAM) as connection:
        simulator.clock.advance(MINUTE)
        closed = closings(connection, 1)[0]["k"]["t"]
    simulator.faults.add(kind="stale", rows=1, symbol="BTCUSDT", interval="1m")
    lagging, healed = (
        client.klines(symbol="BTCUSDT", interval="1m", startTime=closed)
        for _ in range(2)
    )
    assert lagging == []
    assert healed[0][0] == closed
    assert simulator.faults.applied() == {"stale": 1}
