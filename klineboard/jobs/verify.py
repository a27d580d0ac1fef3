"""Verify one series: compare what is stored with what the exchange tells.

Everything is done a page at a time, so that a long history needs no more memory than
a short one. Nothing is called verified of which the exchange has not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from ..errors import CsvNotWritable, ExchangeError, Stopped
from ..market.difference import Difference, Kind, compare
from ..market.kline import Kline, Page
from ..market.live_series import SETTLE_MS
from ..market.series import Series
from ..storage.csv_files import bring_in_line
from ..storage.database import Database
from ..storage.klines import store_klines
from ..storage.series import refresh_gaps, series_lock
from ..storage.verification import (
    draw_opens,
    read_at,
    read_extent,
    read_klines,
    respell,
)
from .fetch import Fetcher
from .sampling import in_order, stretches
from .task import Span

# Stored rows that are held in memory at once, where the exchange has none for them.
_ROWS_AT_ONCE = 5_000
_REQUESTS_AT_ONCE = 8


class Truth(Protocol):
    """Who tells which candles a series has."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def requests(self) -> int:
        """How many requests it has sent."""

    def pages(self, series: Series, start: int, end: int) -> Iterator[Page]:
        """Give the checked candles that open from start to end (ms), oldest first.

        Raises:
            ExchangeError: It cannot be asked, or gives no answer that makes sense.
        """


@dataclass(frozen=True)
class RestTruth:
    """The exchange's REST answers: they count where sources disagree."""

    fetcher: Fetcher
    name: str = "REST"

    @property
    def requests(self) -> int:
        """How many requests were sent, repeated ones included."""
        return self.fetcher.count.value

    def pages(self, series: Series, start: int, end: int) -> Iterator[Page]:
        """Give the checked candles that open from start to end (ms), oldest first."""
        return self.fetcher.pages(series, start, end)


@dataclass(frozen=True)
class Question:
    """What to verify of a series.

    Attributes:
        series: Which.
        start: First open time, ms; None for the first that is stored.
        end: Last open time, ms; None for the last that is stored.
        sample: How many stored candles to draw at random; None for all.
        repair: Whether to replace what differs and to store what is missing.
    """

    series: Series
    start: int | None = None
    end: int | None = None
    sample: int | None = None
    repair: bool = False


class Unverified(NamedTuple):
    """A stretch (open times, ms; None for the whole) that could not be compared."""

    start: int | None
    end: int | None
    reason: str


@dataclass(slots=True)
class Findings:
    """How the verification of a series ended.

    Attributes:
        stored: Candles that are stored in the span.
        compared: How many of them were compared.
        found: Differences by kind.
        repaired: How many of them were repaired.
        unverified: What the exchange has not told.
        files: How many files of the archive were compared as well.
        disagreements: Candles of which the archive says otherwise than REST.
        notes: Files of the archive that were refused, and why.
        error: What else went wrong.
    """

    series: Series
    is_sample: bool = False
    stored: int = 0
    compared: int = 0
    found: dict[Kind, int] = field(
        default_factory=lambda: {"differs": 0, "missing": 0, "surplus": 0}
    )
    repaired: int = 0
    requests: int = 0
    unverified: list[Unverified] = field(default_factory=list)
    files: int = 0
    disagreements: int = 0
    notes: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def is_clean(self) -> bool:
        """Whether all was compared, and nothing differs any more."""
        left = sum(self.found.values()) - self.repaired
        return not (left or self.unverified or self.error)


Found = Callable[[Series, Difference, bool], object]
"""Told each difference, oldest first, and whether it is repaired."""

Progress = Callable[[Series, int, int], object]
"""Told the series, how many candles were compared, and of how many."""


class Witness(Protocol):
    """Who else tells which candles a series has; REST counts where they disagree."""

    def compare(self, findings: Findings, span: Span, now: int) -> None:
        """Compare what it has of a span (open times, ms) with what is stored."""


