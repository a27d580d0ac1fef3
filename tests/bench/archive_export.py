"""A whole history by the archive's files and by REST, and out again as CSV."""

from __future__ import annotations

import http.client
import time
from pathlib import Path

from tests.bench.collect import collect, common_rows, pace, share_row
from tests.bench.market import Market, market
from tests.bench.measure import watching
from tests.bench.processes import running
from tests.bench.report import Row, Section
from tests.bench.server import Server
from tests.bench.sizes import Sizes

_MEMORY_OF_AN_EXPORT = 100e6
_METHOD = (
    "`python get_kline_data.py --source auto --symbol BTCUSDT --interval 1m` against "
    "monthly and daily zip files with their checksums from the same local exchange "
    "(60 ms an answer), the newest hours by REST; from its start to its exit, CSV "
    "included. Then `GET /export/BTCUSDT_1m.csv` of all of it from the page's two "
    "workers, read by one client that counts lines; the memory is the largest "
    "worker's. Last, the same history by REST alone, limit 6,000."
)


def archive_section(folder: Path, server: Server, sizes: Sizes) -> Section:
    """Fill a series from the archive and export it."""
    files = folder / "archive"
    options = ("--candles", str(sizes.archive), "--archive", str(files))
    with market(folder, *options) as exchange:
        rows = _archive_rows(exchange, server)
        rows += _export_rows(exchange, server)
        rows += _rest_rows(exchange, server)
    return Section("A whole history: archive and export", _METHOD, rows)


def _archive_rows(exchange: Market, server: Server) -> list[Row]:
    options = ("--symbol", "BTCUSDT", "--interval", "1m", "--source", "auto")
    cost, candles, counted = collect(exchange, server, "archive", *options)
    return [
        (
            f"{candles:,} candles by the archive: seconds",
            f"{cost.seconds:.1f}",
            "< 60",
            cost.seconds < 60,
        ),
        ("  candles a second", f"{candles / cost.seconds:,.0f}", "", True),
        ("  files", f"{counted['files']:,}", "", True),
        *common_rows(cost, counted),
    ]


def _rest_rows(exchange: Market, server: Server) -> list[Row]:
    options = ("--symbol", "BTCUSDT", "--interval", "1m", "--source", "rest")
    cost, candles, counted = collect(exchange, server, "long", *options)
    rate = candles / cost.seconds
    return [
        (f"{candles:,} candles by REST: seconds", f"{cost.seconds:.1f}", "", True),
        ("  candles a second, end to end", f"{rate:,.0f}", "", True),
        ("  weight a minute in the middle", pace(counted), "", True),
        share_row(counted),
        *common_rows(cost, counted),
    ]


def _export_rows(exchange: Market, server: Server) -> list[Row]:
    settings = exchange.settings("archive", server.settings("archive"))
    page = f"127.0.0.1:{settings['WEB_PORT']}"
    with running(["app.py"], settings, f"http://{page}/health") as process:
        with watching(process.pid, largest=True) as watch:
            began = time.perf_counter()
            lines, size = _read(page, "/export/BTCUSDT_1m.csv")
            seconds = time.perf_counter() - began
    rate = (lines - 1) / seconds
    memory = watch.memory
    return [
        (f"{lines - 1:,} candles exported as CSV: seconds", f"{seconds:.1f}", "", True),
        ("  rows a second", f"{rate:,.0f}", ">= 200,000", rate >= 200_000),
        ("  MB", f"{size / 1e6:.0f}", "", True),
        (
            "  memory of the worker, MB",
            f"{memory / 1e6:.0f}",
            "< 100",
            memory < _MEMORY_OF_AN_EXPORT,
        ),
    ]


def _read(netloc: str, path: str) -> tuple[int, int]:
    """Return how many lines and bytes an answer has."""
    connection = http.client.HTTPConnection(netloc)
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    lines = size = 0
    while piece := answer.read(1 << 20):
        lines += piece.count(b"\n")
        size += len(piece)
    connection.close()
    return lines, size
