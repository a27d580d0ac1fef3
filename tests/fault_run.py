"""Hundreds of simulated hours of trouble: does the relay lose, double or bend a candle?

``python -m tests.fault_run --help``; the tests run a shorter one. The exchange (the
simulator, its time bent) and the network misbehave at random but repeatably; the relay
is killed with SIGKILL, the database crashes. Afterwards the table and the files must
equal the exchange's truth.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from klineboard.errors import StorageError
from klineboard.market.interval import HOUR, INTERVALS, MINUTE
from klineboard.market.kline import Kline
from klineboard.market.series import Series
from klineboard.settings import PROJECT_ROOT, Settings
from klineboard.simulator import Simulator, utc
from klineboard.storage import embedded
from klineboard.storage.database import Database
from klineboard.storage.klines import newest_klines
from tests.candles import csv_of_table

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT")
BEGIN = utc("2024-06-01T00:00:30")
HISTORY_START = "2024-05-30"
# Faults that wait for a message of some kind or symbol.
_MOST_WAITING = 24
_MOST_TIMES_LONGER = 3

Fault = dict[str, object]

# What befalls single messages comes more often than what costs a connection.
MESSAGE_FAULTS: Sequence[Fault] = (
    *({"kind": "garbage"},) * 4,
    *({"kind": "duplicate", "closing": True},) * 3,
    *({"kind": "duplicate"},) * 2,
    *({"kind": "out_of_order"},) * 4,
    *({"kind": "skip_close"},) * 5,
    *({"kind": "wrong_close"},) * 4,
    *({"kind": "silent_stream", "seconds": 1.0},) * 2,
)
ENDINGS: Sequence[Fault] = (
    *({"kind": "drop"},) * 3,
    {"kind": "close", "code": 1001},
    {"kind": "close", "code": 1011},
    {"kind": "silent", "seconds": 3.0},
    {"kind": "silent"},
    {"kind": "shutdown", "seconds": 0.3},
    {"kind": "refuse", "status": 503},
)
"""Faults that cost a connection."""
STREAM_KINDS = {str(one["kind"]) for one in (*MESSAGE_FAULTS, *ENDINGS)}
_ENDINGS_PART = 0.3
REST_FAULTS: Sequence[Fault] = (
    *({"kind": "stale", "rows": 2},) * 4,
    {"kind": "stale", "rows": 1},
    {"kind": "status", "status": 502},
    {"kind": "reset"},
    {"kind": "html"},
    {"kind": "truncate"},
    {"kind": "short_page"},
    {"kind": "duplicate_rows"},
    {"kind": "nan"},
)


@dataclasses.dataclass
class Plan:
    """What to do to the relay.

    Attributes:
        hours: Simulated hours.
        speed: Simulated seconds a second.
        faults: How many faults at least.
        intervals: Of the candles.
        kills: How often the relay is killed with SIGKILL.
        crashes: How often the database is killed.
        with_collector: Whether ``get_kline_data.py --watch`` runs beside.
        seed: Of everything random.
    """

    hours: float = 300.0
    speed: float = 20_000.0
    faults: int = 220
    intervals: tuple[str, ...] = ("1m", "15m", "1h")
    kills: int = 3
    crashes: int = 2
    with_collector: bool = False
    seed: int = 1


QUICK = Plan(
    speed=40_000, faults=200, intervals=("5m", "15m", "1h"), kills=1, crashes=1, seed=3
)
"""For the tests: all kinds of trouble in half a minute."""


@dataclasses.dataclass
class Outcome:
    """What happened, and what is wrong afterwards (nothing, one hopes)."""

    hours: float = 0.0
    seconds: float = 0.0
    candles: int = 0
    corrections: int = 0
    faults: dict[str, int] = dataclasses.field(default_factory=dict)
    kills: int = 0
    crashes: int = 0
    viewed: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)

    @property
    def fault_count(self) -> int:
        """All faults that befell something."""
        return sum(self.faults.values())

    def assert_good(self, plan: Plan) -> None:
        """Nothing is wrong, and what the plan asks for did happen."""
        assert self.wrong == []
        assert self.fault_count >= plan.faults, self.faults
        assert self.faults.keys() >= STREAM_KINDS, self.faults
        assert (self.kills, self.crashes) == (plan.kills, plan.crashes)
        assert self.hours >= plan.hours
        an_hour = sum(HOUR // INTERVALS[name].milliseconds for name in plan.intervals)
        assert self.candles >= len(SYMBOLS) * an_hour * plan.hours * 0.99


class Viewer:
    """A client of ``/klines`` that checks the order of what it is told.

    Attributes:
        wrong: Sentences about what should not be.
        closed: How many closed candles it was told, snapshots not counted.
    """

    def __init__(self, port: int, series: Series) -> None:
        self.wrong: list[str] = []
        self.closed = 0
        self._series = series
        self._address = (
            f"ws://127.0.0.1:{port}/klines?symbol={series.symbol}"
            f"&interval={series.interval}&limit=5"
        )
        self._newest: int | None = None
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._watch(),)
        )

    def __enter__(self) -> Viewer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _watch(self) -> None:
        viewing = asyncio.ensure_future(self._view())
        await self._stop.wait()
        viewing.cancel()
        (outcome,) = await asyncio.gather(viewing, return_exceptions=True)
        if isinstance(outcome, Exception):
            # Nobody has looked on since.
            self.wrong.append(f"{self._series}: the viewer ended by {outcome!r}")

    async def _view(self) -> None:
        while True:
            try:
                async with connect(self._address, compression=None) as socket:
                    async for message in socket:
                        self._take(json.loads(message))
            except (OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(0.1)  # The relay was killed; its next one comes.

    def _take(self, message: dict[str, object]) -> None:
        if message["type"] == "snapshot":
            opens, closed = message["open_time"], message["closed"]
            assert isinstance(opens, list) and isinstance(closed, list)
            known = [o for o, done in zip(opens, closed, strict=True) if done]
            self._newest = known[-1] if known else None
        elif message["type"] == "kline":
            opened = message["open_time"]
            assert isinstance(opened, int)
            following = None
            if self._newest is not None:
                following = self._series.interval.add(self._newest)
            if following is not None and opened > following:
                self.wrong.append(f"{self._series}: {opened} after {self._newest}")
            if message["closed"]:
                self.closed += 1
                self._newest = max(opened, self._newest or 0)
            elif self._newest is not None and opened <= self._newest:
                self.wrong.append(f"{self._series}: {opened} open after it closed")


class FaultRun:
    """One run over a plan."""

    def __init__(self, plan: Plan, home: Path, say: bool = False) -> None:
        self.plan = plan
        self.series = [
            Series(symbol, INTERVALS[name])
            for symbol in SYMBOLS
            for name in plan.intervals
        ]
        self._home = home
        self._say = say
        self._random = random.Random(plan.seed)
        self._message_faults: list[Fault] = []
        self._endings: list[Fault] = []
        self._rest_faults: list[Fault] = []
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Do it all, and compare."""
        began = time.monotonic()
        simulator = Simulator(now=BEGIN, speed=0, weight_limit=10**9)
        with simulator, ExitStack() as parts:
            self._simulator = simulator
            self._environment = self._settings_for(simulator)
            self._database = Database(Settings.load(self._environment))
            parts.callback(self._database.close)
            parts.callback(embedded.leave, self._home / "postgres")
            self._database.wait()
            if self.plan.with_collector:
                parts.enter_context(self._process("get_kline_data.py", "--watch"))
            self._relay = self._start_relay()
            parts.callback(self._end_relay)
            viewers = [
                parts.enter_context(Viewer(self._port, series))
                for series in self.series[:2]
            ]
            self._wait_until_served()
            simulator.clock.set(speed=self.plan.speed)
            self._trouble()
            self._settle()
            for viewer in viewers:
                self._outcome.wrong += viewer.wrong
                self._outcome.viewed += viewer.closed
        self._outcome.seconds = time.monotonic() - began
        return self._outcome

    def _settings_for(self, simulator: Simulator) -> dict[str, str]:
        self._port = _free_port()
        values = {
            "DATA_DIR": str(self._home),
            "LOG_DIR": str(self._home / "logs"),
            "BINANCE_API_URL": simulator.url,
            "BINANCE_STREAM_URL": simulator.stream_url,
            "COINGECKO_API_URL": simulator.url,
            "SYMBOLS": ",".join(SYMBOLS),
            "INTERVALS": ",".join(self.plan.intervals),
            "HISTORY_START": HISTORY_START,
            "STREAM_COINS": "BTC",
            "STREAM_PORT": str(self._port),
            "STALL_SECONDS": "1",
            "POSTGRES_HOST": "",
            "LOG_LEVEL": "INFO",
        }
        return {**os.environ, **values}

    @contextmanager
    def _process(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        process = self._started(*command)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def _started(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._home / "output.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, PROJECT_ROOT / command[0], *command[1:]],
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def _start_relay(self) -> subprocess.Popen[bytes]:
        return self._started("stream_kline_data.py")

    def _end_relay(self) -> None:
        self._relay.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        code = self._relay.wait(30)
        took = time.monotonic() - asked
        if code != 0 or took > 5:
            self._outcome.wrong.append(
                f"the relay ended with {code} after {took:.1f} s"
            )

    def _wait_until_served(self) -> None:
        _until(lambda: self._simulator.streams.connections > 0, "the first connection")

    def _trouble(self) -> None:
        plan, clock = self.plan, self._simulator.clock
        total = plan.hours * HOUR
        blows = [self._kill_relay] * plan.kills + [self._crash_database] * plan.crashes
        self._random.shuffle(blows)
        moments = sorted(self._random.uniform(0.1, 0.85) for _ in blows)
        # On a slow machine few messages come in the time, and some faults find none.
        while (done := (clock.now() - BEGIN) / total) < 1 or (
            (self._befallen() < plan.faults or self._is_any_kind_missing())
            and done < _MOST_TIMES_LONGER
        ):
            while moments and moments[0] <= done:
                moments.pop(0)
                blows.pop()()
            wanted = plan.faults * max(done, 0.1) / 0.9
            if self._befallen() < wanted or (done > 1 and self._is_any_kind_missing()):
                self._keep_some_waiting()
            self._report(done)
            time.sleep(0.02)

    def _befallen(self) -> int:
        lists = self._simulator.streams.faults, self._simulator.faults
        return sum(sum(one.applied().values()) for one in lists)

    def _is_any_kind_missing(self) -> bool:
        came = self._simulator.streams.faults.applied().keys()
        return not came >= STREAM_KINDS

    def _keep_some_waiting(self) -> None:
        lists = self._simulator.streams.faults, self._simulator.faults
        while sum(len(one.waiting()) for one in lists) < _MOST_WAITING:
            self._throw()

    def _draw(self, deck: list[Fault], faults: Sequence[Fault]) -> Fault:
        """Take the next one of a shuffled deck, so that each has its turn."""
        if not deck:
            deck.extend(faults)
            self._random.shuffle(deck)
        return dict(deck.pop())

    def _throw(self) -> None:
        if self._random.random() < 0.75:
            waiting = {one["kind"] for one in self._simulator.streams.faults.waiting()}
            # One after the other: the relay waits longer each time.
            may_end = not waiting & {one["kind"] for one in ENDINGS}
            if may_end and self._random.random() < _ENDINGS_PART:
                fault = self._draw(self._endings, ENDINGS)
            else:
                fault = self._draw(self._message_faults, MESSAGE_FAULTS)
            if fault["kind"] not in ("refuse", "garbage"):
                fault["symbol"] = self._random.choice(SYMBOLS)
            self._simulator.streams.faults.add(**fault)
        else:
            fault = self._draw(self._rest_faults, REST_FAULTS)
            self._simulator.faults.add(path="/api/v3/klines", **fault)

    def _kill_relay(self) -> None:
        self._relay.kill()
        self._relay.wait()
        self._relay = self._start_relay()
        self._outcome.kills += 1

    def _crash_database(self) -> None:
        pid = int((self._home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        self._outcome.crashes += 1

    def _settle(self) -> None:
        """Stop the clock and the faults, and let the relay come to rest."""
        simulator = self._simulator
        simulator.clock.set(speed=0)
        simulator.streams.faults.clear()
        simulator.faults.clear()
        # By then REST is taken for settled on all that happened in trouble.
        simulator.clock.advance(3 * MINUTE)
        applied = Counter(simulator.streams.faults.applied())
        applied.update(
            {f"REST {kind}": n for kind, n in simulator.faults.applied().items()}
        )
        self._outcome.faults = dict(sorted(applied.items()))
        self._outcome.hours = (simulator.clock.now() - BEGIN) / HOUR
        simulator.streams.drop_all()
        deadline = time.monotonic() + 40
        while (wrong := self._differences()) and time.monotonic() < deadline:
            time.sleep(0.25)
        self._outcome.wrong += wrong

    def _differences(self) -> list[str]:
        try:
            wrong = [words for one in self.series for words in self._compare(one)]
            with self._database.transaction() as cursor:
                cursor.execute("SELECT count(*) FROM gaps WHERE state = 'missing'")
                missing = cursor.fetchall()[0][0]
                cursor.execute("SELECT count(*) FROM corrections")
                self._outcome.corrections = cursor.fetchall()[0][0]
                cursor.execute("SELECT count(*) FROM klines")
                self._outcome.candles = cursor.fetchall()[0][0]
        except StorageError as error:
            return [str(error)]
        return wrong + ([f"{missing} gaps are 'missing'"] if missing else [])

    def _compare(self, series: Series) -> Iterator[str]:
        with self._database.transaction() as cursor:
            stored = newest_klines(cursor, series, 10**6)
            expected = csv_of_table(cursor, series)
        truth = self._truth(series, stored)
        if stored != truth:
            yield f"{series}: {_difference(stored, truth)}"
        path = self._home / "csv" / series.file_name
        content = path.read_bytes() if path.exists() else b""
        if content != expected:
            yield f"{series}: the file is not equal to the table"

    def _truth(self, series: Series, stored: list[Kline]) -> list[Kline]:
        now = self._simulator.clock.now()
        # The relay begins with what a page can show; all before is the collector's.
        start = (
            stored[0].open_time if stored else BEGIN - 10 * series.interval.milliseconds
        )
        if self.plan.with_collector:
            start = utc(HISTORY_START)
        klines = self._simulator.market.klines(
            series.symbol, series.interval, start, now, 10**6, now
        )
        return [kline for kline in klines if kline.close_time < now]

    def _report(self, done: float) -> None:
        if self._say:
            hours = done * self.plan.hours
            sys.stderr.write(f"\r{hours:6.1f} of {self.plan.hours:.0f} hours")


def _difference(stored: list[Kline], truth: list[Kline]) -> str:
    have = {kline.open_time: kline for kline in stored}
    should = {kline.open_time: kline for kline in truth}
    lost = sorted(should.keys() - have.keys())
    extra = sorted(have.keys() - should.keys())
    bent = [t for t in sorted(have.keys() & should.keys()) if have[t] != should[t]]
    words = [
        f"{len(times)} {word} (first {times[0]})"
        for word, times in (("lost", lost), ("too many", extra), ("bent", bent))
        if times
    ]
    return ", ".join(words)


def _until(condition: object, what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Run one plan from the command line and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault_run")
    parser.add_argument("--hours", type=float, default=Plan.hours)
    parser.add_argument("--speed", type=float, default=Plan.speed)
    parser.add_argument("--faults", type=int, default=Plan.faults)
    parser.add_argument("--intervals", default=",".join(Plan.intervals))
    parser.add_argument("--kills", type=int, default=Plan.kills)
    parser.add_argument("--crashes", type=int, default=Plan.crashes)
    parser.add_argument("--collector", action="store_true")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--home", type=Path, help="keep data and logs there")
    options = parser.parse_args()
    plan = Plan(
        hours=options.hours,
        speed=options.speed,
        faults=options.faults,
        intervals=tuple(options.intervals.split(",")),
        kills=options.kills,
        crashes=options.crashes,
        with_collector=options.collector,
        seed=options.seed,
    )
    with tempfile.TemporaryDirectory(prefix="klineboard-faults-") as folder:
        outcome = FaultRun(
            plan, options.home or Path(folder), say=sys.stderr.isatty()
        ).run()
    sys.stderr.write("\n")
    for name, value in dataclasses.asdict(outcome).items():
        sys.stdout.write(f"{name}: {value}\n")
    sys.stdout.write(f"faults in all: {outcome.fault_count}\n")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
