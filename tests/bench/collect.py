"""Our collector against the bench's exchange: at its limit, below it, with no work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.market import LATENCY_MS, Market, market, refused, shares
from tests.bench.measure import Cost, cost_of
from tests.bench.report import Row, Section
from tests.bench.server import Server
from tests.bench.sizes import Sizes

_SYMBOLS = "BTCUSDT,ETHUSDT,BNBUSDT,SOLUSDT,XRPUSDT"
_LARGEST_MEMORY = 250e6
_LEAST_SHARE, _MOST_SHARE = 0.9, 1.0
_METHOD = (
    "`python get_kline_data.py` from its start to its exit, CSV included, into an "
    f"empty database; the exchange (`tests/bench/exchange.py`) answers {LATENCY_MS} ms "
    "after each request, without compression, and counts weight as Binance does. "
    '"In the middle" leaves out the first and the last quarter of the requests. '
    "Memory and processor are the collector's, PostgreSQL's processor stands apart."
)


def collect_section(folder: Path, server: Server, sizes: Sizes) -> Section:
    """Measure a backfill, a longer one at a lower limit, and runs without work."""
    rows: list[Row] = []
    with market(folder, "--candles", str(sizes.backfill)) as exchange:
        rows += backfill_rows(exchange, server, sizes.backfill)
    with market(folder, "--candles", str(sizes.limited), "--limit", "1200") as exchange:
        rows += _limited_rows(exchange, server)
    options = ("--symbols", _SYMBOLS, "--intervals", "1h,4h,1d")
    with market(folder, *options, "--candles", str(sizes.default_set)) as exchange:
        rows += _default_set_rows(exchange, server)
    return Section("The collector by REST", _METHOD, rows)


def collect(
    exchange: Market, server: Server, name: str, *options: str
) -> tuple[Cost, int, dict[str, Any]]:
    """Run the collector into an empty database.

    Returns:
        Its cost, how many candles it says it stored, and the exchange's statistics.
    """
    settings = exchange.settings(name, server.fresh(name))
    exchange.reset()
    cost = cost_of(["get_kline_data.py", *options], settings, server)
    return cost, new_candles(cost.output), exchange.statistics()


def new_candles(output: str) -> int:
    """Return how many candles a run says it has stored."""
    found = re.findall(r"([\d,]+) new candles?\b", output)
    return sum(int(number.replace(",", "")) for number in found)


def backfill_rows(exchange: Market, server: Server, wanted: int) -> list[Row]:
    """Fill one series at the limit of 6,000 weight a minute."""
    options = ("--symbol", "BTCUSDT", "--interval", "1m")
    cost, candles, counted = collect(exchange, server, "backfill", *options)
    rate = candles / cost.seconds
    middle = counted["middle_per_second"] * 1_000
    return [
        (f"{candles:,} candles of 1m, limit 6,000: seconds", *_plain(cost.seconds)),
        (
            "  candles a second, end to end",
            f"{rate:,.0f}",
            ">= 50,000",
            rate >= 50_000 and candles >= wanted,
        ),
        ("  candles a second, in the middle", f"{middle:,.0f}", "", True),
        ("  weight a minute at that rate", pace(counted), "", True),
        *common_rows(cost, counted),
    ]


def _limited_rows(exchange: Market, server: Server) -> list[Row]:
    options = ("--symbol", "BTCUSDT", "--interval", "1m")
    cost, candles, counted = collect(exchange, server, "limited", *options)
    rate = candles / cost.seconds
    return [
        (f"{candles:,} candles of 1m, limit 1,200: seconds", *_plain(cost.seconds)),
        ("  candles a second, end to end", f"{rate:,.0f}", "", True),
        share_row(counted),
        *common_rows(cost, counted),
    ]


def _default_set_rows(exchange: Market, server: Server) -> list[Row]:
    cost, candles, counted = collect(exchange, server, "default_set")
    files = (exchange.folder / "default_set" / "data" / "csv").glob("*.csv")
    size = sum(path.stat().st_size for path in files)
    settings = exchange.settings("default_set", server.settings("default_set"))
    again = cost_of(["get_kline_data.py"], settings, server).seconds
    return [
        (
            f"default set, 15 series, {candles:,} candles: seconds",
            f"{cost.seconds:.1f}",
            "< 60",
            cost.seconds < 60,
        ),
        *common_rows(cost, counted),
        ("  CSV, MB", f"{size / 1e6:.0f}", "", True),
        ("nothing new, 15 series: seconds", f"{again:.2f}", "< 2", again < 2),
    ]


def share_row(counted: Mapping[str, Any]) -> Row:
    """Return which part of the budget each minute used that was worked through."""
    used = shares(dict(counted))
    return (
        "  used weight of each whole minute",
        " ".join(f"{share:.0%}" for share in used) or "none was whole",
        "90 .. 100%" if used else "",
        all(_LEAST_SHARE <= share <= _MOST_SHARE for share in used),
    )


def common_rows(cost: Cost, counted: Mapping[str, Any]) -> list[Row]:
    """Return what every run is asked."""
    refusals = refused(dict(counted))
    return [
        ("  requests", f"{counted['requests']:,}", "", True),
        ("  429 and 418", f"{refusals}", "0", refusals == 0),
        (
            "  memory, MB",
            f"{cost.memory / 1e6:.0f}",
            "< 250",
            cost.memory < _LARGEST_MEMORY,
        ),
        (
            "  processor: collector / PostgreSQL / exchange, s",
            f"{cost.cpu:.1f} / {cost.database_cpu:.1f} / {counted['cpu_seconds']:.1f}",
            "",
            True,
        ),
    ]


def _plain(seconds: float) -> tuple[str, str, bool]:
    return f"{seconds:.1f}", "", True


def pace(counted: Mapping[str, Any]) -> str:
    """Return the weight a minute that the middle of a run amounts to."""
    weight = counted["middle_per_second"] * 2 * 60
    return f"{weight:,.0f} ({weight / counted['limit']:.0%})"
