"""The notebooks, executed against a real relay's server that is fed here."""

from __future__ import annotations

import ast
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from klineboard.live.board import Board
from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series
from klineboard.market.trade import Trade
from klineboard.settings import PROJECT_ROOT

from .browser.relay import Relay, running
from .candles import START, make_klines

NOTEBOOKS = PROJECT_ROOT / "notebooks"
PICTURE = "application/vnd.plotly.v1+json"
SERIES = Series("BTCUSDT", INTERVALS["1m"])
HISTORY = 60
# So often the feed speaks: about as often as a busy symbol.
PACE_SECONDS = 0.004

Feed = Callable[[Relay], Iterator[None]]


def trades(relay: Relay) -> Iterator[None]:
    """Tell a trade at each step; takers buy two of three."""
    for n in count(1):
        price, quantity = f"{64_000 + n % 50}.50000000", "0.01000000"
        relay.trade(Trade("BTCUSDT", n, price, quantity, START + n, n % 3 == 0))
        yield


def candles(relay: Relay) -> Iterator[None]:
    """Tell each candle four times while it is open, then close it, now and then twice.

    The second time its volume is another one, as when REST differs.
    """
    known = make_klines("1m", 20_000)
    relay.load(SERIES, known[:HISTORY])
    yield
    for n, kline in enumerate(known[HISTORY:]):
        low, high = kline.low_price, kline.high_price
        for price in (kline.open_price, low, high, kline.close_price):
            relay.update(SERIES, kline._replace(close_price=price), kline.close_time)
            yield
        relay.close(SERIES, kline, kline.close_time)
        yield
        if n % 5 == 0:
            relay.close(SERIES, kline._replace(volume="7.00000000"), kline.close_time)
            yield


@contextmanager
def fed(feed: Feed) -> Iterator[Relay]:
    """Give a live relay that something is told to all the time."""
    over = threading.Event()
    with running(lambda: Board([SERIES], {})) as relay:
        relay.set_state("live", START)
        steps = feed(relay)
        next(steps)

        def go_on() -> None:
            while not over.wait(PACE_SECONDS):
                next(steps)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield relay
        finally:
            over.set()
            thread.join()


def execute(name: str, relay: Relay, **keys: str) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom as Jupyter would; return it with outputs."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    client = NotebookClient(notebook, timeout=30, kernel_name="python3")
    address = {"STREAM_URL": f"ws://127.0.0.1:{relay.port}"}
    client.execute(env={**os.environ, **address, **keys})
    return notebook


def result(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Return what the last cell of code computed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = cells[-1].outputs[-1].data["text/plain"]
    value: dict[str, Any] = ast.literal_eval(text)
    return value


def pictures(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """Return the figures as they were drawn last."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data[PICTURE] for output in outputs if PICTURE in output.data]


def test_trades_are_read_counted_and_drawn() -> None:
    with fed(trades) as relay:
        notebook = execute("trades.ipynb", relay, UPDATES="200", SECONDS="10")
    told = result(notebook)
    assert told["updates"] == 200
    assert told["trades"] >= 200
    assert told["missed"] == 0
    assert told["bought"] == pytest.approx(2 * told["sold"], rel=0.05)
    assert 64_000 <= told["average_price"] <= 64_050
    [figure] = pictures(notebook)
    price, bought, sold = (trace["x"] for trace in figure["data"])
    assert len(price) == len(bought) + len(sold) == min(told["trades"], 1000)


def test_candles_are_read_counted_and_drawn() -> None:
    with fed(candles) as relay:
        notebook = execute("candlesticks.ipynb", relay, UPDATES="200", SECONDS="10")
    told = result(notebook)
    assert told["updates"] == 200
    assert told["open"] > told["closed"] > told["corrections"] > 0
    assert told["candles"] == HISTORY + told["closed"] + (not told["newest_is_closed"])
    assert told["holes"] == 0
    [figure] = pictures(notebook)
    closed, unfinished, volume = (trace["x"] for trace in figure["data"])
    assert len(closed) + len(unfinished) == len(volume) == HISTORY
    assert len(unfinished) == (not told["newest_is_closed"])


def test_a_silent_market_ends_the_notebook_all_the_same() -> None:
    with running(lambda: Board([SERIES], {})) as relay:
        relay.load(SERIES, make_klines("1m", HISTORY))
        notebook = execute("candlesticks.ipynb", relay, SECONDS="0.5")
    assert result(notebook)["updates"] == 0
    assert result(notebook)["candles"] == HISTORY


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.name
)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
