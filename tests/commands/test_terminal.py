"""What a person reads during long work."""

from __future__ import annotations

import logging

import pytest

from klineboard.commands.terminal import Pace, PlainDisplay
from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series

SERIES = Series("BTCUSDT", INTERVALS["1m"])


def test_says_speed_time_left_and_share_of_the_budget() -> None:
    pace = Pace()
    pace.words(100.0, 1_000, 401_000, 0.1)
    assert (
        pace.words(102.0, 101_000, 401_000, 0.42)
        == "50,000 a second · 6 s left · 42% of the minute's budget"
    )


def test_an_old_speed_is_forgotten() -> None:
    pace = Pace()
    for now, done in ((0.0, 0), (1.0, 90_000), (60.0, 90_000), (61.0, 91_000)):
        words = pace.words(now, done, 3_691_000, None)
    assert words == "1,000 a second · 60 min left"


def test_without_progress_no_speed_is_claimed() -> None:
    pace = Pace()
    pace.words(0.0, 500, 1_000, None)
    assert pace.words(5.0, 500, 1_000, 1.0) == "100% of the minute's budget"


def test_a_quick_series_is_not_told_line_by_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    display = PlainDisplay()
    with caplog.at_level(logging.INFO):
        for done in range(0, 5_000, 1_000):
            display.progress(SERIES, done, 5_000, None)
    assert caplog.records == []
