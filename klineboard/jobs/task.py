"""What to collect of a series, and what of it is missing: pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..market.kline import Kline
from ..market.live_series import SETTLE_MS
from ..market.series import Series
from ..storage.series import SeriesState

Span = tuple[int, int]
"""First and last open time, ms, both included."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to collect: candles of a series that open in ``span`` and closed by ``now``.

    Attributes:
        series: Which.
        span: Which open times, ms.
        now: The exchange's clock, ms.
    """

    series: Series
    span: Span
    now: int

    @property
    def settled(self) -> int:
        """Until when REST's word on what closed is the last one, ms.

        Its answer may lag behind its own clock: a candle that closed just now may
        come without its last trades.
        """
        return max(self.span[0], self.now - SETTLE_MS)

    def closed(self, klines: list[Kline]) -> list[Kline]:
        """Return the candles that are final.

        The close time decides, against the exchange's clock: neither the position in
        the answer nor the local clock tells (freqtrade#8678, python-binance#1246).
        """
        return [kline for kline in klines if kline.close_time < self.now]


def missing_spans(state: SeriesState, task: Task) -> list[Span]:
    """Return what was never asked for: before the first, and after the last candle.

    Holes between stored candles are found by looking at the candles themselves. The
    two newest stored candles are asked for again, to see whether they still stand, and
    so is what the relay has stored by the stream's word alone.
    """
    start, end = task.span
    if start > end:
        return []  # The exchange's clock has not come that far.
    if state.first_open is None:
        return [(start, end)]
    spans = []
    if start < state.first_open and (
        state.searched_from is None or start < state.searched_from
    ):
        spans.append((start, min(end, state.first_open - 1)))
    if tail_is_due(state, task):
        newest = state.last_opens[-1]
        overlap = overlap_from(state, task.series)
        spans.append((max(start, overlap) if start <= newest else start, end))
    return spans


def overlap_from(state: SeriesState, series: Series) -> int:
    """Return the open time (ms) of the oldest candle that REST shall say again.

    At least two candles; more where the relay stored some since REST was last asked.
    """
    overlap = state.last_opens[0]
    if state.searched_until is not None:
        overlap = min(overlap, series.interval.floor(state.searched_until))
    return max(overlap, state.first_open or 0)


def tail_is_due(state: SeriesState, task: Task) -> bool:
    """Whether the candle behind the newest stored one has closed by now."""
    following = task.series.interval.add(state.last_opens[-1])
    closes = task.series.interval.add(following) - 1
    return closes < task.now and following <= task.span[1]


def touches(state: SeriesState, span: Span) -> bool:
    """Whether a span reaches what is stored, so that nothing unasked lies between."""
    if state.first_open is None:
        return False
    return span[0] <= state.last_opens[-1] + 1 and span[1] >= state.first_open - 1


def covers(spans: Iterable[Span], span: Span) -> bool:
    """Whether one of the spans contains another one whole."""
    return any(start <= span[0] and span[1] <= end for start, end in spans)
