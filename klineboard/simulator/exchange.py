"""The simulated providers as one function from request to reply, free of sockets."""

from __future__ import annotations

from typing import Any

from ..market.interval import Interval
from ..market.kline import Kline
from .archive import KINDS, Archive
from .clock import BentClock
from .coingecko import CoinGecko
from .control import PREFIX, Control
from .fault_list import FaultList
from .faults import Fault
from .feeds import Feed, KlineFeed, TradeFeed
from .limits import WeightLimits
from .market import Market, SimulatedMarket
from .messages import ApiError, Reply, Request
from .rest import BinanceRest, row_of
from .statistics import Statistics
from .stream_names import parse_stream
from .stream_recording import StreamRecording
from .tampering import TamperedMarket, Tampering

ORIGIN_HEADER = "X-Market-Origin"

_FOREVER = 1 << 60


class Exchange:
    """Binance's REST, CoinGecko and the simulator's own endpoints, put together.

    Attributes:
        market: Where candles come from.
        clock: The exchange's time.
        limits: Request weight, 429 and 418.
        faults: Faults that wait for their requests.
        tampering: Hidden and corrected candles.
        archive: Its files of whole months and days.
        statistics: Counts of requests and answers.
        origin: What each answer says in ``X-Market-Origin``; empty for no header.
        control: The endpoints under ``/simulator/``.
    """

    def __init__(
        self,
        market: Market | None = None,
        clock: BentClock | None = None,
        limits: WeightLimits | None = None,
        origin: str = "simulated",
        recording: StreamRecording | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            market: Default: the simulated market.
            clock: Default: the real time.
            limits: Default: Binance's.
            origin: What each answer says in ``X-Market-Origin``; empty for no header.
            recording: Streams that say what was recorded instead of what is simulated.
        """
        self.market = market or SimulatedMarket()
        self.clock = clock or BentClock()
        self.limits = limits or WeightLimits(self.clock.seconds)
        self.faults = FaultList(Fault.of)
        self.tampering = Tampering()
        self.statistics = Statistics()
        self.origin = origin
        self._recording = recording or StreamRecording(())
        self._answered = TamperedMarket(self.market, self.tampering)
        self.archive = Archive(self._answered, self.tampering)
        self._binance = BinanceRest(self._answered, lambda: self.limits.limit)
        # Recorded candles know few coins; the ranking is simulated then too.
        simulated = isinstance(self.market, SimulatedMarket)
        self._coingecko = CoinGecko(self.market if simulated else SimulatedMarket())
        self.control = Control(
            self.clock, self.faults, self.tampering, self.limits, self.statistics
        )

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith(PREFIX):
            reply = self.control.answer(request)
        else:
            reply = self._provider(request)
            self.statistics.count(request.path, reply.status, self.limits.used)
        if self.origin:
            reply.headers[ORIGIN_HEADER] = self.origin
        return reply

    def feed(self, name: str) -> Feed | None:
        """Return the source of a stream, or None if it has nothing to say."""
        recorded = self._recording.feed(name)
        if recorded is not None:
            return recorded
        symbols = {listing.symbol for listing in self.market.listings(_FOREVER)}
        stream = parse_stream(name, symbols)
        if stream is None:
            return None
        if stream.event == "kline":
            return KlineFeed(stream, self._answered, self.market, self._first_id)
        if isinstance(self.market, SimulatedMarket):
            return TradeFeed(stream, self.market)
        return None

    def _first_id(self, symbol: str, time: int) -> int:
        # Recorded candles do not tell which trades they were made of.
        if isinstance(self.market, SimulatedMarket):
            return 1 + self.market.trades_before(symbol, time)
        return 1

    def _provider(self, request: Request) -> Reply:
        if request.method != "GET":
            return Reply.of({"error": "expected GET"}, 405)
        fault = self.faults.take(lambda one: one.matches(request))
        replaced = fault.replace() if fault else None
        if replaced is not None:
            return replaced
        if self._binance.knows(request.path):
            reply = self._from_binance(request, fault)
        elif self.archive.knows(request.path):
            kind = fault.kind if fault and fault.kind in KINDS else ""
            reply = self.archive.answer(request.path, self.clock.now(), kind)
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
