"""The newest state of everything that is followed, and who listens to it.

Nothing here waits, reads a clock or touches a socket. All calls come from one event
loop, so that a subscription and its snapshot are one step for everybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from ..market.kline import Kline
from ..market.series import Series
from ..market.trade import Trade
from .candles import CandleTopic
from .coins import CoinTopic
from .messages import Condition
from .topic import Topic
from .trades import TradeTopic

# The worse one counts where several are shown as one.
_STATES = ("live", "late", "reconnecting")


class Board:
    """What the relay tells, by series, symbol and coin.

    Attributes:
        candles: The topic of each series; coins' series are among them.
        trades: The topic of each symbol's trades.
        coins: The topic of each coin.
        on_watched: Told the symbols whose trades somebody watches, at each change.
    """

    def __init__(
        self,
        series: Iterable[Series],
        coins: Mapping[str, Series],
        *,
        depth: int = 1000,
    ) -> None:
        """Begin without candles, in the state "reconnecting".

        Args:
            series: What is followed.
            coins: The series of each coin of the path ``/``.
            depth: How many closed candles are kept of each series.
        """
        nothing = Condition(_STATES[-1])
        followed = dict.fromkeys(chain(series, coins.values()))
        self.candles = {one: CandleTopic(one, depth, nothing) for one in followed}
        self.trades = {
            one.symbol: TradeTopic(one.symbol, nothing, self._tell_watched)
            for one in followed
        }
        self.coins = {
            coin: CoinTopic(coin, self.candles[one]) for coin, one in coins.items()
        }
        self._trades_feed = Condition(_STATES[0])
        self.on_watched: Callable[[frozenset[str]], object] = lambda symbols: None

    def topics(self) -> Iterable[Topic]:
        """Return all topics."""
        return chain(self.candles.values(), self.trades.values(), self.coins.values())

    @property
    def watched(self) -> frozenset[str]:
        """The symbols whose trades somebody watches."""
        return frozenset(
            symbol for symbol, topic in self.trades.items() if topic.watched
        )

    @property
    def state(self) -> str:
        """The worst state of all series."""
        states = {topic.condition.state for topic in self.candles.values()}
        return max(states, key=_STATES.index, default=_STATES[-1])

    def leave_out(self, series: Series) -> None:
        """Forget a series that does not exist; who asks for it is told so."""
        del self.candles[series]
        for coin in [c for c, t in self.coins.items() if t.candles.series == series]:
            del self.coins[coin]
        if not any(one.symbol == series.symbol for one in self.candles):
            del self.trades[series.symbol]

    def load(self, series: Series, klines: Sequence[Kline]) -> None:
        """Replace the closed candles of a series; the same ones change nothing.

        Args:
            series: One of those followed.
            klines: Closed candles, open times rising; the newest ones are kept.
        """
        self.candles[series].load(klines)
        self._refresh_coins(series)

    def close(self, series: Series, kline: Kline, event_time: int) -> None:
        """Take a final candle: the next one, a correction, or one that was missing.

        Args:
            series: One of those followed.
            kline: The whole row; an open candle of its open time is gone.
            event_time: When the exchange said so (ms).
        """
        if self.candles[series].close(kline, event_time):
            self._refresh_coins(series)

    def update(self, series: Series, kline: Kline, event_time: int) -> None:
        """Take the open candle as it is at ``event_time`` (ms)."""
        self.candles[series].update(kline, event_time)

    def trade(self, trade: Trade, event_time: int) -> None:
        """Take a trade that the exchange told at ``event_time`` (ms)."""
        self.trades[trade.symbol].trade(trade, event_time)

    def set_state(
        self,
        state: str,
        series: Series | None,
        since: int,
        no_trades_since: int | None = None,
    ) -> None:
        """Say how far a series can be trusted, or everything.

        Args:
            state: "live", "late" or "reconnecting".
            series: One of those followed; None means all of them. A symbol's trades
                are as good as the best of its series: filling a seam of one of them
                keeps no trade away.
            since: When it became so (ms).
            no_trades_since: Where the symbol is halted or very quiet, since when (ms).
        """
        if state not in _STATES:
            raise ValueError(f"{state!r} is no state; expected {', '.join(_STATES)}")
        condition = Condition(state, since, no_trades_since)
        for one in self.candles if series is None else (series,):
            self.candles[one].set_condition(condition)
        for symbol in self.trades if series is None else (series.symbol,):
            self.trades[symbol].set_condition(self._best_condition(symbol))

    def set_trades_state(self, state: str, since: int) -> None:
        """Say how the connection that brings trades stands, since when (ms)."""
        self._trades_feed = Condition(state, since, None)
        for symbol, trades in self.trades.items():
            trades.set_condition(self._best_condition(symbol))

    def _best_condition(self, symbol: str) -> Condition:
        conditions = [
            topic.condition for one, topic in self.candles.items() if one[0] == symbol
        ]
        best = min(conditions, key=lambda condition: _STATES.index(condition.state))
        if any(condition.no_trades_since is None for condition in conditions):
            best = best._replace(no_trades_since=None)
        feed = self._trades_feed
        if _STATES.index(feed.state) > _STATES.index(best.state):
            best = best._replace(state=feed.state, since=feed.since)
        return best

    def _refresh_coins(self, series: Series) -> None:
        for topic in self.coins.values():
            if topic.candles.series == series:
                topic.refresh()

    def _tell_watched(self) -> None:
        self.on_watched(self.watched)
