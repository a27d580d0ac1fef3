"""The newest candles of one series."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from ..market.kline import Kline
from ..market.series import Series
from .messages import (
    Condition,
    kline_message,
    klines_snapshot,
    series_head,
    status_message,
)
from .topic import Topic

# A listener that missed more closed candles than this gets a snapshot.
_KEPT_NEWS = 64
_OPEN = "open candle"
_STATUS = "status"


class CandleTopic(Topic):
    """Closed candles up to ``depth``, the open one, and how far they can be trusted.

    Attributes:
        closed: Closed candles, open times rising.
        open: The candle that is not closed yet, if it is known.
        event_time: When the exchange spoke last of this series (ms).
    """

    def __init__(self, series: Series, depth: int, condition: Condition) -> None:
        """Begin without candles."""
        super().__init__(_KEPT_NEWS)
        self.series = series
        self.condition = condition
        self.closed: list[Kline] = []
        self.open: Kline | None = None
        self.event_time: int | None = None
        self._depth = depth
        self._head = series_head(series)

    def load(self, klines: Sequence[Kline]) -> None:
        """Replace the closed candles, and give everyone a snapshot if they differ."""
        newest = list(klines[-self._depth :])
        if newest == self.closed:
            return  # A seam without a hole, which thousands need not hear of.
        self.closed = newest
        self._drop_open_until_newest()
        self.start_over()

    def close(self, kline: Kline, event_time: int) -> bool:
        """Take a final candle: the next one, or a correction of an earlier one.

        Returns:
            Whether anything changed; a candle that is known already changes nothing.
        """
        place = bisect_left(self.closed, kline.open_time, key=_open_time)
        known = self.closed[place : place + 1]
        if known == [kline]:
            return False
        self.event_time = event_time
        if known and known[0].open_time == kline.open_time:
            self.closed[place] = kline
            self._publish_closed(kline, event_time)
        elif not known:
            self._append(kline)
            self._publish_closed(kline, event_time)
        elif place == 0 and len(self.closed) >= self._depth:
            # Older than what is kept here: a listener may show it all the same.
            self._publish_closed(kline, event_time)
        else:
            # It was missing in the middle, which no message can say in order.
            self.closed.insert(place, kline)
            del self.closed[: -self._depth]
            self.start_over()
        return True

    def update(self, kline: Kline, event_time: int) -> None:
        """Take the open candle; one that is closed already, or older, is ignored.

        One that is as it was is no news, but a sign of life.
        """
        newest = self.closed[-1].open_time if self.closed else -1
        opened = self.open.open_time if self.open else -1
        if kline.open_time <= newest or kline.open_time < opened:
            return
        known, self.open = self.open, kline
        self.event_time = event_time
        if kline == known:
            return
        self.publish(
            lambda: kline_message(self._head, kline, event_time, closed=False), _OPEN
        )

    def set_condition(self, condition: Condition) -> None:
        """Say how far the candles can be trusted, if that has changed."""
        if condition.differs_from(self.condition):
            self.condition = condition
            self.publish(lambda: status_message(self._head, condition), _STATUS)

    def snapshot(self, limit: int) -> bytes:
        """Return up to ``limit`` closed candles and the open one."""
        return klines_snapshot(
            self._head,
            self.condition,
            self.event_time,
            self.closed[-limit:],
            self.open,
        )

    def _append(self, kline: Kline) -> None:
        self.closed.append(kline)
        del self.closed[: -self._depth]
        self._drop_open_until_newest()

    def _drop_open_until_newest(self) -> None:
        if self.open and self.closed:
            if self.open.open_time <= self.closed[-1].open_time:
                self.open = None
                self.withdraw(_OPEN)

    def _publish_closed(self, kline: Kline, event_time: int) -> None:
        self.publish(lambda: kline_message(self._head, kline, event_time, closed=True))


def _open_time(kline: Kline) -> int:
    return kline.open_time
