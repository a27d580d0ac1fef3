"""Binance's public market data by REST.

Source of the rules: Binance Spot API documentation, "General API Information",
"Market Data endpoints", "Error codes". No key is needed for any of it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests

from .. import __version__
from ..errors import (
    ExchangeError,
    ExchangeUnavailable,
    InvalidAnswer,
    RateLimited,
    SeriesRejected,
)
from ..market.interval import Interval
from ..market.kline import Page, check_page
from .binance_answers import (
    SymbolInfo,
    failure_of,
    parse_info,
    parse_time,
    used_weight,
)
from .complaints import Complaints
from .reasons import reason_of
from .request_budget import DEFAULT_SHARE, Ledger, RequestBudget
from .silence import Silence, backoff

log = logging.getLogger(__name__)

PAGE_ROWS = 1000
"""The most klines that one request may bring."""

ORIGIN_HEADER = "X-Market-Origin"
"""A server that is no real exchange says in this header what it is."""

_KLINES_WEIGHT = 2
_INFO_WEIGHT = 20
# Binance gives up after 10 s by itself; a shorter time-out would ask again too early.
_TIMEOUT_SECONDS = (5.0, 15.0)
_LONGEST_ANSWER_SECONDS = 60.0
_LARGEST_ANSWER = 64 << 20

_T = TypeVar("_T")


class RequestCount:
    """Counts the requests of one series; safe to share between threads."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._count = 0
        self._mutex = threading.Lock()

    def add(self) -> None:
        """Count one request."""
        with self._mutex:
            self._count += 1

    @property
    def value(self) -> int:
        """Requests so far, repeated ones included."""
        return self._count


