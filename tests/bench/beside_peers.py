"""Peers and ancestors beside us: same exchange, server, machine and table."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from klineboard.market.interval import MINUTE
from tests.bench.collect import collect
from tests.bench.market import LATENCY_MS, Market, market, refused
from tests.bench.measure import Cost, cost_of
from tests.bench.report import Section
from tests.bench.server import Server, dsn
from tests.bench.sizes import Sizes

_HEADER = (
    "who",
    "rows",
    "seconds",
    "rows/s",
    "requests",
    "429",
    "CPU s",
    "PostgreSQL CPU s",
    "MB",
)
_METHOD = (
    "Candles of 1m of the same exchange (6,000 weight a minute, "
    f"{LATENCY_MS} ms an answer) into PostgreSQL, each in a process of its own and "
    "into an empty database. The peers fill a table with the columns, types and "
    "primary key of `klines`; all but the row-by-row inserts use psycopg2's "
    "`execute_values`, 1,000 rows a statement, a commit a page. Their seconds and "
    "rows a second leave out what Python needs to start and to import; ours are from "
    "the start of the process to its exit, and only ours check the rows, look for "
    "holes and write the CSV file. Slow ones download fewer rows. ccxt brings six of "
    "the eleven columns, as floats; its limiter as shipped is the exchange's limit (a "
    "page each 20 ms), python-binance sleeps a second after every third page, the "
    "row-by-row inserts are written from that description alone."
)


@dataclass(frozen=True, slots=True)
class Peer:
    """A contender.

    Attributes:
        name: As the table shows it.
        command: Module and arguments.
        rows: How many candles it shall download.
    """

    name: str
    command: tuple[str, ...]
    rows: int


def peers_section(folder: Path, server: Server, sizes: Sizes) -> Section:
    """Let all of them download, one after the other."""
    with market(folder, "--candles", str(sizes.peer)) as exchange:
        lines = [_ours(exchange, server)]
        lines += [_line(peer, exchange, server) for peer in _peers(sizes)]
    return Section("Beside others", _METHOD, header=_HEADER, contenders=lines)


def _peers(sizes: Sizes) -> list[Peer]:
    ccxt, binance = version("ccxt"), version("python-binance")
    by_row = "tests.bench.peers.row_by_row"
    return [
        Peer(
            f"ccxt {ccxt}, 8 pages at once (async)",
            ("tests.bench.peers.ccxt_at_once",),
            sizes.peer,
        ),
        Peer(
            f"ccxt {ccxt}, page after page",
            ("tests.bench.peers.ccxt_download",),
            sizes.peer,
        ),
        Peer(
            f"python-binance {binance}",
            ("tests.bench.peers.python_binance_download",),
            sizes.slow_peer,
        ),
        Peer("row by row, a commit a page", (by_row, "page"), sizes.slow_peer),
        Peer("row by row, a commit a row", (by_row, "row"), sizes.slowest_peer),
    ]


def _ours(exchange: Market, server: Server) -> tuple[str, ...]:
    options = ("--symbol", "BTCUSDT", "--interval", "1m")
    cost, candles, counted = collect(exchange, server, "ours", *options)
    return _cells("klineboard, start to exit", candles, cost.seconds, cost, counted)


def _line(peer: Peer, exchange: Market, server: Server) -> tuple[str, ...]:
    exchange.reset()
    end = int(time.time() * 1_000) // MINUTE * MINUTE - MINUTE
    order = {
        "BENCH_URL": exchange.url,
        "BENCH_START": str(end - (peer.rows - 1) * MINUTE),
        "BENCH_END": str(end),
        "BENCH_DSN": dsn(server.fresh("peer")),
    }
    settings = exchange.settings("peer", {}) | order
    cost = cost_of(["-m", *peer.command], settings, server)
    found = json.loads(cost.output.splitlines()[-1])
    if found["rows"] != peer.rows:
        raise RuntimeError(f"{peer.name} stored {found['rows']} of {peer.rows} rows")
    return _cells(
        peer.name, found["rows"], found["seconds"], cost, exchange.statistics()
    )


def _cells(
    name: str, rows: int, seconds: float, cost: Cost, counted: dict[str, Any]
) -> tuple[str, ...]:
    return (
        name,
        f"{rows:,}",
        f"{seconds:.1f}",
        f"{rows / seconds:,.0f}",
        f"{counted['requests']:,}",
        f"{refused(counted)}",
        f"{cost.cpu:.1f}",
        f"{cost.database_cpu:.1f}",
        f"{cost.memory / 1e6:.0f}",
    )
