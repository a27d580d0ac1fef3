"""Candles to Plotly figures."""

from __future__ import annotations

import json

import plotly.graph_objects as go

from klineboard.market.coverage import Hole
from klineboard.market.interval import HOUR, INTERVALS
from klineboard.storage.charts import Candles
from klineboard.storage.series import KnownGap
from klineboard.web.figures import candle_figure

from ..candles import START

CANDLES = Candles(
    [START, START + HOUR + 789],
    [START + HOUR - 1, START + 2 * HOUR - 1],
    ["1.0", "2.0"],
    ["3.0", "3.0"],
    ["0.5", "0.5"],
    ["2.0", "1.0"],
    ["10.5", "20"],
    ["1", "1"],
    [1, 1],
    ["1", "1"],
)
GAP = KnownGap(Hole(START + 2 * HOUR, START + 4 * HOUR), "missing", 0, None)
FIGURE = candle_figure(CANDLES, [GAP], INTERVALS["1h"], "BTCUSDT 1h 1M")


def test_plotly_accepts_the_figure_as_it_is() -> None:
    go.Figure(json.loads(json.dumps(FIGURE)))


def test_prices_lie_over_volume_on_one_time_axis() -> None:
    prices, volume = FIGURE["data"]
    assert (prices["type"], volume["type"]) == ("candlestick", "bar")
    assert prices["x"] == volume["x"]
    assert volume["yaxis"] == "y2"
    assert (
        FIGURE["layout"]["yaxis2"]["domain"][1] < FIGURE["layout"]["yaxis"]["domain"][0]
    )


def test_times_are_naive_utc() -> None:
    assert FIGURE["data"][0]["x"] == ["2024-01-01T00:00:00", "2024-01-01T01:00:00.789"]


def test_colours_are_left_to_the_page() -> None:
    assert "color" not in json.dumps(FIGURE)
    assert "template" not in FIGURE["layout"]


def test_zoom_stays_as_long_as_the_view_does() -> None:
    assert FIGURE["layout"]["uirevision"] == "BTCUSDT 1h 1M"


def test_the_slider_is_off_and_no_time_is_cut_out() -> None:
    axis = FIGURE["layout"]["xaxis"]
    assert axis["rangeslider"] == {"visible": False}
    assert "rangebreaks" not in axis


def test_a_hole_is_marked_between_the_candles() -> None:
    (band,) = FIGURE["layout"]["shapes"]
    assert (band["x0"], band["x1"]) == ("2024-01-01T01:30:00", "2024-01-01T03:30:00")
    assert (band["y0"], band["y1"], band["yref"]) == (0, 1, "paper")
    assert band["name"] == "missing"


def test_lists_stay_lists() -> None:
    assert FIGURE["data"][0]["open"] == [1.0, 2.0]
