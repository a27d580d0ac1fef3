"""The relay's door: a real process, its port, options, exit codes and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from klineboard.market.interval import INTERVALS, MINUTE
from klineboard.market.series import Series
from klineboard.settings import PROJECT_ROOT
from klineboard.simulator import Simulator, StreamRecording, read_frames
from klineboard.storage.database import Database
from tests.conftest import MakeSettings
from tests.jobs.conftest import assert_csv_equals_table, stored, truth

Door = Callable[..., subprocess.Popen[str]]
BTC = Series("BTCUSDT", INTERVALS["1m"])


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def door(
    make_settings: MakeSettings, simulator: Simulator, port: int
) -> Iterator[Door]:
    """Start ``stream_kline_data.py``; keys of the environment can be given."""
    settings = make_settings()
    environment = {
        "PATH": os.environ["PATH"],
        "POSTGRES_HOST": settings.postgres_host,
        "POSTGRES_PORT": str(settings.postgres_port),
        "POSTGRES_DB": settings.postgres_db,
        "DATA_DIR": str(settings.data_dir),
        "LOG_DIR": str(settings.log_dir),
        "BINANCE_API_URL": simulator.url,
        "BINANCE_STREAM_URL": simulator.stream_url,
        "SYMBOLS": "BTCUSDT",
        "INTERVALS": "1m",
        "STREAM_COINS": "BTC",
        "STREAM_PORT": str(port),
    }
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **keys: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, PROJECT_ROOT / "stream_kline_data.py", *options],
            env={**environment, **keys},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Look again and again until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def watched(port: int, path: str) -> ClientConnection:
    """Connect to the relay, once it listens."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return connect(f"ws://127.0.0.1:{port}{path}", compression=None)
        except OSError:
            assert time.monotonic() < deadline, "the relay does not listen"
            time.sleep(0.02)


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    """Wait for the end, expect its code, and return what was printed."""
    output, _ = process.communicate(timeout=30)
    assert process.returncode == code, output
    return output


def test_serves_the_last_ten_minutes_of_each_coin_and_each_that_closes(
    door: Door, simulator: Simulator, port: int
) -> None:
    door()
    until(lambda: simulator.streams.connections)
    with watched(port, "/klines?symbol=BTCUSDT&interval=1m") as candles:
        while json.loads(candles.recv(10)).get("state") != "live":
            pass
    with watched(port, "/") as socket_:
        first = json.loads(socket_.recv(10))
        assert first["coin"] == "BTC"
        assert first["time"][-1] == "12:29"
        assert {len(first[key]) for key in ("values", "operations", "time")} == {10}
        simulator.clock.advance(MINUTE)
        second = json.loads(socket_.recv(10))
        assert second["time"] == [*first["time"][1:], "12:30"]
        assert second["values"][:-1] == first["values"][1:]


def test_sigterm_closes_clients_with_1001_and_stores_what_is_pending(
    door: Door,
    simulator: Simulator,
    port: int,
    database: Database,
    tmp_path: Path,
) -> None:
    process = door()
    until(lambda: simulator.streams.connections)
    with watched(port, "/klines?symbol=BTCUSDT&interval=1m&limit=1") as client:
        while json.loads(client.recv(10)).get("state") != "live":
            pass
        simulator.clock.advance(5 * MINUTE)
        while json.loads(client.recv(10)).get("open_time") != simulator.clock.now():
            pass  # The last candle has just opened.
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                client.recv(10)
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1001
    ended(process)
    assert time.monotonic() - began < 5
    klines = stored(database, BTC)
    assert klines == truth(simulator, BTC, klines[0].open_time)
    assert_csv_equals_table(database, tmp_path / "data" / "csv", BTC)


def test_ends_in_time_while_the_exchange_does_not_answer(
    door: Door, simulator: Simulator, port: int
) -> None:
    simulator.faults.add(kind="hang", count=100, seconds=60.0)
    process = door()
    with watched(port, "/klines?symbol=BTCUSDT&interval=1m") as client:
        assert json.loads(client.recv(10))["state"] == "reconnecting"
    until(lambda: simulator.statistics.asked("/api/v3/time"))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    ended(process)
    assert time.monotonic() - began < 5


def test_ends_in_time_while_the_database_does_not_answer(
    door: Door, simulator: Simulator, port: int, database: Database
) -> None:
    process = door()
    with watched(port, "/klines?symbol=BTCUSDT&interval=1m&limit=1") as client:
        while json.loads(client.recv(10)).get("state") != "live":
            pass
        with database.transaction() as cursor:
            cursor.execute("LOCK TABLE klines IN ACCESS EXCLUSIVE MODE")
            simulator.clock.advance(MINUTE)
            while not json.loads(client.recv(10))["closed"]:
                pass
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            output = ended(process)
            assert time.monotonic() - began < 5
    assert "candles not stored at the end: 1 (no answer in time)" in output


