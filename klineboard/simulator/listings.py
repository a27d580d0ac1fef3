"""What the simulated exchange lists, and when it was out of order.

Listing dates, tick and step sizes follow Binance's; prices follow the years roughly,
so that charts look familiar. None of it is market data.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ..market.interval import DAY

UNIT = 100_000_000
"""Eight decimals, as Binance writes them: 1 is 100,000,000 units of 0.00000001."""

BLOCK_DAYS = 256
"""Days between two anchors of a price."""


def utc(text: str) -> int:
    """Return the ms since 1970 of an ISO 8601 time; without a zone it is UTC.

    Raises:
        ValueError: The text is no such time.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (moment - epoch) // dt.timedelta(milliseconds=1)


def iso(time: int) -> str:
    """Return ms since 1970 as ISO 8601 in UTC: 2024-06-01T12:00:30.000Z."""
    moment = dt.datetime.fromtimestamp(time // 1_000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time % 1_000:03d}Z"


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol of the exchange.

    Attributes:
        symbol: The exchange's name of it, for example BTCUSDT.
        base: The asset that is traded.
        quote: The asset that it is paid with.
        listed: First minute of trading (ms).
        tick: Smallest step of the price, in units of 0.00000001.
        step: Smallest step of the quantity, in units of 0.00000001; tick times step
            is a whole number of units, so that turnovers are exact.
        anchors: Prices at each ``BLOCK_DAYS``, the first one at or before ``listed``.
        turnover: Quote asset traded on an ordinary day of the later years.
        trades: Number of trades on an ordinary day of the later years.
        volatility: Standard deviation of a day's return, in millionths.
        status: TRADING, HALT or BREAK (enums.md, "Symbol status").
        delisted: First ms without trading, or None.
    """

    symbol: str
    base: str
    quote: str
    listed: int
    tick: int
    step: int
    anchors: tuple[float, ...]
    turnover: int
    trades: int
    volatility: int = 45_000
    status: str = "TRADING"
    delisted: int | None = None

    @property
    def first_block(self) -> int:
        """The block of days that holds the first day of trading."""
        return self.listed // DAY // BLOCK_DAYS

    def quote_units(self, products: int) -> int:
        """Return a quantity of the quote asset, given in ticks times steps."""
        return products * (self.tick * self.step // UNIT)


_ROWS = (
    Listing(
        "BTCUSDT", "BTC", "USDT", utc("2017-08-17T04:00"), 1_000_000, 1_000,
        (3900, 4600, 8600, 3600, 8200, 9400, 49000, 64000, 22000, 28000, 43500, 58000,
         103000, 88000), 1_600_000_000, 1_900_000, 33_000,
    ),
    Listing(
        "ETHUSDT", "ETH", "USDT", utc("2017-08-17T04:00"), 1_000_000, 10_000,
        (290, 380, 700, 117, 180, 230, 1570, 4600, 1500, 1850, 2250, 2500, 2600, 2900),
        900_000_000, 1_300_000, 42_000,
    ),
    Listing(
        "BNBUSDT", "BNB", "USDT", utc("2017-11-06T03:54"), 1_000_000, 100_000,
        (1.5, 12.8, 6.5, 15.8, 16, 245, 640, 270, 312, 265, 520, 650, 880),
        150_000_000, 420_000, 41_000,
    ),
    Listing(
        "SOLUSDT", "SOL", "USDT", utc("2020-08-11T06:00"), 1_000_000, 100_000,
        (3.2, 13, 235, 39, 20.5, 86, 131, 168, 125), 350_000_000, 900_000, 58_000,
    ),
    Listing(
        "XRPUSDT", "XRP", "USDT", utc("2018-05-04T08:11"), 10_000, 10_000_000,
        (0.85, 0.69, 0.31, 0.28, 0.19, 0.43, 1.18, 0.35, 0.5, 0.61, 0.56, 2.4, 1.9),
        220_000_000, 600_000, 48_000,
    ),
    Listing(
        "ADAUSDT", "ADA", "USDT", utc("2018-04-17T04:00"), 10_000, 10_000_000,
        (0.27, 0.25, 0.043, 0.04, 0.08, 1.22, 2.05, 0.48, 0.38, 0.6, 0.33, 0.77, 0.36),
        70_000_000, 230_000, 50_000,
    ),
    Listing(
        "DOGEUSDT", "DOGE", "USDT", utc("2019-07-05T12:00"), 1_000, 100_000_000,
        (0.0032, 0.0025, 0.0023, 0.05, 0.26, 0.064, 0.084, 0.092, 0.097, 0.22, 0.12),
        140_000_000, 480_000, 60_000,
    ),
    Listing(
        "TRXUSDT", "TRX", "USDT", utc("2018-06-11T11:30"), 10_000, 10_000_000,
        (0.055, 0.027, 0.015, 0.016, 0.05, 0.11, 0.068, 0.066, 0.104, 0.152, 0.272,
         0.3),
        60_000_000, 160_000, 40_000,
    ),
    Listing(
        "LINKUSDT", "LINK", "USDT", utc("2019-01-16T10:00"), 100_000, 1_000_000,
        (0.42, 0.45, 2.6, 4.4, 28, 34, 6.9, 7.2, 14.5, 11, 16, 12),
        60_000_000, 180_000, 52_000,
    ),
    Listing(
        "AVAXUSDT", "AVAX", "USDT", utc("2020-09-22T06:30"), 1_000_000, 1_000_000,
        (4.9, 28, 92, 23, 18, 46, 22, 24, 12), 50_000_000, 150_000, 58_000,
    ),
    Listing(
        "SHIBUSDT", "SHIB", "USDT", utc("2021-05-10T11:00"), 1, 100_000_000,
        (0.000028, 0.000053, 0.0000117, 0.0000108, 0.0000105, 0.0000136, 0.0000152,
         0.0000079), 40_000_000, 110_000, 55_000,
    ),
    Listing(
        "PEPEUSDT", "PEPE", "USDT", utc("2023-05-05T16:00"), 1, 100_000_000,
        (0.0000021, 0.0000014, 0.0000076, 0.0000134, 0.0000049),
        90_000_000, 320_000, 70_000,
    ),
    Listing(
        "ETHBTC", "ETH", "BTC", utc("2017-07-14T04:00"), 1_000, 100_000,
        (0.085, 0.083, 0.081, 0.0325, 0.022, 0.0245, 0.032, 0.0718, 0.068, 0.066,
         0.0518, 0.043, 0.0252, 0.033), 900, 110_000, 22_000,
    ),
    Listing(
        "LUNAUSDT", "LUNA", "USDT", utc("2020-08-21T10:00"), 10_000, 1_000_000,
        (0.52, 6.1, 51, 2.4), 300_000_000, 500_000, 75_000,
        "BREAK", utc("2022-05-13T01:00"),
    ),
    Listing(
        "FTTUSDT", "FTT", "USDT", utc("2019-12-20T10:00"), 10_000, 1_000_000,
        (2.1, 2.9, 33, 52, 29, 1.4, 3.2, 1.5, 0.9), 9_000_000, 60_000, 52_000, "HALT",
    ),
    Listing(
        # Binance lists symbols beyond ASCII since December 2025.
        "币安人生USDT", "币安人生", "USDT", utc("2026-01-07T14:00"), 10_000, 10_000_000,
        (0.14, 0.17, 0.12), 30_000_000, 140_000, 80_000,
    ),
)  # fmt: skip

LISTINGS: dict[str, Listing] = {listing.symbol: listing for listing in _ROWS}
"""All listings by symbol."""

_OUTAGES = (
    ("2017-09-06T16:01", "2017-09-06T23:00"),
    ("2018-02-08T00:28", "2018-02-09T09:28"),
    ("2018-06-26T02:00", "2018-06-26T12:00"),
    ("2018-11-14T02:00", "2018-11-14T09:00"),
    ("2019-05-15T03:00", "2019-05-15T13:00"),
    ("2020-02-19T11:35", "2020-02-19T17:30"),
    ("2020-12-21T13:47", "2020-12-21T18:00"),
    ("2021-04-25T04:00", "2021-04-25T08:45"),
    ("2023-03-24T12:40", "2023-03-24T14:00"),
)

OUTAGES: tuple[tuple[int, int], ...] = tuple(
    (utc(start), utc(end)) for start, end in _OUTAGES
)
"""Stretches (ms, the end is the first minute again) in which nothing was traded."""
