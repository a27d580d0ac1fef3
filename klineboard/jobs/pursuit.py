"""How the pursuit of one series stands: trust, seams, and when to ask REST."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ..market.kline import Kline
from ..market.live_series import SOON_MS, Change, LiveSeries
from ..market.series import Series
from ..sources.stream_frames import KlineEvent
from .catch_up import CaughtUp

# The closing event may come a moment after the close; REST is not asked before.
_OVERDUE_SECONDS = 2.0
_FIRST_ASK_SECONDS, _LONGEST_ASK_SECONDS = 5.0, 300.0
_CONFIRM_SECONDS = 20.0
_SPOILED_SECONDS = 5.0
# A symbol without a trade for so long is called quiet, by the exchange's clock.
_QUIET_MS = 300_000
_LEFT_OUT_TIMES = 3


class ExchangeClock:
    """The exchange's clock, as its newest words tell it, running on with ours."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without knowing it."""
        self._clock = clock
        self._known: tuple[int, float] | None = None

    def learn(self, now: int) -> None:
        """Take an event's word (ms); it does not go back."""
        if self._known is None or now > self._known[0]:
            self._known = now, self._clock()

    def correct(self, now: int) -> None:
        """Take REST's word (ms), back too: an event may have told nonsense."""
        self._known = now, self._clock()

    def now(self) -> int | None:
        """Return the exchange's time (ms), None before its first word."""
        if self._known is None:
            return None
        known, heard_at = self._known
        return known + int((self._clock() - heard_at) * 1000)


class Condition(NamedTuple):
    """What people are told of a series.

    Attributes:
        state: 'live'; 'late': a seam is not filled yet; 'reconnecting'.
        no_trades_since: Where the symbol is halted or quiet, since when (ms).
    """

    state: str
    no_trades_since: int | None


@dataclass(slots=True)
class _Ask:
    """When REST was and may be asked about a candle that is overdue."""

    open_time: int
    next_at: float
    pause: float = _FIRST_ASK_SECONDS


