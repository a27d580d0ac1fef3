"""The page over the default set: answers, sizes, and the first drawing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from klineboard.settings import PROJECT_ROOT
from tests.bench.first_chart import first_chart_seconds
from tests.bench.measure import cost_of
from tests.bench.processes import environment, free_port, running
from tests.bench.report import Row, Section
from tests.bench.server import Server
from tests.bench.sizes import Sizes

_METHOD = (
    "The default set of the simulated market (15 series) is collected, then `python "
    "app.py` serves it with its two workers; a client of its own process asks with 8 "
    "connections and accepts gzip. The chart is drawn by headless Chromium with an "
    "empty cache."
)


def page_section(folder: Path, server: Server, _sizes: Sizes) -> Section:
    """Measure the page as it is used."""
    with default_page(folder, server) as page:
        return Section("The page", _METHOD, page_rows(page))


@contextmanager
def default_page(folder: Path, server: Server) -> Iterator[str]:
    """Serve the default set of the simulated market.

    Yields:
        The page's address.
    """
    home = folder / "page"
    home.mkdir(exist_ok=True)
    exchange_port, web_port = free_port(), free_port()
    settings = environment(home, exchange_port, web_port) | server.fresh("page")
    simulator = ["-m", "klineboard.simulator", "--port", str(exchange_port)]
    ping = f"{settings['BINANCE_API_URL']}/api/v3/ping"
    page = f"http://127.0.0.1:{web_port}"
    with running(simulator, settings, ping):
        cost_of(["get_kline_data.py"], settings)
        with running(["app.py"], settings, f"{page}/health"):
            yield page


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
