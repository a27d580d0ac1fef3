"""Print the exchange's streams as they come, or keep their raw frames in a file."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ..errors import ExchangeError, SettingsError, StorageError
from ..market.interval import INTERVALS, expected_intervals
from ..market.kline import Kline
from ..market.series import Series
from ..settings import Settings
from ..sources.binance_rest import BinanceRest
from ..sources.binance_stream import STREAMS_A_CONNECTION, Feed
from ..sources.complaints import Complaints
from ..sources.stream_frames import (
    KlineEvent,
    TradeEvent,
    kline_stream,
    trade_stream,
)
from .contact import unknown_symbol

log = logging.getLogger(__name__)

_PRICES: dict[str, Callable[[Kline], str]] = {
    "o": lambda kline: kline.open_price,
    "h": lambda kline: kline.high_price,
    "l": lambda kline: kline.low_price,
    "c": lambda kline: kline.close_price,
}
_NOTE_SECONDS = 10.0


@dataclass(frozen=True)
class Showing:
    """What to follow, and how to show it.

    Attributes:
        streams: Names of the exchange's streams.
        symbols: Whose they are.
        prints: Whether events are printed.
        price_tag: The only price to print: 'o', 'h', 'l' or 'c'; None for all.
        converts_time: Whether times are readable (UTC) instead of ms.
        record: The file for raw frames, None for none.
    """

    streams: tuple[str, ...]
    symbols: tuple[str, ...]
    prints: bool
    price_tag: str | None
    converts_time: bool
    record: Path | None

    @classmethod
    def of(cls, options: Namespace, settings: Settings) -> Showing:
        """Return what the command line asks for.

        Raises:
            SettingsError: A value cannot be understood.
        """
        symbols = [name.upper() for name in _names(options.symbol, "--symbol")]
        symbols = symbols or list(settings.symbols)
        if options.trades:
            streams = [trade_stream(symbol) for symbol in symbols]
        else:
            names = _names(options.interval, "--interval") or ["1m"]
            for name in names:
                if name not in INTERVALS:
                    raise SettingsError("--interval", name, expected_intervals(name))
            streams = [
                kline_stream(*Series(symbol, INTERVALS[name]))
                for symbol in symbols
                for name in names
            ]
        streams = list(dict.fromkeys(streams))
        if len(streams) > STREAMS_A_CONNECTION:
            expected = f"at most {STREAMS_A_CONNECTION} streams"
            raise SettingsError("--symbol", str(len(streams)), expected)
        return cls(
            streams=tuple(streams),
            symbols=tuple(dict.fromkeys(symbols)),
            prints=options.shows,
            price_tag=options.price_tag,
            converts_time=options.convert_time,
            record=Path(options.record) if options.record else None,
        )


def _names(values: list[str] | None, key: str) -> list[str]:
    names = [name.strip() for value in values or () for name in value.split(",")]
    if "" in names:
        raise SettingsError(key, ",".join(values or ()), "names, comma separated")
    return names


async def show_stream(settings: Settings, showing: Showing, output: TextIO) -> None:
    """Print and record until cancelled; heals as the relay does.

    Raises:
        SettingsError: A symbol does not exist, or the file cannot be written.
    """
    await asyncio.to_thread(_check_symbols, settings, showing.symbols)
    with ExitStack() as files:
        record = None
        if showing.record is not None:
            record = files.enter_context(_opened(showing.record))
        screen = _Screen(showing, output, record)
        feed = Feed(
            settings.binance_stream_url,
            showing.streams,
            screen,
            stall_seconds=settings.stall_seconds,
            on_frame=screen.keep,
        )
        try:
            await asyncio.gather(feed.run(), screen.report())
        finally:
            screen.finish()


def _check_symbols(settings: Settings, symbols: tuple[str, ...]) -> None:
    # The exchange accepts wrong names in silence (python-binance#1193).
    exchange = BinanceRest(settings.binance_api_url, attempts=2)
    try:
        known = exchange.exchange_info(symbols)
    except ExchangeError as error:
        log.warning("the symbols could not be checked: %s", error)
        return
    for symbol in symbols:
        if symbol not in known:
            message = unknown_symbol(symbol, known)
            raise SettingsError("--symbol", symbol, f"a symbol that exists; {message}")


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        expected = f"a file that can be written ({error.strerror})"
        raise SettingsError("--record", str(path), expected) from error


class _Screen:
    """Prints events, writes frames, and counts both."""

    def __init__(self, showing: Showing, output: TextIO, record: TextIO | None) -> None:
        self._showing = showing
        self._output = output
        self._record = record
        self._frames = 0
        self._complaints = Complaints(log)

    def keep(self, frame: str | bytes) -> None:
        """Write one frame as it came; Binance's frames are one line each."""
        self._frames += 1
        if self._record is not None:
            text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
            try:
                self._record.write(text.replace("\n", " ") + "\n")
            except OSError as error:
                path = self._showing.record
                raise StorageError(f"{path} could not be written: {error}") from error

    def connected(self, feed: Feed, origin: str | None) -> None:
        """Say that events will come."""
        of = f" of the {origin} market" if origin else ""
        log.info("connected: %s streams%s", len(feed.streams), of)

    def received(self, event: KlineEvent | TradeEvent) -> None:
        """Print one event."""
        if not self._showing.prints:
            return
        if isinstance(event, TradeEvent):
            words = self._of_trade(event)
        else:
            words = self._of_kline(event)
        self._output.write(" ".join(words) + "\n")
        self._output.flush()

    def spoiled(self, feed: Feed, reason: str, stream: str | None) -> None:
        """Say that a frame could not be understood."""
        self._complaints.note("frame skipped", reason)

    def lost(self, feed: Feed, reason: str) -> None:
        """Say that there is no connection."""
        self._complaints.note("the connection to the exchange ended", reason)

    async def report(self) -> None:
        """While only a file is written, say now and then that it grows."""
        while True:
            await asyncio.sleep(_NOTE_SECONDS)
            if not self._showing.prints:
                log.info("%s frames in %s", f"{self._frames:,}", self._showing.record)

    def finish(self) -> None:
        """Say how much it was."""
        self._complaints.flush()
        log.info("%s frames came", f"{self._frames:,}")

    def _of_kline(self, event: KlineEvent) -> list[str]:
        tag = self._showing.price_tag
        prices = [
            f"{name} {price(event.kline)}"
            for name, price in _PRICES.items()
            if tag in (None, name)
        ]
        state = "closed" if event.closed else "open"
        opened = self._time(event.kline.open_time)
        name = f"{event.symbol} {event.interval}"
        return [self._time(event.event_time), name, opened, *prices, state]

    def _of_trade(self, event: TradeEvent) -> list[str]:
        trade = event.trade
        when = self._time(trade.time)
        return [when, trade.symbol, trade.side, trade.price, trade.quantity]

    def _time(self, time: int) -> str:
        if not self._showing.converts_time:
            return str(time)
        moment = dt.datetime.fromtimestamp(time / 1000, dt.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03d}Z"
