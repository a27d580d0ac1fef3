"""The calendar of a series: the candles of each day and month, and their state."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineboard.market.cells import (
    Cell,
    hole_stretch,
    make_cells,
    stored_stretches,
    unasked_stretch,
)
from klineboard.market.coverage import Hole, find_holes
from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE, Interval

from ..candles import START, read_recorded
from ..conftest import recorded

ONE_DAY, ONE_MONTH = INTERVALS["1d"], INTERVALS["1M"]
ONE_HOUR = INTERVALS["1h"]
OFF_GRID = 28 * MINUTE + 14_789


def _cells(open_times: list[int], interval: Interval, size: Interval) -> list[Cell]:
    holes = find_holes(open_times, interval)
    stored = stored_stretches(open_times[0], open_times[-1], holes, interval)
    outages = [hole_stretch(hole, "outage", interval) for hole in holes]
    return make_cells(stored + outages, interval, size)


def test_a_day_counts_its_candles() -> None:
    opens = [START + n * HOUR for n in range(30)]
    first, second = _cells(opens, ONE_HOUR, ONE_DAY)
    assert (first.start, first.end, first.stored) == (START, START + DAY, 24)
    assert (second.stored, second.expected, second.state) == (6, 6, "complete")


def test_a_hole_over_midnight_counts_for_both_days() -> None:
    opens = [START + n * HOUR for n in (*range(20), *range(27, 48))]
    first, second = _cells(opens, ONE_HOUR, ONE_DAY)
    assert (first.stored, first.outage) == (20, 4)
    assert (second.stored, second.outage) == (21, 3)


def test_a_day_inside_a_hole_has_a_cell_without_a_candle() -> None:
    opens = [START, START + 3 * DAY]
    lacking = _cells(opens, ONE_HOUR, ONE_DAY)[1]
    assert (lacking.stored, lacking.outage, lacking.state) == (0, 24, "outage")


def test_candles_off_the_grid_count_for_the_hour_that_they_open_in() -> None:
    # Three hours opened late, and the step back onto the grid is shorter than an hour.
    late = [START + 21 * HOUR + OFF_GRID + n * HOUR for n in range(3)]
    opens = [START, *late, *(START + DAY + n * HOUR for n in range(24))]
    first, second = _cells(opens, ONE_HOUR, ONE_DAY)
    assert (first.stored, first.outage) == (4, 20)
    assert (second.stored, second.outage) == (24, 0)


@pytest.mark.parametrize(
    ("stored", "missing", "outage", "state"),
    [
        (24, 0, 0, "complete"),
        (23, 0, 1, "outage"),
        (0, 0, 24, "outage"),
        (22, 1, 1, "partial"),
        (0, 23, 1, "missing"),
    ],
)
def test_one_word_says_how_a_cell_is(
    stored: int, missing: int, outage: int, state: str
) -> None:
    assert Cell(START, START + DAY, stored, missing, outage).state == state


def test_a_series_of_weeks_has_a_cell_for_its_mondays() -> None:
    opens = [START + n * 7 * DAY for n in range(3)]
    days = _cells(opens, INTERVALS["1w"], ONE_DAY)
    assert [cell.start for cell in days] == opens
    assert [cell.stored for cell in _cells(opens, INTERVALS["1w"], ONE_MONTH)] == [3]


def test_months_are_those_of_the_calendar() -> None:
    opens = [START + n * DAY for n in range(60)]
    cells = _cells(opens, ONE_DAY, ONE_MONTH)
    assert [cell.stored for cell in cells] == [31, 29]
    assert [cell.end for cell in cells] == [START + 31 * DAY, START + 60 * DAY]


def test_a_series_of_months_counts_them() -> None:
    opens = [ONE_MONTH.add(START, n) for n in (0, 1, 4, 5)]
    cells = _cells(opens, ONE_MONTH, ONE_MONTH)
    assert [cell.state for cell in cells] == [
        "complete",
        "complete",
        "outage",
        "outage",
        "complete",
        "complete",
    ]


def test_what_is_wanted_from_a_sunday_on_is_missing_from_its_monday_on() -> None:
    sunday = START - DAY
    stretch = unasked_stretch(Hole(sunday, START + 14 * DAY), INTERVALS["1w"])
    assert stretch == (START, 2, "missing")


@pytest.mark.parametrize("hole", [(-5, 3), (8, 30), (-5, 30), (2, 4)])
def test_holes_that_reach_beyond_what_is_stored_do_no_harm(
    hole: tuple[int, int],
) -> None:
    start, end = (START + n * HOUR for n in hole)
    stored = stored_stretches(START, START + 10 * HOUR, [Hole(start, end)], ONE_HOUR)
    assert sum(s.candles for s in stored) == len(
        [n for n in range(11) if not hole[0] <= n < hole[1]]
    )


@given(
    places=st.sets(st.integers(0, 400), min_size=1),
    name=st.sampled_from(["1h", "4h", "1d", "3d", "1w", "1M"]),
    size=st.sampled_from([ONE_DAY, ONE_MONTH]),
)
def test_no_candle_is_counted_twice_or_in_another_cell(
    places: set[int], name: str, size: Interval
) -> None:
    interval = INTERVALS[name]
    first = interval.floor(START)
    opens = [interval.add(first, place) for place in sorted(places)]
    cells = _cells(opens, interval, size)
    true = Counter(size.floor(opened) for opened in opens)
    assert {cell.start: cell.stored for cell in cells if cell.stored} == true
    assert sum(cell.expected for cell in cells) == max(places) - min(places) + 1


@pytest.mark.parametrize("days", ["2018-02-07_2018-02-12", "2020-12-20_2020-12-22"])
def test_real_minutes_are_counted_exactly_without_being_looked_at(days: str) -> None:
    path = recorded(f"binance-spot-BTCUSDT-1m-{days}.csv.gz")
    opens = [kline.open_time for kline in read_recorded(path)]
    cells = _cells(opens, INTERVALS["1m"], ONE_DAY)
    true = Counter(ONE_DAY.floor(opened) for opened in opens)
    assert {cell.start: cell.stored for cell in cells if cell.stored} == true
