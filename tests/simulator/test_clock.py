"""Bent time."""

from __future__ import annotations

import pytest

from klineboard.simulator import BentClock

from .conftest import NOW, Ticks


@pytest.mark.parametrize(("speed", "passed"), [(0, 0), (1, 2_000), (3_600, 7_200_000)])
def test_time_runs_as_fast_as_told(ticks: Ticks, speed: float, passed: int) -> None:
    clock = BentClock(NOW, speed, ticks)
    ticks.seconds += 2
    assert clock.now() == NOW + passed


def test_a_change_of_speed_does_not_move_the_time(ticks: Ticks) -> None:
    clock = BentClock(NOW, 60, ticks)
    ticks.seconds += 1
    clock.set(speed=1)
    assert clock.now() == NOW + 60_000
    ticks.seconds += 1
    assert clock.now() == NOW + 61_000


def test_a_frozen_clock_can_be_moved_by_hand(ticks: Ticks) -> None:
    clock = BentClock(NOW, 0, ticks)
    clock.advance(1_234)
    assert clock.now() == NOW + 1_234
