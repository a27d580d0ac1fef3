"""The simulated providers as one function from request to reply, free of sockets."""

from __future__ import annotations

from typing import Any

from ..market.interval import Interval
from ..market.kline import Kline
from .clock import BentClock
from .coingecko import CoinGecko
from .control import PREFIX, Control
from .faults import Fault, FaultList
from .limits import WeightLimits
from .market import Market, SimulatedMarket
from .messages import ApiError, Reply, Request
from .rest import BinanceRest, row_of
from .statistics import Statistics
from .tampering import TamperedMarket, Tampering

ORIGIN_HEADER = "X-Market-Origin"


class Exchange:
    """Binance's REST, CoinGecko and the simulator's own endpoints, put together.

    Attributes:
        market: Where candles come from.
        clock: The exchange's time.
        limits: Request weight, 429 and 418.
        faults: Faults that wait for their requests.
        tampering: Hidden and corrected candles.
        statistics: Counts of requests and answers.
    """

    def __init__(
        self,
        market: Market | None = None,
        clock: BentClock | None = None,
        limits: WeightLimits | None = None,
        origin: str = "simulated",
    ) -> None:
        """Put the parts together.

        Args:
            market: Default: the simulated market.
            clock: Default: the real time.
            limits: Default: Binance's.
            origin: What each answer says in ``X-Market-Origin``; empty for no header.
        """
        self.market = market or SimulatedMarket()
        self.clock = clock or BentClock()
        self.limits = limits or WeightLimits(self.clock.seconds)
        self.faults = FaultList()
        self.tampering = Tampering()
        self.statistics = Statistics()
        self._origin = origin
        self._binance = BinanceRest(
            TamperedMarket(self.market, self.tampering), lambda: self.limits.limit
        )
        # Recorded candles know few coins; the ranking is simulated then too.
        simulated = isinstance(self.market, SimulatedMarket)
        self._coingecko = CoinGecko(self.market if simulated else SimulatedMarket())
        self._control = Control(
            self.clock, self.faults, self.tampering, self.limits, self.statistics
        )

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith(PREFIX):
            reply = self._control.answer(request)
        else:
            reply = self._provider(request)
            self.statistics.count(request.path, reply.status, self.limits.used)
        if self._origin:
            reply.headers[ORIGIN_HEADER] = self._origin
        return reply

    def _provider(self, request: Request) -> Reply:
        if request.method != "GET":
            return Reply.of({"error": "expected GET"}, 405)
        fault = self.faults.take(request)
        replaced = fault.replace() if fault else None
        if replaced is not None:
            return replaced
        if self._binance.knows(request.path):
            reply = self._from_binance(request, fault)
        elif self._coingecko.knows(request.path):
            reply = self._coingecko.answer(request, self.clock.now())
        else:
            reply = Reply.of({"error": f"no such path {request.path!r}"}, 404)
        reply.truncate = fault is not None and fault.kind == "truncate"
        return reply

    def _from_binance(self, request: Request, fault: Fault | None) -> Reply:
        now = self.clock.now()

        def shape(interval: Interval, klines: list[Kline]) -> list[list[Any]]:
            rows = [row_of(kline) for kline in klines]
            return fault.damage(rows, klines, interval, now) if fault else rows

        try:
            self.limits.spend(self._binance.weight(request), now)
            reply = self._binance.answer(request, now, shape)
        except ApiError as error:
            reply = error.reply()
        reply.headers["X-MBX-USED-WEIGHT-1M"] = str(self.limits.used)
        return reply
