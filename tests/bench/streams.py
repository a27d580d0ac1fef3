"""How the relay's server bears thousands of clients: time, memory, losses."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

from klineboard.settings import PROJECT_ROOT

Row = tuple[str, str, str, bool]

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT")
# Updates a second of each client's series; what open files allow is the end.
_LADDER = ((10_000, 4), (10_000, 8), (10_000, 16), (19_000, 8), (19_000, 16))
_SETTLE_SECONDS = 2.0


@dataclass(frozen=True)
class Run:
    """What one run found.

    Attributes:
        clients: How many were connected.
        p50: Milliseconds from the board to a client, as are the others.
        arrived: Which part of all updates arrived; the rest was overtaken by newer
            updates of the same candle.
        lost: Closed candles that did not arrive, came twice or out of order.
        dropped: Connections that ended.
        memory: Bytes of the server's resident memory a client.
        cpu: Seconds of the server's processor a second.
        connected: Seconds until all had their snapshot.
    """

    clients: int
    p50: float
    p95: float
    p99: float
    arrived: float
    lost: int
    dropped: int
    memory: float
    cpu: float
    connected: float


def stream_rows() -> list[Row]:
    """Measure what is promised, then raise the load until something gives way."""
    many = measure(5_000, 5)
    more = measure(10_000, 2)
    return [
        *_rows(many, "5,000 live clients, 5 updates a second", 200),
        (
            "  memory a client, kB",
            f"{many.memory / 1e3:.1f}",
            "< 25",
            many.memory < 25e3,
        ),
        *_rows(more, "10,000 live clients, 2 updates a second", None),
        *_limit_rows(),
    ]


def _rows(run: Run, name: str, most: int | None) -> list[Row]:
    latencies = f"{run.p50:.0f} / {run.p95:.0f} / {run.p99:.0f}"
    asked = f"p99 < {most}" if most else ""
    ended = run.dropped + run.lost
    return [
        (f"{name}:", "", "", True),
        ("  p50 / p95 / p99 ms", latencies, asked, not most or run.p99 < most),
        ("  dropped clients, lost candles", f"{ended}", "0", ended == 0),
        ("  updates that arrived", f"{run.arrived:.1%}", "100.0%", run.arrived == 1),
        ("  processor of the server", f"{run.cpu:.0%}", "", True),
    ]


def _limit_rows() -> list[Row]:
    """Tell what gives way first: updates, time, or clients."""
    rows: list[Row] = [("beyond that:", "", "", True)]
    for clients, rate in _LADDER:
        run = measure(clients, rate)
        found = f"{run.arrived:.0%}, {run.p99:.0f} ms, {run.dropped + run.lost}"
        name = f"  {clients:,}, {rate} a second: arrived, p99, lost"
        rows.append((name, found, "", True))
        if run.p99 > 1000 or run.dropped or run.lost:
            break
    return rows


def measure(clients: int, rate: float, seconds: float = 10.0) -> Run:
    """Connect clients to a fresh server and tell ``rate`` updates a second to each."""
    server = _start("tests.bench.stream_feed", ",".join(SYMBOLS))
    try:
        begin = _read(server)
        crowd = _start(
            "tests.bench.stream_clients",
            str(begin["port"]),
            str(clients),
            *(f"/klines?symbol={name}&interval=1m&limit=5" for name in SYMBOLS),
        )
        try:
            connected = float(_line(crowd).split()[1])
            fed = _ask(server, f"{rate} {seconds}")
            threading.Event().wait(_SETTLE_SECONDS)
            found = json.loads(crowd.communicate("\n", timeout=60)[0])
        finally:
            crowd.kill()
    finally:
        server.kill()
    lost = abs(fed["closed"] * clients - found["closed"]) + found["out_of_order"]
    return Run(
        clients,
        found["p50"],
        found["p95"],
        found["p99"],
        found["received"] / (fed["told"] * clients),
        lost,
        found["dropped"],
        (fed["memory"] - begin["memory"]) / clients,
        fed["cpu"],
        connected,
    )


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(process: subprocess.Popen[str], line: str) -> Any:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return _read(process)


def _read(process: subprocess.Popen[str]) -> Any:
    return json.loads(_line(process))


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args} ended with {process.wait(10)}")
    return line
