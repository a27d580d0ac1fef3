"""``GET /export/BTCUSDT_1h.csv``, ``.parquet``, ``.jsonl``: a series as a file."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import quote

from flask import Blueprint, Response

from ..errors import NotExportable
from ..market.interval import INTERVALS
from ..market.series import Series
from ..storage.charts import stored_series
from ..storage.exports import CONTENT_TYPES, Extract, stream
from .arguments import refuse_typos, span_arguments
from .errors import RequestError, near_names
from .long_answers import takes_long
from .services import services

blueprint = Blueprint("export", __name__)


@blueprint.get("/export/<name>")
@takes_long
def export(name: str) -> Response:
    """Answer a series as a file, streamed; CSV as in the files in DATA_DIR/csv."""
    refuse_typos("start", "end")
    extract_span = span_arguments()
    own = services()
    with own.reading() as cursor:
        stored = {series.stem: series for series in stored_series(cursor)}
    stem, _, suffix = name.rpartition(".")
    series = stored.get(stem) or _folded(stem, stored)
    if series is None or suffix not in CONTENT_TYPES:
        raise _unknown(name, stored)
    blocks = stream(own.database, Extract(series, *extract_span), suffix)
    response = _begun(blocks)
    response.headers["Content-Type"] = CONTENT_TYPES[suffix]
    # A header is ASCII; names that are not are written as RFC 6266 says.
    name = f"{series.stem}.{suffix}"
    shown = f'="{name}"' if name.isascii() else f"*=UTF-8''{quote(name)}"
    response.headers["Content-Disposition"] = f"attachment; filename{shown}"
    response.headers["Cache-Control"] = "no-store"
    return response


def _begun(blocks: Generator[bytes]) -> Response:
    """Return the answer whose first block is there: what fails before has a status."""
    try:
        first = next(blocks, b"")
    except NotExportable as error:
        raise RequestError(
            422, "does_not_fit", f"{error}; ask for .csv or .jsonl"
        ) from (error)

    def all_blocks() -> Generator[bytes]:
        yield first
        yield from blocks

    response = Response(all_blocks())
    # Also where nobody reads the body, as after HEAD.
    response.call_on_close(blocks.close)
    return response


def _folded(stem: str, stored: dict[str, Series]) -> Series | None:
    """Return the series of a name whose symbol is in lower case.

    The interval keeps its case: 1M is no other name for 1m.
    """
    symbol, _, rest = stem.rpartition("_")
    if rest not in {interval.file_name for interval in INTERVALS.values()}:
        return None
    return stored.get(f"{symbol.upper()}_{rest}")


def _unknown(name: str, stored: dict[str, Series]) -> RequestError:
    suffix = name.rpartition(".")[2]
    if suffix not in CONTENT_TYPES:
        suffix = "csv"
    names = [f"{stem}.{suffix}" for stem in stored]
    others = " and ".join(f".{other}" for other in CONTENT_TYPES if other != suffix)
    known = f"{', '.join(names)}, each as {others} too" if names else "none yet"
    return RequestError(
        404,
        "unknown_file",
        f"unknown file {name!r}; there are {known}{near_names(name, names)}",
    )
