"""What clients say on a connection: commands, pings, too much, or nothing at all."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode
from websockets.sync.client import ClientConnection
from websockets.uri import parse_uri

from klineboard.market.interval import DAY, MINUTE, SECOND
from klineboard.simulator import BentClock, Simulator
from klineboard.simulator.stream_commands import answer
from klineboard.simulator.subscriber import Ending, Subscriber

from .conftest import NOW
from .listening import MINUTE_STREAM, closings, heard, listening


def told(text: str, subscriber: Subscriber | None = None) -> Any:
    """Return what a command is answered."""
    reply = answer(text, subscriber or Subscriber(True, NOW + DAY), NOW)
    assert isinstance(reply, str)
    return json.loads(reply)


def said(connection: ClientConnection, **command: Any) -> Any:
    """Say a command and return the answer; events before it are passed over."""
    connection.send(json.dumps(command))
    while "id" not in (reply := json.loads(connection.recv(timeout=5))):
        continue
    return reply


def test_streams_can_be_followed_listed_and_left(simulator: Simulator) -> None:
    with listening(simulator) as connection:
        names = [MINUTE_STREAM, "ethusdt@kline_1m"]
        reply = said(connection, method="SUBSCRIBE", params=names, id=1)
        assert reply == {"result": None, "id": 1}
        reply = said(connection, method="LIST_SUBSCRIPTIONS", id="my-list")
        assert reply == {"result": names, "id": "my-list"}
        reply = said(connection, method="UNSUBSCRIBE", params=names[1:], id=None)
        assert reply == {"result": None, "id": None}
        simulator.clock.advance(2 * MINUTE)
        events = closings(connection, 2)
    assert [event["s"] for event in events] == ["BTCUSDT"] * 2


def test_a_stream_followed_later_begins_then(simulator: Simulator) -> None:
    with listening(simulator, "ethusdt@kline_1m") as connection:
        simulator.clock.advance(10 * MINUTE)
        closings(connection, 10)
        said(connection, method="SUBSCRIBE", params=[MINUTE_STREAM], id=1)
        simulator.clock.advance(MINUTE)
        names = [event["s"] for event in closings(connection, 2)]
    assert sorted(names) == ["BTCUSDT", "ETHUSDT"]


def test_unknown_streams_are_accepted_in_silence() -> None:
    words = '{"method":"SUBSCRIBE","params":["nosuch@nothing"],"id":7}'
    assert told(words) == {"result": None, "id": 7}


def test_the_combined_form_is_a_property() -> None:
    subscriber = Subscriber(False, NOW + DAY)
    ask = '{"method":"GET_PROPERTY","params":["combined"],"id":1}'
    assert told(ask, subscriber)["result"] is False
    told('{"method":"SET_PROPERTY","params":["combined",true],"id":2}', subscriber)
    assert told(ask, subscriber)["result"] is True


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{", 3, "Invalid JSON"),
        ("[]", 2, "expected an object"),
        ('{"method":"BUY","id":1}', 2, "unknown variant BUY"),
        ('{"id":1}', 2, "unknown variant None"),
        ('{"method":"SUBSCRIBE","params":["a@b"],"id":1.5}', 2, "request ID"),
        ('{"method":"SUBSCRIBE","params":"a@b","id":1}', 2, "params"),
        ('{"method":"LIST_SUBSCRIPTIONS","id":1,"more":1}', 2, "too many parameters"),
        ('{"method":"GET_PROPERTY","params":["colour"],"id":1}', 0, "Unknown property"),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "Boolean"),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong(
    text: str, code: int, words: str
) -> None:
    error = told(text)["error"]
    assert error["code"] == code
    assert words in error["msg"]


def test_more_than_1024_streams_end_the_connection() -> None:
    names = [f"a{number}@trade" for number in range(1_025)]
    words = json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1})
    reply = answer(words, Subscriber(True, NOW + DAY), NOW)
    assert isinstance(reply, Ending) and reply.code == 1008


def test_more_than_five_messages_a_second_end_the_connection() -> None:
    subscriber = Subscriber(True, NOW + DAY)
    assert [subscriber.hears(seconds) for seconds in (0, 0.2, 0.4, 0.6, 0.8)] == [
        None
    ] * 5
    assert subscriber.hears(1.0) is None
    ending = subscriber.hears(1.1)
    assert ending is not None and ending.code == 1008


def test_pongs_count_as_messages(simulator: Simulator) -> None:
    with listening(simulator, MINUTE_STREAM) as connection:
        for _ in range(6):
            connection.pong()
        with pytest.raises(ConnectionClosed) as ending:
            connection.recv(timeout=5)
    assert ending.value.rcvd is not None and ending.value.rcvd.code == 1008


def test_who_answers_pings_stays_connected() -> None:
    with (
        Simulator(now=NOW, speed=50, ping_seconds=0.1, pong_seconds=0.1) as simulator,
        listening(simulator, MINUTE_STREAM) as connection,
    ):
        # Several times as long as a pong may take.
        while heard(connection, 1)[0]["E"] < NOW + 30 * SECOND:
            assert simulator.streams.connections == 1


class Mute:
    """A client that shakes hands and answers nothing from then on."""

    def __init__(self, simulator: Simulator, stream: str) -> None:
        uri = parse_uri(f"{simulator.stream_url}/ws/{stream}")
        self.socket = socket.socket()
        # The less the system keeps for it, the sooner it is seen to be slow.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.settimeout(5)
        self.socket.connect((uri.host, uri.port))
        self.protocol = ClientProtocol(uri)
        self.protocol.send_request(self.protocol.connect())
        self.socket.sendall(b"".join(self.protocol.data_to_send()))

    def __enter__(self) -> Mute:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def frames_until_end(self) -> list[Opcode]:
        """Read all, saying nothing, and return the kinds of the frames."""
        while data := self.socket.recv(65_536):
            self.protocol.receive_data(data)
        _, *frames = self.protocol.events_received()
        return [frame.opcode for frame in frames]


def test_who_answers_no_ping_is_disconnected() -> None:
    with (
        Simulator(now=NOW, speed=0, ping_seconds=0.05, pong_seconds=0.05) as simulator,
        Mute(simulator, MINUTE_STREAM) as mute,
    ):
        assert mute.frames_until_end() == [Opcode.PING, Opcode.CLOSE]


def test_who_does_not_read_is_cut_and_the_others_miss_nothing() -> None:
    clock = BentClock(NOW - NOW % MINUTE, speed=0)
    with (
        Simulator(clock=clock, lifetime=100 * DAY, slow_seconds=0.1) as simulator,
        listening(simulator, MINUTE_STREAM) as reader,
        Mute(simulator, MINUTE_STREAM),
    ):
        assert simulator.streams.wait_for_connections(2)
        clock.advance(18_000 * MINUTE)
        events = closings(reader, 18_000)
        assert simulator.streams.wait_for_connections(1)
        assert simulator.streams.statistics()["too_slow"] == 1
    steps = {b["E"] - a["E"] for a, b in zip(events, events[1:], strict=False)}
    assert steps == {60 * SECOND}
