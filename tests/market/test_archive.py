"""Names of the archive's files, and which of them make up a span."""

from __future__ import annotations

import pytest

from klineboard.market.archive import (
    ArchiveFile,
    day_of,
    has_days,
    has_months,
    month_of,
    parse_period,
    rows_of,
    whole_periods,
)
from klineboard.market.interval import INTERVALS
from klineboard.market.moment import parse_moment as at
from klineboard.market.series import Series


def names(start: str, end: str, *, months: bool = True, days: bool = True) -> list[str]:
    periods = whole_periods(at(start), at(end), months=months, days=days)
    return [period.text for period in periods]


def test_files_are_called_as_binance_calls_them() -> None:
    file = ArchiveFile(Series("BTCUSDT", INTERVALS["1m"]), parse_period("2024-12"))
    assert file.path == "/data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-12.zip"
    assert file.csv_name == "BTCUSDT-1m-2024-12.csv"
    file = ArchiveFile(Series("BTCUSDT", INTERVALS["1M"]), day_of(at("2024-12-31")))
    assert file.path == (
        "/data/spot/daily/klines/BTCUSDT/1mo/BTCUSDT-1mo-2024-12-31.zip"
    )


def test_whole_months_then_whole_days() -> None:
    assert names("2024-01-30T12:00", "2024-04-02T23:59:59.999") == [
        "2024-01-31",
        "2024-02",
        "2024-03",
        "2024-04-01",
        "2024-04-02",
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-02-01", "2024-02-29T23:59:59.999", ["2024-02"]),
        ("2024-02-01T00:00:00.001", "2024-02-02T23:59:59.999", ["2024-02-02"]),
        ("2024-02-01", "2024-02-01T23:59:59.998", []),
        ("2024-02-03", "2024-02-01", []),
        ("2023-12-31", "2024-01-01T23:59:59.999", ["2023-12-31", "2024-01-01"]),
    ],
)
def test_a_period_is_whole_to_the_millisecond(
    start: str, end: str, expected: list[str]
) -> None:
    assert names(start, end) == expected


def test_months_or_days_alone() -> None:
    span = ("2024-01-31", "2024-03-01T23:59:59.999")
    assert names(*span, days=False) == ["2024-02"]
    assert len(names(*span, months=False)) == 1 + 29 + 1


@pytest.mark.parametrize("text", ["2024-12", "2024-02-29"])
def test_a_period_is_read_as_it_is_written(text: str) -> None:
    assert str(parse_period(text)) == text


@pytest.mark.parametrize("text", ["", "2024", "2024-13", "2023-02-29", "20240101"])
def test_other_texts_are_no_periods(text: str) -> None:
    with pytest.raises(ValueError):
        parse_period(text)


def test_a_month_of_seconds_is_too_large_and_a_day_of_weeks_does_not_exist() -> None:
    assert [name for name in INTERVALS if not has_months(INTERVALS[name])] == ["1s"]
    assert [name for name in INTERVALS if not has_days(INTERVALS[name])] == [
        "3d",
        "1w",
        "1M",
    ]
    assert rows_of(month_of(at("2024-12-05")), INTERVALS["1m"]) == 44_640
