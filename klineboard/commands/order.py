"""What is asked for on the command line."""

from __future__ import annotations

import argparse

from ..errors import SettingsError
from ..jobs.collect_all import Order
from ..market.interval import INTERVALS, expected_intervals
from ..market.moment import EXPECTED_MOMENT, parse_moment
from ..market.series import Series
from ..settings import Settings


def order_of(options: argparse.Namespace, settings: Settings) -> Order:
    """Return what the command line and the settings ask for.

    Raises:
        SettingsError: A value cannot be understood.
    """
    symbols = names_of(options.symbol, "--symbol") or settings.symbols
    names = names_of(options.interval, "--interval") or settings.intervals
    for name in names:
        if name not in INTERVALS:
            raise SettingsError("--interval", name, expected_intervals(name))
    start = _moment("--start", options.start or settings.history_start.isoformat())
    end = _moment("--end", options.end, last=True) if options.end else None
    if end is not None and start > end:
        key, value = "--start", options.start
        if value is None:
            key, value = "HISTORY_START", settings.history_start.isoformat()
        raise SettingsError(key, value, f"a moment before --end {options.end}")
    if options.newest is not None and options.newest < 1:
        raise SettingsError("--print", str(options.newest), "a number from 1")
    series = [
        Series(symbol.upper(), INTERVALS[name]) for symbol in symbols for name in names
    ]
    return Order(list(dict.fromkeys(series)), start, end, options.source)


def names_of(values: list[str] | None, key: str) -> tuple[str, ...]:
    """Return names that were given one by one or comma separated.

    Raises:
        SettingsError: One of them is empty.
    """
    names = [name.strip() for value in values or () for name in value.split(",")]
    if "" in names:
        raise SettingsError(key, ",".join(values or ()), "names, comma separated")
    return tuple(names)


def _moment(key: str, text: str, *, last: bool = False) -> int:
    try:
        return parse_moment(text, last=last)
    except ValueError:
        raise SettingsError(key, text, EXPECTED_MOMENT) from None
