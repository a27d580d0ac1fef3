"""``GET /api/series``: every series, stored or wanted, with its coverage and state."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, Response

from ..storage.overview import (
    Contact,
    SeriesFacts,
    read_contact,
    read_facts,
    read_origin,
    read_sparks,
)
from ..storage.stream_contact import read_stream
from .answers import cached_answer, to_json
from .services import Services, services
from .states import judge, split_symbol
from .summaries import change_24h, price_digits, run_summary

blueprint = Blueprint("series", __name__)

_SPARK_CANDLES = 48
_KEPT_FOR = 10_000


@blueprint.get("/api/series")
def series() -> Response:
    """Answer all series, those of the settings first and in their order."""
    own = services()
    with own.reading() as cursor:
        facts = read_facts(cursor, own.configured)
        contact = read_contact(cursor)
        origin = read_origin(cursor)
        sparks = read_sparks(cursor, _SPARK_CANDLES)
        relay = read_stream(cursor).state
    now = own.now() + contact.clock_ahead
    digits = {
        symbol: price_digits(list(group))
        for symbol, group in groupby(
            sorted(facts, key=lambda f: f.series.symbol), lambda f: f.series.symbol
        )
    }
    body = {
        "origin": origin,
        "exchange": contact._asdict(),
        "relay": relay,
        "series": [
            {
                **_entry(own, one, contact, now),
                "price_digits": digits[one.series.symbol],
                "spark": sparks.get(one.series.key, []),
            }
            for one in facts
        ],
    }
    return cached_answer(
        own.bodies, body, lambda: to_json({**body, "now": now}), fresh=now // _KEPT_FOR
    )


def _entry(
    own: Services, facts: SeriesFacts, contact: Contact, now: int
) -> dict[str, Any]:
    judgement = judge(facts, now, own.history_start, contact)
    base, quote = split_symbol(facts)
    return {
        "symbol": facts.series.symbol,
        "interval": facts.series.interval.name,
        "base_asset": base,
        "quote_asset": quote,
        "status": facts.status,
        "first_open_time": facts.first_open,
        "last_open_time": facts.last_open,
        "last_close_time": facts.last_close,
        "rows": facts.rows,
        "missing": judgement.coverage.missing,
        "never_existed": judgement.coverage.never_existed,
        "expected": judgement.coverage.expected,
        "last_run": run_summary(facts.last_run),
        "last_price": facts.last_price,
        "change_24h_percent": change_24h(facts)[1],
        "state": judgement.state,
        "state_text": judgement.text,
    }
