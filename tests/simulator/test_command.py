"""``python -m klineboard.simulator`` as a process."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "klineboard.simulator"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command on any port; give the process and its first line."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def address(line: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found is not None
    return found[0]


def test_it_says_where_it_listens_and_what_time_it_is() -> None:
    with running("--now", "2024-06-01T12:00:00", "--speed", "0") as (_, line):
        assert line.startswith("simulated market at http://127.0.0.1:")
        assert line.endswith(", now 2024-06-01T12:00:00.000Z\n")
        answer = requests.get(address(line) + "/api/v3/time", timeout=5)
        assert answer.json() == {"serverTime": 1_717_243_200_000}


def test_its_second_line_says_where_the_streams_are() -> None:
    with running("--now", "2024-06-01T12:00:00", "--speed", "1000") as (process, _):
        assert process.stdout is not None
        found = re.search(
            r"^simulated streams at (ws://\S+)$", process.stdout.readline()
        )
        assert found is not None
        with connect(found[1] + "/ws/btcusdt@kline_1m") as connection:
            assert json.loads(connection.recv(timeout=5))["e"] == "kline"


def test_faults_of_the_streams_can_be_given_on_the_command_line() -> None:
    with running("--stream-fault", "refuse,status=429") as (process, _):
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with pytest.raises(InvalidStatus), connect(url + "/ws"):
            pass


def test_a_replay_of_frames_begins_just_before_the_first(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text('{"e":"trade","E":1717243200001,"s":"BTCUSDT","p":"1","q":"2"}\n')
    with running("--replay-stream", str(path), "--speed", "0") as (_, line):
        assert line.endswith(", now 2024-06-01T12:00:00.000Z\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(number: signal.Signals) -> None:
    with running() as (process, _):
        process.send_signal(number)
        assert process.wait(timeout=5) == 0


def test_faults_can_be_given_on_the_command_line() -> None:
    with running("--fault", "status=503", "--fault", "html") as (_, line):
        first, second = (
            requests.get(address(line) + "/api/v3/ping", timeout=5) for _ in range(2)
        )
        assert (first.status_code, second.headers["Content-Type"]) == (503, "text/html")


def test_a_replay_begins_just_after_its_last_candle(tmp_path: Path) -> None:
    path = tmp_path / "ETHUSDT-1m-2024.csv"
    path.write_text("1717243200000,1,2,1,2,3,1717243259999,4,5,1,1,0\n")
    with running("--replay", str(path), "--speed", "0") as (_, line):
        assert line.endswith(", now 2024-06-01T12:01:00.000Z\n")
        answer = requests.get(
            address(line) + "/api/v3/klines?symbol=ETHUSDT&interval=1m", timeout=5
        )
        assert answer.json()[0][1:6] == ["1", "2", "1", "2", "3"]


@pytest.mark.parametrize("option", ["--replay", "--replay-stream"])
def test_wrong_usage_ends_with_two_and_a_word(option: str) -> None:
    ended = subprocess.run(
        [*COMMAND, option, "nowhere-BTCUSDT-1h-x.csv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "nowhere-BTCUSDT-1h-x.csv" in ended.stderr


@pytest.mark.parametrize("option", ["--port", "--stream-port"])
def test_a_port_in_use_ends_with_two_and_the_port(option: str) -> None:
    with running() as (_, line):
        port = address(line).rpartition(":")[2]
        ended = subprocess.run(
            [*COMMAND, "--port", "0", option, port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert port in ended.stderr
