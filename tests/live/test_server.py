"""The server as clients meet it, on real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from klineboard.errors import SettingsError
from klineboard.live.server import StreamServer
from tests.live.serving import (
    KLINES,
    MINUTES,
    OTHER,
    Serving,
    hear,
    hear_the_end,
    hear_until,
    in_loop,
    make_board,
    make_trade,
    moved,
    serving,
)

CANDLES = "/klines?symbol=BTCUSDT&interval=1m"
TRADES = "/trades?symbol=BTCUSDT"


@in_loop
async def test_candles_begin_with_a_snapshot() -> None:
    async with serving() as own:
        own.board.load(MINUTES, KLINES[:10])
        async with connect(f"{own.url}{CANDLES}&limit=3") as client:
            snapshot = await hear(client)
            assert snapshot["open_time"] == [kline.open_time for kline in KLINES[7:10]]
            own.board.update(MINUTES, KLINES[10], 77)
            update = await hear(client)
            assert (update["event_time"], update["closed"]) == (77, False)


@in_loop
async def test_several_symbols_have_a_snapshot_each() -> None:
    async with serving() as own:
        address = "/klines?symbol=ethusdt,btcusdt&interval=1m"
        async with connect(own.url + address) as client:
            symbols = [(await hear(client))["symbol"] for _ in range(2)]
            assert symbols == ["ETHUSDT", "BTCUSDT"]
            own.board.close(OTHER, KLINES[0], 1)
            assert (await hear(client))["symbol"] == "ETHUSDT"


@in_loop
async def test_a_corrected_candle_is_sent_again_as_a_whole() -> None:
    async with serving() as own:
        own.board.load(MINUTES, KLINES[:10])
        async with connect(own.url + CANDLES) as client:
            await hear(client)
            own.board.close(MINUTES, moved(KLINES[3], "5.55"), 9)
            corrected = await hear(client)
            assert (
                corrected["open_time"],
                corrected["close"],
                corrected["closed"],
            ) == (
                KLINES[3].open_time,
                5.55,
                True,
            )


@in_loop
async def test_coins_are_told_at_once_and_whenever_a_candle_closes() -> None:
    async with serving() as own:
        own.board.load(MINUTES, KLINES[:12])
        async with connect(f"{own.url}/") as client:
            bitcoin = await hear(client)
            # Nothing is known of ether yet, and so nothing is told.
            assert bitcoin["coin"] == "BTC"
            assert bitcoin["values"] == [102.5 + n for n in range(10)]
            assert bitcoin["time"] == [f"00:{n:02}" for n in range(2, 12)]
            own.board.close(MINUTES, KLINES[12], 1)
            assert (await hear(client))["time"][-1] == "00:12"


@in_loop
async def test_a_series_that_does_not_exist_is_unknown_once_it_is_left_out() -> None:
    async with serving() as own:
        own.board.leave_out(MINUTES)
        async with connect(f"{own.url}/klines?symbol=BTCUSDT&interval=1m") as client:
            assert (await hear(client))["error"]["code"] == "interval_not_followed"


@in_loop
async def test_trades_follow_a_snapshot_of_the_last_ones() -> None:
    async with serving() as own:
        async with connect(own.url + TRADES) as first:
            await hear(first)
            own.board.trade(make_trade(1), 5)
            assert (await hear(first))["trade_id"] == 1
            async with connect(own.url + TRADES) as second:
                snapshot = await hear(second)
                assert [trade["trade_id"] for trade in snapshot["trades"]] == [1]


@in_loop
async def test_the_relay_hears_who_is_watched() -> None:
    changes: asyncio.Queue[frozenset[str]] = asyncio.Queue()
    async with serving() as own:
        own.board.on_watched = changes.put_nowait
        async with connect(own.url + TRADES) as client:
            await hear(client)
            assert await changes.get() == {"BTCUSDT"}
        assert await changes.get() == frozenset()


@in_loop
async def test_states_are_told_when_they_change() -> None:
    async with serving() as own, connect(own.url + CANDLES) as client:
        assert (await hear(client))["state"] == "reconnecting"
        own.board.set_state("live", None, 12)
        status = await hear(client)
        assert (status["type"], status["state"], status["since"]) == (
            "status",
            "live",
            12,
        )


async def _hear_candles(url: str, last: int) -> list[Any]:
    async with connect(url) as client:
        return await hear_until(
            client,
            lambda message: (
                message["type"] == "kline"
                and message["closed"]
                and message["open_time"] == last
            ),
        )


@in_loop
async def test_no_hole_and_no_repeat_while_candles_come() -> None:
    async with serving() as own:
        own.board.load(MINUTES, KLINES[:5])
        last = KLINES[-1].open_time
        clients = []
        for number, kline in enumerate(KLINES[5:]):
            if number % 12 == 0 and number < 360:
                task = _hear_candles(own.url + CANDLES, last)
                clients.append(asyncio.create_task(task))
            own.board.update(MINUTES, kline, 2 * number)
            await asyncio.sleep(0)
            own.board.close(MINUTES, kline, 2 * number + 1)
            await asyncio.sleep(0)
        own.board.close(MINUTES, KLINES[-1], 1000)
        everything = [kline.open_time for kline in KLINES]
        for heard in await asyncio.gather(*clients):
            snapshot, *updates = heard
            closed = snapshot["open_time"][: snapshot["closed"].count(True)]
            closed += [one["open_time"] for one in updates if one["closed"]]
            assert closed == everything
            times = [
                snapshot["event_time"] or 0,
                *(one["event_time"] for one in updates),
            ]
            assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/nothing", "unknown_path"),
        ("/klines?symbol=BTCUSD&interval=1m", "unknown_symbol"),
        ("/klines?symbol=BTCUSDT&interval=7m", "unknown_interval"),
        ("/trades?symbol=BTCUSDT&limit=many", "bad_limit"),
    ],
)
@in_loop
async def test_an_error_is_told_as_json_and_closes_with_1008(
    address: str, code: str
) -> None:
    async with serving() as own, connect(own.url + address) as client:
        messages, closed = await hear_the_end(client)
        assert [message["error"]["code"] for message in messages] == [code]
        assert closed == 1008


@in_loop
async def test_a_full_server_says_so_and_closes_with_1013() -> None:
    async with serving(most_clients=1) as own, connect(own.url + CANDLES) as first:
        await hear(first)
        async with connect(own.url + CANDLES) as second:
            messages, closed = await hear_the_end(second)
        assert messages[0]["error"]["code"] == "full"
        assert closed == 1013
        own.board.close(MINUTES, KLINES[0], 1)
        assert (await hear(first))["closed"] is True


@in_loop
async def test_the_end_is_1001_for_everyone() -> None:
    async with serving() as own, connect(own.url + CANDLES) as client:
        await hear(client)
        _, (_, closed) = await asyncio.gather(own.server.stop(), hear_the_end(client))
        assert closed == 1001


@pytest.mark.parametrize(
    ("origin", "enters"),
    [
        (None, True),
        ("http://127.0.0.1:5555", True),
        ("https://friend.example", True),
        ("https://stranger.example", False),
        ("null", False),
    ],
)
@in_loop
async def test_pages_of_strangers_are_kept_out(origin: Any, enters: bool) -> None:
    async with serving(origins=["https://friend.example"]) as own:
        if enters:
            async with connect(own.url + CANDLES, origin=origin) as client:
                await hear(client)
            return
        with pytest.raises(InvalidStatus) as caught:
            async with connect(own.url + CANDLES, origin=origin):
                pass
        assert caught.value.response.status_code == 403
        assert caught.value.response.body is not None
        assert b"STREAM_ORIGINS lets them in" in caught.value.response.body


def _get(own: Serving, path: str) -> tuple[int, str, str]:
    url = own.url.replace("ws", "http", 1) + path
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


@in_loop
async def test_health_is_plain_http() -> None:
    async with serving() as own, connect(own.url + CANDLES) as client:
        await hear(client)
        own.board.set_state("live", None, 3)
        own.board.close(MINUTES, KLINES[0], 44)
        status, kind, body = await asyncio.to_thread(_get, own, "/health")
        health = json.loads(body)
        assert (status, kind) == (200, "application/json")
        assert (health["state"], health["clients"], health["event_time"]) == (
            "live",
            1,
            44,
        )
        assert health["series"]["BTCUSDT 1m"]["open_time"] == KLINES[0].open_time


@pytest.mark.parametrize("path", ["/", "/klines", "/nothing"])
@in_loop
async def test_a_browsers_address_bar_is_answered_in_a_sentence(path: str) -> None:
    async with serving() as own:
        status, kind, body = await asyncio.to_thread(_get, own, path)
        assert status == 426
        assert kind.startswith("text/plain")
        assert body.startswith("This address speaks WebSocket")


@in_loop
async def test_a_fault_ends_one_connection_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(symbols: frozenset[str]) -> None:
        raise RuntimeError("what nobody foresaw")

    async with serving() as own, connect(own.url + CANDLES) as bystander:
        await hear(bystander)
        own.board.on_watched = fail
        async with connect(own.url + TRADES) as client:
            _, closed = await hear_the_end(client)
        assert closed == 1011
        assert own.board.watched == frozenset()
        own.board.close(MINUTES, KLINES[0], 1)
        assert (await hear(bystander))["closed"] is True
    assert any("what nobody foresaw" in (r.exc_text or "") for r in caplog.records)


@in_loop
async def test_coming_and_going_is_no_news_for_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as own:
        before = len(caplog.records)
        for _ in range(3):
            async with connect(own.url + CANDLES) as client:
                await hear(client)
        ours = [r for r in caplog.records[before:] if r.name.startswith("klineboard")]
        assert ours == []


@in_loop
async def test_a_port_in_use_is_a_matter_of_the_settings() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"STREAM_PORT='{port}'"):
            await StreamServer(make_board(), port=port).start()


@in_loop
async def test_an_address_of_another_machine_is_a_matter_of_the_settings() -> None:
    server = StreamServer(make_board(), host="192.0.2.1", port=0)
    with pytest.raises(SettingsError, match="STREAM_HOST='192.0.2.1'"):
        await server.start()
