"""Choosing what a view shows."""

from __future__ import annotations

import pytest

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE, Interval
from klineboard.web.choice import (
    MOST_CANDLES,
    RANGES,
    Choice,
    choose,
    divides,
    range_start,
    showable,
    source_of,
)

from ..candles import START

YEARS = 8 * 365 * DAY


def _stored(names: str) -> list[Interval]:
    return [INTERVALS[name] for name in names.split()]


def _choose(stored: str, asked: str | None, range_name: str | None) -> Choice:
    interval = INTERVALS[asked] if asked else None
    return choose(_stored(stored), START, START + YEARS, interval, range_name)


@pytest.mark.parametrize(
    ("range_name", "shown"),
    [
        ("1D", "1h"),
        ("1W", "1h"),
        ("1M", "1h"),
        ("3M", "4h"),
        ("1Y", "1d"),
        ("All", "3d"),
    ],
)
def test_a_range_shows_the_shortest_interval_that_fits(
    range_name: str, shown: str
) -> None:
    assert _choose("1h 4h 1d", None, range_name).shown.name == shown


@pytest.mark.parametrize("range_name", RANGES)
@pytest.mark.parametrize("asked", [None, *INTERVALS])
def test_no_view_of_a_range_exceeds_the_limit(
    asked: str | None, range_name: str
) -> None:
    choice = _choose("1s 1m 1h 1d", asked, range_name)
    assert choice.shown.steps(choice.start, choice.end) <= MOST_CANDLES


def test_what_is_stored_goes_before_what_must_be_aggregated() -> None:
    assert _choose("1m 1d", None, "1Y").shown.name == "1d"


def test_where_nothing_stored_fits_it_is_aggregated_from_the_longest() -> None:
    choice = _choose("1m 1h", None, "1Y")
    assert (choice.shown.name, choice.source.name) == ("12h", "1h")


def test_neither_interval_nor_range_is_a_month() -> None:
    choice = _choose("1h", None, None)
    assert choice.start == range_start("1M", START, choice.end)


def test_an_interval_alone_shows_its_newest_500() -> None:
    choice = _choose("1h", "4h", None)
    assert choice.shown.steps(choice.start, choice.end) == 500
    assert choice.note is None


def test_an_interval_alone_does_not_begin_before_the_first_candle() -> None:
    assert _choose("1h", "1M", None).start == START


def test_an_interval_that_fits_its_range_is_kept() -> None:
    choice = _choose("1h 1d", "1d", "1M")
    assert (choice.shown.name, choice.note) == ("1d", None)


def test_an_interval_too_short_for_its_range_is_replaced_with_a_word() -> None:
    choice = _choose("1h 4h 1d", "1h", "1Y")
    assert choice.shown.name == "1d"
    assert choice.note == "1Y has more than 1,000 candles of 1h; showing 1d instead."


def test_an_aggregated_view_begins_with_a_whole_bucket() -> None:
    choice = _choose("1h", None, "1Y")
    assert choice.start == choice.shown.floor(choice.start)


def test_candles_of_odd_times_at_the_beginning_are_not_cut_off() -> None:
    odd = START + 28 * MINUTE
    choice = choose(_stored("1h"), odd, odd + 30 * HOUR, None, "All")
    assert choice.start == odd


def test_months_and_years_are_those_of_the_calendar() -> None:
    end = START + 31 * DAY  # 2024-02-01
    assert range_start("1M", 0, end) == START
    assert range_start("1Y", 0, START) == START - 365 * DAY


@pytest.mark.parametrize(
    ("finer", "coarser", "expected"),
    [
        ("1h", "4h", True),
        ("4h", "6h", False),
        ("8h", "12h", False),
        ("1d", "1w", True),
        ("3d", "1w", False),
        ("1d", "3d", True),
        ("1d", "1M", True),
        ("1w", "1M", False),
        ("3d", "1M", False),
        ("1M", "1M", True),
        ("1M", "1w", False),
        ("4h", "1h", False),
        ("1s", "1M", True),
    ],
)
def test_only_whole_candles_make_up_whole_candles(
    finer: str, coarser: str, expected: bool
) -> None:
    assert divides(INTERVALS[finer], INTERVALS[coarser]) is expected


def test_the_longest_fitting_series_is_the_source() -> None:
    source = source_of(INTERVALS["1w"], _stored("1m 1d 3d"))
    assert source == INTERVALS["1d"]


def test_what_can_be_made_is_showable() -> None:
    names = [interval.name for interval in showable(_stored("4h 1w"))]
    assert names == ["4h", "8h", "12h", "1d", "3d", "1w", "1M"]
