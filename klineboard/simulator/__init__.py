"""An exchange and a CoinGecko on loopback, for the demo and the tests.

::

    with Simulator(now=utc("2024-06-01T12:00:30"), speed=0) as simulator:
        simulator.url                              # where to send requests
        simulator.clock.advance(60_000)            # a minute passes, at once
        simulator.faults.add(kind="reset", count=2, symbol="BTCUSDT")
        simulator.tampering.hide(start, end, symbol="BTCUSDT")
        simulator.statistics.asked("/api/v3/klines")
        simulator.market.klines(...)               # the truth to compare with

From the inside out: ``noise`` and ``listings`` give ``days``, ``splitting`` and
``tree`` make candles of every length of them, ``market`` (or ``replay``) is what the
exchange has, ``rest`` and ``coingecko`` answer for it, ``exchange`` adds limits, faults
and tampering, and ``server`` is the only module that knows a socket. Streams can stand
beside ``rest``, on the same market and clock.
"""

from .clock import BentClock
from .listings import LISTINGS, OUTAGES, Listing, utc
from .market import Market, SimulatedMarket
from .replay import RecordedMarket, read_recording
from .server import Simulator

__all__ = [
    "LISTINGS",
    "OUTAGES",
    "BentClock",
    "Listing",
    "Market",
    "RecordedMarket",
    "SimulatedMarket",
    "Simulator",
    "read_recording",
    "utc",
]
