"""An exchange and a CoinGecko on loopback, for the demo and the tests.

::

    with Simulator(now=utc("2024-06-01T12:00:30"), speed=0) as simulator:
        simulator.url                              # where to send requests
        simulator.stream_url                       # where to follow streams
        simulator.clock.advance(60_000)            # a minute passes, at once
        simulator.faults.add(kind="reset", count=2, symbol="BTCUSDT")
        simulator.streams.faults.add(kind="silent", seconds=5)
        simulator.streams.shutdown(lead=1)         # serverShutdown, then the end
        simulator.faults.add(kind="corrupt_zip", path=file.path, count=2)
        simulator.tampering.hide(start, end, symbol="BTCUSDT")
        simulator.statistics.asked("/api/v3/klines")
        simulator.market.klines(...)               # the truth to compare with
        simulator.market.trades("BTCUSDT", second) # the trades of a second

From the inside out: ``noise`` and ``listings`` give ``days``, ``splitting`` and
``tree`` make candles of every length of them, and ``deals`` the trades of a second;
``market`` (or ``replay``) is what the exchange has, ``rest``, ``archive`` and
``coingecko`` answer for it, ``exchange`` adds limits, faults and tampering, and
``server`` is where REST meets its sockets.

The streams stand beside REST, on the same market, clock and tampering: ``feeds`` (or
``stream_recording``) tell what each stream has to say between two moments,
``publisher`` who gets it, ``subscriber`` what one connection follows and suffers
(``stream_faults``), ``stream_commands`` what clients may say, and ``stream_server`` is
where all of it meets its sockets.
"""

from .clock import BentClock
from .listings import LISTINGS, OUTAGES, Listing, utc
from .market import Market, SimulatedMarket
from .replay import RecordedMarket, read_recording
from .server import Simulator
from .stream_recording import StreamRecording, read_frames

__all__ = [
    "LISTINGS",
    "OUTAGES",
    "BentClock",
    "Listing",
    "Market",
    "RecordedMarket",
    "SimulatedMarket",
    "Simulator",
    "StreamRecording",
    "read_frames",
    "read_recording",
    "utc",
]
