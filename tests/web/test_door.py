"""The door app.py: real processes, real gunicorn."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.request import urlopen

import psutil
import pytest

from klineboard.settings import PROJECT_ROOT, Settings

from ..candles import Store, make_klines

WAIT = 30.0


def _environment(settings: Settings, **keys: str) -> dict[str, str]:
    return {
        **os.environ,
        "POSTGRES_HOST": settings.postgres_host,
        "POSTGRES_PORT": str(settings.postgres_port),
        "POSTGRES_USER": settings.postgres_user,
        "POSTGRES_DB": settings.postgres_db,
        "DATA_DIR": str(settings.data_dir),
        "LOG_DIR": str(settings.log_dir),
        # Nothing listens at the port "discard"; the page does not wait for it.
        "COINGECKO_API_URL": "http://127.0.0.1:9",
        **keys,
    }


def _run(settings: Settings, *arguments: str, **keys: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT_ROOT,
        env=_environment(settings, **keys),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    """The address of a gunicorn of two workers on a free port."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--worker-class=klineboard.web.worker.Worker",
        ]
        + ["--workers=2", "--threads=2", "--no-control-socket", "--bind=127.0.0.1:0"]
        + ["app:app"],
        cwd=PROJECT_ROOT,
        env=_environment(settings),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    found = None
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    # Somebody must read on, or the pipe fills and gunicorn stands still.
    reader = threading.Thread(target=process.stderr.read, daemon=True)
    reader.start()
    assert found is not None
    yield found.group()
    process.send_signal(signal.SIGTERM)
    process.wait(WAIT)
    reader.join(WAIT)
    process.stderr.close()


def test_a_wrong_setting_is_told_and_exits_with_2(settings: Settings) -> None:
    code, errors = _run(settings, "app.py", POSTGRES_PORT="abc")
    assert code == 2
    assert errors == "POSTGRES_PORT='abc': expected a port number from 1 to 65535\n"


def test_gunicorn_gives_up_on_a_wrong_setting(settings: Settings) -> None:
    arguments = ["-m", "gunicorn", "--no-control-socket", "-b", "127.0.0.1:0"]
    code, errors = _run(settings, *arguments, "app:app", SYMBOLS=",")
    assert code == 3
    assert "SYMBOLS=','" in errors


def test_a_port_in_use_is_told_and_exits_with_2(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, errors = _run(settings, "app.py", WEB_PORT=port)
    assert code == 2
    assert f"WEB_PORT={port}: " in errors


def test_many_readers_at_once_are_answered(address: str, store: Store) -> None:
    store(count=24)
    paths = ["/", "/health", "/api/view", "/api/series", "/api/market-caps"] * 8

    def status(path: str) -> int:
        with urlopen(address + path, timeout=WAIT) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(status, paths)) == {200}


def test_a_slow_reader_of_an_export_keeps_nobody_waiting(
    address: str, store: Store
) -> None:
    store(count=6000)
    with urlopen(f"{address}/export/BTCUSDT_1h.csv", timeout=WAIT) as export:
        first = export.read(100)
        with urlopen(f"{address}/health", timeout=WAIT) as health:
            assert health.status == 200
        rest = export.read()
    assert len((first + rest).splitlines()) == 6001


def test_readers_that_stall_leave_the_pages_responsive(
    address: str, store: Store
) -> None:
    # 12 MB, more than what lies in the buffers between server and reader.
    long = [kline._replace(volume="7" * 4000) for kline in make_klines("1h", 3000)]
    store(klines=long)
    host, _, port = address.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        # More than there are threads; each takes the first bytes and no more.
        for _ in range(10):
            reader = stack.enter_context(socket.socket())
            reader.settimeout(WAIT)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect((host, int(port)))
            reader.sendall(b"GET /export/BTCUSDT_1h.csv HTTP/1.1\r\nHost: a\r\n\r\n")
            assert reader.recv(12) == b"HTTP/1.1 200"
        for path in ["/", "/health", "/api/klines?symbol=BTCUSDT&interval=1h"] * 3:
            with urlopen(address + path, timeout=WAIT) as answer:
                assert answer.status == 200


def test_the_door_opens_the_port_of_the_settings(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=PROJECT_ROOT,
        # gunicorn would take the number of workers from this, where nobody says it.
        env=_environment(settings, WEB_PORT=port, WEB_WORKERS="1", WEB_CONCURRENCY="5"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        # The port is open before gunicorn is there; the request waits for it.
        assert process.stdout.readline() == (
            f"klineboard is at http://127.0.0.1:{port}\n"
        )
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=WAIT) as answer:
            assert answer.status == 200
        assert len(psutil.Process(process.pid).children()) == 1
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT)
        process.stdout.close()
    assert process.returncode == 0
