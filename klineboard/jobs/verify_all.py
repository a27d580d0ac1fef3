"""One verification of many series, against one exchange."""

from __future__ import annotations

import difflib
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Protocol

from ..errors import (
    DatabaseUnavailable,
    ExchangeError,
    SettingsError,
    Stopped,
    StorageError,
)
from ..market.difference import Difference
from ..market.series import Series
from ..settings import Settings
from ..sources.binance_archive import BinanceArchive
from ..storage.database import Database
from ..storage.verification import stored_series
from .archive import Archive, open_archive
from .collect_all import Display
from .contact import Contact
from .fetch import Fetcher
from .verify import Findings, Question, RestTruth, Unverified, Verification
from .verify_archive import ArchiveWitness

log = logging.getLogger(__name__)

_PAGES_AT_ONCE = 8


class Report(Protocol):
    """Shows what a verification finds."""

    def found(self, series: Series, difference: Difference, repaired: bool) -> None:
        """Show one difference, and whether it is repaired."""

    def disagrees(self, series: Series, difference: Difference) -> None:
        """Show where REST (as ``stored``) and the archive (as ``told``) disagree."""

    def finished(self, findings: Findings) -> None:
        """Show how one series ended."""


class Verifier:
    """Verifies series one after another, so that differences come series by series.

    The runs are not noted in ``collection_runs``, which tells how collecting goes.
    What a repair replaces is in ``corrections``.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        display: Display,
        report: Report,
        stop: threading.Event | None = None,
        first_backoff: float = 0.5,
    ) -> None:
        """Compose the parts; nothing is connected yet.

        Args:
            settings: Where everything is.
            database: What to verify.
            display: Who shows the progress.
            report: Who shows what is found.
            stop: Set to end.
            first_backoff: Mean seconds before a failed request is sent again.
        """
        self._database = database
        self._csv_folder = settings.data_dir / "csv"
        self._display = display
        self._report = report
        self._stop = stop or threading.Event()
        self._contact = Contact(settings, database, self._wait, first_backoff)
        self._files = BinanceArchive(
            settings.binance_archive_url, wait=self._wait, first_backoff=first_backoff
        )

    def run(
        self, questions: Sequence[Question], source: str | None = None
    ) -> list[Findings]:
        """Answer every question by REST, then by the archive.

        Args:
            questions: What to verify.
            source: 'rest' leaves the archive out; 'archive' asks it for all that it
                has, else only for intervals of which a month is more than a page.

        Raises:
            SettingsError: A series is not stored, or the exchange is another one than
                this database's, or the archive that is asked for by name is.
            DatabaseUnavailable: It stayed away for ``database_wait_seconds``.
        """
        self._database.wait(self._wait)
        self._refuse_what_is_not_stored(questions)
        try:
            self._contact.greet()
            # For the limits of its budget.
            self._contact.exchange.exchange_info(
                sorted({question.series.symbol for question in questions})
            )
        except (ExchangeError, Stopped) as error:
            self._contact.note_failed(error)
            return [self._unanswered(question, error) for question in questions]
        archive = open_archive(self._files, self._contact.exchange.origin, source)
        with (
            self._display.run(),
            archive or nullcontext(),
            ThreadPoolExecutor(_PAGES_AT_ONCE, "page") as pages,
        ):
            return [self._answer(question, pages, archive) for question in questions]

    def _wait(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped

    def _refuse_what_is_not_stored(self, questions: Sequence[Question]) -> None:
        with self._database.transaction() as cursor:
            stored = stored_series(cursor)
        for question in questions:
            if question.series not in stored:
                raise SettingsError(
                    "--verify", str(question.series), _expected(question.series, stored)
                )

    def _answer(
        self, question: Question, pages: Executor, archive: Archive | None
    ) -> Findings:
        if self._stop.is_set():
            return self._unanswered(question, Stopped())
        exchange = self._contact.exchange
        rest = RestTruth(Fetcher(exchange, pages))
        witness = None
        if archive is not None:
            witness = ArchiveWitness(
                self._database, archive, rest, self._report.disagrees
            )
        verification = Verification(
            self._database,
            rest,
            question,
            exchange.server_time,
            self._report.found,
            self._progress,
            witness,
        )
        findings = self._patiently(verification)
        self._report.finished(findings)
        return findings

    def _patiently(self, verification: Verification) -> Findings:
        """Verify a series; where the database goes away, wait for it and go on."""
        while True:
            try:
                return verification.run(self._csv_folder)
            except DatabaseUnavailable as error:
                log.warning("%s: %s", verification.findings.series, error)
                self._database.wait(self._wait)
            except StorageError as error:
                verification.leave(str(error))
                return verification.findings

    def _unanswered(self, question: Question, error: Exception) -> Findings:
        whole = Unverified(question.start, question.end, str(error))
        findings = Findings(question.series, unverified=[whole])
        self._report.finished(findings)
        return findings

    def _progress(self, series: Series, done: int, expected: int) -> None:
        budget = self._contact.exchange.budget.used_share
        self._display.progress(series, done, expected, budget)
        if self._stop.is_set():
            raise Stopped


def _expected(series: Series, stored: Sequence[Series]) -> str:
    """Say in words which series are stored, with near names."""
    names = sorted(map(str, stored))
    near = difflib.get_close_matches(str(series), names, n=3) or names[:10]
    return (
        f"a series that is stored, such as {', '.join(near)}"
        if near
        else ("a series that is stored; none is yet")
    )
