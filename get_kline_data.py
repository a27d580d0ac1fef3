"""Collect klines into PostgreSQL and CSV: once (cron runs it), or for ever."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading

from rich.console import Console

from klineboard import __version__, logs, verify_command
from klineboard.errors import (
    KlineboardError,
    SettingsError,
    Stopped,
    StorageError,
)
from klineboard.jobs.archive import SOURCES
from klineboard.jobs.collect_all import Collector, Order
from klineboard.jobs.export import FORMATS, ExportOrder, export_files
from klineboard.jobs.refresh_market_caps import refresh_market_caps
from klineboard.jobs.rehearse import rehearse
from klineboard.jobs.watch import watch
from klineboard.market.interval import INTERVALS, expected_intervals
from klineboard.market.moment import EXPECTED_MOMENT, parse_moment
from klineboard.market.series import Series
from klineboard.settings import Settings, unknown_keys
from klineboard.storage.database import Database
from klineboard.storage.klines import newest_klines
from klineboard.terminal import (
    BarDisplay,
    PlainDisplay,
    rehearsal_summary,
    write_table,
)

log = logging.getLogger("klineboard.collect")

OK, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="get_kline_data.py",
        description="Collect closed Binance klines into PostgreSQL and CSV: find what "
        "is missing, fetch just that, check it, store it.",
        epilog="Exit code: 0 all well, 1 some series failed (the others are done), "
        "2 wrong usage or settings. Settings come from the environment and .env.",
    )
    for name, key in (("--symbol", "SYMBOLS"), ("--interval", "INTERVALS")):
        parser.add_argument(
            name,
            action="append",
            metavar="NAME[,NAME]",
            help=f"instead of {key}; repeatable",
        )
    parser.add_argument(
        "--start", metavar="TIME", help=f"first open time: {EXPECTED_MOMENT}"
    )
    parser.add_argument(
        "--end", metavar="TIME", help="last open time; a bare day is included whole"
    )
    parser.add_argument(
        "--source",
        choices=SOURCES,
        help="where whole months come from: the archive for intervals up to 30m and "
        "REST for others (auto, if not said), the archive for all it has, or REST "
        "only; the rest comes from REST always",
    )
    parser.add_argument(
        "--print",
        dest="newest",
        nargs="?",
        type=int,
        const=500,
        metavar="N",
        help="afterwards print the newest N candles of each series (500 if not said)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="fetch, check and print (10 candles unless --print says more), store "
        "nothing; needs no database",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="stay, and collect a few seconds after each candle closes",
    )
    verify_command.add_options(parser)
    parser.add_argument(
        "--export",
        metavar="PLACE",
        help="write stored candles to a folder, a file a series, or to one file, and "
        "collect nothing; all that is stored unless --symbol or --interval says less",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="of exported files (csv, or what the name of a file says)",
    )
    parser.add_argument("--quiet", action="store_true", help="only warnings and errors")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def order_of(options: argparse.Namespace, settings: Settings) -> Order:
    """Return what the command line and the settings ask for.

    Raises:
        SettingsError: A value cannot be understood.
    """
    symbols = _names(options.symbol, "--symbol") or settings.symbols
    names = _names(options.interval, "--interval") or settings.intervals
    for name in names:
        if name not in INTERVALS:
            raise SettingsError("--interval", name, expected_intervals(name))
    start = _moment("--start", options.start or settings.history_start.isoformat())
    end = _moment("--end", options.end, last=True) if options.end else None
    if end is not None and start > end:
        key, value = "--start", options.start
        if value is None:
            key, value = "HISTORY_START", settings.history_start.isoformat()
        raise SettingsError(key, value, f"a moment before --end {options.end}")
    if options.newest is not None and options.newest < 1:
        raise SettingsError("--print", str(options.newest), "a number from 1")
    series = [
        Series(symbol.upper(), INTERVALS[name]) for symbol in symbols for name in names
    ]
    return Order(list(dict.fromkeys(series)), start, end, options.source)


def _names(values: list[str] | None, key: str) -> tuple[str, ...]:
    names = [name.strip() for value in values or () for name in value.split(",")]
    if "" in names:
        raise SettingsError(key, ",".join(values or ()), "names, comma separated")
    return tuple(names)


def _moment(key: str, text: str, *, last: bool = False) -> int:
    try:
        return parse_moment(text, last=last)
    except ValueError:
        raise SettingsError(key, text, EXPECTED_MOMENT) from None


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set; a second one ends at once."""
    stop = threading.Event()

    def ask_to_stop(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    return stop


def dry_run(
    settings: Settings, order: Order, newest: int, stop: threading.Event
) -> int:
    """Fetch and check without a database, and say what was seen."""
    failed = False
    for rehearsal in rehearse(settings.binance_api_url, order, newest, stop):
        write_table(rehearsal.series, rehearsal.newest)
        level = logging.ERROR if rehearsal.error else logging.INFO
        log.log(level, "%s", rehearsal_summary(rehearsal))
        failed = failed or rehearsal.error is not None
    return SOME_FAILED if failed else OK


def collect(
    settings: Settings,
    order: Order,
    options: argparse.Namespace,
    console: Console,
    stop: threading.Event,
) -> int:
    """Collect once, or watch until told to stop."""
    database = Database(settings)
    bars = console.is_terminal and not options.quiet
    display = BarDisplay(console) if bars else PlainDisplay()
    collector = Collector(settings, database, display, stop)
    if options.watch:
        try:
            watch(collector, order)
        except Stopped:
            log.info("stopped; everything fetched is stored")
            return OK
    database.wait(collector.wait)
    caps = threading.Thread(target=refresh, args=(database, settings), daemon=True)
    caps.start()
    results = collector.run(order)
    if options.newest:
        with database.transaction() as cursor:
            for series in order.series:
                write_table(series, newest_klines(cursor, series, options.newest))
    # The page refreshes them too: a slow CoinGecko is not worth waiting for.
    caps.join(timeout=1)
    if stop.is_set():
        return INTERRUPTED
    return SOME_FAILED if any(r.status == "failed" for r in results) else OK


def export(
    settings: Settings,
    options: argparse.Namespace,
    console: Console,
    stop: threading.Event,
) -> int:
    """Write what is stored to files; nothing is collected."""
    order = ExportOrder(
        options.export,
        options.format,
        _names(options.symbol, "--symbol"),
        _names(options.interval, "--interval"),
        options.start,
        options.end,
    )
    bars = console.is_terminal and not options.quiet
    display = BarDisplay(console) if bars else PlainDisplay()
    database = Database(settings)
    database.wait(stop.wait)
    failed = False

    def progress(series: Series, done: int, expected: int) -> None:
        if stop.is_set():
            raise Stopped
        display.progress(series, done, expected, None)

    try:
        with display.run():
            for exported in export_files(database, order, progress):
                level = logging.ERROR if exported.error else logging.INFO
                log.log(level, "%s", exported)
                failed = failed or exported.error is not None
    except Stopped:
        log.warning("stopped; each file that is there is whole")
        return INTERRUPTED
    return SOME_FAILED if failed else OK


def refresh(database: Database, settings: Settings) -> None:
    """Refresh the market caps beside the collection, whose outcome is not theirs."""
    try:
        refresh_market_caps(database, settings)
    except StorageError as error:
        log.warning("market caps not refreshed: %s", error)


def main() -> int:
    """Read arguments and settings, run, and turn the outcome into an exit code."""
    parser = arguments()
    options = parser.parse_args()
    if options.watch and options.dry_run:
        parser.error("--watch and --dry-run exclude each other")
    if options.source == "archive" and options.dry_run:
        parser.error("--dry-run asks REST only, not --source archive")
    verify_command.check_options(parser, options)
    if options.export is None and options.format:
        parser.error("--format belongs to --export")
    if options.export is not None and (
        options.watch or options.dry_run or options.newest
    ):
        parser.error("--export goes without --watch, --dry-run and --print")
    # Where standard output is for a program, the log is beside it.
    console = Console(soft_wrap=True, stderr=options.json)
    stop = stop_on_signals()
    try:
        settings = Settings.load()
        logs.start(settings, "collect", quiet=options.quiet, console=console)
        for sentence in unknown_keys():
            log.warning("%s", sentence)
        if options.export is not None:
            return export(settings, options, console, stop)
        order = order_of(options, settings)
        if options.verify:
            clean = verify_command.verify(settings, order, options, console, stop)
            return INTERRUPTED if stop.is_set() else OK if clean else SOME_FAILED
        if options.dry_run:
            return dry_run(settings, order, options.newest or 10, stop)
        return collect(settings, order, options, console, stop)
    except SettingsError as error:
        sys.stderr.write(f"get_kline_data.py: {error}\n")
        return WRONG_USAGE
    except Stopped as error:
        log.warning("%s", error)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the table has seen enough of it (``--print | head``).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED if options.verify else OK  # Not all was verified.
    except KlineboardError as error:
        log.error("%s", error)
        return SOME_FAILED


if __name__ == "__main__":
    sys.exit(main())
