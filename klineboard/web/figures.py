"""Candles to Plotly figures: the only place that knows plotly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import plotly.graph_objects as go

from ..market.interval import INTERVALS, Interval
from ..storage.charts import Candles
from ..storage.series import KnownGap, to_moment

# Volume has the lower fifth, prices the rest above a thin space.
_VOLUME_PANE = (0.0, 0.18)
_PRICE_PANE = (0.22, 1.0)


def candle_figure(
    candles: Candles, gaps: Iterable[KnownGap], shown: Interval, revision: str
) -> dict[str, Any]:
    """Return a figure of candles over volume as a plain dict for JSON.

    Colours, fonts and the hover's words are the page's, which knows the theme. Floats
    begin here, where pixels do; the exact digits travel beside the figure. There are
    no range breaks: the market never closes, and outages are true (plotly.js#4742).

    Args:
        candles: What to draw, oldest first.
        gaps: Holes to mark over the full height; a shape's name is its state.
        shown: The candles' interval.
        revision: As long as it stays, Plotly keeps the reader's zoom.
    """
    times = [_naive(time) for time in candles.open_time]
    prices = go.Candlestick(
        name="price",
        x=times,
        open=_floats(candles.open),
        high=_floats(candles.high),
        low=_floats(candles.low),
        close=_floats(candles.close),
    )
    volume = go.Bar(name="volume", x=times, y=_floats(candles.volume), yaxis="y2")
    layout = go.Layout(
        template=go.layout.Template(),
        uirevision=revision,
        dragmode="pan",
        hovermode="x",
        showlegend=False,
        bargap=0.2,
        xaxis={"type": "date", "anchor": "y2", "rangeslider": {"visible": False}},
        yaxis={"domain": _PRICE_PANE, "side": "right", "fixedrange": False},
        yaxis2={"domain": _VOLUME_PANE, "side": "right", "rangemode": "tozero"},
        shapes=[_band(gap, shown) for gap in gaps],
    )
    figure: dict[str, Any] = go.Figure([prices, volume], layout).to_plotly_json()
    del figure["layout"]["template"]
    return figure


def warm_up() -> None:
    """Let plotly load what it puts off (0.2 s), so that no reader waits for it."""
    candle_figure(Candles.empty(), (), INTERVALS["1d"], "")


def _band(gap: KnownGap, shown: Interval) -> dict[str, Any]:
    # Plotly centres a candle on its open time, so that the space between two
    # neighbours is half an interval before the later one.
    half = shown.milliseconds // 2
    return {
        "type": "rect",
        "name": gap.state,
        "layer": "below",
        "xref": "x",
        "yref": "paper",
        "x0": _naive(gap.hole.start - half),
        "x1": _naive(gap.hole.end - half),
        "y0": 0,
        "y1": 1,
        "line": {"width": 0},
    }


def _naive(time: int) -> str:
    # Plotly drops an offset and takes numbers for local time (plotly.js#1956).
    moment = to_moment(time).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if time % 1000 else "seconds")


def _floats(texts: Iterable[str]) -> list[float | None]:
    numbers = map(float, texts)
    # A NUMERIC may hold NaN or Infinity, JSON may not.
    return [n if -1e300 < n < 1e300 else None for n in numbers]
