"""Write stored series to files of a person's choice. Asks the exchange for nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

from ..errors import DatabaseUnavailable, SettingsError, StorageError
from ..market.interval import INTERVALS, expected_intervals
from ..market.moment import EXPECTED_MOMENT, parse_moment
from ..market.series import Series
from ..storage.charts import stored_series
from ..storage.csv_files import replacing
from ..storage.database import Database
from ..storage.exports import CONTENT_TYPES, Extract, count_rows, stream

FORMATS = tuple(CONTENT_TYPES)

Progress = Callable[[Series, int, int], None]
"""Told a series, how many of its candles are written, and how many there are."""


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What to write where, as the command line says it; None where it does not.

    Attributes:
        place: A file, or a folder for a file a series.
        form: One of :data:`FORMATS`.
        symbols: Which symbols; empty for all that are stored.
        intervals: Names of intervals; empty for all that are stored.
        start: First open time, as people write it.
        end: Last open time; a bare day is included whole.
    """

    place: str
    form: str | None = None
    symbols: Sequence[str] = ()
    intervals: Sequence[str] = ()
    start: str | None = None
    end: str | None = None


class Exported(NamedTuple):
    """How one series went.

    Attributes:
        series: Which.
        path: Its file.
        rows: Candles in it.
        error: Why there is no file, None where there is.
    """

    series: Series
    path: Path
    rows: int = 0
    error: str | None = None

    def __str__(self) -> str:
        """Return one line for a person."""
        if self.error:
            return f"{self.series}: {self.error}"
        return f"{self.series}: {self.rows:,} candles in {self.path}"


def export_files(
    database: Database, order: ExportOrder, progress: Progress
) -> Iterator[Exported]:
    """Write a file a series, each beside its place and moved over the old one.

    Args:
        database: Where the candles are.
        order: What to write.
        progress: May raise to end; the file under way is not left behind.

    Raises:
        SettingsError: The order cannot be followed: nothing was written.
        DatabaseUnavailable: The database is away; what was yielded is written.
    """
    span = _span(order)
    with database.transaction() as cursor:
        chosen = _chosen(order, stored_series(cursor))
    form, paths = _paths(order, chosen)
    for series, path in zip(chosen, paths, strict=True):
        yield _write(database, Extract(series, *span), form, path, progress)


def _write(
    database: Database, extract: Extract, form: str, path: Path, progress: Progress
) -> Exported:
    series, done = extract.series, 0
    with database.transaction() as cursor:
        expected = count_rows(cursor, extract)

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        # Candles may be added between counting and reading.
        progress(series, done, max(done, expected))

    try:
        with (
            replacing(path) as file,
            closing(stream(database, extract, form, count)) as blocks,
        ):
            file.writelines(blocks)
    except OSError as error:
        return Exported(series, path, error=f"{path} could not be written: {error}")
    except DatabaseUnavailable:
        raise
    except StorageError as error:
        return Exported(series, path, error=str(error))
    return Exported(series, path, done)


def _span(order: ExportOrder) -> tuple[int | None, int | None]:
    start = _moment("--start", order.start)
    end = _moment("--end", order.end, last=True)
    if start is not None and end is not None and start > end:
        expected = f"a moment before --end {order.end}"
        raise SettingsError("--start", str(order.start), expected)
    return start, end


def _moment(key: str, text: str | None, *, last: bool = False) -> int | None:
    if text is None:
        return None
    try:
        return parse_moment(text, last=last)
    except ValueError:
        raise SettingsError(key, text, EXPECTED_MOMENT) from None


def _chosen(order: ExportOrder, stored: Collection[Series]) -> list[Series]:
    """Return the stored series that are asked for; what is named must be there."""
    for name in order.intervals:
        if name not in INTERVALS:
            raise SettingsError("--interval", name, expected_intervals(name))
    symbols = [symbol.upper() for symbol in order.symbols]
    names = list(product(symbols or [""], order.intervals or [""]))
    for named in names:
        if not any(_is_named(series, *named) for series in stored):
            key = "--symbol" if named[0] else "--interval" if named[1] else "--export"
            known = ", ".join(map(str, stored)) or "none is, yet"
            value = " ".join(filter(None, named)) or order.place
            raise SettingsError(key, value, f"a series that is stored: {known}")
    return [
        series for series in stored if any(_is_named(series, *named) for named in names)
    ]


def _is_named(series: Series, symbol: str, interval: str) -> bool:
    return symbol in ("", series.symbol) and interval in ("", series.interval.name)


def _paths(order: ExportOrder, chosen: Sequence[Series]) -> tuple[str, list[Path]]:
    """Return the format, and where each series goes; the folder is there then."""
    place = Path(order.place).expanduser()
    suffix = place.suffix.removeprefix(".")
    is_file = suffix in FORMATS and not place.is_dir()
    form = order.form or (suffix if is_file else FORMATS[0])
    if is_file and suffix != form:
        expected = f"a name that ends in .{form}, or a folder"
        raise SettingsError("--export", order.place, expected)
    if is_file and len(chosen) > 1:
        expected = f"a folder, since {len(chosen)} series are asked for"
        raise SettingsError("--export", order.place, expected)
    folder = place.parent if is_file else place
    _ensure_writable(folder, order.place)
    if is_file:
        return form, [place]
    return form, [folder / f"{series.stem}.{form}" for series in chosen]


def _ensure_writable(folder: Path, place: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is not ours to write in")
    except OSError as error:
        expected = f"a file or folder that can be written ({error})"
        raise SettingsError("--export", place, expected) from error
