"""Facts about a series as the JSON of the API tells them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from ..market.coverage import Coverage
from ..market.interval import DAY
from ..storage.overview import Run, SeriesFacts
from .states import Judgement, newest

DEFAULT_DIGITS = 2


def last_price(facts: list[SeriesFacts]) -> dict[str, Any] | None:
    """Return the newest close of a symbol and its change over 24 hours.

    The change is counted from the close at, or last before, 24 hours before the
    newest close, in whichever series knows it best: the relay's minutes may have begun
    today. There is none where only candles longer than a day are stored.
    """
    best = newest(facts)
    if best is None or best.last_price is None:
        return None
    day_ago = _day_ago(best, facts)
    change, percent = change_24h(best if day_ago is None else day_ago)
    return {
        "price": best.last_price,
        "change_24h": change,
        "change_24h_percent": percent,
        "close_time": best.last_close,
    }


def _day_ago(best: SeriesFacts, facts: list[SeriesFacts]) -> SeriesFacts | None:
    """Return ``best`` with the price of a day ago that lies nearest to its day."""
    known = [
        one
        for one in facts
        if one.earlier_close is not None
        and one.series.interval.milliseconds <= DAY
        # Of a series that nobody collects any more, it is a price of long ago.
        and (best.last_close or 0) - one.earlier_close <= 2 * DAY
    ]
    if not known:
        return None
    nearest = max(known, key=lambda one: one.earlier_close or 0)
    return replace(
        best, earlier_price=nearest.earlier_price, earlier_close=nearest.earlier_close
    )


def change_24h(facts: SeriesFacts) -> tuple[str | None, str | None]:
    """Return the change over 24 hours in the quote asset and in percent."""
    long = facts.series.interval.milliseconds > DAY
    if long or facts.last_price is None or facts.earlier_price is None:
        return None, None
    last, earlier = Decimal(facts.last_price), Decimal(facts.earlier_price)
    if not last.is_finite() or not earlier.is_finite():
        return None, None
    change = last - earlier
    percent = f"{change / earlier * 100:.2f}" if earlier else None
    return f"{change:f}", percent


def price_digits(facts: list[SeriesFacts]) -> int:
    """Return how many digits after the point the prices of a symbol need."""
    digits = [f.price_digits for f in facts if f.price_digits is not None]
    return max(digits, default=DEFAULT_DIGITS)


def run_summary(run: Run | None) -> dict[str, Any] | None:
    """Return the last run as a JSON object."""
    return None if run is None else run._asdict()


def coverage_summary(facts: SeriesFacts, coverage: Coverage) -> dict[str, Any]:
    """Return what is stored and what is not as a JSON object."""
    return {
        "first_open_time": facts.first_open,
        "last_open_time": facts.last_open,
        "last_close_time": facts.last_close,
        "stored": coverage.stored,
        "missing": coverage.missing,
        "never_existed": coverage.never_existed,
        "expected": coverage.expected,
        "version": facts.version,
    }


def progress(judgement: Judgement) -> dict[str, int] | None:
    """Return how far the collector is, while it is at work and the end is known."""
    coverage = judgement.coverage
    if judgement.state != "collecting" or coverage.expected <= coverage.stored:
        return None
    return {"stored": coverage.stored, "expected": coverage.expected}
