"""Collecting: once, for ever, or as a rehearsal."""

from __future__ import annotations

import argparse
import logging
import threading

from rich.console import Console

from ..errors import Stopped, StorageError
from ..jobs.collect_all import Collector, Order
from ..jobs.refresh_market_caps import refresh_market_caps
from ..jobs.rehearse import rehearse
from ..jobs.watch import watch
from ..settings import Settings
from ..storage.database import Database
from ..storage.klines import newest_klines
from .exit_codes import INTERRUPTED, OK, SOME_FAILED
from .terminal import display_on, rehearsal_summary, write_table

log = logging.getLogger("klineboard.collect")


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
    display = display_on(console, quiet=options.quiet)
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


def refresh(database: Database, settings: Settings) -> None:
    """Refresh the market caps beside the collection, whose outcome is not theirs."""
    try:
        refresh_market_caps(database, settings)
    except StorageError as error:
        log.warning("market caps not refreshed: %s", error)
