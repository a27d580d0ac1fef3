"""How cost grows with a history's length: ``python -m tests.bench.growth``.

From 10,000 to 10,000,000 candles of one series, by REST from an exchange without a
limit and by the archive. Takes about half an hour, and 4 GB of memory for the
exchange; ``--most 1000000`` is quicker.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench.collect import collect
from tests.bench.machine import machine
from tests.bench.market import market
from tests.bench.report import Section, as_markdown, as_text
from tests.bench.server import Server, database_server

_HEADER = (
    "source",
    "candles",
    "seconds",
    "candles/s",
    "CPU s",
    "PostgreSQL CPU s",
    "CPU us a candle",
    "MB",
)
_METHOD = (
    "`python get_kline_data.py --symbol BTCUSDT --interval 1m --source ...` from its "
    "start to its exit, CSV included, into an empty database. By REST the exchange "
    "answers after 60 ms and sets no limit; the archive's newest hours come by REST."
)
_COMMAND = "python -m tests.bench.growth"
_NO_LIMIT = 1_000_000_000


def growth_section(folder: Path, server: Server, lengths: list[int]) -> Section:
    """Collect ever longer histories from both sources."""
    lines = [
        _line(folder, server, source, candles)
        for source in ("rest", "archive")
        for candles in lengths
    ]
    return Section("How cost grows", _METHOD, header=_HEADER, contenders=lines)


def _line(folder: Path, server: Server, source: str, candles: int) -> tuple[str, ...]:
    options = ["--candles", str(candles), "--limit", str(_NO_LIMIT)]
    files = folder / "archive"
    if source == "archive":
        options += ["--archive", str(files)]
    wanted = ("--symbol", "BTCUSDT", "--interval", "1m")
    # With REST named alone the archive is not asked; "auto" adds REST to the archive.
    chosen = "rest" if source == "rest" else "auto"
    with market(folder, *options) as exchange:
        name = f"{source}_{candles}"
        cost, stored, _ = collect(exchange, server, name, *wanted, "--source", chosen)
    shutil.rmtree(files, ignore_errors=True)
    shutil.rmtree(folder / name)
    server.drop(name)
    cpu = cost.cpu + cost.database_cpu
    return (
        source,
        f"{stored:,}",
        f"{cost.seconds:.1f}",
        f"{stored / cost.seconds:,.0f}",
        f"{cost.cpu:.1f}",
        f"{cost.database_cpu:.1f}",
        f"{cpu / stored * 1e6:.1f}",
        f"{cost.memory / 1e6:.0f}",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth")
    parser.add_argument("--most", type=int, default=10_000_000, metavar="CANDLES")
    parser.add_argument(
        "--markdown", action="store_true", help="print the table as Markdown"
    )
    options = parser.parse_args()
    lengths = [10**power for power in range(4, 8) if 10**power <= options.most]
    folder = Path(tempfile.mkdtemp(prefix="klineboard-bench-"))
    try:
        with database_server(folder) as server:
            for name, value in machine(server.version()).items():
                sys.stdout.write(f"{name}: {value}\n")
            section = growth_section(folder, server, lengths)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(
        as_markdown(section, _COMMAND) if options.markdown else as_text(section)
    )


if __name__ == "__main__":
    main()
