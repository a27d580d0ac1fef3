"""``GET /api/klines``: candles by column, with the stored digits or exact sums."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, Response

from ..market.interval import Interval
from ..market.series import Extent, Series
from ..storage.charts import (
    read_json_aggregates,
    read_json_columns,
    stored_extents,
    stored_symbols,
    stored_versions,
)
from ..storage.database import Cursor
from .answers import cached_answer, to_json
from .arguments import (
    interval_argument,
    limit_argument,
    missing_interval,
    refuse_typos,
    span_arguments,
    symbol_argument,
)
from .choice import source_of
from .errors import RequestError, near_names
from .services import services

blueprint = Blueprint("klines", __name__)

MOST_KLINES = 1000


class _Asked(NamedTuple):
    """Open times in ms; None for what was not said."""

    interval: Interval
    start: int | None
    end: int | None
    limit: int


@blueprint.get("/api/klines")
def klines() -> Response:
    """Answer the candles asked for, oldest first; without start the newest.

    Candles that are not stored are made of stored ones, where that is possible.
    """
    refuse_typos("symbol", "interval", "start", "end", "limit")
    interval = interval_argument()
    limit = limit_argument(MOST_KLINES)
    start, end = span_arguments()
    symbol = symbol_argument()
    own = services()
    holds = own.while_unchanged(symbol or "")
    with own.reading() as cursor:
        if symbol is None:
            known = ", ".join(stored_symbols(cursor)) or "none yet"
            raise RequestError(
                400, "missing_symbol", f"symbol is missing; stored are {known}"
            )
        if interval is None:
            raise missing_interval()
        asked = _Asked(interval, start, end, limit)
        series, version = _source(cursor, symbol, asked)

    def make() -> bytes:
        with own.reading() as cursor:
            columns = _read(cursor, series, asked)
        names = {"symbol": symbol, "interval": interval.name}
        if series.interval != interval:
            names["source_interval"] = series.interval.name
        parts = {name: to_json(text).decode() for name, text in names.items()}
        parts.update(columns)
        members = ",".join(f'"{name}":{text}' for name, text in parts.items())
        return f"{{{members}}}".encode()

    key = (series.key, version, interval.name, start, end, limit)
    return cached_answer(own.bodies, key, make, holds=holds)


def _read(cursor: Cursor, series: Series, asked: _Asked) -> dict[str, str]:
    rest = asked.start, asked.end, asked.limit
    if series.interval == asked.interval:
        return read_json_columns(cursor, series, *rest)
    return read_json_aggregates(cursor, series, asked.interval, *rest)


def _source(cursor: Cursor, symbol: str, asked: _Asked) -> tuple[Series, int]:
    """Return the series to read or to make candles of, and its version.

    Raises:
        RequestError: Of status 404: there is none.
    """
    versions = stored_versions(cursor, symbol)
    if not versions:
        raise unknown_symbol(symbol, stored_symbols(cursor))
    if asked.interval.name in versions:
        return Series(symbol, asked.interval), versions[asked.interval.name]
    stored = [e for e in stored_extents(cursor, symbol) if e.interval.name in versions]
    held = source_of(asked.interval, stored, *_span(stored, asked)) if stored else None
    if held is None:
        raise RequestError(
            404,
            "interval_not_stored",
            f"candles of {symbol} {asked.interval} are neither stored nor to be made "
            f"of stored ones; stored intervals are {', '.join(versions)}",
        )
    return Series(symbol, held.interval), versions[held.interval.name]


def _span(stored: list[Extent], asked: _Asked) -> tuple[int, int]:
    """Return about which stored time (ms) the candles asked for lie in."""
    first = min(held.start for held in stored)
    end = max(held.end for held in stored)
    interval = asked.interval
    if asked.end is not None:
        end = max(first, min(end, interval.floor(asked.end) + interval.milliseconds))
    if asked.start is None:
        return max(first, interval.add(interval.floor(end - 1), -asked.limit)), end
    start = min(max(first, asked.start), end)
    return start, min(end, interval.add(interval.floor(start), asked.limit))


def unknown_symbol(symbol: str, known: list[str]) -> RequestError:
    """Return the error for a symbol of which nothing is stored."""
    shown = ", ".join(known) or "none yet"
    return RequestError(
        404,
        "unknown_symbol",
        f"unknown symbol {symbol!r}; stored are {shown}{near_names(symbol, known)}",
    )
