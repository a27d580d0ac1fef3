"""The parts of ``make bench`` by their names, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.bench.archive_export import archive_section
from tests.bench.beside_peers import peers_section
from tests.bench.collect import collect_section
from tests.bench.live_page import live_page_rows
from tests.bench.page import page_section
from tests.bench.relay import relay_rows
from tests.bench.report import Section
from tests.bench.server import Server
from tests.bench.sizes import Sizes
from tests.bench.streams import stream_rows
from tests.bench.zoom import zoom_rows

Part = Callable[[Path, Server, Sizes], Section]
"""Measures in a folder, with a server, so much."""


def _zoom_section(folder: Path, _server: Server, _sizes: Sizes) -> Section:
    home = folder / "zoom"
    home.mkdir()
    method = (
        "Headless Chromium (1440 x 900) on the dashboard over 4.4 million candles of "
        "1m: ten turns of the wheel from all of them to single minutes, three times; "
        "a picture is drawn when nothing changes any more, counted from the last turn."
    )
    return Section("Zooming", method, zoom_rows(home))


def _relay_section(_folder: Path, _server: Server, _sizes: Sizes) -> Section:
    method = (
        "`python stream_kline_data.py` follows the simulated exchange; headless "
        "Chromium tells when a candle has been drawn. Then a day of fifty streams in "
        "a minute, for its memory."
    )
    return Section("The relay", method, relay_rows())


def _live_section(_folder: Path, _server: Server, _sizes: Sizes) -> Section:
    method = "`/live` in headless Chromium with 20,000 candles, scrolling."
    return Section("The live page", method, live_page_rows())


def _streams_section(_folder: Path, _server: Server, _sizes: Sizes) -> Section:
    method = (
        "The relay's server, and thousands of WebSocket clients in a process of their "
        "own on the same machine; milliseconds are from the update to the client."
    )
    return Section("Thousands of live clients", method, stream_rows())


PARTS: dict[str, Part] = {
    "collect": collect_section,
    "archive": archive_section,
    "peers": peers_section,
    "page": page_section,
    "zoom": _zoom_section,
    "relay": _relay_section,
    "live": _live_section,
    "streams": _streams_section,
}
