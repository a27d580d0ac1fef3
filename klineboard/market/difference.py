"""Two words on the same candles: what is stored, and what the exchange tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from .kline import COLUMNS, Kline

Kind = Literal["differs", "missing", "surplus"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A candle on which both do not agree.

    Attributes:
        stored: As it is stored, None where it is not.
        told: As the exchange tells it, None where it has none.
    """

    stored: Kline | None
    told: Kline | None

    @property
    def open_time(self) -> int:
        """When the candle opens, ms."""
        kline = self.stored or self.told
        return kline.open_time if kline else 0

    @property
    def kind(self) -> Kind:
        """'missing' is not stored, 'surplus' is stored and the exchange has none."""
        if self.stored is None:
            return "missing"
        return "surplus" if self.told is None else "differs"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ, where both have the candle."""
        if self.stored is None or self.told is None:
            return ()
        pairs = zip(COLUMNS, self.stored, self.told, strict=True)
        return tuple(name for name, stored, told in pairs if stored != told)

    @property
    def is_spelling(self) -> bool:
        """Whether only digits differ and no value: ``7.00`` instead of ``7``."""
        return (
            self.stored is not None
            and self.told is not None
            and all(
                Decimal(str(stored)) == Decimal(str(told))
                for stored, told in zip(self.stored, self.told, strict=True)
            )
        )


def compare(
    stored: Sequence[Kline], told: Sequence[Kline], now: int, settled: int
) -> list[Difference]:
    """Return where two words on the same stretch differ, oldest first.

    Values are compared digit by digit, since the exchange's digits shall be stored
    unchanged. The candle that is still open is nobody's yet; and what closed after
    ``settled`` may come without its last trades, or not at all, for a while.

    Args:
        stored: What is stored, open times rising.
        told: What the exchange tells, open times rising.
        now: The exchange's clock, ms.
        settled: Until when its word on what closed is the last one, ms.
    """
    if stored == told:
        return []
    ours = {kline.open_time: kline for kline in stored}
    theirs = {kline.open_time: kline for kline in told}
    pairs = (
        Difference(ours.get(opened), theirs.get(opened))
        for opened in sorted(ours.keys() | theirs.keys())
    )
    return [
        pair
        for pair in pairs
        if pair.stored != pair.told and _is_final(pair, now, settled)
    ]


def _is_final(pair: Difference, now: int, settled: int) -> bool:
    stored, told = pair.stored, pair.told
    if told is None:
        # One that opens in the future was never the exchange's.
        return stored is not None and (
            stored.close_time < settled or stored.open_time > now
        )
    if told.close_time >= now:
        return False
    lags = stored is not None and told.number_of_trades < stored.number_of_trades
    return not lags or told.close_time < settled
