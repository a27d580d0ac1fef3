"""An exchange that costs next to nothing, so that collectors are what is measured.

Binance's REST shape over histories that were rendered at the start: an answer is a
slice of memory, sent a settable time after its request, while others are served. The
weight of a minute is counted as Binance does it. It also serves the files of an
archive from a folder. ``python -m tests.bench.exchange --help``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from klineboard.market.interval import INTERVALS, MINUTE
from klineboard.simulator.limits import WeightLimits
from klineboard.simulator.messages import ApiError, Request
from tests.bench.archive import build_archive
from tests.bench.exchange_info import exchange_info
from tests.bench.exchange_server import Answer, serving
from tests.bench.history import History

MOST_ROWS = 1_000
_DEFAULT_ROWS = 500
_WEIGHTS = {"/api/v3/klines": 2, "/api/v3/exchangeInfo": 20}
# Candles that open while the exchange runs.
_FUTURE = 24 * 60 * MINUTE


class Exchange:
    """Answers requests, and counts them."""

    def __init__(
        self,
        histories: dict[tuple[str, str], History],
        limit: int,
        archive: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Serve these series.

        Args:
            histories: By symbol and interval.
            limit: Request weight a minute.
            archive: The folder that holds ``data/spot/...``.
            clock: Seconds since 1970; the exchange's time, and that of its minutes.
        """
        self._histories = histories
        self._symbols = sorted({symbol for symbol, _ in histories})
        self._clock = clock
        self._limits = WeightLimits(clock, limit)
        self._archive = archive
        self._forget()

    def answer(self, request: Request) -> Answer:
        """Answer any request."""
        if request.path.startswith("/bench/"):
            return self._command(request)
        if request.path.startswith("/data/"):
            return self._file(request.path)
        if not request.path.startswith("/api/"):
            return Answer((b"{}",), 404)
        try:
            used = self._spend(_WEIGHTS.get(request.path, 1))
            answer = self._market_data(request, self._now())
        except ApiError as error:
            reply = error.reply()
            self._refused[reply.status] = self._refused.get(reply.status, 0) + 1
            return Answer((reply.body,), reply.status, reply.headers)
        answer.headers["X-MBX-USED-WEIGHT"] = str(used)
        answer.headers["X-MBX-USED-WEIGHT-1M"] = str(used)
        return answer

    def _spend(self, weight: int) -> int:
        self._requests += 1
        now = self._now()
        used = self._limits.spend(weight, now)
        self._served.append(now)
        minute = now // MINUTE * MINUTE
        self._weights[minute] = self._weights.get(minute, 0) + weight
        return used

    def _market_data(self, request: Request, now: int) -> Answer:
        match request.path:
            case "/api/v3/ping":
                return _json({})
            case "/api/v3/time":
                return _json({"serverTime": now})
            case "/api/v3/exchangeInfo":
                return self._info(request, now)
            case "/api/v3/klines":
                return self._klines(request, now)
            case _:
                raise ApiError(-1000, f"no such path: {request.path}", 404)

    def _info(self, request: Request, now: int) -> Answer:
        chosen = self._symbols
        if (one := request.parameter("symbol")) is not None:
            chosen = [one]
        elif (several := request.parameter("symbols")) is not None:
            chosen = list(json.loads(several))
        if not set(chosen) <= set(self._symbols):
            raise ApiError(-1121, "Invalid symbol.")
        return _json(exchange_info(chosen, self._limits.limit, now))

    def _klines(self, request: Request, now: int) -> Answer:
        symbol, interval = request.parameter("symbol"), request.parameter("interval")
        history = self._histories.get((symbol or "", interval or ""))
        if symbol not in self._symbols:
            raise ApiError(-1121, "Invalid symbol.")
        if history is None:
            raise ApiError(-1120, "Invalid interval.")
        start, end = _number(request, "startTime"), _number(request, "endTime")
        limit = min(_number(request, "limit") or _DEFAULT_ROWS, MOST_ROWS)
        return Answer((b"[", history.slice(start, end, limit, now), b"]"))

    def _file(self, path: str) -> Answer:
        # Files of an archive cost no weight.
        self._files += 1
        root = (self._archive or Path("/nonexistent")).resolve()
        file = (root / path.lstrip("/")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            body = b"<Error><Code>NoSuchKey</Code></Error>"
            return Answer((body,), 404, content_type="application/xml")
        kind = "application/zip" if file.suffix == ".zip" else "binary/octet-stream"
        return Answer((file.read_bytes(),), content_type=kind)

    def _command(self, request: Request) -> Answer:
        if request.path == "/bench/reset":
            limit = _number(request, "limit")
            self._limits.set(limit=limit, used=0)
            self._forget()
        elif request.path != "/bench/statistics":
            return Answer((b"",), 404)
        return _json(self.statistics())

    def statistics(self) -> dict[str, Any]:
        """Return what was asked since the start or the last ``/bench/reset``.

        ``weights`` is a list of a minute (ms) and the weight used in it;
        ``middle_per_second`` counts the requests that were let through between the
        first quarter of all and the last one.
        """
        return {
            "requests": self._requests,
            "files": self._files,
            "429": self._refused.get(429, 0),
            "418": self._refused.get(418, 0),
            "limit": self._limits.limit,
            "weights": sorted(self._weights.items()),
            "middle_per_second": _in_the_middle(self._served),
            "cpu_seconds": time.process_time() - self._cpu_before,
        }

    def _now(self) -> int:
        return int(self._clock() * 1_000)

    def _forget(self) -> None:
        self._requests = 0
        self._files = 0
        self._refused: dict[int, int] = {}
        self._served: list[int] = []
        self._weights: dict[int, int] = {}
        self._cpu_before = time.process_time()


def _in_the_middle(served: list[int]) -> float:
    quarter = len(served) // 4
    if quarter == 0:
        return 0.0
    took = served[-quarter - 1] - served[quarter]
    return (len(served) - 2 * quarter - 1) / max(took, 1) * 1_000


def _json(value: Any) -> Answer:
    return Answer((json.dumps(value, separators=(",", ":")).encode(),))


def _number(request: Request, name: str) -> int | None:
    text = request.parameter(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ApiError(-1100, f"Illegal characters found in parameter '{name}'.")
    return int(text)


def render_all(
    symbols: list[str], intervals: list[str], candles: int, now: int
) -> dict[tuple[str, str], History]:
    """Make a history of every series.

    Args:
        symbols: Each has all intervals.
        intervals: Names of them, each of a fixed length up to a day.
        candles: How many candles of the shortest interval have closed at ``now``; the
            others cover the same time.
        now: The exchange's time, ms.
    """
    steps = {name: INTERVALS[name].milliseconds for name in intervals}
    span = candles * min(steps.values())
    histories = {}
    for symbol, (name, step) in itertools.product(symbols, steps.items()):
        past = span // step
        first = now // step * step - past * step
        histories[symbol, name] = History.render(
            symbol, INTERVALS[name], first, past + _FUTURE // step + 1
        )
    return histories


async def _run(options: argparse.Namespace) -> None:
    symbols, intervals = options.symbols.split(","), options.intervals.split(",")
    now = int(time.time() * 1_000)
    histories = render_all(symbols, intervals, options.candles, now)
    if options.archive:
        build_archive(options.archive, histories, now)
    exchange = Exchange(histories, options.limit, options.archive)
    latency = options.latency_ms / 1_000
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with serving(exchange, options.port, latency, compress=options.gzip):
        await ended.wait()


def main() -> None:
    """Read the command line and serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exchange")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--symbols", default="BTCUSDT", help="comma separated")
    parser.add_argument("--intervals", default="1m", help="comma separated")
    parser.add_argument(
        "--candles",
        type=int,
        default=500_000,
        help="closed candles of the shortest interval; the newest closed just now",
    )
    parser.add_argument("--limit", type=int, default=6_000, help="weight a minute")
    parser.add_argument("--latency-ms", type=float, default=60.0)
    parser.add_argument("--archive", type=Path, help="build files here and serve them")
    parser.add_argument("--gzip", action="store_true", help="compress when asked")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
