"""``make bench``: the figures that the README names, from one run.

The default set against the simulated exchange answering in 60 ms, then the page on
what was collected. Prints a table; what misses its figure is marked.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from klineboard.settings import PROJECT_ROOT
from tests.bench.first_chart import first_chart_seconds
from tests.bench.live_page import live_page_rows
from tests.bench.processes import environment, free_port, running, timed_run
from tests.bench.relay import relay_rows
from tests.bench.streams import stream_rows

LATENCY_MS = 60
Row = tuple[str, str, str, bool]


def main() -> None:
    """Measure everything and print the table."""
    folder = Path(tempfile.mkdtemp(prefix="klineboard-bench-"))
    exchange_port, web_port = free_port(), free_port()
    settings = environment(folder, exchange_port, web_port)
    exchange = settings["BINANCE_API_URL"]
    simulator = ["-m", "klineboard.simulator", "--port", str(exchange_port)]
    simulator += ["--latency-ms", str(LATENCY_MS)]
    sys.stdout.write(
        f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {time.strftime('%Y-%m-%d')}\n"
    )
    try:
        with running(simulator, settings, f"{exchange}/api/v3/ping"):
            rows = collector_rows(settings, exchange)
            page = f"http://127.0.0.1:{web_port}"
            with running(["app.py"], settings, f"{page}/health"):
                rows += page_rows(page)
        sys.stdout.write("following a day of streams, and the live page ...\n")
        sys.stdout.flush()
        rows += relay_rows()
        rows += live_page_rows()
        sys.stdout.write("connecting thousands of live clients ...\n")
        sys.stdout.flush()
        rows += stream_rows()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(rows)


def collector_rows(settings: dict[str, str], exchange: str) -> list[Row]:
    """Collect the default set into nothing, then run again with nothing new."""
    sys.stdout.write("collecting the default set ...\n")
    sys.stdout.flush()
    seconds, memory, output = timed_run(["get_kline_data.py"], settings)
    candles = sum(
        int(number.replace(",", ""))
        for number in re.findall(r"([\d,]+) new candles", output)
    )
    with urllib.request.urlopen(f"{exchange}/simulator/statistics") as answer:
        asked = json.load(answer)
    files = sum(
        path.stat().st_size
        for path in (Path(settings["DATA_DIR"]) / "csv").glob("*.csv")
    )
    again, _, _ = timed_run(["get_kline_data.py"], settings)
    refused = asked["429"] + asked["418"]
    return [
        ("default set: candles into PostgreSQL and CSV", f"{candles:,}", "", True),
        ("  seconds", f"{seconds:.1f}", "< 60", seconds < 60),
        ("  candles a second", f"{candles / seconds:,.0f}", "", True),
        ("  requests", f"{asked['requests']}", "", True),
        ("  429 and 418", f"{refused}", "0", refused == 0),
        ("  memory, MB", f"{memory / 1e6:.0f}", "< 150", memory < 150e6),
        ("  CSV, MB", f"{files / 1e6:.0f}", "", True),
        ("a run with nothing new: seconds", f"{again:.2f}", "< 2", again < 2),
    ]


def page_rows(page: str) -> list[Row]:
    """Measure the page's answers, sizes and first drawing."""
    rows: list[Row] = []
    klines = f"{page}/api/klines?symbol=BTCUSDT&interval=1h&limit=1000"
    for name, url, limit in (("/", f"{page}/", 50), ("/api/klines", klines, 25)):
        found = ask_at_once(url)
        rows.append(
            (
                f"{name}, 8 at once: p50 / p95 / p99 ms",
                f"{found['p50']:.1f} / {found['p95']:.1f} / {found['p99']:.1f}",
                f"p95 < {limit}",
                found["p95"] < limit,
            )
        )
        rows.append(("  requests a second", f"{found['per_second']:,.0f}", "", True))
        if name != "/":
            small = found["bytes"] < 40_000
            rows.append(("  kB gzipped", f"{found['bytes'] / 1e3:.1f}", "< 40", small))
    seconds, scripts = first_chart_seconds(page)
    rows.append(
        ("first chart drawn: seconds", f"{seconds:.2f}", "< 1.5", seconds < 1.5)
    )
    size = scripts / 1e3
    rows.append(("scripts, kB gzipped", f"{size:.0f}", "< 500", size < 500))
    return rows


def ask_at_once(url: str) -> dict[str, float]:
    """Measure one address with 8 connections, after a short warm-up."""
    for requests in (80, 2000):
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.requests_at_once", url, "8"]
            + [str(requests)],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def show(rows: list[Row]) -> None:
    """Print the table."""
    for name, value, asked, met in rows:
        mark = "" if not asked else "ok" if met else "MISSED"
        sys.stdout.write(f"{name:<48}{value:>22}  {asked:<10}{mark}\n")


if __name__ == "__main__":
    main()
