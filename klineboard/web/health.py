"""``GET /health``: whether the page can show anything, and how old that is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from ..errors import StorageError
from ..storage.overview import SeriesFacts, read_contact, read_facts
from ..storage.ranking import read_ranking
from ..storage.stream_contact import read_stream
from .answers import json_answer
from .services import Services, services
from .states import is_late, is_trading

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> Response:
    """Answer 200, or 503 where the database does not answer.

    A late series makes the status 'late' and the answer stays 200: to restart the
    page would not bring candles.
    """
    own = services()
    try:
        body = _healthy(own)
    except StorageError as error:
        # The class says what is the matter; its text may hold names of hosts.
        body = {
            "status": "database_unavailable",
            "database": {"ok": False, "error": type(error).__name__},
            "series": [],
            "market_caps": {"fetched_at": None, "age_seconds": None},
            "stream": {"state": None, "last_event": None, "age_seconds": None},
        }
    response = json_answer(body)
    response.status_code = 200 if body["database"]["ok"] else 503
    response.headers["Cache-Control"] = "no-store"
    return response


def _healthy(own: Services) -> dict[str, Any]:
    with own.reading() as cursor:
        facts = read_facts(cursor, own.configured)
        fetched_at = read_ranking(cursor, 1).fetched_at
        contact = read_contact(cursor)
        stream = read_stream(cursor)
    now = own.now()
    # Candles grow old by the exchange's clock.
    series = [_entry(one, now + contact.clock_ahead) for one in facts]
    late = any(entry["late"] for entry in series)
    return {
        "status": "late" if late else "ok",
        "database": {"ok": True, "error": None},
        "series": series,
        "market_caps": {"fetched_at": fetched_at, "age_seconds": _age(fetched_at, now)},
        "stream": {
            "state": stream.state,
            "last_event": stream.last_event,
            "age_seconds": _age(stream.last_event, now),
        },
    }


def _entry(facts: SeriesFacts, now: int) -> dict[str, Any]:
    return {
        "symbol": facts.series.symbol,
        "interval": facts.series.interval.name,
        "newest_close_time": facts.last_close,
        "age_seconds": _age(facts.last_close, now),
        "interval_seconds": facts.series.interval.milliseconds // 1000,
        "late": is_trading(facts) and is_late(facts, now),
    }


def _age(time: int | None, now: int) -> int | None:
    return None if time is None else max(0, now - time) // 1000
