"""Joining the gaps of a view."""

from __future__ import annotations

from klineboard.market.coverage import Hole
from klineboard.market.interval import HOUR, INTERVALS
from klineboard.storage.series import KnownGap
from klineboard.web.gaps import join_gaps

HOURS = INTERVALS["1h"]


def _gap(start: int, end: int, state: str = "exchange") -> KnownGap:
    return KnownGap(Hole(start * HOUR, end * HOUR), state, 1, None)


def test_a_few_gaps_stay_as_they_are() -> None:
    gaps = [_gap(1, 3), _gap(10, 11)]
    shown = join_gaps(gaps, HOURS)
    assert [one.known for one in shown] == gaps
    assert shown[0].summary() == {
        "start": HOUR,
        "end": 3 * HOUR,
        "state": "exchange",
        "candles": 2,
    }


def test_the_nearest_are_joined_and_say_what_they_lack() -> None:
    gaps = [_gap(1, 2), _gap(4, 6, "missing"), _gap(50, 51), _gap(90, 93)]
    shown = join_gaps(gaps, HOURS, 3)
    assert [(one.candles, one.gaps) for one in shown] == [(3, 2), (1, 1), (3, 1)]
    assert shown[0].summary() == {
        "start": HOUR,
        "end": 6 * HOUR,
        "state": "missing",
        "candles": 3,
        "joined": 2,
    }


def test_no_gaps_are_no_gaps() -> None:
    assert join_gaps([], HOURS) == []
