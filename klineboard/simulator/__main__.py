"""``python -m klineboard.simulator``: serve the simulated exchange."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from itertools import chain
from pathlib import Path
from types import FrameType

from ..market.interval import INTERVALS
from .control import time_of
from .faults import KINDS as FAULT_KINDS
from .faults import Fault
from .listings import iso
from .replay import RecordedMarket, read_recording
from .server import Simulator
from .stream_faults import KINDS, StreamFault
from .stream_recording import StreamRecording, read_frames


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal ends the process; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        recorded = _recorded(options)
        streams = StreamRecording(chain(*map(read_frames, options.replay_stream)))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    now = options.now
    if now is None:
        now = streams.begin or (recorded and recorded.end)
    try:
        simulator = Simulator(
            market=recorded,
            now=now,
            speed=options.speed,
            weight_limit=options.weight_limit,
            weight_window=options.weight_window,
            ban_seconds=options.ban_seconds,
            latency=options.latency_ms / 1_000,
            origin=options.origin,
            host=options.host,
            port=options.port,
            stream_port=_stream_port(options),
            recording=streams,
        )
    except OSError as error:
        ports = f"{options.port} and {_stream_port(options)}"
        sys.stderr.write(f"cannot listen on {options.host}, ports {ports}: {error}\n")
        return 2
    for fault in options.fault:
        simulator.faults.add(fault)
    for stream_fault in options.stream_fault:
        simulator.streams.faults.add(stream_fault)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    sys.stdout.write(
        f"simulated market at {simulator.url}, now {iso(simulator.clock.now())}\n"
        f"simulated streams at {simulator.stream_url}\n"
    )
    sys.stdout.flush()
    simulator.serve()
    return 0


def _recorded(options: argparse.Namespace) -> RecordedMarket | None:
    """Read the recordings that were named, if any."""
    if not options.replay:
        return None
    return RecordedMarket(
        read_recording(path, options.replay_symbol, options.replay_interval)
        for path in options.replay
    )


def _stream_port(options: argparse.Namespace) -> int:
    """Return the port that was asked for, or the one after that of REST."""
    if options.stream_port is not None:
        return int(options.stream_port)
    return options.port + 1 if options.port else 0


def _end(number: int, frame: FrameType | None) -> None:
    # Nothing is worth keeping, and threads in the middle of a hang must not delay it.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m klineboard.simulator",
        description="A simulated Binance (REST and streams) and CoinGecko on loopback.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address (%(default)s)")
    parser.add_argument("--port", type=int, default=8900, help="0: any (%(default)s)")
    parser.add_argument(
        "--stream-port",
        type=int,
        metavar="PORT",
        help="of the streams; 0: any (the one after --port: 8901)",
    )
    parser.add_argument(
        "--replay",
        type=Path,
        action="append",
        metavar="FILE",
        help="serve recorded klines (CSV, .gz too) named like BTCUSDT-1h-2024.csv; "
        "again for more",
    )
    parser.add_argument(
        "--replay-stream",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="tell recorded frames (one a line, .gz too) on their own streams, each at "
        "the time that it says; again for more",
    )
    parser.add_argument("--replay-symbol", help="symbol of --replay (from its name)")
    parser.add_argument(
        "--replay-interval",
        choices=list(INTERVALS),
        help="interval of --replay (from its name)",
    )
    parser.add_argument(
        "--now",
        type=time_of,
        metavar="TIME",
        help="time to begin with, ISO 8601 in UTC or ms (the real time; "
        "with --replay just after the last candle, with --replay-stream just before "
        "the first frame)",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="of time; 0 freezes it (%(default)s)"
    )
    parser.add_argument(
        "--latency-ms", type=float, default=0, help="delay of each answer (%(default)s)"
    )
    parser.add_argument(
        "--origin",
        default="simulated",
        help="value of X-Market-Origin; '' for no header (%(default)s)",
    )
    parser.add_argument(
        "--weight-limit", type=int, default=6_000, help="a minute (%(default)s)"
    )
    parser.add_argument(
        "--weight-window",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="length of that minute (%(default)s)",
    )
    parser.add_argument(
        "--ban-seconds", type=float, default=120.0, help="of a 418 (%(default)s)"
    )
    parser.add_argument(
        "--fault",
        type=Fault.parse,
        action="append",
        default=[],
        metavar="FAULT",
        help="like status=429,retry_after=2,count=3 or reset,symbol=BTCUSDT; again for "
        f"more. Kinds: {', '.join(FAULT_KINDS)}",
    )
    parser.add_argument(
        "--stream-fault",
        type=StreamFault.parse,
        action="append",
        default=[],
        metavar="FAULT",
        help="like drop,skip=100 or silent,seconds=60,symbol=BTCUSDT; again for more. "
        f"Kinds: {', '.join(KINDS)}",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
