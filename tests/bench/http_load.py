"""The page under load: requests a second, and how long each takes.

wrk asks from one thread over kept connections, each with one request under way. Where
it is not installed, a process of our own does the same, and costs more itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import psutil

from klineboard.settings import PROJECT_ROOT

Row = tuple[str, str, str, bool]

ADDRESSES = {
    "/": "/",
    "/api/klines, 1,000": "/api/klines?symbol=BTCUSDT&interval=1h&limit=1000",
    "/api/klines, aggregated": "/api/klines?symbol=BTCUSDT&interval=2h&limit=1000",
    "/export, a series of 1d": "/export/BTCUSDT_1d.csv",
}
"""What is measured, by its name in the table."""

AT_ONCE = (1, 8, 32)
WANTED = "/api/klines, 1,000"
WANTED_AT_ONCE = 16
WANTED_A_SECOND = 1000
WANTED_P99_MS = 50

_SCRIPT = Path(__file__).with_name("latencies.lua")
_SECONDS = 3
# Requests of our own driver, which counts them instead of seconds.
_REQUESTS = 1600
_WARM_UP = 8
_TIMEOUT_SECONDS = 60


class Load(NamedTuple):
    """How one address answered.

    Attributes:
        per_second: Requests answered in a second.
        p50: Milliseconds that half of them took at most.
        p95: That all but one in twenty took at most.
        p99: That all but one in a hundred took at most.
    """

    per_second: float
    p50: float
    p95: float
    p99: float


def driver() -> str:
    """Return what asks: ``wrk``, or ``threads`` of a process of our own."""
    return "wrk" if shutil.which("wrk") else "threads"


def page_load_rows(
    page_url: str,
    pids: Collection[int],
    addresses: Mapping[str, str] = ADDRESSES,
    seconds: float = _SECONDS,
) -> list[Row]:
    """Measure each address at 1, 8 and 32 at once, and at 16 what is wanted.

    Args:
        page_url: Where the page is, without a path.
        pids: Processes that serve it (gunicorn, PostgreSQL); what they and their
            children take of the processor is told for each request.
        addresses: Paths by their names.
        seconds: How long each is asked.
    """
    rows = [("asked by", driver(), "", True)]
    for name, path in addresses.items():
        url = page_url.rstrip("/") + path
        warm_up(url)
        counts = sorted({*AT_ONCE, WANTED_AT_ONCE}) if name == WANTED else AT_ONCE
        for count in counts:
            before = _cpu_seconds(pids)
            load = measure(url, count, seconds)
            cpu = (_cpu_seconds(pids) - before) * 1000
            rows += rows_of(name, count, load, cpu / (load.per_second * seconds))
    return rows


def rows_of(name: str, count: int, load: Load, cpu_ms: float) -> list[Row]:
    """Tell what was found of an address, and at 16 at once whether it is enough."""
    times = f"{load.p50:.1f} / {load.p95:.1f} / {load.p99:.1f}"
    figure = name == WANTED and count == WANTED_AT_ONCE
    enough = not figure or load.per_second >= WANTED_A_SECOND
    soon = not figure or load.p99 < WANTED_P99_MS
    return [
        (
            f"{name}; {count} at once: requests a second",
            f"{load.per_second:,.0f}",
            f">= {WANTED_A_SECOND:,}" if figure else "",
            enough,
        ),
        (
            "  p50 / p95 / p99 ms",
            times,
            f"p99 < {WANTED_P99_MS}" if figure else "",
            soon,
        ),
        ("  processor, ms a request", f"{cpu_ms:.2f}", "", True),
    ]


def warm_up(url: str) -> None:
    """Ask an address some times, each over a connection of its own.

    Both workers have seen it then, and keep what they keep.
    """
    asked = Request(url, headers={"Accept-Encoding": "gzip"})
    for _ in range(_WARM_UP):
        with urlopen(asked, timeout=_TIMEOUT_SECONDS) as answer:
            answer.read()


def measure(url: str, connections: int, seconds: float) -> Load:
    """Ask one address over so many connections at once.

    Raises:
        RuntimeError: Something else than success was answered, or nothing.
    """
    if driver() == "wrk":
        return ask_with_wrk(url, connections, seconds)
    return ask_with_threads(url, connections)


def ask_with_wrk(url: str, connections: int, seconds: float) -> Load:
    """Let wrk ask; see :func:`measure`."""
    command = ["wrk", "--threads=1", f"--connections={connections}"]
    command += [f"--duration={max(1, round(seconds))}s", f"--script={_SCRIPT}"]
    command += [f"--timeout={_TIMEOUT_SECONDS}s", "--header=Accept-Encoding: gzip", url]
    return parse_wrk(_output(command), url)


def parse_wrk(output: str, url: str) -> Load:
    """Return what the script beside this file wrote at the end of wrk's report."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"{url}: wrk did not say what it found:\n{output}")
    found = json.loads(lines[-1])
    failures = {key: found[key] for key in ("refused", "lost", "late") if found[key]}
    if failures or not found["requests"]:
        raise RuntimeError(f"{url}: {found['requests']} answers, and {failures}")
    per_second = found["requests"] / found["seconds"]
    return Load(per_second, found["p50"], found["p95"], found["p99"])


def ask_with_threads(url: str, connections: int, requests: int = _REQUESTS) -> Load:
    """Let a process of our own ask; see :func:`measure`."""
    command = [sys.executable, "-m", "tests.bench.requests_at_once", url]
    found = json.loads(_output([*command, str(connections), str(requests)]))
    return Load(found["per_second"], found["p50"], found["p95"], found["p99"])


def _output(command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def _cpu_seconds(pids: Collection[int]) -> float:
    """Return what the processes and all their children have used so far."""
    family: dict[int, psutil.Process] = {}
    for pid in pids:
        parent = psutil.Process(pid)
        family |= {one.pid: one for one in (parent, *parent.children(recursive=True))}
    total = 0.0
    for one in family.values():
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        # Of children that have ended, too.
        total += sum(times[:4])
    return total
