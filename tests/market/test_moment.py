"""Moments as people write them."""

from __future__ import annotations

import pytest

from klineboard.market.moment import parse_moment, show_exactly, show_moment

MAY_28 = 1685232000000


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023-05-28", MAY_28),
        ("2023-05-28T17:00", MAY_28 + 17 * 3_600_000),
        ("2023-05-28 17:00:00.250Z", MAY_28 + 17 * 3_600_000 + 250),
        ("2023-05-28T19:00+02:00", MAY_28 + 17 * 3_600_000),
        (str(MAY_28), MAY_28),
    ],
)
def test_days_iso_moments_and_milliseconds_are_understood(text: str, time: int) -> None:
    assert parse_moment(text) == time


def test_a_bare_day_at_the_end_of_a_range_is_included_whole() -> None:
    assert parse_moment("2023-05-28", last=True) == MAY_28 + 86_400_000 - 1
    assert parse_moment("2023-05-28T00:00", last=True) == MAY_28


@pytest.mark.parametrize("text", ["", "yesterday", "2023-02-30", "-5", "9" * 30, "12"])
def test_what_is_no_moment_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment; expected"):
        parse_moment(text)


def test_seconds_are_shown_only_where_they_tell_something() -> None:
    assert show_moment(MAY_28) == "2023-05-28 00:00"
    assert show_moment(1518168494789) == "2018-02-09 09:28:14"


def test_milliseconds_are_shown_where_no_digit_may_be_lost() -> None:
    assert show_exactly(MAY_28) == "2023-05-28 00:00"
    assert show_exactly(MAY_28 + 59_000) == "2023-05-28 00:00:59"
    assert show_exactly(1518168494789) == "2018-02-09 09:28:14.789"
    assert show_exactly(MAY_28 - 1) == "2023-05-27 23:59:59.999"
