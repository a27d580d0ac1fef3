"""A series that is followed live: which of the stream's words are believed, and when.

The stream tells the whole state of the newest candle again and again, and once that it
closed. What it told while nobody listened is lost, so after each seam nothing is handed
on until REST has said what lies between; then candles go on one after another, each
once, in order. REST stays the authority: what only the stream said is asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .interval import Interval
from .kline import Kline

SETTLE_MS = 120_000
"""How long after a candle's close REST may still answer with an unfinished one."""

SOON_MS = 10_000
"""How long after its close REST is first asked about a candle that the stream told."""

# A halted symbol has no candles: nothing may pile up for it, and nothing does, but a
# series whose REST answers fail for days must not grow either.
_MOST_PENDING = 5_000


@dataclass(frozen=True, slots=True)
class Change:
    """What a word of the stream or of REST leads to.

    Attributes:
        closed: Final candles to hand on, oldest first; one that was handed on before
            is a correction.
        open: The state of the open candle to hand on, None for no news.
        doubt: Why REST must be asked before more is believed, None for no doubt.
    """

    closed: Sequence[Kline] = ()
    open: Kline | None = None
    doubt: str | None = None


NOTHING = Change()


@dataclass(slots=True)
class LiveSeries:
    """One followed series. Without clock: times come with the words (ms, UTC).

    Attributes:
        interval: Of its candles.
        last: The newest final candle that was handed on, None for none.
        is_trusted: Whether the stream's words are handed on as they come.
        unconfirmed: Final candles by the stream's word alone, by open time.
    """

    interval: Interval
    last: Kline | None = None
    is_trusted: bool = False
    unconfirmed: dict[int, Kline] = field(default_factory=dict)
    _pending: dict[int, Kline] = field(default_factory=dict)
    _open: tuple[Kline, int] | None = None
    # What REST has said once, too early to be the last word.
    _agreed: set[int] = field(default_factory=set)
    # The first candle behind an outage that REST was taken at its word for.
    _resumes_at: int | None = None

    @property
    def known(self) -> Mapping[int, Kline]:
        """Final candles that the stream told and REST has not confirmed."""
        return {**self.unconfirmed, **self._pending}

    def begin(self, last: Kline | None) -> None:
        """Start behind the newest stored candle."""
        self.last = last

    def doubt(self) -> None:
        """Something may have been missed: believe nothing until REST has spoken."""
        self.is_trusted = False

    def hear(self, kline: Kline, closed: bool, event_time: int) -> Change:
        """Take the stream's word on a candle."""
        if self.last is not None and kline.open_time <= self.last.open_time:
            return self._hear_old(kline, closed)
        if not (self.is_trusted and self._follows(kline)):
            return self._keep_for_later(kline, closed, event_time)
        if closed:
            return Change(closed=[self._hand_on(kline)])
        if self._is_newer(kline, event_time):
            self._open = kline, event_time
            return Change(open=kline)
        return NOTHING

    def is_overdue(self, now: int) -> bool:
        """Whether a candle should have closed by ``now`` and nobody said so."""
        if self.last is None:
            return False
        following = self.interval.add(self.last.open_time)
        return self.interval.add(following) <= now

    def is_unconfirmed(self, now: int) -> bool:
        """Whether REST could confirm a candle by ``now``, a first time or for good."""
        return any(
            kline.close_time + (SETTLE_MS if opened in self._agreed else SOON_MS) < now
            for opened, kline in self.unconfirmed.items()
        )

    def believe(
        self, rows: Sequence[Kline], open_row: Kline | None, now: int, *, last_try: bool
    ) -> Change:
        """Take the answer of REST, and the stream's newer words behind it.

        Args:
            rows: Final candles, rising, from before ``last`` on.
            open_row: The open candle.
            now: The exchange's clock at the answer (ms).
            last_try: Where REST lacks a candle that lies before one of the stream's,
                it may lag; True takes it at its word: there is none.
        """
        closed = [row for row in rows if self._is_news(row)]
        for row in rows:
            self._confirm(row, now)
        if last_try:
            self._forget_behind(now)
        closed += self._release(last_try)
        if open_row is not None and self._is_newer(open_row, now):
            self._open = open_row, now
        candle = self._current_open(last_try)
        self.is_trusted = not self._pending and (
            candle is None or self._follows(candle)
        )
        doubt = None if self.is_trusted else "REST lags behind the stream"
        return Change(closed, candle if self.is_trusted else None, doubt)

    def _confirm(self, row: Kline, now: int) -> None:
        """Take REST's word on a final candle: its last one, if it comes late enough."""
        opened = row.open_time
        if row.close_time + SETTLE_MS < now:
            self.unconfirmed.pop(opened, None)
            self._agreed.discard(opened)
        elif opened in self.unconfirmed or self._is_behind_last(row):
            self.unconfirmed[opened] = row
            if row.close_time + SOON_MS < now:
                self._agreed.add(opened)
        if self._is_behind_last(row):
            self.last = row

    def _hear_old(self, kline: Kline, closed: bool) -> Change:
        known = self.unconfirmed.get(kline.open_time)
        if not closed or known is None or known == kline:
            return NOTHING
        doubt = f"candle {kline.open_time} closed twice, differently"
        if kline.number_of_trades <= known.number_of_trades:
            return Change(doubt=doubt)
        # Right after the close, REST may have told a candle that was not complete.
        self.unconfirmed[kline.open_time] = kline
        return Change(closed=[kline], doubt=doubt)

    def _forget_behind(self, now: int) -> None:
        """Forget candles that open after the exchange's clock: they are nonsense."""
        for open_time in [opened for opened in self._pending if opened > now]:
            del self._pending[open_time]
        if self._open is not None and self._open[0].open_time > now:
            self._open = None

    def _keep_for_later(self, kline: Kline, closed: bool, event_time: int) -> Change:
        if closed:
            self._pending[kline.open_time] = kline
            if len(self._pending) > _MOST_PENDING:
                del self._pending[min(self._pending)]
        elif self._is_newer(kline, event_time):
            self._open = kline, event_time
        if not self.is_trusted:
            return NOTHING
        self.is_trusted = False
        return Change(doubt=f"candles are missing before {kline.open_time}")

    def _release(self, last_try: bool) -> list[Kline]:
        """Hand on what the stream said meanwhile, as far as nothing is missing."""
        released = []
        for open_time in sorted(self._pending):
            kline = self._pending[open_time]
            if self._is_behind_last(kline):
                if not (last_try or self._follows(kline)):
                    break
                released.append(self._hand_on(kline))
            del self._pending[open_time]
        return released

    def _hand_on(self, kline: Kline) -> Kline:
        self.last = self.unconfirmed[kline.open_time] = kline
        if len(self.unconfirmed) > _MOST_PENDING:
            # The database still knows until when REST was asked.
            oldest = min(self.unconfirmed)
            del self.unconfirmed[oldest]
            self._agreed.discard(oldest)
        return kline

    def _current_open(self, last_try: bool) -> Kline | None:
        if self._open is None or not self._is_behind_last(self._open[0]):
            self._open = None
            return None
        if last_try:
            # The exchange has nothing between: an outage ends with this candle.
            self._resumes_at = self._open[0].open_time
        return self._open[0]

    def _is_news(self, row: Kline) -> bool:
        known = self.unconfirmed.get(row.open_time)
        return self._is_behind_last(row) or (known is not None and known != row)

    def _is_behind_last(self, kline: Kline) -> bool:
        return self.last is None or kline.open_time > self.last.open_time

    def _follows(self, kline: Kline) -> bool:
        """Whether no candle fits between the last final one and this one."""
        last = self.last
        return (
            last is None
            or kline.open_time == self._resumes_at
            or self.interval.steps(last.open_time, kline.open_time) < 2
        )

    def _is_newer(self, kline: Kline, event_time: int) -> bool:
        """Whether this state of the open candle is later than the one known."""
        if self._open is None:
            return True
        known, known_time = self._open
        if kline.open_time != known.open_time:
            return kline.open_time > known.open_time
        # Trades of a candle never get fewer; clocks of two servers may differ.
        return (kline.number_of_trades, event_time) > (
            known.number_of_trades,
            known_time,
        )