class Pursuit:
    """One followed series: its candles, its connection, its repairs.

    Attributes:
        series: Which.
        history_start: From when on (ms) the collector fetches it; None: it does not.
        live: Its candles.
        status: What exchangeInfo said of the symbol, until a trade proves that it is
            traded.
    """

    def __init__(
        self,
        series: Series,
        history_start: int | None,
        exchange_clock: ExchangeClock,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without a connection.

        Args:
            series: Which.
            history_start: From when on (ms) the collector fetches it, None where it
                does not.
            exchange_clock: Shared by all series.
            clock: Rising seconds.
        """
        self.series = series
        self.history_start = history_start
        self.live = LiveSeries(series.interval)
        self.status = "TRADING"
        self._exchange_clock = exchange_clock
        self._clock = clock
        self._is_connected = False
        self._told: Condition | None = None
        self._last_trade: int | None = None
        self._seam = 0
        self._is_repairing = self._rest_lags = False
        self._repaired_at = self._spoiled_at = -1e9
        self._overdue: _Ask | None = None
        self._left_out = 0
        self._heard_at = clock()
        self._traded_at = float("-inf")
        # Open time and trades of the newest candle told on this connection.
        self._told_trades: tuple[int, int] | None = None
        self._silences = 0

    def begin(self, last: Kline | None) -> None:
        """Start behind the newest stored candle."""
        self.live.begin(last)
        if last is not None and last.number_of_trades:
            self._last_trade = last.close_time

    @property
    def told_until(self) -> int | None:
        """Open time (ms) of the last candle that was handed on, None for none."""
        return self.live.last.open_time if self.live.last else None

    def connected(self) -> None:
        """A new connection is up: a seam, until REST has spoken."""
        self._is_connected = True
        self._heard_at = self._clock()
        self._told_trades = None
        self.doubt()

    def doubt(self) -> None:
        """Something may be missing; a repair under way does not count for it."""
        self._seam += 1
        self.live.doubt()

    def lost(self) -> None:
        """There is no connection."""
        self._is_connected = False

    def hear(self, event: KlineEvent) -> Change:
        """Take the stream's word."""
        self._exchange_clock.learn(event.event_time)
        self._left_out = self._silences = 0
        self._heard_at = self._clock()
        self._note_trades(event.kline)
        if event.kline.number_of_trades:
            self._last_trade = max(self._last_trade or 0, event.event_time)
        return self.live.hear(event.kline, event.closed, event.event_time)

    def believe(self, caught: CaughtUp, *, last_try: bool) -> Change:
        """Take REST's word."""
        self._exchange_clock.correct(caught.now)
        change = self.live.believe(
            list(caught.rows), caught.open, caught.now, last_try=last_try
        )
        # A candle that closed a while ago and is not in the answer: REST lags, or
        # the symbol is halted. Some more questions tell.
        lags = self.live.is_overdue(caught.now - SOON_MS)
        self._rest_lags = lags and not last_try
        traded = [row for row in change.closed if row.number_of_trades]
        if traded:
            self._last_trade = max(self._last_trade or 0, traded[-1].close_time)
            if self._overdue is not None:
                self._left_out += 1
        return change

    def claim_repair(self) -> bool:
        """Return whether the caller is to repair: nobody else does already."""
        claimed, self._is_repairing = not self._is_repairing, True
        return claimed

    def begin_repair(self) -> int:
        """Return the newest seam; an answer given from now on covers it."""
        return self._seam

    def is_repaired(self, seam: int) -> bool:
        """Whether all that is in doubt was in doubt before ``seam``."""
        return self.live.is_trusted and seam == self._seam and not self._rest_lags

    def end_repair(self) -> None:
        """Note that nobody repairs any more."""
        self._is_repairing = False
        self._repaired_at = self._clock()

    def may_be_spoiled_again(self) -> bool:
        """Whether a spoiled frame is worth asking REST: not for each of a flood."""
        now = self._clock()
        if now - self._spoiled_at < _SPOILED_SECONDS:
            return False
        self._spoiled_at = now
        return True

    def reason_to_ask(self) -> str | None:
        """Return why REST should be asked now, although nothing came."""
        exchange_now = self._exchange_clock.now()
        if self._is_repairing or exchange_now is None:
            return None
        if self._is_overdue(exchange_now):
            return "a candle should have closed"
        rest = self._clock() - self._repaired_at
        if rest >= _CONFIRM_SECONDS and self.live.is_unconfirmed(exchange_now):
            return "candles that only the stream told"
        return None

    def is_left_out(self) -> bool:
        """Whether REST knows of trades of which the stream has not told, repeatedly."""
        if self._left_out < _LEFT_OUT_TIMES:
            return False
        self._left_out = 0
        return True

    def is_silent(self, symbol_traded_at: float, stall_seconds: float) -> bool:
        """Whether other series of the symbol tell of trades, and this one does not.

        A connection may speak and leave one stream out. Each time that a new one
        brings nothing either, the patience doubles.

        Args:
            symbol_traded_at: When a series of the symbol told of a trade last (our
                clock).
            stall_seconds: How long a stream may be behind the others.
        """
        bound = stall_seconds * 2.0 ** min(self._silences, 10)
        if not self._is_connected or symbol_traded_at - self._heard_at < bound:
            return False
        self._silences += 1
        self._heard_at = self._clock()
        return True

    @property
    def traded_at(self) -> float:
        """When its stream told of a trade last (our clock), -inf for never.

        A candle that closes without a new trade is no sign of life for the symbol's
        other series: in a quiet market they have nothing to tell.
        """
        return self._traded_at

    @property
    def condition(self) -> Condition:
        """How far the series can be trusted."""
        if not self._is_connected:
            state = "reconnecting"
        else:
            state = "live" if self.live.is_trusted else "late"
        now = self._exchange_clock.now()
        quiet = (
            now is not None
            and self._last_trade is not None
            and (self.status != "TRADING" or now - self._last_trade > _QUIET_MS)
        )
        return Condition(state, self._last_trade if quiet else None)

    def news(self) -> Condition | None:
        """Return the condition where it differs from what was returned last."""
        condition = self.condition
        if condition == self._told:
            return None
        self._told = condition
        return condition

    def _note_trades(self, kline: Kline) -> None:
        told = kline.open_time, kline.number_of_trades
        before, self._told_trades = self._told_trades, told
        if before is not None:
            # The first word of a connection may tell of trades before it.
            self._told_trades = max(before, told)
            if told > before and kline.number_of_trades:
                self._traded_at = self._clock()
                self.status = "TRADING"

    def _is_overdue(self, exchange_now: int) -> bool:
        """Whether to ask for an overdue candle now; more and more rarely."""
        last = self.live.last
        if last is None or not self.live.is_overdue(exchange_now):
            self._overdue = None
            return False
        now = self._clock()
        ask = self._overdue
        if ask is None or ask.open_time != last.open_time:
            ask = _Ask(last.open_time, now + _OVERDUE_SECONDS)
            self._overdue = ask
        if now < ask.next_at:
            return False
        ask.next_at = now + ask.pause
        ask.pause = min(ask.pause * 2, _LONGEST_ASK_SECONDS)
        return True
