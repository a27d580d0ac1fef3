"""Collect in step with the candles, for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import AccessBlocked, DatabaseUnavailable, ExchangeError, RateLimited
from ..market.interval import Interval
from ..sources.silence import backoff
from .collect_all import Collector, Order

log = logging.getLogger(__name__)

# Binance's REST answer may lag the close by a moment.
_SETTLE_SECONDS = 3.0
# A sleeping laptop and a clock that was set are noticed within this time.
_LONGEST_NAP_SECONDS = 60.0
_RETRY_SECONDS = 30.0
_LONGEST_RETRY_SECONDS = 900.0
_FAILURES_TO_TELL = 3


@dataclass(slots=True)
class _Looks:
    """What a watch remembers from one look at the clock to the next."""

    shortest: Interval
    clock: Callable[[], float]
    closes: int = 0
    failures: int = 0
    failed_runs: int = 0
    _first: tuple[float, int] | None = None

    def pace(self, now: int) -> float:
        """Return how fast the exchange's clock (ms) runs against ours.

        A simulated one may be bent. Measured from the first call to this one.
        """
        local = self.clock()
        if self._first is None:
            self._first = local, now
        passed = local - self._first[0]
        if passed < 1.0:
            return 1.0
        return min(max((now - self._first[1]) / 1000 / passed, 0.01), 1000.0)


def watch(
    collector: Collector, order: Order, clock: Callable[[], float] = time.monotonic
) -> None:
    """Run, then run again a few seconds after each candle closes, for ever.

    Where the exchange is away, keep trying; what is stored is served meanwhile.

    Args:
        collector: Who runs.
        order: What to collect.
        clock: Rising seconds, to compare the exchange's clock with.

    Raises:
        Stopped: The order to stop came.
        SettingsError: As for :meth:`Collector.run`.
        DatabaseUnavailable: It stayed away for ``database_wait_seconds``.
    """
    intervals = (series.interval for series in order.series)
    looks = _Looks(min(intervals, key=lambda interval: interval.milliseconds), clock)
    while True:
        collector.database.wait(collector.wait)
        try:
            pause = _look(collector, order, looks)
        except DatabaseUnavailable as error:
            log.warning("%s", error)
            continue
        collector.wait(pause)


def _look(collector: Collector, order: Order, looks: _Looks) -> float:
    """Look at the exchange's clock, run if a candle closed; return the pause."""
    try:
        now = collector.contact.greet(attempts=1)
    except ExchangeError as error:
        return _away(collector, error, looks)
    if looks.failures >= _FAILURES_TO_TELL:
        log.info("the exchange answers again")
    looks.failures = 0
    if now < looks.closes + _SETTLE_SECONDS * 1000:
        rest = (looks.closes - now) / 1000 / looks.pace(now) + _SETTLE_SECONDS
        return min(rest, _LONGEST_NAP_SECONDS)
    results = collector.run(order)
    if any(result.status == "failed" and result.retry for result in results):
        looks.failed_runs += 1
        return min(_RETRY_SECONDS * looks.failed_runs, _LONGEST_RETRY_SECONDS)
    looks.failed_runs = 0
    looks.closes = looks.shortest.add(looks.shortest.floor(now))
    return 0.0


def _away(collector: Collector, error: ExchangeError, looks: _Looks) -> float:
    """Tell once that the exchange is away; return the pause before the next look."""
    looks.failures += 1
    # Not at the first failure: a simulator may be starting beside us.
    clear = isinstance(error, AccessBlocked | RateLimited)
    if looks.failures == (1 if clear else _FAILURES_TO_TELL):
        log.warning("%s", _away_sentence(error))
    collector.contact.note_failed(error)
    silence = error.seconds if isinstance(error, RateLimited) else 0.0
    return max(backoff(looks.failures, 1.0), silence)


def _away_sentence(error: ExchangeError) -> str:
    """Say in one line that the exchange is away, and what to do about it."""
    if isinstance(error, AccessBlocked | RateLimited):
        way_out = "trying again"
    else:
        way_out = "serving what is stored and trying again; without internet: make demo"
    return f"{error}; {way_out}"
