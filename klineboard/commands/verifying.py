"""The command ``--verify``: its options, its parts, its exit code."""

from __future__ import annotations

import argparse
import threading

from rich.console import Console

from ..errors import SettingsError
from ..jobs.collect_all import Order
from ..jobs.verify import Question
from ..jobs.verify_all import Verifier
from ..settings import Settings
from ..storage.database import Database
from .differences import JsonReport, TextReport
from .exit_codes import INTERRUPTED, OK, SOME_FAILED
from .terminal import display_on

_OTHER_MODES = {
    "watch": "--watch",
    "dry_run": "--dry-run",
    "newest": "--print",
    "export": "--export",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--verify`` and what belongs to it."""
    group = parser.add_argument_group(
        "verifying",
        "Compare what is stored with the exchange, by REST and by its archive (see "
        "--source), and list every difference. Where the archive says otherwise than "
        "REST, that is listed, too, and REST counts. Exit code: 0 nothing differs (or "
        "all is repaired), 1 something differs or could not be compared, 2 a series "
        "is not stored.",
    )
    group.add_argument(
        "--verify",
        action="store_true",
        help="compare all that is stored, or what --start and --end bound; store "
        "nothing",
    )
    group.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="with --verify: compare N stored candles of each series, drawn at random",
    )
    group.add_argument(
        "--repair",
        action="store_true",
        help="with --verify: replace whole rows by the exchange's and store missing "
        "ones; what was there before is kept in the table corrections, and nothing "
        "is deleted",
    )
    group.add_argument(
        "--json",
        action="store_true",
        help="with --verify: a JSON object a line, for each difference and each series",
    )


def check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what does not go together; ends the process with 2."""
    if not options.verify:
        for name in ("sample", "repair", "json"):
            if _is_given(options, name):
                parser.error(f"--{name} belongs to --verify")
        return
    for name, option in _OTHER_MODES.items():
        if _is_given(options, name):
            parser.error(f"--verify and {option} exclude each other")


def _is_given(options: argparse.Namespace, name: str) -> bool:
    # By identity: a number may be 0, which is equal to False.
    value = getattr(options, name, None)
    return value is not None and value is not False


def verify(
    settings: Settings,
    order: Order,
    options: argparse.Namespace,
    console: Console,
    stop: threading.Event,
) -> int:
    """Verify the series of an order; return the exit code.

    Raises:
        SettingsError: The sample is empty, or a series is not stored.
    """
    if options.sample is not None and options.sample < 1:
        raise SettingsError("--sample", str(options.sample), "a number from 1")
    display = display_on(console, quiet=options.quiet)
    report = (JsonReport if options.json else TextReport)(display.clear)
    verifier = Verifier(settings, Database(settings), display, report, stop)
    start = order.start if options.start else None
    questions = [
        Question(series, start, order.end, options.sample, options.repair)
        for series in order.series
    ]
    answers = verifier.run(questions, order.source)
    clean = all([findings.is_clean for findings in answers])
    if stop.is_set():
        return INTERRUPTED
    return OK if clean else SOME_FAILED