def test_a_port_in_use_is_named(door: Door, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        output = ended(door(), 2)
    assert f"STREAM_PORT='{port}'" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--print", "--interval", "7m"), "--interval='7m': expected one of 1s"),
        (("--print", "--symbol", "BTCUDST"), "did you mean BTCUSDT"),
        (("--print", "--symbol", ","), "names, comma separated"),
        (("--price-tag", "c"), "go with --print"),
        (("--print", "--price-tag", "x"), "invalid choice"),
        (("--record", "/nowhere/at/all"), "a file that can be written"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_it(
    door: Door, options: tuple[str, ...], words: str
) -> None:
    output = ended(door(*options), 2)
    assert words in output
    assert "Traceback" not in output


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    """Return the first lines that are no log lines."""
    assert process.stdout is not None
    lines: list[str] = []
    while len(lines) < count:
        line = process.stdout.readline()
        assert line, "it ended"
        if " klineboard." not in line:
            lines.append(line.strip())
    return lines


def test_prints_the_stream_as_it_comes(door: Door, simulator: Simulator) -> None:
    process = door("--print", "--symbol", "btcusdt", "--interval", "1m")
    assert simulator.streams.wait_for_connections(1, timeout=30)
    simulator.clock.advance(MINUTE)
    (closed,) = simulator.market.klines(
        "BTCUSDT", BTC.interval, simulator.clock.now() - 90_000, None, 1, 1 << 50
    )
    wanted = (
        f"{closed.close_time + 1} BTCUSDT 1m {closed.open_time} "
        f"o {closed.open_price} h {closed.high_price} l {closed.low_price} "
        f"c {closed.close_price} closed"
    )
    while lines_of(process, 1) != [wanted]:
        pass
    process.send_signal(signal.SIGINT)
    ended(process)


def test_prints_one_price_with_readable_times(door: Door, simulator: Simulator) -> None:
    process = door("--print", "--price-tag", "c", "--convert-time")
    assert simulator.streams.wait_for_connections(1, timeout=30)
    simulator.clock.advance(2_000)
    (line,) = lines_of(process, 1)
    time_, symbol, interval, opened, tag, _, state = line.split()
    assert time_.startswith("2024-03-01T12:30:") and time_.endswith("Z")
    assert opened == "2024-03-01T12:30:00.000Z"
    assert (symbol, interval, tag, state) == ("BTCUSDT", "1m", "c", "open")


def test_prints_trades(door: Door, simulator: Simulator) -> None:
    process = door("--print", "--trades")
    assert simulator.streams.wait_for_connections(1, timeout=30)
    simulator.clock.advance(5_000)
    (line,) = lines_of(process, 1)
    time_, symbol, side, price, quantity = line.split()
    assert time_.isdigit() and symbol == "BTCUSDT" and side in ("buy", "sell")
    assert float(price) > 0 and float(quantity) > 0


def test_a_reader_that_has_seen_enough_ends_it_quietly(
    door: Door, simulator: Simulator
) -> None:
    process = door("--print")
    assert simulator.streams.wait_for_connections(1, timeout=30)
    assert process.stdout is not None
    process.stdout.close()
    until(lambda: _advanced(simulator) and process.poll() is not None)
    assert process.returncode == 0
    process.stdout = None


def _advanced(simulator: Simulator) -> bool:
    simulator.clock.advance(2_000)
    return True


def test_records_frames_that_the_simulator_plays_again(
    door: Door, simulator: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "frames.jsonl"
    process = door("--record", str(path))
    assert simulator.streams.wait_for_connections(1, timeout=30)
    simulator.clock.advance(10 * MINUTE)
    until(lambda: path.exists() and path.read_text().count('"x":true') == 10)
    process.send_signal(signal.SIGTERM)
    output = ended(process)
    assert "frames came" in output
    recording = StreamRecording(read_frames(path))
    with Simulator(recording=recording, now=recording.begin, speed=0) as again:
        address = f"{again.stream_url}/ws/btcusdt@kline_1m"
        with connect(address, compression=None) as client:
            assert again.streams.wait_for_connections(1)
            again.clock.advance(11 * MINUTE)
            closed = []
            while len(closed) < 10:
                candle = json.loads(client.recv(10))["k"]
                closed += [candle["t"]] if candle["x"] else []
    first = simulator.clock.now() - 10 * MINUTE
    assert closed == [first + n * MINUTE for n in range(10)]
