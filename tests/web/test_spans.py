"""Choosing what a view between two times shows."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE
from klineboard.market.series import Extent
from klineboard.web.choice import MOST_CANDLES, Choice, showable
from klineboard.web.spans import Span, choose_within

from ..candles import START

END = START + 8 * 365 * DAY
HOURS = Extent(INTERVALS["1h"], START, END)
MINUTES = Extent(INTERVALS["1m"], START, END)
NEW_MINUTES = Extent(INTERVALS["1m"], END - DAY, END)


def _choose(
    stored: list[Extent], start: int, end: int, asked: str | None = None
) -> Choice:
    return choose_within(stored, Span(start, end), INTERVALS[asked] if asked else None)


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (MINUTE, "1m"),
        (1000 * MINUTE, "1m"),
        (1001 * MINUTE, "3m"),
        (3 * DAY, "5m"),
        (30 * DAY, "1h"),
        (365 * DAY, "12h"),
        (8 * 365 * DAY, "3d"),
    ],
)
def test_a_span_shows_the_finest_interval_that_fits(length: int, shown: str) -> None:
    assert _choose([HOURS, MINUTES], START, START + length).shown.name == shown


def test_only_what_is_stored_counts() -> None:
    choice = _choose([HOURS], END - 900 * HOUR, END + 20_000 * DAY)
    assert choice.shown.name == "1h"


def test_minutes_since_yesterday_do_not_show_the_year_before_last() -> None:
    start = END - 700 * DAY
    assert _choose([HOURS, NEW_MINUTES], start, start + HOUR).shown.name == "1h"
    assert _choose([HOURS, NEW_MINUTES], END - HOUR, END).shown.name == "1m"


def test_what_was_asked_for_and_is_not_there_is_replaced_with_a_word() -> None:
    start = END - 700 * DAY
    choice = _choose([HOURS, NEW_MINUTES], start, start + 10 * HOUR, "1m")
    assert choice.shown.name == "1h"
    assert choice.note is not None
    assert "No candles of 1m are stored from 20" in choice.note


def test_what_was_asked_for_and_is_partly_there_is_shown() -> None:
    choice = _choose([HOURS, NEW_MINUTES], END - 30 * HOUR, END - 20 * HOUR, "1m")
    assert (choice.shown.name, choice.note) == ("1m", None)


def test_what_has_too_many_candles_is_replaced_with_a_word() -> None:
    choice = _choose([HOURS], START, START + 60 * DAY, "1h")
    assert choice.shown.name == "2h"
    assert choice.note == (
        "The span 2024-01-01 00:00 to 2024-03-01 00:00 UTC has more than 1,000 candles "
        "of 1h; showing 2h instead."
    )


def test_hours_that_are_behind_the_minutes_are_still_a_source() -> None:
    late = HOURS._replace(end=END - 30 * MINUTE)
    choice = _choose([late, MINUTES], END - 90 * DAY, END)
    assert (choice.shown.name, choice.source.name) == ("4h", "1h")


def test_the_candles_are_whole_where_the_span_cuts_them() -> None:
    choice = _choose([HOURS], START + 25 * MINUTE, START + 95 * MINUTE)
    assert (choice.start, choice.end) == (START, START + 2 * HOUR)


def test_a_span_outside_of_what_is_stored_is_kept_as_it_is() -> None:
    latest = 253_402_300_799_999
    choice = _choose([HOURS], END + DAY, latest)
    assert (choice.shown.name, choice.start, choice.end) == ("1h", END + DAY, latest)


@given(
    st.lists(
        st.builds(
            lambda interval, start, length: Extent(
                interval, interval.floor(START + start), START + start + length
            ),
            st.sampled_from(list(INTERVALS.values())),
            st.integers(0, 3000 * DAY),
            st.integers(MINUTE, 3000 * DAY),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda held: held.interval,
    ),
    st.integers(-100 * DAY, 3000 * DAY),
    st.integers(1, 3000 * DAY),
    st.sampled_from([None, *INTERVALS]),
)
def test_no_span_shows_more_than_the_limit(
    stored: list[Extent], start: int, length: int, asked: str | None
) -> None:
    possible = showable([held.interval for held in stored])
    wished = asked if asked and INTERVALS[asked] in possible else None
    choice = _choose(stored, START + start, START + start + length, wished)
    begins = max(choice.start, min(held.start for held in stored))
    ends = min(choice.end, max(held.end for held in stored))
    assert choice.shown in possible
    if begins < ends:
        first, last = choice.shown.floor(begins), choice.shown.floor(ends - 1)
        assert choice.shown.steps(first, last) < MOST_CANDLES
        assert choice.start <= START + start or choice.start == first
