"""The parts under measurement, as processes of their own in a folder of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from klineboard.settings import PROJECT_ROOT


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def environment(folder: Path, exchange_port: int, web_port: int) -> dict[str, str]:
    """Return the settings of everything that is measured: the defaults, but local."""
    exchange = f"http://127.0.0.1:{exchange_port}"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATA_DIR": str(folder / "data"),
        "LOG_DIR": str(folder / "logs"),
        "BINANCE_API_URL": exchange,
        "COINGECKO_API_URL": exchange,
        "WEB_PORT": str(web_port),
    }


@contextmanager
def running(
    command: list[str], settings: dict[str, str], ready: str, patience: float = 30
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a part until the block ends; begin when ``ready`` answers.

    Args:
        command: Arguments of the interpreter.
        settings: Its whole environment.
        ready: An address.
        patience: Seconds until the part has failed to start.
    """
    process = subprocess.Popen(
        [sys.executable, *command],
        env=settings,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(ready, process, patience)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], patience: float) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return  # It answers, that is enough.
        except OSError:
            pause.wait(0.05)
    raise RuntimeError(f"{url} does not answer")
