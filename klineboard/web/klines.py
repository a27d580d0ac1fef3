"""``GET /api/klines``: stored candles by column, with the stored digits."""

from __future__ import annotations

from flask import Blueprint, Response

from ..market.interval import Interval
from ..market.series import Series
from ..storage.charts import read_json_columns, stored_symbols, stored_versions
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
from .errors import RequestError, near_names
from .services import services

blueprint = Blueprint("klines", __name__)

MOST_KLINES = 1000


@blueprint.get("/api/klines")
def klines() -> Response:
    """Answer the candles asked for, oldest first; without start the newest."""
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
        version = stored_version(cursor, symbol, interval)
        series = Series(symbol, interval)

    def make() -> bytes:
        with own.reading() as cursor:
            columns = read_json_columns(cursor, series, start, end, limit)
        parts = {
            "symbol": to_json(symbol).decode(),
            "interval": to_json(interval.name).decode(),
            **columns,
        }
        members = ",".join(f'"{name}":{text}' for name, text in parts.items())
        return f"{{{members}}}".encode()

    key = series.key, version, start, end, limit
    return cached_answer(own.bodies, key, make, holds=holds)


def stored_version(cursor: Cursor, symbol: str, interval: Interval) -> int:
    """Return the version of a stored series.

    Raises:
        RequestError: Of status 404: nothing is stored of the symbol or the interval.
    """
    versions = stored_versions(cursor, symbol)
    if not versions:
        raise unknown_symbol(symbol, stored_symbols(cursor))
    if interval.name not in versions:
        raise RequestError(
            404,
            "interval_not_stored",
            f"no candles of {symbol} {interval} are stored; "
            f"stored intervals are {', '.join(versions)}",
        )
    return versions[interval.name]


def unknown_symbol(symbol: str, known: list[str]) -> RequestError:
    """Return the error for a symbol of which nothing is stored."""
    shown = ", ".join(known) or "none yet"
    return RequestError(
        404,
        "unknown_symbol",
        f"unknown symbol {symbol!r}; stored are {shown}{near_names(symbol, known)}",
    )