class BinanceRest:
    """Asks one host, patiently and within its limits. Safe to share between threads.

    Network errors, time-outs, 5xx answers and answers that make no sense are asked
    again with growing, jittered pauses. 429 and 418 silence all threads.
    """

    def __init__(
        self,
        base_url: str,
        *,
        wait: Callable[[float], object] = time.sleep,
        on_silence: Callable[[RateLimited], object] | None = None,
        attempts: int = 5,
        first_backoff: float = 0.5,
        timeout: tuple[float, float] = _TIMEOUT_SECONDS,
        ledger: Ledger | None = None,
        share: float = DEFAULT_SHARE,
    ) -> None:
        """Keep the address; nothing is asked yet.

        Args:
            base_url: For example ``https://data-api.binance.vision``.
            wait: Called with seconds before a repetition; may raise to end the run.
            on_silence: Told of each 429 and 418, so that later runs can know.
            attempts: How often one request is sent in all.
            first_backoff: Mean seconds before the second attempt; doubled each time.
            timeout: Seconds to connect, and between two pieces of an answer.
            ledger: Where programs that share an address take their weight from.
            share: How much of the exchange's limit may be spent.
        """
        self._base_url = base_url
        self._wait = wait
        self._on_silence = on_silence or (lambda silence: None)
        self._silence = Silence()
        self._complaints = Complaints(log)
        self._attempts = attempts
        self._first_backoff = first_backoff
        self._timeout = timeout
        self._clock_ahead = 0.0
        self._sessions = threading.local()
        self._declared_origin: str | None = None
        self.budget = RequestBudget(
            clock=lambda: time.time() + self._clock_ahead,
            wait=wait,
            ledger=ledger,
            share=share,
        )

    @property
    def host(self) -> str:
        """The host's name, without port."""
        return host_of(self._base_url)

    @property
    def origin(self) -> str:
        """Which exchange answers; ask after the first answer.

        'binance' for every host of binance.com and binance.vision, else what the
        server says of itself (the simulator says 'simulated'), else the host's name.
        """
        if self.host.endswith((".binance.com", ".binance.vision")):
            return "binance"
        return self._declared_origin or self.host

    def keep_silent(self, seconds: float) -> None:
        """Ask nothing for that long; an earlier run was told so."""
        self._silence.resume(seconds)

    def server_time(self, attempts: int | None = None) -> int:
        """Return the exchange's clock (ms), by which candles are closed or not.

        Args:
            attempts: How often to ask at most, if not as often as for the rest.
        """

        def parse(body: Any) -> int:
            now = parse_time(body)
            # Behind by the answer's way to us: a minute begins late rather than early.
            self._clock_ahead = now / 1000 - time.time()
            return now

        return self._get("/api/v3/time", {}, 1, parse, attempts=attempts)

    def exchange_info(self, symbols: Sequence[str]) -> dict[str, SymbolInfo]:
        """Learn the request limits, and return what is known of ``symbols``.

        Where one of them does not exist, all symbols of the exchange are returned, so
        that near names can be offered.
        """
        names = json.dumps(list(symbols), ensure_ascii=False, separators=(",", ":"))
        path = "/api/v3/exchangeInfo"
        try:
            info = self._get(path, {"symbols": names}, _INFO_WEIGHT, parse_info)
        except SeriesRejected:
            info = self._get(path, {}, _INFO_WEIGHT, parse_info)
        limit, known = info
        if limit is not None:
            self.budget.learn_limit(limit)
        return known

    def klines(
        self,
        symbol: str,
        interval: Interval,
        start: int,
        end: int,
        count: RequestCount | None = None,
    ) -> Page:
        """Return the oldest candles (up to 1,000) that open from ``start`` to ``end``.

        Args:
            symbol: For example ``BTCUSDT``.
            interval: Its candles' interval.
            start: First open time, ms, included.
            end: Last open time, ms, included.
            count: Counts each request that is sent.

        Returns:
            A checked page. Rows that fail the check in every attempt are named in
            ``rejected`` and left out; the candle that is still open may be the last.

        Raises:
            ExchangeError: See :mod:`klineboard.errors` for what to do about each kind.
        """
        # A candle cut short by an outage may last exactly as long as another
        # interval's. What two answers in a row say is true.
        page = self._klines(symbol, interval, start, end, count)
        for _ in range(self._attempts):
            if not page.doubtful:
                return page
            again = self._klines(symbol, interval, start, end, count)
            if again.doubtful == page.doubtful:
                return again
            page = again
        raise InvalidAnswer(
            f"{symbol} {interval}: the candle of {page.doubtful[0].open_time} lasts as "
            "long as another interval's, in some answers and not in others"
        )

    def _klines(
        self,
        symbol: str,
        interval: Interval,
        start: int,
        end: int,
        count: RequestCount | None,
    ) -> Page:
        parameters = {
            "symbol": symbol,
            "interval": interval.name,
            "startTime": start,
            "endTime": end,
            "limit": PAGE_ROWS,
        }

        def parse(body: Any) -> Page:
            page = check_page(body, interval, start, end)
            if page.rejected:
                raise _UnsoundRows(page)
            return page

        try:
            return self._get("/api/v3/klines", parameters, _KLINES_WEIGHT, parse, count)
        except _UnsoundRows as unsound:
            return unsound.page

    def _get(
        self,
        path: str,
        parameters: Mapping[str, object],
        weight: int,
        parse: Callable[[Any], _T],
        count: RequestCount | None = None,
        attempts: int | None = None,
    ) -> _T:
        attempts = attempts or self._attempts
        for attempt in range(1, attempts + 1):
            self._silence.keep(self._wait)
            try:
                return parse(self._send(path, parameters, weight, count))
            except RateLimited as limited:
                self._silence.begin(limited)
                self._on_silence(limited)
                failure: ExchangeError = limited
            except (ExchangeUnavailable, InvalidAnswer) as error:
                failure = error
                if attempt < attempts:
                    seconds = backoff(attempt, self._first_backoff)
                    self._complaints.note("asked again", error)
                    self._wait(seconds)
        raise failure

    def _send(
        self,
        path: str,
        parameters: Mapping[str, object],
        weight: int,
        count: RequestCount | None,
    ) -> Any:
        minute = self.budget.acquire(weight)
        used: int | None = None
        try:
            if count is not None:
                count.add()
            response, body = self._read(path, parameters)
            used = used_weight(response.headers)
        except requests.RequestException as error:
            raise ExchangeUnavailable(
                f"{self.host} not reached: {reason_of(error)}"
            ) from error
        finally:
            self.budget.release(weight, used, minute)
        self._declared_origin = response.headers.get(ORIGIN_HEADER)
        failure = failure_of(response.status_code, response.headers, body, self.host)
        if failure is not None:
            raise failure
        try:
            return json.loads(body)
        except ValueError as error:
            raise InvalidAnswer(
                f"{self.host} answered {path} with something that is no JSON: "
                f"{body[:60]!r}"
            ) from error

    def _read(
        self, path: str, parameters: Mapping[str, object]
    ) -> tuple[requests.Response, bytes]:
        """Read one answer whole, but no endless one."""
        # The values are str and int; requests' type knows no Mapping of object.
        query: dict[str, Any] = dict(parameters)
        deadline = time.monotonic() + _LONGEST_ANSWER_SECONDS
        with self._session().get(
            f"{self._base_url}{path}", params=query, timeout=self._timeout, stream=True
        ) as response:
            body = bytearray()
            for piece in response.iter_content(1 << 20):
                body += piece
                if len(body) > _LARGEST_ANSWER or time.monotonic() > deadline:
                    raise requests.ConnectionError("the answer does not end")
            return response, bytes(body)

    def _session(self) -> requests.Session:
        # requests does not promise that a session may be shared between threads.
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
            session.headers["User-Agent"] = f"klineboard/{__version__}"
        return session


def host_of(url: str) -> str:
    """Return the name of a URL's host, without its port."""
    return urlsplit(url).hostname or ""


class _UnsoundRows(InvalidAnswer):
    """Some rows broke a rule; the others are sound."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.rejected[0])
        self.page = page
