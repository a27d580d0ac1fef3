"""Intervals: calendar arithmetic on open times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineboard.market.interval import DAY, HOUR, INTERVALS, Interval, parse_interval
from klineboard.market.moment import parse_moment as at

TIMES = st.integers(at("2010-01-01"), at("2040-01-01"))


@given(st.sampled_from(list(INTERVALS.values())), TIMES, st.integers(0, 3000))
def test_steps_count_what_add_adds(interval: Interval, time: int, count: int) -> None:
    opened = interval.floor(time)
    later = interval.add(opened, count)
    assert interval.steps(opened, later) == count
    assert interval.steps(opened, later - 1) == count - 1


@given(st.sampled_from(list(INTERVALS.values())), TIMES)
def test_floor_gives_the_candle_that_contains_the_time(
    interval: Interval, time: int
) -> None:
    opened = interval.floor(time)
    assert opened <= time < interval.add(opened)
    assert interval.floor(opened) == opened


def test_a_month_has_its_calendar_length() -> None:
    month = INTERVALS["1M"]
    assert month.add(at("2024-02-01")) == at("2024-03-01")
    assert month.add(at("2023-12-01"), 2) == at("2024-02-01")
    assert month.add(at("2024-01-01"), -1) == at("2023-12-01")
    assert month.steps(at("2023-11-01"), at("2024-03-01")) == 4


def test_a_week_opens_on_monday() -> None:
    assert INTERVALS["1w"].floor(at("2023-05-28T17:00")) == at("2023-05-22")


def test_the_phase_of_candles_off_the_grid_is_kept() -> None:
    assert INTERVALS["1h"].add(1518168494789) == 1518168494789 + HOUR


def test_a_day_is_a_day_where_clocks_change() -> None:
    assert INTERVALS["1d"].add(at("2024-03-31")) - at("2024-03-31") == DAY


@pytest.mark.parametrize(("text", "near"), [("1H", "1h"), ("7m", "1m"), ("1D", "1d")])
def test_an_unknown_interval_is_named_with_near_names(text: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"unknown interval '{text}'.*{near}"):
        parse_interval(text)


def test_minute_and_month_differ_in_files_that_fold_case() -> None:
    names = {interval.file_name.lower() for interval in INTERVALS.values()}
    assert len(names) == len(INTERVALS)
