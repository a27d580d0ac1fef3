"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Candles of 1m for each part, unless said otherwise.

    Attributes:
        backfill: By REST at the exchange's own limit.
        limited: By REST at 1,200 weight a minute: work for some whole minutes.
        default_set: Candles of 1h for each of five symbols, beside 4h and 1d.
        archive: By files; the export is of the same.
        peer: For each peer.
        slow_peer: For python-binance, which sleeps, and for row-by-row inserts.
        slowest_peer: With a commit a row.
    """

    backfill: int = 500_000
    limited: int = 1_800_000
    default_set: int = 80_000
    archive: int = 4_400_000
    peer: int = 500_000
    slow_peer: int = 60_000
    slowest_peer: int = 20_000


SHORT = Sizes(50_000, 100_000, 5_000, 200_000, 50_000, 10_000, 5_000)
"""To see that everything works; the figures mean little."""
