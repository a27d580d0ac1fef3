"""The page over the default set: answers, sizes, the first drawing, load, ancestors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from klineboard.settings import PROJECT_ROOT
from tests.bench.ancestors_page import ancestors_rows
from tests.bench.first_chart import first_chart_seconds
from tests.bench.http_load import page_load_rows
from tests.bench.measure import cost_of
from tests.bench.processes import environment, free_port, running
from tests.bench.report import Row, Section
from tests.bench.server import Server
from tests.bench.sizes import Sizes

_METHOD = (
    "The default set of the simulated market (15 series) is collected, then `python "
    "app.py` serves it with its two workers. A process of its own asks, over kept "
    "connections, and accepts gzip; it shares the cores. The chart is drawn by "
    "headless Chromium with an empty cache. Last, over the same database, the page as "
    "it is usually done: the whole table through pandas into a Plotly figure at each "
    "request, as many workers and threads as ours; of ours everything counts that the "
    "browser asks for to show the same."
)


@dataclass(frozen=True, slots=True)
class ServedPage:
    """Our page while it is served.

    Attributes:
        url: Its address, without a path.
        settings: The environment of its processes.
        pid: The process whose children are its workers.
    """

    url: str
    settings: dict[str, str]
    pid: int


def page_section(folder: Path, server: Server, _sizes: Sizes) -> Section:
    """Measure the page as it is used, then under load, then beside its ancestors."""
    with default_page(folder, server) as page:
        rows = page_rows(page.url)
        rows += page_load_rows(page.url, [page.pid, server.pid])
        rows += ancestors_rows(page.url, page.settings)
    return Section("The page", _METHOD, rows)


@contextmanager
def default_page(folder: Path, server: Server) -> Iterator[ServedPage]:
    """Serve the default set of the simulated market."""
    home = folder / "page"
    home.mkdir(exist_ok=True)
    exchange_port, web_port = free_port(), free_port()
    settings = environment(home, exchange_port, web_port) | server.fresh("page")
    simulator = ["-m", "klineboard.simulator", "--port", str(exchange_port)]
    ping = f"{settings['BINANCE_API_URL']}/api/v3/ping"
    url = f"http://127.0.0.1:{web_port}"
    with running(simulator, settings, ping):
        cost_of(["get_kline_data.py"], settings)
        with running(["app.py"], settings, f"{url}/health") as process:
            yield ServedPage(url, settings, process.pid)


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
