"""Follow the market live: store what closes, and serve it to browsers and programs."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from klineboard import __version__, logs
from klineboard.errors import KlineboardError, SettingsError
from klineboard.jobs.followed import Followed
from klineboard.jobs.relay import Relay
from klineboard.jobs.show_stream import Showing, show_stream
from klineboard.live.board import Board
from klineboard.live.server import StreamServer
from klineboard.settings import Settings, unknown_keys
from klineboard.storage import embedded
from klineboard.storage.database import Database

log = logging.getLogger("klineboard.stream")

OK, FAILED, WRONG_USAGE = 0, 1, 2
# The threads that wait for the exchange or the database get so long to end.
_PATIENCE_SECONDS = 0.6


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="stream_kline_data.py",
        description="The live relay: follows Binance's streams, stores each candle "
        "that closes, fills every seam by REST, and serves candles and trades by "
        "WebSocket on STREAM_PORT. With --print or --record it shows or keeps the "
        "stream instead, and stores and serves nothing.",
        epilog="Exit code: 0 all well, 1 it failed, 2 wrong usage or settings, or the "
        "port is in use. Settings come from the environment and .env.",
    )
    parser.add_argument(
        "--print",
        dest="shows",
        action="store_true",
        help="print the stream as it comes, instead",
    )
    parser.add_argument(
        "--record",
        metavar="FILE",
        help="append the raw frames to FILE, one a line, instead (with --print: too); "
        "python -m klineboard.simulator --replay-stream FILE plays them again",
    )
    parser.add_argument(
        "--symbol",
        action="append",
        metavar="NAME[,NAME]",
        help="for --print and --record: instead of SYMBOLS; repeatable",
    )
    parser.add_argument(
        "--interval",
        action="append",
        metavar="NAME[,NAME]",
        help="for --print and --record: candles of this length (1m if not said)",
    )
    parser.add_argument(
        "--price-tag",
        choices=("o", "h", "l", "c"),
        help="for --print: only this price: open, high, low or close",
    )
    parser.add_argument(
        "--convert-time",
        action="store_true",
        help="for --print: readable times (UTC) instead of ms",
    )
    parser.add_argument(
        "--trades",
        action="store_true",
        help="for --print and --record: trades instead of candles; --interval and "
        "--price-tag say nothing then",
    )
    parser.add_argument("--quiet", action="store_true", help="only warnings and errors")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


async def relay(settings: Settings, stop: asyncio.Event) -> int:
    """Serve and follow until told to stop."""
    followed = Followed.of(settings)
    board = Board(followed.series, followed.coins)
    server = StreamServer(
        board,
        host=settings.stream_host,
        port=settings.stream_port,
        origins=settings.stream_origins,
        most_clients=settings.stream_clients,
    )
    await server.start()
    following = Relay(settings, Database(settings), followed, board)
    working = asyncio.ensure_future(following.run())
    await _first_of(working, stop)
    following.stop()
    working.cancel()
    # Beside each other: clients need not wait for a database that does not answer.
    _, outcome = await asyncio.gather(server.stop(), working, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not following.is_done() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    log.info("stopped")
    return OK


async def _first_of(working: asyncio.Future[None], stop: asyncio.Event) -> None:
    """Wait until the work ends by itself, or the order to stop comes."""
    stopping = asyncio.ensure_future(stop.wait())
    first: list[asyncio.Future[Any]] = [working, stopping]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do what the command line asks for, until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not (options.shows or options.record):
        return await relay(settings, stop)
    showing = Showing.of(options, settings)
    working = asyncio.ensure_future(show_stream(settings, showing, sys.stdout))
    await _first_of(working, stop)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return OK


def main() -> int:
    """Read arguments and settings, run, and turn the outcome into an exit code."""
    parser = arguments()
    options = parser.parse_args()
    of_streams = options.symbol or options.interval or options.trades
    of_lines = options.price_tag or options.convert_time
    if (of_streams and not (options.shows or options.record)) or (
        of_lines and not options.shows
    ):
        parser.error(
            "--symbol, --interval, --price-tag, --convert-time and --trades go with "
            "--print"
        )
    try:
        settings = Settings.load()
        logs.start(settings, "stream", quiet=options.quiet or options.shows)
        for sentence in unknown_keys():
            log.warning("%s", sentence)
        return asyncio.run(run(settings, options))
    except SettingsError as error:
        sys.stderr.write(f"stream_kline_data.py: {error}\n")
        return WRONG_USAGE
    except BrokenPipeError:
        # Whoever read the stream has seen enough of it (``--print | head``).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KlineboardError as error:
        log.error("%s", error)
        return FAILED
    except Exception:
        log.exception("the relay ended by a mistake of its own")
        return FAILED


def leave(code: int) -> None:
    """End the process now: a question to the exchange may take 15 s more.

    Nothing of it is needed, and what must be stored is stored.
    """
    leaving = threading.Thread(target=embedded.leave_all, daemon=True)
    leaving.start()
    # A server that hangs is left behind; whoever uses it next clears it away.
    leaving.join(2 * _PATIENCE_SECONDS)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
