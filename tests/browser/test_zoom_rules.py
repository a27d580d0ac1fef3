"""Which candles suit a window, which answer shows it, and how candles are folded."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE

from .board import Board

pytestmark = pytest.mark.browser

Ask = Callable[..., Any]
"""Calls a function of a module: its name, the function's, and what it is given."""

YEAR = 365 * DAY
END = 20_000 * DAY
ALL = {"start": END - 8 * YEAR, "end": END}
NAMES = list(INTERVALS)[1:]
SCALE = {"intervals": NAMES, "bounds": ALL, "pixels": 900}


@pytest.fixture(scope="module")
def page(board: Board, context: BrowserContext) -> Iterator[Page]:
    """A page that does nothing by itself."""
    page = context.new_page()
    page.goto(f"{board.url}/static/zoom.js")
    yield page
    page.close()


@pytest.fixture(scope="module")
def ask(page: Page) -> Ask:
    """Call the page's modules in a browser."""

    def call(module: str, function: str, *values: object) -> Any:
        return page.evaluate(
            "async ([module, name, values]) =>"
            " (await import(`/static/${module}.js`))[name](...values)",
            [module, function, list(values)],
        )

    return call


def last(length: int) -> dict[str, int]:
    """Return the window of this length (ms) that ends with the newest candle."""
    return {"start": END - length, "end": END}


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (8 * YEAR, "1M"),
        (3 * YEAR, "3d"),
        (YEAR, "1d"),
        (30 * DAY, "2h"),
        (DAY, "5m"),
        (HOUR, "1m"),
        (8 * MINUTE, "1m"),
    ],
)
def test_finest_interval_whose_candles_are_wide_enough(
    ask: Ask, length: int, expected: str
) -> None:
    assert ask("zoom", "intervalFor", last(length), SCALE) == expected


def test_zooming_in_never_makes_a_picture_coarser(ask: Ask) -> None:
    for shown, length in itertools.product(("3d", "1h", "1m"), (YEAR, DAY, HOUR)):
        now = {"shown": shown, "closer": True}
        found = ask("zoom", "intervalFor", last(length), SCALE, now)
        fits = length / INTERVALS[shown].milliseconds <= 990
        if fits:
            assert INTERVALS[found].milliseconds <= INTERVALS[shown].milliseconds


@pytest.mark.parametrize(
    ("length", "expected"),
    [(900 * DAY, "1d"), (8 * DAY, "1d"), (4 * DAY, "15m"), (3 * YEAR, "3d")],
)
def test_chosen_interval_stays_as_long_as_it_can_be_shown(
    ask: Ask, length: int, expected: str
) -> None:
    found = ask("zoom", "intervalFor", last(length), SCALE, {"chosen": "1d"})
    assert found == expected


def test_minutes_since_yesterday_do_not_show_last_year(ask: Ask) -> None:
    extents = [
        {"interval": "1d", **ALL},
        {"interval": "1m", "start": END - DAY, "end": END},
    ]
    scale = {**SCALE, "extents": extents}
    old = {"start": END - YEAR, "end": END - YEAR + 2 * DAY}
    assert ask("zoom", "intervalFor", old, scale) == "1d"
    assert ask("zoom", "intervalFor", last(HOUR), scale) == "1m"


@pytest.mark.parametrize("length", [HOUR, 10 * DAY, 3 * YEAR])
def test_question_has_at_most_1000_candles_and_holds_the_window(
    ask: Ask, length: int
) -> None:
    window = last(length)
    interval = ask("zoom", "intervalFor", window, SCALE)
    span = ask("zoom", "spanAround", window, interval)
    assert span["start"] <= window["start"] and span["end"] >= window["end"]
    assert (span["end"] - span["start"]) / INTERVALS[interval].milliseconds <= 1000


@pytest.mark.parametrize(
    "wish",
    [(-90 * YEAR, -89 * YEAR), (END + YEAR, END + 2 * YEAR), (-9 * YEAR, 99 * YEAR)],
)
def test_window_stays_near_the_candles(ask: Ask, wish: tuple[int, int]) -> None:
    start, end = wish
    found = ask("zoom", "withinBounds", {"start": start, "end": end}, ALL, HOUR)
    length = found["end"] - found["start"]
    assert length <= 1.2 * 8 * YEAR
    shown = min(found["end"], END) - max(found["start"], ALL["start"])
    assert shown >= 0.75 * length


# Keeps answers named by their number, the first the oldest, and asks for the best.
BEST = """async ([entries, interval, start, end, limit]) => {
  const { Spans } = await import("/static/zoom.js");
  const spans = new Spans(limit);
  entries.forEach(([interval, start, end], body) => {
    spans.keep({ symbol: "BTCUSDT", interval, span: { start, end }, body });
  });
  return spans.best("BTCUSDT", { start, end }, interval)?.body ?? null;
}"""


