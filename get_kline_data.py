"""Collect klines into PostgreSQL and CSV; verify and export what is stored."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import threading

from rich.console import Console

from klineboard import __version__, logs
from klineboard.commands import collecting, exporting, verifying
from klineboard.commands.exit_codes import INTERRUPTED, OK, SOME_FAILED, WRONG_USAGE
from klineboard.commands.order import order_of
from klineboard.errors import KlineboardError, SettingsError, Stopped
from klineboard.jobs.archive import SOURCES
from klineboard.market.moment import EXPECTED_MOMENT
from klineboard.settings import Settings, unknown_keys

log = logging.getLogger("klineboard.collect")


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
    verifying.add_options(parser)
    exporting.add_options(parser)
    parser.add_argument("--quiet", action="store_true", help="only warnings and errors")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set; a second one ends at once."""
    stop = threading.Event()

    def ask_to_stop(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    return stop


def main() -> int:
    """Read arguments and settings, run, and turn the outcome into an exit code."""
    parser = arguments()
    options = parser.parse_args()
    # Candles are tuples of strings, of which there are ten thousands at a time and no
    # cycles: to look through them every few hundred costs a fifth of the time.
    gc.set_threshold(100_000)
    if options.watch and options.dry_run:
        parser.error("--watch and --dry-run exclude each other")
    if options.source == "archive" and options.dry_run:
        parser.error("--dry-run asks REST only, not --source archive")
    verifying.check_options(parser, options)
    exporting.check_options(parser, options)
    # Where standard output is for a program, the log is beside it.
    console = Console(soft_wrap=True, stderr=options.json)
    stop = stop_on_signals()
    try:
        settings = Settings.load()
        logs.start(settings, "collect", quiet=options.quiet, console=console)
        for sentence in unknown_keys():
            log.warning("%s", sentence)
        if options.export is not None:
            return exporting.export(settings, options, console, stop)
        order = order_of(options, settings)
        if options.verify:
            return verifying.verify(settings, order, options, console, stop)
        if options.dry_run:
            return collecting.dry_run(settings, order, options.newest or 10, stop)
        return collecting.collect(settings, order, options, console, stop)
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
