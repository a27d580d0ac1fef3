"""Choosing what a view shows."""

from __future__ import annotations

import pytest

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE, Interval
from klineboard.market.series import Extent
from klineboard.web.choice import (
    MOST_CANDLES,
    RANGES,
    Choice,
    choose,
    covers,
    divides,
    range_start,
    showable,
    source_of,
)

from ..candles import START

YEARS = 8 * 365 * DAY


def _stored(names: str) -> list[Interval]:
    return [INTERVALS[name] for name in names.split()]


def _extents(names: str, start: int = START, end: int = START + YEARS) -> list[Extent]:
    return [Extent(interval, start, end) for interval in _stored(names)]


def _choose(stored: str, asked: str | None, range_name: str | None) -> Choice:
    interval = INTERVALS[asked] if asked else None
    return choose(_extents(stored), interval, range_name)


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
    choice = choose(_extents("1h", odd, odd + 30 * HOUR), None, "All")
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
    source = source_of(INTERVALS["1w"], _extents("1m 1d 3d"), START, START + YEARS)
    assert source is not None
    assert source.interval == INTERVALS["1d"]


def test_a_series_that_lacks_a_part_of_the_span_is_no_source_of_it() -> None:
    hours = Extent(INTERVALS["1h"], START, START + YEARS)
    days = Extent(INTERVALS["1d"], START + YEARS - 30 * DAY, START + YEARS)
    weeks = INTERVALS["1w"]
    assert source_of(weeks, [hours, days], START, START + YEARS) == hours
    recent = START + YEARS - 20 * DAY
    assert source_of(weeks, [hours, days], recent, START + YEARS) == days


def test_a_range_takes_what_covers_it_before_what_is_stored() -> None:
    stored = [
        *_extents("1h"),
        Extent(INTERVALS["1d"], START + YEARS - 30 * DAY, START + YEARS),
    ]
    choice = choose(stored, None, "1Y")
    assert (choice.shown.name, choice.source.name) == ("12h", "1h")


@pytest.mark.parametrize(
    ("held", "start", "end", "expected"),
    [
        ("1d", 0, 10 * DAY, True),
        ("1d", 0, 8 * DAY + HOUR, True),
        ("1d", 0, 8 * DAY, False),
        ("1d", HOUR, 10 * DAY, False),
        ("1h", 0, 10 * DAY, True),
        ("1h", 0, 10 * DAY - 2 * HOUR, False),
    ],
)
def test_what_covers_a_span_lacks_less_than_two_candles_at_its_end(
    held: str, start: int, end: int, expected: bool
) -> None:
    one = Extent(INTERVALS[held], START + start, START + end)
    minutes = Extent(INTERVALS["1m"], START, START + 10 * DAY)
    assert covers(one, [one, minutes], START, START + 10 * DAY) is expected


def test_minutes_may_begin_inside_of_the_first_day() -> None:
    days = Extent(INTERVALS["1d"], START, START + 10 * DAY)
    minutes = Extent(INTERVALS["1m"], START + 4 * HOUR, START + 10 * DAY)
    assert covers(minutes, [days, minutes], START, START + 10 * DAY)


def test_what_stands_closer_than_its_grid_gives_way() -> None:
    crowded = {INTERVALS["1h"]}
    choice = choose(_extents("1h"), None, "1M", crowded)
    assert choice.shown.name == "2h"


def test_what_can_be_made_is_showable() -> None:
    names = [interval.name for interval in showable(_stored("4h 1w"))]
    assert names == ["4h", "8h", "12h", "1d", "3d", "1w", "1M"]


def test_an_hour_that_the_collector_has_not_stored_yet_changes_no_chart() -> None:
    end = START + 30 * DAY
    minutes = Extent(INTERVALS["1m"], START, end + 65 * MINUTE)
    hours = Extent(INTERVALS["1h"], START, end)
    choice = choose([minutes, hours], None, "1D")
    assert (choice.shown.name, choice.source.name) == ("1h", "1h")