@pytest.mark.parametrize(
    ("entries", "best"),
    [
        ([("1h", 0, 100), ("1d", 0, 1000)], 1),
        ([("1h", 0, 1000), ("1d", 0, 1000)], 0),
        ([("3d", 0, 1000), ("4h", 0, 1000), ("1M", 0, 1000)], 1),
        ([("1h", 0, 90), ("1h", 0, 140)], 1),
        ([("1h", 0, 900), ("1h", 0, 901)], 1),
        ([("1h", 700, 900)], None),
    ],
    ids=["whole", "interval", "nearest", "most", "newest", "nothing"],
)
def test_best_answer_covers_the_window_and_has_its_interval(
    page: Page, entries: list[tuple[str, int, int]], best: int | None
) -> None:
    assert page.evaluate(BEST, [entries, "1h", 50, 150, 9]) == best


def test_only_the_last_answers_are_kept(page: Page) -> None:
    entries = [("1h", 0, 900), ("4h", 0, 900), ("1d", 0, 900)]
    assert page.evaluate(BEST, [entries, "1h", 50, 150, 2]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_buckets_are_those_of_the_exchange(ask: Ask, name: str) -> None:
    interval = INTERVALS[name]
    for moment in (
        dt.datetime(2024, 2, 29, 23, 59, 59, tzinfo=dt.UTC),
        dt.datetime(2023, 12, 31, 0, 0, tzinfo=dt.UTC),
        dt.datetime(2017, 8, 17, 4, 28, 14, tzinfo=dt.UTC),
    ):
        time = int(moment.timestamp() * 1000)
        opening = interval.floor(time)
        assert ask("buckets", "openingOf", time, name) == opening
        assert ask("buckets", "nextOpening", opening, name) == interval.add(opening)


def test_candles_are_folded_exactly(ask: Ask) -> None:
    parts = [
        {
            "time": n * MINUTE,
            "closeTime": (n + 1) * MINUTE - 1,
            "open": 10 + n,
            "high": 15 + n % 3,
            "low": 5 - n % 3,
            "close": 11 + n,
            "volume": 0.1,
            "quoteVolume": 0.2,
            "trades": 3,
            "takerVolume": 0.3,
            "closed": n < 2,
        }
        for n in range(3)
    ]
    assert ask("buckets", "folded", 0, "3m", parts) == {
        "time": 0,
        "closeTime": 3 * MINUTE - 1,
        "open": 10,
        "high": 17,
        "low": 3,
        "close": 13,
        "volume": 0.3,
        "quoteVolume": 0.6,
        "trades": 9,
        "takerVolume": 0.9,
        "closed": False,
    }


def a_minute(number: int, close: float) -> dict[str, Any]:
    """Return a minute of the relay."""
    opened = number * MINUTE
    return {
        "time": opened,
        "closeTime": opened + MINUTE - 1,
        "open": 50,
        "high": 60,
        "low": 40,
        "close": close,
        "volume": 0.5,
        "quoteVolume": 1,
        "trades": 2,
        "takerVolume": 0.25,
        "closed": True,
    }


def test_longer_candles_grow_by_the_minutes_of_the_relay(ask: Ask) -> None:
    columns = {
        name: ["55.10"]
        for name in ("open", "high", "low", "close", "volume", "quote_asset_volume")
    }
    prices = {name: [55.1] for name in ("open", "high", "low", "close")}
    view = {
        "interval": "1h",
        "source_interval": "1m",
        "candles": {
            **columns,
            "open_time": [0],
            "close_time": [58 * MINUTE - 1],
            "number_of_trades": [7],
            "taker_buy_base_asset_volume": ["0.10"],
        },
        "figure": {"layout": {}, "data": [{"x": ["a"], **prices}, {"y": [55.1]}]},
    }
    minutes = [a_minute(58, 57), a_minute(59, 58), a_minute(60, 59)]
    moved = ask("moved_view", "extended", view, minutes)
    candles = moved["candles"]
    assert candles["open_time"] == [0, HOUR]
    assert candles["close_time"] == [HOUR - 1, 2 * HOUR - 1]
    assert candles["open"] == ["55.1", "50"]
    assert candles["high"] == ["60", "60"]
    assert candles["close"] == ["58", "59"]
    assert candles["volume"] == ["56.1", "0.5"]
    assert candles["number_of_trades"] == [11, 2]
    assert moved["figure"]["data"][1]["y"] == [56.1, 0.5]
    assert len(moved["figure"]["data"][0]["x"]) == 2