class Verification:
    """The verification of one series; where it was cut short, ``run`` goes on."""

    def __init__(
        self,
        database: Database,
        truth: Truth,
        question: Question,
        clock: Callable[[], int],
        found: Found,
        progress: Progress,
        witness: Witness | None = None,
    ) -> None:
        """Keep who is compared with whom.

        Args:
            database: Where candles are stored.
            truth: Who tells how they should be.
            question: What to verify.
            clock: Tells the exchange's time, ms.
            found: Told each difference.
            progress: Told how far it is.
            witness: Asked afterwards, too, unless this is a sample.
        """
        self._database = database
        self._truth = truth
        self._question = question
        self._series = question.series
        self._clock = clock
        self._found = found
        self._progress = progress
        self._witness = witness
        self._now = 0
        self._first = question.start
        self._position = question.start
        self._end = question.end
        self._drawn: list[int] | None = None
        self._doubts: list[str] = []
        self.findings = Findings(self._series, question.sample is not None)

    def run(self, csv_folder: Path) -> Findings:
        """Compare; repair, and bring gaps and file in line, where that is asked for.

        Args:
            csv_folder: Where the CSV file lies.

        Raises:
            DatabaseUnavailable: Call again when it is back: this goes on from there.
            StorageError: The database refuses what should be stored.
        """
        if not self._question.repair:
            self._compare()
            return self.findings
        with series_lock(self._database, self._series) as held:
            if held:
                self._compare()
                self._finish(csv_folder)
            else:
                self.leave("another run is at work on this series; try again later")
        return self.findings

    def leave(self, reason: str) -> None:
        """Note that the rest is not verified, and why."""
        start, end = self._position, self._end
        if start is None or end is None or start <= end:
            self.findings.unverified.append(Unverified(start, end, reason))

    def _compare(self) -> None:
        try:
            start, end = self._begin()
            if self._drawn is None:
                self._compare_all(start, end)
                self._ask_witness(end)
            else:
                self._compare_drawn([o for o in self._drawn if start <= o <= end])
        except (ExchangeError, Stopped) as error:
            self.leave(str(error))
        finally:
            self.findings.requests = self._truth.requests

    def _begin(self) -> tuple[int, int]:
        """Return the span (ms), and ask for the time: what is stored has closed by it.

        Nothing needs to be compared where the span ends before it starts.
        """
        asked = self._question
        with self._database.transaction() as cursor:
            extent = read_extent(cursor, self._series, asked.start, asked.end)
            if asked.sample is not None and self._drawn is None:
                self._drawn = draw_opens(
                    cursor, self._series, asked.start, asked.end, asked.sample
                )
        self.findings.stored = extent.candles
        self._now = self._clock()
        if self._position is None:
            self._first = self._position = extent.first or 0
        self._end = min(asked.end, self._now) if asked.end is not None else extent.last
        if self._end is None:
            self._end = self._position - 1
        return self._position, self._end

    def _compare_all(self, start: int, end: int) -> None:
        """Compare every candle of a span, a page at a time."""
        while start <= end:
            for page in self._truth.pages(self._series, start, end):
                self._doubts += page.rejected
                if page.klines:
                    self._judge_until(page.klines[-1].open_time, page.klines)
            # An answer that stopped short is followed until one brings nothing.
            if start == self._position:
                break
            start = self._position or start
        self._judge_until(end, [])

    def _judge_until(self, end: int, told: list[Kline]) -> None:
        """Judge what is stored from here to ``end`` by what the exchange tells of it.

        It may have an outage where years are stored, hence the limit.
        """
        start = self._position or 0
        while start <= end:
            with self._database.transaction() as cursor:
                stored = read_klines(cursor, self._series, start, end, _ROWS_AT_ONCE)
            cut = stored[-1].open_time if len(stored) == _ROWS_AT_ONCE else end
            part = [kline for kline in told if start <= kline.open_time <= cut]
            self._judge(stored, part, (start, cut))
            start = cut + 1

    def _ask_witness(self, end: int) -> None:
        if self._witness is not None and self._first is not None:
            self._witness.compare(self.findings, (self._first, end), self._now)

    def _compare_drawn(self, opens: list[int]) -> None:
        """Compare the candles that open at these times (ms, rising)."""

        def ask(stretch: list[int]) -> list[Page]:
            return list(self._truth.pages(self._series, stretch[0], stretch[-1]))

        with ThreadPoolExecutor(_REQUESTS_AT_ONCE, "sample") as executor:
            asked = stretches(opens, self._series.interval)
            for stretch, pages in in_order(executor, ask, asked, _REQUESTS_AT_ONCE):
                drawn = set(stretch)
                told = [
                    kline
                    for page in pages
                    for kline in page.klines
                    if kline.open_time in drawn
                ]
                self._doubts += [words for page in pages for words in page.rejected]
                with self._database.transaction() as cursor:
                    stored = read_at(cursor, self._series, stretch)
                self._judge(stored, told, (stretch[0], stretch[-1]))

    def _judge(self, stored: list[Kline], told: list[Kline], span: Span) -> None:
        """Find, repair and report the differences of a span; it is done then."""
        differences = self._compare_patiently(stored, told)
        compared = len(stored)
        if self._doubts:
            # Which candles the unsound rows are is not known: they may be stored.
            compared -= sum(found.kind == "surplus" for found in differences)
            differences = [found for found in differences if found.kind != "surplus"]
            reason = f"{len(self._doubts)} rows make no sense: {self._doubts[0]}"
            self.findings.unverified.append(Unverified(*span, reason))
            self._doubts = []
        if self._question.repair:
            self._repair(differences)
        self.findings.compared += compared
        self._position = span[1] + 1
        for found in differences:
            repaired = self._question.repair and found.kind != "surplus"
            self.findings.found[found.kind] += 1
            self.findings.repaired += repaired
            self._found(self._series, found, repaired)
        done = self.findings.compared
        expected = self.findings.stored if self._drawn is None else len(self._drawn)
        self._progress(self._series, done, max(expected, done))

    def _compare_patiently(
        self, stored: list[Kline], told: list[Kline]
    ) -> list[Difference]:
        """Compare; that the exchange lacks a candle is believed when it says so twice.

        Its answers stop short now and then.
        """
        settled = self._now - SETTLE_MS
        differences = compare(stored, told, self._now, settled)
        alone = [found.open_time for found in differences if found.told is None]
        if not alone:
            return differences
        known = {kline.open_time: kline for kline in told}
        for page in self._truth.pages(self._series, alone[0], alone[-1]):
            self._doubts += page.rejected
            known.update((kline.open_time, kline) for kline in page.klines)
        if self._drawn is not None:
            wanted = {kline.open_time for kline in stored}
            known = {opened: known[opened] for opened in known.keys() & wanted}
        told = [known[opened] for opened in sorted(known)]
        return compare(stored, told, self._now, settled)

    def _repair(self, differences: list[Difference]) -> None:
        """Store what the exchange tells, as whole rows; what it lacks stays."""
        told = [(found, found.told) for found in differences if found.told is not None]
        if not told:
            return
        with self._database.transaction() as cursor:
            store_klines(
                cursor,
                self._series,
                [kline for found, kline in told if not found.is_spelling],
                settled=self._now - SETTLE_MS,
            )
            for found, kline in told:
                if found.is_spelling:
                    respell(cursor, self._series, kline)

    def _finish(self, csv_folder: Path) -> None:
        with self._database.transaction() as cursor:
            refresh_gaps(cursor, self._series)
        try:
            with self._database.transaction() as cursor:
                bring_in_line(cursor, csv_folder, self._series)
        except CsvNotWritable as error:
            self.findings.error = str(error)
