"""``GET /coverage`` and ``/api/coverage``: how complete each day or month is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from ..market.cells import (
    Cell,
    Kind,
    Stretch,
    hole_stretch,
    make_cells,
    stored_stretches,
    unasked_stretch,
)
from ..market.interval import INTERVALS
from ..market.series import Series
from ..storage.charts import stored_symbols
from ..storage.journal import (
    Correction,
    LastCorrection,
    PastRun,
    read_corrections,
    read_last_corrections,
    read_runs,
)
from ..storage.overview import (
    Contact,
    SeriesFacts,
    read_contact,
    read_facts,
    read_origin,
)
from .answers import cached_answer, to_json
from .arguments import (
    interval_argument,
    limit_argument,
    missing,
    missing_interval,
    refuse_typos,
    span_arguments,
    symbol_argument,
)
from .errors import RequestError
from .klines import unknown_symbol
from .page import frame
from .services import Services, services
from .states import Judgement, judge, split_symbol, unasked
from .summaries import coverage_summary, progress, run_summary

blueprint = Blueprint("coverage", __name__)

MOST_ROWS = 100
"""Runs, and corrections, in one answer."""

_SIZES = {"day": INTERVALS["1d"], "month": INTERVALS["1M"]}
_KEPT_FOR = 10_000


class _Asked(NamedTuple):
    """What cells a request wants; times in ms, None for no bound."""

    cell: str
    start: int | None
    end: int | None

    def wants(self, cell: Cell) -> bool:
        """Whether a part of the cell lies between start and end."""
        return (self.start is None or cell.end > self.start) and (
            self.end is None or cell.start <= self.end
        )


class _Read(NamedTuple):
    """What the database knows, read in one transaction."""

    facts: list[SeriesFacts]
    contact: Contact
    origin: str | None
    last_corrections: dict[tuple[str, str], LastCorrection]
    runs: list[PastRun]
    corrections: list[Correction]


@blueprint.get("/coverage")
def page() -> Response:
    """Answer the frame; its scripts do what the address says.

    ``?symbol=BTCUSDT&interval=1h`` shows one series day by day, ``&year=2018`` those
    of a year.
    """
    return frame("coverage.html")


@blueprint.get("/api/coverage")
def coverage() -> Response:
    """Answer the cells, runs and corrections of one series, or of all by month.

    Which candles a cell has follows from the ends of a series and its holes; no candle
    is read. Runs and corrections are the newest, whatever ``start`` and ``end`` say.
    """
    refuse_typos("symbol", "interval", "cell", "start", "end", "limit")
    series = _series_argument()
    start, end = span_arguments()
    asked = _Asked(_cell_argument(series), start, end)
    limit = limit_argument(MOST_ROWS)
    own = services()
    read = _read(own, series, limit)
    now = own.now() + read.contact.clock_ahead
    judged = [
        (one, judge(one, now, own.history_start, read.contact)) for one in read.facts
    ]
    # Cells depend on the facts, and on the time where the end of a series is late.
    key = series, asked, read, [judgement for _, judgement in judged]

    def make() -> bytes:
        entries = [
            _entry(read, one, judgement, _cells(own, one, now, asked), asked)
            for one, judgement in judged
        ]
        return to_json({**_common(read), **_entries(entries, series), "now": now})

    return cached_answer(own.bodies, key, make, fresh=now // _KEPT_FOR)


def _series_argument() -> Series | None:
    symbol, interval = symbol_argument(), interval_argument()
    if symbol is None and interval is None:
        return None
    if symbol is None:
        raise missing("symbol", "expected one beside interval, or neither")
    if interval is None:
        raise missing_interval()
    return Series(symbol, interval)


def _cell_argument(series: Series | None) -> str:
    text = request.args.get("cell", "month" if series is None else "day")
    if text not in _SIZES:
        raise RequestError(400, "bad_cell", f"cell={text!r}: expected day or month")
    if series is None and text == "day":
        raise RequestError(
            400, "bad_cell", "cell='day' needs a symbol and an interval; expected month"
        )
    return text


def _read(own: Services, series: Series | None, limit: int) -> _Read:
    with own.reading() as cursor:
        facts = read_facts(cursor, own.configured, series and series.symbol)
        if series is not None:
            if not facts:
                raise unknown_symbol(series.symbol, stored_symbols(cursor))
            facts = [_only(facts, series)]
        return _Read(
            facts,
            read_contact(cursor),
            read_origin(cursor),
            read_last_corrections(cursor),
            read_runs(cursor, series, limit),
            read_corrections(cursor, series, limit),
        )


def _only(facts: list[SeriesFacts], series: Series) -> SeriesFacts:
    for one in facts:
        if one.series == series:
            return one
    known = ", ".join(one.series.interval.name for one in facts)
    raise RequestError(
        404,
        "interval_not_stored",
        f"no candles of {series} are stored or wanted; "
        f"intervals of {series.symbol} are {known}",
    )


def _stored(facts: SeriesFacts) -> list[Stretch]:
    if facts.first_open is None or facts.last_open is None:
        return []
    holes = [gap.hole for gap in facts.gaps]
    return stored_stretches(
        facts.first_open, facts.last_open, holes, facts.series.interval
    )


def _cells(own: Services, facts: SeriesFacts, now: int, asked: _Asked) -> list[Cell]:
    interval = facts.series.interval
    stretches = _stored(facts)
    for gap in facts.gaps:
        kind: Kind = "outage" if gap.state == "exchange" else "missing"
        stretches.append(hole_stretch(gap.hole, kind, interval))
    for span in unasked(facts, now, own.history_start):
        stretches.append(unasked_stretch(span, interval))
    cells = make_cells(stretches, interval, _SIZES[asked.cell])
    return [cell for cell in cells if asked.wants(cell)]


def _common(read: _Read) -> dict[str, Any]:
    return {
        "origin": read.origin,
        "exchange": read.contact._asdict(),
        "runs": [run._asdict() for run in read.runs],
        "corrections": [correction._asdict() for correction in read.corrections],
    }


def _entries(entries: list[dict[str, Any]], series: Series | None) -> dict[str, Any]:
    return {"series": entries} if series is None else entries[0]


def _entry(
    read: _Read,
    facts: SeriesFacts,
    judgement: Judgement,
    cells: list[Cell],
    asked: _Asked,
) -> dict[str, Any]:
    base, quote = split_symbol(facts)
    corrected = read.last_corrections.get(facts.series.key)
    return {
        "symbol": facts.series.symbol,
        "interval": facts.series.interval.name,
        "base_asset": base,
        "quote_asset": quote,
        "state": judgement.state,
        "state_text": judgement.text,
        "progress": progress(judgement),
        **coverage_summary(facts, judgement.coverage),
        # Holes that nobody has looked for yet: somebody deleted candles, or the
        # collector is in the middle of a run.
        "unplaced": sum(one.candles for one in _stored(facts)) - facts.rows,
        "last_run": run_summary(facts.last_run),
        "last_correction": corrected and corrected._asdict(),
        "cells": {"size": asked.cell, **_columns(cells)},
    }


def _columns(cells: list[Cell]) -> dict[str, list[Any]]:
    read: dict[str, Callable[[Cell], Any]] = {
        "start": lambda cell: cell.start,
        "end": lambda cell: cell.end,
        "expected": lambda cell: cell.expected,
        "stored": lambda cell: cell.stored,
        "missing": lambda cell: cell.missing,
        "outage": lambda cell: cell.outage,
        "state": lambda cell: cell.state,
    }
    return {name: [of(cell) for cell in cells] for name, of in read.items()}
