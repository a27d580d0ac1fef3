"""The command ``--export``: its options, its parts, its exit code."""

from __future__ import annotations

import argparse
import logging
import threading

from rich.console import Console

from ..errors import Stopped
from ..jobs.export import FORMATS, ExportOrder, export_files
from ..market.series import Series
from ..settings import Settings
from ..storage.database import Database
from .exit_codes import INTERRUPTED, OK, SOME_FAILED
from .order import names_of
from .terminal import display_on

log = logging.getLogger("klineboard.collect")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--export`` and what belongs to it."""
    group = parser.add_argument_group("exporting")
    group.add_argument(
        "--export",
        metavar="PLACE",
        help="write stored candles to a folder, a file a series, or to one file, and "
        "collect nothing; all that is stored unless --symbol or --interval says less",
    )
    group.add_argument(
        "--format",
        choices=FORMATS,
        help="of exported files (csv, or what the name of a file says)",
    )


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what does not go together; ends the process with 2."""
    if options.export is None and options.format:
        parser.error("--format belongs to --export")
    if options.export is not None and (
        options.watch or options.dry_run or options.newest
    ):
        parser.error("--export goes without --watch, --dry-run and --print")


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
        names_of(options.symbol, "--symbol"),
        names_of(options.interval, "--interval"),
        options.start,
        options.end,
    )
    display = display_on(console, quiet=options.quiet)
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
