"""What tests change in the answers: hidden candles that heal, and corrections."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from ..market.interval import Interval
from ..market.kline import COLUMNS, Kline
from .listings import Listing
from .market import Market


class Hidden(NamedTuple):
    """A stretch whose candles are left out; None means all symbols or intervals."""

    symbol: str | None
    interval: str | None
    start: int
    end: int

    def hides(self, symbol: str, interval: str, open_time: int) -> bool:
        """Return whether a candle opens (ms) within it; ``end`` does not count."""
        return (
            self.symbol in (None, symbol)
            and self.interval in (None, interval)
            and self.start <= open_time < self.end
        )


class Tampering:
    """Hidden stretches and corrected candles, which can be taken back."""

    def __init__(self) -> None:
        """Start with true answers."""
        self._lock = threading.Lock()
        self._hidden: list[Hidden] = []
        self._corrections: dict[tuple[str, str, int], dict[str, Any]] = {}

    def hide(
        self,
        start: int,
        end: int,
        symbol: str | None = None,
        interval: str | None = None,
    ) -> None:
        """Leave out the candles that open from ``start`` to before ``end`` (ms)."""
        with self._lock:
            self._hidden.append(Hidden(symbol, interval, start, end))

    def show_all(self) -> None:
        """Heal: leave nothing out any more."""
        with self._lock:
            self._hidden.clear()

    def mark(self) -> tuple[object, ...]:
        """Return something that is another one after every change of answers."""
        with self._lock:
            corrections = sorted(
                (*key, *sorted(fields.items()))
                for key, fields in self._corrections.items()
            )
            return (*self._hidden, *corrections)

    def hidden(self) -> list[dict[str, Any]]:
        """Return the hidden stretches, for JSON."""
        with self._lock:
            return [stretch._asdict() for stretch in self._hidden]

    def correct(
        self, symbol: str, interval: str, open_time: int, **fields: str | int
    ) -> None:
        """Answer other fields for one candle, for example ``close_price="1.5"``.

        Raises:
            ValueError: A field is none of a candle's.
        """
        unknown = set(fields) - set(COLUMNS[1:])
        if unknown or not fields:
            expected = ", ".join(COLUMNS[1:])
            raise ValueError(f"fields {sorted(fields)}: expected some of {expected}")
        with self._lock:
            self._corrections[symbol, interval, open_time] = dict(fields)

    def take_back(self) -> None:
        """Forget all corrections."""
        with self._lock:
            self._corrections.clear()

    def corrections(self) -> list[dict[str, Any]]:
        """Return the corrections, for JSON."""
        with self._lock:
            return [
                {"symbol": symbol, "interval": interval, "open_time": time, **fields}
                for (symbol, interval, time), fields in self._corrections.items()
            ]

    def apply(
        self, symbol: str, interval: Interval, klines: list[Kline]
    ) -> list[Kline]:
        """Return the candles as they shall be answered."""
        with self._lock:
            hidden, corrections = list(self._hidden), dict(self._corrections)
        if not hidden and not corrections:
            return klines
        kept = [
            kline
            for kline in klines
            if not any(
                stretch.hides(symbol, interval.name, kline.open_time)
                for stretch in hidden
            )
        ]
        if not corrections:
            return kept
        return [
            kline._replace(
                **corrections.get((symbol, interval.name, kline.open_time), {})
            )
            for kline in kept
        ]


class TamperedMarket:
    """A market as it shall be answered; the one behind it stays true."""

    def __init__(self, market: Market, tampering: Tampering) -> None:
        """Change the answers of ``market``."""
        self._market = market
        self._tampering = tampering

    def listings(self, now: int) -> list[Listing]:
        """Return the symbols that are listed at ``now`` (ms)."""
        return self._market.listings(now)

    def klines(
        self,
        symbol: str,
        interval: Interval,
        start: int | None,
        end: int | None,
        limit: int,
        now: int,
    ) -> list[Kline]:
        """Return candles as ``Market.klines`` says.

        Hidden candles leave no room in a page: it is filled up beyond them, as an
        exchange that never had them would do.
        """
        kept: list[Kline] = []
        while True:
            page = self._market.klines(symbol, interval, start, end, limit, now)
            visible = self._tampering.apply(symbol, interval, page)
            kept = visible + kept if start is None else kept + visible
            if len(kept) >= limit or len(page) < limit:
                return kept[-limit:] if start is None else kept[:limit]
            if start is None:
                end = page[0].open_time - 1
            else:
                start = page[-1].open_time + 1
