"""The bench's exchange is one: a wrong one would give wrong figures."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import queue
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klineboard.market.interval import INTERVALS, MINUTE
from klineboard.market.kline import check_page
from klineboard.simulator.messages import Request
from klineboard.sources.binance_rest import BinanceRest
from tests.bench.archive import build_archive, csv_of
from tests.bench.exchange import Exchange, render_all
from tests.bench.exchange_server import Answer, serving

_MINUTE = INTERVALS["1m"]
_CANDLES = 2_500
_NOW = 1_735_689_630_000  # 2025-01-01T00:00:30Z
_FIRST = _NOW // MINUTE * MINUTE - _CANDLES * MINUTE
HISTORIES = render_all(["BTCUSDT"], ["1m"], _CANDLES, _NOW)


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = _NOW / 1_000

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(clock: Clock) -> Exchange:
    return Exchange(HISTORIES, limit=10, clock=clock)


def ask(exchange: Exchange, target: str) -> Answer:
    return exchange.answer(Request.parse("GET", target, {}))


def rows_of(answer: Answer) -> list[Any]:
    rows: list[Any] = json.loads(b"".join(answer.pieces))
    return rows


def klines(exchange: Exchange, **parameters: int) -> list[Any]:
    query = "".join(f"&{name}={value}" for name, value in parameters.items())
    target = f"/api/v3/klines?symbol=BTCUSDT&interval=1m{query}"
    return rows_of(ask(exchange, target))


def test_every_row_keeps_the_rules_of_a_candle() -> None:
    text = HISTORIES["BTCUSDT", "1m"].text
    rows = json.loads(b"[" + text[:-1] + b"]")
    page = check_page(rows, _MINUTE, _FIRST, rows[-1][0])
    assert page.rejected == []
    assert [k.open_time for k in page.klines[:2]] == [_FIRST, _FIRST + MINUTE]
    assert all(a[4] == b[1] for a, b in zip(rows, rows[1:], strict=False))


@pytest.mark.parametrize(
    ("parameters", "first", "count"),
    [
        ({"startTime": 0, "limit": 1000}, 0, 1000),
        ({"startTime": _FIRST + 1, "limit": 3}, 1, 3),
        ({"startTime": _FIRST + 2000 * MINUTE, "limit": 1000}, 2000, 501),
        ({"startTime": _FIRST, "endTime": _FIRST, "limit": 9}, 0, 1),
        ({"endTime": _FIRST + 10 * MINUTE, "limit": 4}, 7, 4),
        ({"limit": 2}, _CANDLES - 1, 2),
        ({}, _CANDLES - 499, 500),
        ({"startTime": 0, "limit": 5000}, 0, 1000),
    ],
)
def test_pages_as_binance_does_up_to_the_open_candle(
    exchange: Exchange, parameters: dict[str, int], first: int, count: int
) -> None:
    rows = klines(exchange, **parameters)
    assert (rows[0][0] - _FIRST) // MINUTE == first
    assert len(rows) == count


@pytest.mark.parametrize("bounds", [(_NOW + MINUTE, _NOW * 2), (0, _FIRST - 1)])
def test_has_nothing_outside_of_its_history(
    exchange: Exchange, bounds: tuple[int, int]
) -> None:
    assert klines(exchange, startTime=bounds[0], endTime=bounds[1]) == []


def test_a_candle_appears_with_its_minute(exchange: Exchange, clock: Clock) -> None:
    before = klines(exchange, limit=1)[0][0]
    clock.seconds += 60
    assert klines(exchange, limit=1)[0][0] == before + MINUTE


def test_counts_weight_and_refuses_what_goes_beyond(exchange: Exchange) -> None:
    used = [
        ask(exchange, "/api/v3/klines?symbol=BTCUSDT&interval=1m").headers
        for _ in range(5)
    ]
    assert [u["X-MBX-USED-WEIGHT-1M"] for u in used] == ["2", "4", "6", "8", "10"]
    refused = ask(exchange, "/api/v3/time")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "31")
    assert exchange.statistics() | {"cpu_seconds": 0} == {
        "requests": 6,
        "files": 0,
        "429": 1,
        "418": 0,
        "limit": 10,
        "weights": [(_NOW // MINUTE * MINUTE, 10)],
        "middle_per_second": 2_000.0,
        "cpu_seconds": 0,
    }


def test_bans_who_does_not_stop_and_forgives_in_the_next_minute(
    exchange: Exchange, clock: Clock
) -> None:
    for _ in range(10):
        ask(exchange, "/api/v3/klines?symbol=BTCUSDT&interval=1m")
    assert ask(exchange, "/api/v3/ping").status == 429
    clock.seconds += 60
    assert ask(exchange, "/api/v3/ping").status == 200
    for _ in range(30):
        answer = ask(exchange, "/api/v3/klines?symbol=BTCUSDT&interval=1m")
    assert answer.status == 418


@pytest.mark.parametrize(
    ("query", "code"),
    [("symbol=NOUSDT&interval=1m", -1121), ("symbol=BTCUSDT&interval=7m", -1120)],
)
def test_names_what_it_does_not_have(exchange: Exchange, query: str, code: int) -> None:
    answer = ask(exchange, f"/api/v3/klines?{query}")
    assert answer.status == 400
    assert json.loads(bytes(answer.pieces[0]))["code"] == code


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def address(request: pytest.FixtureRequest, clock: Clock) -> Iterator[str]:
    """The exchange on loopback, in a thread of its own."""
    exchange = Exchange(HISTORIES, limit=6_000, clock=clock)
    ports: queue.Queue[int] = queue.Queue()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        async with serving(exchange, 0, 0.0, compress=request.param) as port:
            ports.put(port)
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    yield f"http://127.0.0.1:{ports.get(timeout=10)}"
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


def test_our_client_believes_it(address: str) -> None:
    rest = BinanceRest(address)
    assert rest.server_time() == _NOW
    assert rest.exchange_info(["BTCUSDT"])["BTCUSDT"].quote_asset == "USDT"
    page = rest.klines("BTCUSDT", _MINUTE, 0, _NOW)
    assert [len(page.klines), page.rejected, page.doubtful] == [1000, [], []]
    assert (rest.origin, rest.budget.limit) == ("simulated", 6_000)


def test_the_archive_holds_the_same_candles(exchange: Exchange, tmp_path: Path) -> None:
    build_archive(tmp_path, HISTORIES, _NOW)
    folder = tmp_path / "data/spot/monthly/klines/BTCUSDT/1m"
    name = "BTCUSDT-1m-2024-12"
    packed = (folder / f"{name}.zip").read_bytes()
    checksum = (folder / f"{name}.zip.CHECKSUM").read_text()
    assert checksum == f"{hashlib.sha256(packed).hexdigest()}  {name}.zip\n"
    with zipfile.ZipFile(folder / f"{name}.zip") as file:
        lines = file.read(f"{name}.csv").decode().splitlines()
    rows = klines(exchange, startTime=0, limit=1000)
    assert lines[:1000] == [",".join(map(str, row)) for row in rows]
    assert len(lines) == _CANDLES  # The last one closed as the year ended.


def test_the_archive_counts_microseconds_from_2025_on() -> None:
    history = HISTORIES["BTCUSDT", "1m"]
    days = dt.date(2025, 1, 1), dt.date(2025, 1, 2)
    opened, *_, closed, _, _, _, _, _ = csv_of(history, *days, _NOW).split(b",")
    assert (opened, closed) == (b"1735689600000000", b"1735689659999999")
