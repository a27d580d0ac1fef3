"""Holes between candles, and when to ask for them again."""

from __future__ import annotations

import csv
import gzip

import pytest

from klineboard.market.coverage import Coverage, Hole, find_holes, is_due
from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE
from klineboard.market.kline import to_milliseconds
from tests.conftest import recorded


def opens(name: str) -> list[int]:
    with gzip.open(recorded(name), "rt") as file:
        return [to_milliseconds(int(row[0])) for row in csv.reader(file)]


def gap_list(name: str) -> list[tuple[int, int, int]]:
    with recorded(name).open() as file:
        return [
            (int(row[3]), int(row[4]), int(row[2]))
            for row in list(csv.reader(file))[1:]
        ]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_finds_every_recorded_hole_of_eight_years_of_hours(symbol: str) -> None:
    hours = INTERVALS["1h"]
    holes = find_holes(opens(f"binance-spot-{symbol}-1h-2018-2025.csv.gz"), hours)
    expected = gap_list("binance-spot-BTCUSDT-1h-gaps-2018-2025.csv")
    found = [(hole.start, hole.end, hole.candles(hours)) for hole in holes]
    if symbol == "ETHUSDT":  # Its restart of 2018-02-09 is 11 ms later.
        assert [f[2] for f in found] == [e[2] for e in expected]
    else:
        assert found == expected


@pytest.mark.parametrize(
    "name",
    [
        "1m-2018-02-07_2018-02-12",
        "1m-2020-12-20_2020-12-22",
        "1m-2023-03",
    ],
)
def test_finds_every_recorded_hole_of_minutes(name: str) -> None:
    times = opens(f"binance-spot-BTCUSDT-{name}.csv.gz")
    minutes = INTERVALS["1m"]
    found = [
        (hole.start, hole.end, hole.candles(minutes))
        for hole in find_holes(times, minutes)
    ]
    expected = [
        gap
        for gap in gap_list("binance-spot-BTCUSDT-1m-gaps-2017-2025.csv")
        if times[0] <= gap[0] <= times[-1]
    ]
    assert found == expected
    assert found


def test_eight_years_of_days_have_no_hole() -> None:
    times = opens("binance-spot-BTCUSDT-1d-2018-2025.csv.gz")
    assert find_holes(times, INTERVALS["1d"]) == []


def test_reports_a_hole_between_two_candles() -> None:
    holes = find_holes([0, HOUR, 4 * HOUR], INTERVALS["1h"])
    assert holes == [Hole(2 * HOUR, 4 * HOUR)]
    assert holes[0].candles(INTERVALS["1h"]) == 2


def test_a_step_back_onto_the_grid_is_no_hole() -> None:
    off_grid = 28 * MINUTE + 14_789
    assert find_holes([off_grid, HOUR, 2 * HOUR], INTERVALS["1h"]) == []


def test_months_of_different_length_are_neighbours() -> None:
    month = INTERVALS["1M"]
    opens_ = [month.add(0, count) for count in range(30)]
    assert find_holes(opens_, month) == []
    assert find_holes([opens_[0], opens_[2]], month) == [Hole(opens_[1], opens_[2])]


def test_a_missing_stretch_is_always_due() -> None:
    assert is_due("missing", 5, 1000, 1001)


def test_an_outage_is_asked_for_again_after_a_day_then_a_week() -> None:
    now = 100 * DAY
    assert not is_due("exchange", 1, now - DAY + 1, now)
    assert is_due("exchange", 1, now - DAY, now)
    assert not is_due("exchange", 2, now - 7 * DAY + 1, now)
    assert is_due("exchange", 2, now - 7 * DAY, now)


def test_expected_candles_are_stored_missing_and_never_existed() -> None:
    assert Coverage(stored=10, missing=2, never_existed=3).expected == 15
