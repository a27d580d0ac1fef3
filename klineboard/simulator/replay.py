"""A market of recorded candles, served as they were recorded."""

from __future__ import annotations

import csv
import gzip
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import NamedTuple

from ..market.interval import INTERVALS, Interval
from ..market.kline import Kline, to_milliseconds
from .listings import LISTINGS, Listing

_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY")
_COLUMNS = 12
_EIGHT_DECIMALS = Decimal("0.00000001")


class Recording(NamedTuple):
    """One file of candles."""

    symbol: str
    interval: str
    klines: list[Kline]


def read_recording(
    path: Path, symbol: str | None = None, interval: str | None = None
) -> Recording:
    """Read a CSV file of Binance's twelve columns, without header, perhaps gzipped.

    Times may be in ms or, from 2025 on, in microseconds; decimals stay as they are.

    Args:
        path: The file.
        symbol: Its symbol; None to take it from the name (``...-BTCUSDT-1h-...``).
        interval: Its interval; None to take it from the name.

    Raises:
        ValueError: The name tells no symbol or interval, or a row is none of Binance's.
        OSError: The file cannot be read.
    """
    named = re.search(rf"([A-Z0-9]{{5,}})-({'|'.join(INTERVALS)})(?=[-_.])", path.name)
    symbol = symbol or (named[1] if named else None)
    interval = interval or (named[2] if named else None)
    if symbol is None or interval not in INTERVALS:
        raise ValueError(
            f"{path.name}: expected a name like BTCUSDT-1h-2024.csv, or "
            "--replay-symbol and --replay-interval"
        )
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", encoding="utf-8") as file:
        klines = list(_klines(path, csv.reader(file)))
    return Recording(symbol, interval, klines)


def _klines(path: Path, rows: Iterable[list[str]]) -> Iterator[Kline]:
    for number, row in enumerate(rows, 1):
        try:
            if len(row) != _COLUMNS:
                raise ValueError(f"expected {_COLUMNS} columns, got {len(row)}")
            yield Kline(
                to_milliseconds(int(row[0])),
                row[1],
                row[2],
                row[3],
                row[4],
                row[5],
                to_milliseconds(int(row[6])),
                row[7],
                int(row[8]),
                row[9],
                row[10],
            )
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from None


class RecordedMarket:
    """The candles of some recordings; later ones win where they overlap."""

    def __init__(self, recordings: Iterable[Recording]) -> None:
        """Sort the candles of each series by open time."""
        series: dict[tuple[str, str], dict[int, Kline]] = {}
        for recording in recordings:
            klines = series.setdefault((recording.symbol, recording.interval), {})
            klines.update((kline.open_time, kline) for kline in recording.klines)
        self._opens = {key: sorted(klines) for key, klines in series.items()}
        self._klines = {
            key: [series[key][open_time] for open_time in opens]
            for key, opens in self._opens.items()
        }

    @property
    def end(self) -> int:
        """The first ms after all candles."""
        return 1 + max(
            max(klines[-1].close_time, klines[-1].open_time)
            for klines in self._klines.values()
            if klines
        )

    def listings(self, now: int) -> list[Listing]:
        """Return the recorded symbols that have begun at ``now`` (ms)."""
        begins: dict[str, int] = {}
        for (symbol, _), opens in self._opens.items():
            if opens and opens[0] <= now:
                begins[symbol] = min(opens[0], begins.get(symbol, opens[0]))
        return [_listing(symbol, begin) for symbol, begin in begins.items()]

    def klines(
        self,
        symbol: str,
        interval: Interval,
        start: int | None,
        end: int | None,
        limit: int,
        now: int,
    ) -> list[Kline]:
        """Return candles as ``Market.klines`` says; none for a series not recorded."""
        opens = self._opens.get((symbol, interval.name), [])
        stop = bisect_right(opens, now if end is None else min(end, now))
        if start is None:
            first = max(0, stop - limit)
        else:
            first = bisect_left(opens, start)
            stop = min(stop, first + limit)
        klines = self._klines.get((symbol, interval.name), [])[first:stop]
        if klines and klines[-1].close_time >= now:
            klines[-1] = unfinished(klines[-1], now)
        return klines


def unfinished(kline: Kline, now: int) -> Kline:
    """Return a candle as it may have looked at ``now`` (ms), before it closed.

    Nothing is known of its course, so that high, low, close and volumes move evenly
    from the open's values to the recorded ones.
    """
    length = kline.close_time + 1 - kline.open_time
    part = Decimal(now - kline.open_time + 1) / length
    opened = Decimal(kline.open_price)

    def grown(text: str, begin: Decimal = Decimal(0)) -> str:
        value = begin + (Decimal(text) - begin) * part
        return format(value.quantize(_EIGHT_DECIMALS, ROUND_DOWN), "f")

    return kline._replace(
        high_price=grown(kline.high_price, opened),
        low_price=grown(kline.low_price, opened),
        close_price=grown(kline.close_price, opened),
        volume=grown(kline.volume),
        quote_asset_volume=grown(kline.quote_asset_volume),
        number_of_trades=int(kline.number_of_trades * part),
        taker_buy_base_asset_volume=grown(kline.taker_buy_base_asset_volume),
        taker_buy_quote_asset_volume=grown(kline.taker_buy_quote_asset_volume),
    )


def _listing(symbol: str, begin: int) -> Listing:
    """Return the listing of a recorded symbol; what no file tells is believable."""
    known = LISTINGS.get(symbol)
    if known is not None:
        return known
    quote = next((one for one in _QUOTES if symbol.endswith(one)), "")
    base = symbol.removesuffix(quote)
    return Listing(symbol, base, quote, begin, 1, 100_000_000, (1.0,), 1, 1)
