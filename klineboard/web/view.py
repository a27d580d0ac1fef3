"""``GET /api/view``: all that the dashboard shows of one symbol, in one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from ..market.interval import Interval
from ..market.series import Series
from ..storage.charts import Candles, read_candles, stored_symbols
from ..storage.overview import Contact, SeriesFacts, read_contact, read_facts
from ..storage.series import KnownGap
from .answers import cached_answer, to_json
from .arguments import interval_argument, refuse_typos, symbol_argument
from .choice import RANGES, Choice, choose, showable
from .errors import RequestError, near_names
from .figures import candle_figure
from .klines import unknown_symbol
from .services import Services, services
from .states import judge, series_name, show_time, split_symbol
from .summaries import (
    coverage_summary,
    last_price,
    price_digits,
    progress,
    run_summary,
)

blueprint = Blueprint("view", __name__)

# A body tells its own age; one kept longer than this (ms) is made anew.
_KEPT_FOR = 10_000


@dataclass(frozen=True, slots=True)
class _View:
    """What was asked for, and what there is of it."""

    facts: SeriesFacts
    of_symbol: list[SeriesFacts]
    asked: Interval | None
    range_name: str | None
    choice: Choice | None
    contact: Contact

    @property
    def shown(self) -> Interval:
        return self.choice.shown if self.choice else self.facts.series.interval

    @property
    def stored(self) -> list[Interval]:
        return [f.series.interval for f in self.of_symbol if f.rows]

    @property
    def gaps(self) -> list[KnownGap]:
        choice = self.choice
        if choice is None:
            return []
        return [
            gap
            for gap in self.facts.gaps
            if gap.hole.end > choice.start and gap.hole.start < choice.end
        ]


@blueprint.get("/api/view")
def view() -> Response:
    """Answer candles, figure, coverage and state of one symbol."""
    refuse_typos("symbol", "interval", "range")
    own = services()
    asked, range_name = interval_argument(), _range_argument()
    seen = _find(own, symbol_argument(), asked, range_name)
    now = own.now() + seen.contact.clock_ahead
    summary = _summary(own, seen, now)

    def make() -> bytes:
        candles = _candles(own, seen)
        if not candles.open_time and summary["state"] == "ok":
            summary.update(_nothing_there(seen))
        revision = f"{seen.facts.series.symbol} {seen.shown} {summary['range']}"
        figure = candle_figure(candles, seen.gaps, seen.shown, revision)
        rest = {"figure": figure, "candles": candles._asdict(), "now": now}
        return to_json({**summary, **rest})

    return cached_answer(own.bodies, summary, make, fresh=now // _KEPT_FOR)


def _range_argument() -> str | None:
    text = request.args.get("range", "")
    if text and text not in RANGES:
        near = near_names(text, RANGES)
        raise RequestError(
            400,
            "unknown_range",
            f"unknown range {text!r}; expected one of {', '.join(RANGES)}{near}",
        )
    return text or None


def _find(
    own: Services, symbol: str | None, asked: Interval | None, range_name: str | None
) -> _View:
    configured = own.configured
    with own.reading() as cursor:
        known = stored_symbols(cursor)
        wanted = own.settings.symbols
        if symbol is None:
            symbol = next((name for name in wanted if name in known), wanted[0])
        of_symbol = read_facts(cursor, configured, symbol)
        contact = read_contact(cursor)
    if not of_symbol:
        raise unknown_symbol(symbol, sorted({*known, *wanted}))
    stored = [f for f in of_symbol if f.rows]
    by_interval = {f.series.interval: f for f in of_symbol}
    intervals = [f.series.interval for f in stored]
    if asked is not None and asked not in showable(intervals):
        # The collector may not have come to it yet.
        if asked in by_interval or not stored:
            facts = by_interval.get(asked, SeriesFacts(Series(symbol, asked)))
            return _View(facts, of_symbol, asked, range_name, None, contact)
        raise _not_showable(symbol, asked, intervals)
    if not stored:
        return _View(of_symbol[0], of_symbol, asked, range_name, None, contact)
    first = min(f.first_open for f in stored if f.first_open is not None)
    end = max(f.last_close for f in stored if f.last_close is not None) + 1
    choice = choose(intervals, first, end, asked, range_name)
    facts = by_interval[choice.source]
    return _View(facts, of_symbol, asked, range_name, choice, contact)


def _not_showable(symbol: str, asked: Interval, stored: list[Interval]) -> RequestError:
    names = ", ".join(map(str, showable(stored)))
    return RequestError(
        404,
        "interval_not_stored",
        f"candles of {symbol} {asked} are neither stored nor to be made of stored "
        f"ones; expected one of {names}",
    )


def _summary(own: Services, seen: _View, now: int) -> dict[str, Any]:
    facts, choice = seen.facts, seen.choice
    judgement = judge(facts, now, own.history_start, seen.contact)
    base, quote = split_symbol(facts)
    stored = seen.stored
    default_range = "1M" if seen.asked is None else None
    note, forming_until = _forming(seen)
    notes = [text for text in (choice and choice.note, note) if text]
    return {
        "symbol": facts.series.symbol,
        "base_asset": base,
        "quote_asset": quote,
        "status": facts.status,
        "interval": seen.shown.name,
        "requested_interval": seen.asked.name if seen.asked else None,
        "source_interval": facts.series.interval.name,
        "range": seen.range_name or default_range,
        "intervals": [i.name for i in showable(stored)]
        or [f.series.interval.name for f in seen.of_symbol],
        "stored_intervals": [interval.name for interval in stored],
        "note": " ".join(notes) or None,
        "forming_until": forming_until,
        "price_digits": price_digits(seen.of_symbol),
        "view": {"start": choice.start, "end": choice.end} if choice else None,
        "gaps": _gap_summaries(seen),
        "last": last_price(seen.of_symbol),
        "coverage": coverage_summary(facts, judgement.coverage),
        "last_run": run_summary(facts.last_run),
        "state": judgement.state,
        "state_text": judgement.text,
        "progress": progress(judgement),
    }


def _gap_summaries(seen: _View) -> list[dict[str, Any]]:
    interval = seen.facts.series.interval
    return [
        {
            "start": gap.hole.start,
            "end": gap.hole.end,
            "state": gap.state,
            "candles": gap.hole.candles(interval),
        }
        for gap in seen.gaps
    ]


def _forming(seen: _View) -> tuple[str | None, int | None]:
    """Say so where the newest candle is made of a part of its time only."""
    choice, facts = seen.choice, seen.facts
    if choice is None or facts.last_open is None or facts.last_close is None:
        return None, None
    if choice.shown == choice.source:
        return None, None
    over = choice.shown.add(choice.shown.floor(facts.last_open))
    until = facts.last_close + 1
    if until >= over:
        return None, None
    text = f"The last candle of {choice.shown} is not over: {show_time(until - 1)}."
    return text, until


def _candles(own: Services, seen: _View) -> Candles:
    choice = seen.choice
    if choice is None:
        return Candles.empty()
    with own.reading() as cursor:
        return read_candles(
            cursor, seen.facts.series, choice.shown, choice.start, choice.end
        )


def _nothing_there(seen: _View) -> dict[str, str]:
    choice = seen.choice
    assert choice is not None
    until = show_time(seen.facts.last_close)
    return {
        "state": "range_empty",
        "state_text": f"No candles of {series_name(seen.facts)} are stored from "
        f"{show_time(choice.start)} on; the newest closed at {until}.",
    }
