"""Judging a series: how complete and how fresh it is, and the words to say so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..market.coverage import Coverage, Hole
from ..market.interval import MINUTE
from ..market.moment import show_moment
from ..storage.overview import Contact, SeriesFacts

# Cron collects at each full hour, and a first page takes a moment.
_GRACE = 5 * MINUTE
# Longest first, so that FDUSD is not taken for USD. Only for symbols that
# exchangeInfo was not yet asked about.
_QUOTE_ASSETS = (
    "FDUSD USDT USDC TUSD BUSD USD1 BTC ETH BNB EUR TRY BRL JPY GBP DAI USD"
).split()


class Judgement(NamedTuple):
    """State of a series, as the page tells it.

    Attributes:
        state: ok, late, collecting, empty or not_trading.
        text: What is the matter and what happens next; None where all is well.
        coverage: Candles stored, missing and never existed.
    """

    state: str
    text: str | None
    coverage: Coverage


def split_symbol(facts: SeriesFacts) -> tuple[str, str]:
    """Return base and quote asset; where the exchange did not say, by the ending."""
    if facts.base_asset and facts.quote_asset:
        return facts.base_asset, facts.quote_asset
    return split_name(facts.series.symbol)


def split_name(symbol: str) -> tuple[str, str]:
    """Return base and quote asset of a symbol by its ending."""
    for quote in _QUOTE_ASSETS:
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote), quote
    return symbol, ""


def is_late(facts: SeriesFacts, now: int) -> bool:
    """Return whether the newest candle is older than two intervals and some minutes."""
    if facts.last_close is None:
        return False
    interval = facts.series.interval
    return now > interval.add(facts.last_close + 1, 2) + _GRACE


def is_trading(facts: SeriesFacts) -> bool:
    """Return whether new candles are to be expected."""
    return facts.status in (None, "TRADING")


def cover(facts: SeriesFacts, now: int, history_start: int) -> Coverage:
    """Count what is stored, missing and never existed, from what is known.

    Missing are the holes that are not yet searched, what lies before the searched
    span, and, where the series is late, what lies behind it. A candle that closed
    a moment ago is not called missing.

    Args:
        facts: Of the series.
        now: Time (ms, UTC).
        history_start: Since when candles are wanted (ms, UTC).
    """
    interval = facts.series.interval
    missing = never = 0
    for gap in facts.gaps:
        candles = gap.hole.candles(interval)
        if gap.state == "exchange":
            never += candles
        else:
            missing += candles
    missing += sum(
        span.candles(interval) for span in unasked(facts, now, history_start)
    )
    return Coverage(facts.rows, missing, never)


def unasked(facts: SeriesFacts, now: int, history_start: int) -> list[Hole]:
    """Return what nobody has asked the exchange for, before and behind the candles.

    Args:
        facts: Of the series.
        now: Time (ms, UTC).
        history_start: Since when candles are wanted (ms, UTC).
    """
    spans = []
    if facts.searched_from is not None and facts.searched_from > history_start:
        before = min(facts.searched_from, facts.first_open or facts.searched_from)
        spans.append(Hole(history_start, before))
    if is_trading(facts) and (facts.rows == 0 or is_late(facts, now)):
        spans.append(_behind(facts, now))
    return [span for span in spans if span.start < span.end]


def _behind(facts: SeriesFacts, now: int) -> Hole:
    known = [facts.searched_until] if facts.searched_until is not None else []
    if facts.last_open is not None:
        known.append(facts.series.interval.add(facts.last_open))
    return Hole(max(known, default=now), now)


def judge(
    facts: SeriesFacts, now: int, history_start: int, contact: Contact
) -> Judgement:
    """Judge a series at ``now``; times in ms, UTC."""
    coverage = cover(facts, now, history_start)
    name = series_name(facts)
    late = is_late(facts, now)
    if facts.collecting and (facts.rows == 0 or late or coverage.missing):
        return Judgement("collecting", _progress_words(name, coverage), coverage)
    trouble = _trouble(facts, contact)
    if facts.rows == 0:
        text = f"No candles of {name} are stored yet. {trouble or _NEXT_RUN}"
        return Judgement("empty", text, coverage)
    until = show_time(facts.last_close)
    if not is_trading(facts):
        text = (
            f"{name} is not trading (the exchange says {facts.status}); "
            f"its last candle closed at {until}."
        )
        return Judgement("not_trading", text, coverage)
    if late:
        behind = _behind(facts, now).candles(facts.series.interval)
        what_next = trouble or (_NEXT_RUN if behind > 1 else _NONE_NEWER)
        text = f"Late: the newest candle closed at {until}. {what_next}"
        return Judgement("late", text, coverage)
    return Judgement("ok", None, coverage)


_NEXT_RUN = "The collector brings more at its next run."
_NONE_NEWER = "The exchange has no newer one so far; it is asked again at each run."


def series_name(facts: SeriesFacts) -> str:
    """Return ``BTC/USDT 1h``."""
    return f"{'/'.join(filter(None, split_symbol(facts)))} {facts.series.interval}"


def show_time(time: int | None) -> str:
    """Return a time (ms) for people: ``2026-11-21 12:31 UTC``."""
    if time is None:
        return "never"
    # The last millisecond of a candle reads as the minute that it ends with.
    return f"{show_moment((time + 1) // MINUTE * MINUTE)} UTC"


def newest(facts: Iterable[SeriesFacts]) -> SeriesFacts | None:
    """Return the series with the newest close, among several the shortest."""
    stored = [f for f in facts if f.last_close is not None]
    return max(
        stored,
        key=lambda f: (f.last_close or 0, -f.series.interval.milliseconds),
        default=None,
    )


def _progress_words(name: str, coverage: Coverage) -> str:
    if coverage.expected > coverage.stored > 0:
        return (
            f"Collecting {name}: {coverage.stored:,} of about "
            f"{coverage.expected:,} candles."
        )
    return f"Collecting {name}: the first candles are on their way."


def _trouble(facts: SeriesFacts, contact: Contact) -> str | None:
    if contact.error and (contact.failed_at or 0) > (contact.reached_at or 0):
        since = show_time(contact.reached_at) if contact.reached_at else None
        reached = f"was last reached at {since}" if since else "was not reached yet"
        return f"The exchange {reached} ({contact.error}); it is tried again."
    if facts.last_run is not None and facts.last_run.status == "failed":
        return f"The last run failed ({facts.last_run.error}); it is tried again."
    return None
