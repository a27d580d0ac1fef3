"""Compare the archive's files with what is stored, once REST has been asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

from ..errors import ExchangeError, Stopped
from ..market.archive import ArchiveFile, whole_periods
from ..market.difference import Difference, compare
from ..market.interval import DAY
from ..market.kline import Kline
from ..market.live_series import SETTLE_MS
from ..market.series import Series
from ..storage.database import Database
from ..storage.verification import read_klines
from .archive import Archive, FetchedFile
from .sampling import stretches
from .task import Span
from .verify import Findings, Truth, Unverified

_ROWS_AT_ONCE = 5_000

Disagrees = Callable[[Series, Difference], object]
"""Told where REST (as ``stored``) and the archive (as ``told``) disagree."""


class ArchiveWitness:
    """The second witness: where it says otherwise than REST, REST counts.

    A file holds whole months or days, and is what its checksum promises. One that is
    not published says nothing; one that is refused is named.
    """

    def __init__(
        self, database: Database, archive: Archive, rest: Truth, disagrees: Disagrees
    ) -> None:
        """Keep who is compared with whom."""
        self._database = database
        self._archive = archive
        self._rest = rest
        self._disagrees = disagrees
        self._position: int | None = None

    def compare(self, findings: Findings, span: Span, now: int) -> None:
        """Compare every file that lies in a span whole; go on where it was cut short.

        Args:
            findings: Of the series; files and disagreements are counted in it.
            span: First and last open time, ms.
            now: The exchange's clock, ms.

        Raises:
            DatabaseUnavailable: Call again when it is back.
        """
        interval = findings.series.interval
        start = span[0] if self._position is None else self._position
        if interval.milliseconds > DAY or not self._archive.is_usable:
            return  # A longer candle may lie in two files.
        periods = whole_periods(
            start,
            min(span[1], now),
            months=self._archive.wants_months(interval),
            days=self._archive.wants_days(interval),
        )
        files = [ArchiveFile(findings.series, period) for period in periods]
        with closing(self._archive.files(files)) as fetched_files:
            for fetched in fetched_files:
                period = fetched.file.period
                try:
                    self._compare_file(findings, fetched, now)
                except (ExchangeError, Stopped) as error:
                    reason = f"not compared with the archive: {error}"
                    part = Unverified(period.start, span[1], reason)
                    findings.unverified.append(part)
                    return
                self._position = period.end

    def _compare_file(self, findings: Findings, fetched: FetchedFile, now: int) -> None:
        if fetched.refusal is not None:
            findings.notes.append(f"{fetched.refusal}; only REST was compared")
        if not fetched.klines:
            return
        findings.files += 1
        settled = now - SETTLE_MS
        for stored, told in self._chunks(fetched):
            doubts = compare(stored, told, now, settled)
            opens = [doubt.open_time for doubt in doubts]
            for stretch in stretches(opens, findings.series.interval):
                rest = self._ask_rest(findings, stretch)
                drawn = set(stretch)
                theirs = [kline for kline in told if kline.open_time in drawn]
                for found in compare(rest, theirs, now, settled):
                    findings.disagreements += 1
                    self._disagrees(findings.series, found)

    def _chunks(
        self, fetched: FetchedFile
    ) -> Iterator[tuple[list[Kline], list[Kline]]]:
        """Give what is stored beside what the file tells, some thousands at a time."""
        period = fetched.file.period
        start, end = period.start, period.end - 1
        while start <= end:
            with self._database.transaction() as cursor:
                stored = read_klines(
                    cursor, fetched.file.series, start, end, _ROWS_AT_ONCE
                )
            cut = stored[-1].open_time if len(stored) == _ROWS_AT_ONCE else end
            told = [k for k in fetched.klines if start <= k.open_time <= cut]
            yield stored, told
            start = cut + 1

    def _ask_rest(self, findings: Findings, opens: list[int]) -> list[Kline]:
        """Return what REST tells of the candles that open at these times (ms)."""
        drawn = set(opens)
        klines: list[Kline] = []
        for page in self._rest.pages(findings.series, opens[0], opens[-1]):
            klines += [kline for kline in page.klines if kline.open_time in drawn]
        return klines
