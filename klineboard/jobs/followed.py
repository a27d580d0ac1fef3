"""Which series the relay follows, and over which connections."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from ..market.interval import INTERVALS
from ..market.moment import parse_moment
from ..market.series import Series
from ..settings import Settings
from ..sources.binance_stream import STREAMS_A_CONNECTION
from ..sources.stream_frames import kline_stream


@dataclass(frozen=True)
class Followed:
    """What the settings ask for.

    Attributes:
        collected: The series that the collector collects, too.
        since: From when on it collects them, ms.
        coins: For each coin the series of its minutes, against USDT.
    """

    collected: tuple[Series, ...]
    since: int
    coins: dict[str, Series]

    @classmethod
    def of(cls, settings: Settings) -> Followed:
        """Return what ``SYMBOLS``, ``INTERVALS`` and ``STREAM_COINS`` name."""
        minute = INTERVALS["1m"]
        return cls(
            tuple(
                Series(symbol, INTERVALS[name])
                for symbol in settings.symbols
                for name in settings.intervals
            ),
            parse_moment(settings.history_start.isoformat()),
            {coin: Series(f"{coin}USDT", minute) for coin in settings.stream_coins},
        )

    def history_start(self, series: Series) -> int | None:
        """Return from when on (ms) a series is collected, None where it is not."""
        return self.since if series in self.collected else None

    @property
    def series(self) -> list[Series]:
        """All series, each once."""
        return list(dict.fromkeys((*self.collected, *self.coins.values())))


def connections(series: Collection[Series]) -> list[dict[str, Series]]:
    """Return stream names and their series, as many a part as a connection carries."""
    names = {kline_stream(*one): one for one in series}
    rest = iter(names.items())
    parts: Iterable[dict[str, Series]] = iter(
        lambda: dict(islice(rest, STREAMS_A_CONNECTION)), {}
    )
    return list(parts)
