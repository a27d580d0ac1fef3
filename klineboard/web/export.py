"""``GET /export/BTCUSDT_1h.csv``: a series as a file, streamed."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response

from ..market.interval import INTERVALS
from ..market.series import Series
from ..storage.charts import stored_series
from ..storage.exports import stream_csv
from .arguments import refuse_typos, span_arguments
from .errors import RequestError, near_names
from .long_answers import takes_long
from .services import services

blueprint = Blueprint("export", __name__)


@blueprint.get("/export/<name>")
@takes_long
def export(name: str) -> Response:
    """Answer a series as CSV, in the very format of the files in DATA_DIR/csv."""
    refuse_typos("start", "end")
    start, end = span_arguments()
    own = services()
    with own.reading() as cursor:
        stored = {series.file_name: series for series in stored_series(cursor)}
    series = stored.get(name) or _folded(name, stored)
    if series is None:
        known = ", ".join(stored) or "none yet"
        raise RequestError(
            404,
            "unknown_file",
            f"unknown file {name!r}; there are {known}{near_names(name, stored)}",
        )
    response = Response(
        stream_csv(own.database, series, start, end), content_type="text/csv"
    )
    # A header is ASCII; names that are not are written as RFC 6266 says.
    name = series.file_name
    shown = f'="{name}"' if name.isascii() else f"*=UTF-8''{quote(name)}"
    response.headers["Content-Disposition"] = f"attachment; filename{shown}"
    response.headers["Cache-Control"] = "no-store"
    return response


def _folded(name: str, stored: dict[str, Series]) -> Series | None:
    """Return the series of a name whose symbol is in lower case.

    The interval keeps its case: 1M is no other name for 1m.
    """
    symbol, _, rest = name.rpartition("_")
    names = [interval.file_name for interval in INTERVALS.values()]
    if rest.removesuffix(".csv") not in names:
        return None
    return stored.get(f"{symbol.upper()}_{rest}")
