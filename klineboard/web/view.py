"""``GET /api/view``: all that the dashboard shows of one symbol, in one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from ..market.interval import Interval
from ..market.series import Extent, Series
from ..storage.charts import Candles, has_more_than, read_candles, stored_symbols
from ..storage.database import Cursor
from ..storage.overview import Contact, SeriesFacts, read_contact, read_facts
from ..storage.series import KnownGap
from .answers import cached_answer, to_json
from .arguments import (
    interval_argument,
    refuse_typos,
    stretch_arguments,
    symbol_argument,
)
from .choice import MOST_CANDLES, RANGES, Choice, choose, showable
from .errors import RequestError, near_names
from .figures import candle_figure
from .gaps import ShownGap, join_gaps
from .klines import unknown_symbol
from .services import Services, services
from .spans import Span, choose_within
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
class _Wish:
    """What was asked for; None for what was not."""

    symbol: str | None
    interval: Interval | None
    range_name: str | None
    span: Span | None


@dataclass(frozen=True, slots=True)
class _View:
    """What was asked for, and what there is of it."""

    facts: SeriesFacts
    of_symbol: list[SeriesFacts]
    wish: _Wish
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

    @property
    def span(self) -> dict[str, int] | None:
        """From where to where the answer tells all that is stored."""
        if self.choice is None:
            return None
        wished = self.wish.span or self.choice
        return {
            "start": min(wished.start, self.choice.start),
            "end": max(wished.end, self.choice.end),
        }


@blueprint.get("/api/view")
def view() -> Response:
    """Answer candles, figure, coverage and state of one symbol.

    ``range`` shows what ends with the newest candle, ``start`` and ``end`` any span.
    """
    refuse_typos("symbol", "interval", "range", "start", "end")
    own = services()
    interval, range_name = interval_argument(), _range_argument()
    wish = _Wish(symbol_argument(), interval, range_name, _span_argument(range_name))
    seen = _find(own, wish)
    now = own.now() + seen.contact.clock_ahead
    gaps = join_gaps(seen.gaps, seen.facts.series.interval)
    summary = _summary(own, seen, gaps, now)

    def make() -> bytes:
        candles = _candles(own, seen)
        if not candles.open_time and summary["state"] == "ok":
            summary.update(_nothing_there(seen))
        revision = f"{seen.facts.series.symbol} {seen.shown} {summary['range']}"
        bands = [gap.known for gap in gaps]
        figure = candle_figure(candles, bands, seen.shown, revision)
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


def _span_argument(range_name: str | None) -> Span | None:
    stretch = stretch_arguments()
    if stretch is None:
        return None
    if range_name is not None:
        raise RequestError(
            400,
            "range_and_span",
            f"range={range_name!r} ends with the newest candle; expected either it or "
            f"start={request.args['start']!r} and end={request.args['end']!r}",
        )
    return Span(*stretch)


def _find(own: Services, wish: _Wish) -> _View:
    with own.reading() as cursor:
        symbol, known = wish.symbol, stored_symbols(cursor)
        wanted = own.settings.symbols
        if symbol is None:
            symbol = next((name for name in wanted if name in known), wanted[0])
        of_symbol = read_facts(cursor, own.configured, symbol)
        if not of_symbol:
            raise unknown_symbol(symbol, sorted({*known, *wanted}))
        contact = read_contact(cursor)
        asked, stored = wish.interval, [f for f in of_symbol if f.rows]
        by_interval = {f.series.interval: f for f in of_symbol}
        intervals = [f.series.interval for f in stored]
        if asked is not None and asked not in showable(intervals):
            # The collector may not have come to it yet.
            if asked in by_interval or not stored:
                facts = by_interval.get(asked, SeriesFacts(Series(symbol, asked)))
                return _View(facts, of_symbol, wish, None, contact)
            raise _not_showable(symbol, asked, intervals)
        if not stored:
            return _View(of_symbol[0], of_symbol, wish, None, contact)
        choice = _choose(cursor, symbol, _extents(stored), wish)
    return _View(by_interval[choice.source], of_symbol, wish, choice, contact)


def _choose(cursor: Cursor, symbol: str, stored: list[Extent], wish: _Wish) -> Choice:
    """Choose what to show; what stands closer than its grid is counted, too."""
    crowded: set[Interval] = set()
    while True:
        if wish.span is not None:
            choice = choose_within(stored, wish.span, wish.interval, crowded)
        else:
            choice = choose(stored, wish.interval, wish.range_name, crowded)
        if choice.shown != choice.source or choice.shown in crowded:
            return choice
        series = Series(symbol, choice.source)
        if not has_more_than(cursor, series, choice.start, choice.end, MOST_CANDLES):
            return choice
        crowded.add(choice.shown)


def _extents(stored: list[SeriesFacts]) -> list[Extent]:
    return [
        Extent(facts.series.interval, facts.first_open, facts.last_close + 1)
        for facts in stored
        if facts.first_open is not None and facts.last_close is not None
    ]


def _bounds(stored: list[Extent]) -> dict[str, int] | None:
    if not stored:
        return None
    return {
        "start": min(held.start for held in stored),
        "end": max(held.end for held in stored),
    }


def _not_showable(symbol: str, asked: Interval, stored: list[Interval]) -> RequestError:
    names = ", ".join(map(str, showable(stored)))
    return RequestError(
        404,
        "interval_not_stored",
        f"candles of {symbol} {asked} are neither stored nor to be made of stored "
        f"ones; expected one of {names}",
    )


def _summary(
    own: Services, seen: _View, gaps: list[ShownGap], now: int
) -> dict[str, Any]:
    facts, choice, wish = seen.facts, seen.choice, seen.wish
    judgement = judge(facts, now, own.history_start, seen.contact)
    base, quote = split_symbol(facts)
    stored = seen.stored
    by_default = "1M" if wish.interval is None and wish.span is None else None
    forming, forming_until = _forming(seen)
    joined = _joined(gaps)
    notes = [text for text in (choice and choice.note, forming, joined) if text]
    return {
        "symbol": facts.series.symbol,
        "base_asset": base,
        "quote_asset": quote,
        "status": facts.status,
        "interval": seen.shown.name,
        "requested_interval": wish.interval.name if wish.interval else None,
        "source_interval": facts.series.interval.name,
        "range": wish.range_name or by_default,
        "intervals": [i.name for i in showable(stored)]
        or [f.series.interval.name for f in seen.of_symbol],
        "stored_intervals": [interval.name for interval in stored],
        "note": " ".join(notes) or None,
        "forming_until": forming_until,
        "price_digits": price_digits(seen.of_symbol),
        "view": seen.span,
        "bounds": _bounds(_extents([f for f in seen.of_symbol if f.rows])),
        "gaps": [gap.summary() for gap in gaps],
        "last": last_price(seen.of_symbol),
        "coverage": coverage_summary(facts, judgement.coverage),
        "last_run": run_summary(facts.last_run),
        "state": judgement.state,
        "state_text": judgement.text,
        "progress": progress(judgement),
    }


def _joined(gaps: list[ShownGap]) -> str | None:
    count = sum(gap.gaps for gap in gaps)
    if count == len(gaps):
        return None
    return f"{count:,} gaps are shown as {len(gaps)}: near ones are joined."


def _forming(seen: _View) -> tuple[str | None, int | None]:
    """Say so where the newest candle is made of a part of its time only."""
    choice, facts = seen.choice, seen.facts
    if choice is None or facts.last_open is None or facts.last_close is None:
        return None, None
    if choice.shown == choice.source:
        return None, None
    begun = choice.shown.floor(facts.last_open)
    until = facts.last_close + 1
    if not choice.start <= begun < choice.end or until >= choice.shown.add(begun):
        return None, None
    text = f"The last candle of {choice.shown} is not over: {show_time(until - 1)}."
    return text, until


def _candles(own: Services, seen: _View) -> Candles:
    choice = seen.choice
    if choice is None:
        return Candles.empty()
    with own.reading() as cursor:
        series, span = seen.facts.series, (choice.start, choice.end)
        return read_candles(cursor, series, choice.shown, *span, MOST_CANDLES)


def _nothing_there(seen: _View) -> dict[str, str]:
    choice, span = seen.choice, seen.wish.span
    assert choice is not None
    first, until = show_time(seen.facts.first_open), show_time(seen.facts.last_close)
    if span is None:
        where = f"from {show_time(choice.start)} on; the newest closed at {until}"
    else:
        where = f"from {span}; those stored reach from {first} to {until}"
    return {
        "state": "range_empty",
        "state_text": f"No candles of {series_name(seen.facts)} are stored {where}.",
    }
