"""The REST client against the simulated exchange, well and badly behaved."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from klineboard.errors import (
    AccessBlocked,
    ExchangeUnavailable,
    InvalidAnswer,
    RateLimited,
    SeriesRejected,
)
from klineboard.market.interval import HOUR, INTERVALS
from klineboard.market.moment import parse_moment as at
from klineboard.simulator import Simulator
from klineboard.sources.binance_answers import failure_of, parse_info
from klineboard.sources.binance_rest import BinanceRest, RequestCount
from klineboard.sources.silence import backoff
from tests.sources.serving import serving

HOURS = INTERVALS["1h"]
START, END = at("2024-02-01"), at("2024-02-02")


@pytest.fixture
def exchange(simulator: Simulator) -> BinanceRest:
    return client(simulator.url)


def client(url: str, attempts: int = 5) -> BinanceRest:
    return BinanceRest(url, first_backoff=0.001, timeout=(2.0, 0.5), attempts=attempts)


def test_brings_the_candles_that_were_asked_for(
    simulator: Simulator, exchange: BinanceRest
) -> None:
    page = exchange.klines("BTCUSDT", HOURS, START, END)
    truth = simulator.market.klines(
        "BTCUSDT", HOURS, START, END, 1000, simulator.clock.now()
    )
    assert page.klines == truth
    assert len(page.klines) == 25


def test_tells_the_exchanges_time_and_origin(
    simulator: Simulator, exchange: BinanceRest
) -> None:
    assert exchange.server_time() == simulator.clock.now()
    assert exchange.origin == "simulated"


def test_every_host_of_binance_is_one_origin() -> None:
    assert BinanceRest("https://data-api.binance.vision").origin == "binance"
    assert BinanceRest("https://api3.binance.com").origin == "binance"
    assert BinanceRest("http://mybinance.com:8080").origin == "mybinance.com"


def test_learns_limits_and_symbols(exchange: BinanceRest) -> None:
    known = exchange.exchange_info(["BTCUSDT", "ETHUSDT"])
    assert set(known) == {"BTCUSDT", "ETHUSDT"}
    assert known["BTCUSDT"].base_asset == "BTC"
    assert str(known["BTCUSDT"].tick_size) == "0.01000000"
    assert exchange.budget.limit == 6000


def test_an_unknown_symbol_brings_all_of_them_for_near_names(
    exchange: BinanceRest,
) -> None:
    known = exchange.exchange_info(["BTCUSDT", "NOPE"])
    assert "NOPE" not in known
    assert "ETHUSDT" in known


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502},
        {"kind": "hang", "seconds": 2.0},
        {"kind": "truncate"},
        {"kind": "html"},
        {"kind": "wrong_columns"},
        {"kind": "duplicate_rows"},
        {"kind": "nan"},
        {"kind": "high_below_low"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_passing_fault_is_asked_again(
    simulator: Simulator, exchange: BinanceRest, fault: dict[str, object]
) -> None:
    simulator.faults.add(**fault, path="/api/v3/klines")
    count = RequestCount()
    page = exchange.klines("BTCUSDT", HOURS, START, END, count)
    assert len(page.klines) == 25
    assert page.rejected == []
    assert count.value == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "reset"}, ExchangeUnavailable),
        ({"kind": "status", "status": 503}, ExchangeUnavailable),
        ({"kind": "html"}, InvalidAnswer),
        ({"kind": "duplicate_rows"}, InvalidAnswer),
    ],
)
def test_a_lasting_fault_ends_after_five_attempts(
    simulator: Simulator,
    exchange: BinanceRest,
    fault: dict[str, object],
    error: type[Exception],
) -> None:
    simulator.faults.add(**fault, count=99)
    with pytest.raises(error):
        exchange.klines("BTCUSDT", HOURS, START, END)
    assert simulator.statistics.requests == 5


def test_rows_that_stay_broken_are_named_and_the_others_kept(
    simulator: Simulator, exchange: BinanceRest
) -> None:
    simulator.faults.add(kind="nan", count=99)
    page = exchange.klines("BTCUSDT", HOURS, START, END)
    assert page.rejected
    assert page.row_count == 25


@pytest.mark.parametrize(
    ("symbol", "code"), [("NOPE", -1121), ("btcusdt", -1100), ("", -1105)]
)
def test_a_permanent_error_is_not_asked_again(
    simulator: Simulator, exchange: BinanceRest, symbol: str, code: int
) -> None:
    with pytest.raises(SeriesRejected) as caught:
        exchange.klines(symbol, HOURS, START, END)
    assert caught.value.code == code
    assert simulator.statistics.requests == 1


@pytest.mark.parametrize("status", [451, 403])
def test_a_blocked_place_is_explained_and_not_asked_again(
    simulator: Simulator, exchange: BinanceRest, status: int
) -> None:
    simulator.faults.add(kind="status", status=status, code=0, count=99)
    with pytest.raises(AccessBlocked, match=r"data-api\.binance\.vision"):
        exchange.server_time()
    assert simulator.statistics.requests == 1


def test_429_is_waited_for_as_long_as_the_exchange_says(simulator: Simulator) -> None:
    simulator.faults.add(kind="status", status=429, code=-1003, retry_after=1)
    told: list[RateLimited] = []
    waits: list[float] = []
    pause = threading.Event()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        pause.wait(seconds)

    exchange = BinanceRest(simulator.url, wait=wait, on_silence=told.append)
    exchange.server_time()
    assert [limited.seconds for limited in told] == [1.0]
    assert 0.9 < sum(waits) <= 1.1
    assert simulator.statistics.requests == 2


def test_a_long_ban_ends_the_run_and_silences_what_follows(
    simulator: Simulator, exchange: BinanceRest
) -> None:
    simulator.faults.add(kind="status", status=418, code=-1003, retry_after=600)
    with pytest.raises(RateLimited) as caught:
        exchange.server_time()
    assert caught.value.banned
    with pytest.raises(RateLimited):
        exchange.klines("BTCUSDT", HOURS, START, END)
    assert simulator.statistics.requests == 1


def test_an_earlier_ban_is_kept_without_a_request(
    simulator: Simulator, exchange: BinanceRest
) -> None:
    exchange.keep_silent(3600)
    with pytest.raises(RateLimited):
        exchange.server_time()
    assert simulator.statistics.requests == 0


def test_many_threads_never_draw_a_429() -> None:
    with Simulator(now=at("2024-03-01"), speed=0, weight_limit=100) as simulator:
        waits: list[float] = []
        exchange = BinanceRest(simulator.url, wait=_give_up_after(waits))
        exchange.exchange_info(["BTCUSDT"])
        threads = [
            threading.Thread(target=_spend, args=(exchange,), daemon=True)
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert waits
        assert simulator.statistics.answers(429) == 0
        assert 60 <= simulator.statistics.as_dict()["highest_weight"] <= 100


class _Enough(Exception):
    pass


def _give_up_after(waits: list[float]) -> Callable[[float], None]:
    def wait(seconds: float) -> None:
        waits.append(seconds)
        raise _Enough

    return wait


def _spend(exchange: BinanceRest) -> None:
    try:
        while True:
            exchange.klines("BTCUSDT", HOURS, START, START + HOUR)
    except _Enough:
        pass


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_an_exchange_that_is_away_is_named_in_one_short_sentence(nobody: str) -> None:
    with pytest.raises(ExchangeUnavailable) as caught:
        client(nobody, attempts=2).server_time()
    assert str(caught.value) == "127.0.0.1 not reached: connection refused"


def test_no_answer_is_read_without_end(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_drip, args=(server,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ExchangeUnavailable):
            client(url, attempts=1).server_time()


def _drip(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        try:
            while True:
                connection.sendall(b" " * 1_000_000)
        except OSError:
            pass


def test_backoff_doubles_with_jitter_and_has_an_end() -> None:
    assert 0.25 <= backoff(1, 0.5) <= 0.75
    assert 2.0 <= backoff(4, 0.5) <= 6.0
    assert backoff(30, 0.5) <= 45.0


def test_a_bans_end_is_read_from_the_words_by_the_exchanges_clock() -> None:
    body = b'{"code":-1003,"msg":"Way too much; IP banned until 1700000600000."}'
    headers = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}  # 1700000000
    failure = failure_of(418, headers, body, "host")
    assert isinstance(failure, RateLimited)
    assert failure.seconds == 600.0


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (418, {}, 120),
        (418, {"Retry-After": "0"}, 1),
        (418, {"Retry-After": "99999999"}, 259_200),
        (429, {}, 60),
        (429, {"Retry-After": "0"}, 1),
        (429, {"Retry-After": "nan"}, 60),
        (429, {"Retry-After": "soon"}, 60),
        (429, {"Retry-After": "-5"}, 60),
        (429, {"Retry-After": "7"}, 7),
    ],
)
def test_no_silence_is_shorter_or_longer_than_makes_sense(
    status: int, headers: dict[str, str], seconds: float
) -> None:
    failure = failure_of(status, headers, b"", "host")
    assert isinstance(failure, RateLimited)
    assert failure.seconds == seconds


def test_retries_say_what_was_wrong(
    simulator: Simulator, exchange: BinanceRest, caplog: pytest.LogCaptureFixture
) -> None:
    simulator.faults.add(kind="html", path="/api/v3/klines")
    with caplog.at_level(logging.WARNING):
        exchange.klines("BTCUSDT", HOURS, START, END)
    assert "no JSON" in caplog.text


def test_a_candle_as_long_as_another_intervals_must_come_twice(
    simulator: Simulator, exchange: BinanceRest
) -> None:
    opened = START + 5 * HOUR
    simulator.tampering.correct("BTCUSDT", "1h", opened, close_time=opened + 59_999)
    page = exchange.klines("BTCUSDT", HOURS, START, END)
    assert [kline.open_time for kline in page.doubtful] == [opened]
    assert simulator.statistics.requests == 2


def test_a_strange_symbol_or_a_new_kind_of_limit_stops_nothing() -> None:
    limit, known = parse_info(
        {
            "rateLimits": [
                {"rateLimitType": "NEW", "interval": "WEEK", "limit": 1},
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "SECOND",
                    "intervalNum": 10,
                    "limit": 200,
                },
            ],
            "symbols": [{"odd": 1}, {"symbol": "BTCUSDT"}, None],
        }
    )
    assert limit == 1200
    assert list(known) == ["BTCUSDT"]


def test_a_foreign_candle_that_is_said_once_is_not_believed() -> None:
    right = ["1", "2", "0", "1", "5", START + HOUR - 1, "5", 1, "1", "1", "0"]
    wrong = [*right[:5], START + 59_999, *right[6:]]
    bodies = [json.dumps([[START, *row]]).encode() for row in (wrong, right)]
    with serving(*bodies) as (url, asked):
        page = client(url.removesuffix("/api/v3")).klines("X", HOURS, START, END)
    assert [kline.close_time for kline in page.klines] == [START + HOUR - 1]
    assert len(asked) == 2
