"""A candle's rules, on real rows and on broken ones."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineboard.errors import InvalidAnswer
from klineboard.market.interval import HOUR, INTERVALS
from klineboard.market.kline import (
    check_page,
    parse_kline,
    sound_klines,
    to_milliseconds,
)
from tests.conftest import recorded

OPEN = 1685293200000
ROW: list[Any] = [
    OPEN,
    "27252.26000000",
    "27424.44000000",
    "27212.91000000",
    "27351.59000000",
    "1824.71681000",
    OPEN + HOUR - 1,
    "49869950.69139740",
    35260,
    "1034.48169000",
    "28271183.00925770",
    "0",
]
HOURS = INTERVALS["1h"]


def changed(**columns: Any) -> list[Any]:
    row = list(ROW)
    for name, value in columns.items():
        row[int(name.removeprefix("c"))] = value
    return row


def rows_of(path: Path) -> list[list[Any]]:
    with gzip.open(path, "rt") as file:
        return [
            [int(v) if place in (0, 6, 8) else v for place, v in enumerate(row)]
            for row in csv.reader(file)
        ]


def test_the_exchanges_digits_are_kept() -> None:
    kline = parse_kline(ROW, HOURS)
    assert kline.open_price == "27252.26000000"
    assert kline.taker_buy_quote_asset_volume == "28271183.00925770"


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (ROW[:7], "12 columns"),
        ([*ROW, "0"], "12 columns"),
        ("not a row", "12 columns"),
        (changed(c1="NaN"), "do not parse"),
        (changed(c1="Infinity"), "do not parse"),
        (changed(c2="1e5"), "do not parse"),
        (changed(c5="-1.0"), "do not parse"),
        (changed(c5="1,0"), "do not parse"),
        (changed(c4=27351.59), "do not parse"),
        (changed(c7=None), "do not parse"),
        (changed(c2="27000.00000000"), "outside low"),
        (changed(c3="27400.00000000"), "outside low"),
        (changed(c0=str(OPEN)), "no count"),
        (changed(c8=-1), "no count"),
        (changed(c8=2**31), "no count"),
        (changed(c8=True), "no count"),
        (changed(c6=OPEN + 4 * HOUR - 1), "longer than 1h"),
        (changed(c6=OPEN + HOUR), "longer than 1h"),
    ],
)
def test_a_broken_row_is_refused_with_the_reason(row: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_kline(row, HOURS)


def test_prices_are_compared_as_numbers_not_as_text() -> None:
    row = changed(c1="9.5", c2="10.0", c3="9.0", c4="10.0")
    assert parse_kline(row, HOURS).high_price == "10.0"


def test_microseconds_are_told_by_their_magnitude() -> None:
    assert to_milliseconds(1735689659999999) == 1735689659999
    assert to_milliseconds(1735689659999) == 1735689659999
    row = changed(c0=OPEN * 1000, c6=(OPEN + HOUR) * 1000 - 1)
    assert parse_kline(row, HOURS).close_time == OPEN + HOUR - 1


@pytest.mark.parametrize(
    ("name", "interval"),
    [
        ("binance-spot-BTCUSDT-1h-2018-2025.csv.gz", "1h"),
        ("binance-spot-ETHUSDT-1d-2018-2025.csv.gz", "1d"),
        ("binance-spot-BTCUSDT-1m-2018-02-07_2018-02-12.csv.gz", "1m"),
        ("binance-spot-BTCUSDT-1m-2020-12-20_2020-12-22.csv.gz", "1m"),
        ("binance-spot-BTCUSDT-1m-2025-01.csv.gz", "1m"),
    ],
)
def test_every_recorded_candle_is_true_odd_times_included(
    name: str, interval: str
) -> None:
    rows = rows_of(recorded(name))
    page = check_page(rows, INTERVALS[interval], 0, 2**60)
    assert page.rejected == []
    assert len(page.klines) == len(rows)


def test_one_broken_row_does_not_cost_its_neighbours() -> None:
    page = check_page([ROW, changed(c0=OPEN + HOUR, c1="NaN")], HOURS, 0, 2**60)
    assert len(page.klines) == 1
    assert page.row_count == 2
    assert str(OPEN + HOUR) in page.rejected[0]


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ({"code": 0}, "list of klines"),
        ("<html>", "list of klines"),
        ([ROW, ROW], "do not rise"),
        ([ROW], "outside of"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused_whole(rows: Any, word: str) -> None:
    start = OPEN + 1 if word == "outside of" else 0
    with pytest.raises(InvalidAnswer, match=word):
        check_page(rows, HOURS, start, 2**60)


def test_candles_of_a_shorter_interval_are_refused() -> None:
    minutes = [
        changed(c0=OPEN + n * 60_000, c6=OPEN + n * 60_000 + 59_999) for n in range(3)
    ]
    with pytest.raises(InvalidAnswer, match="3 of 3 candles last as long as another"):
        check_page(minutes, HOURS, 0, 2**60)


ODD_VALUES = st.sampled_from(
    [
        OPEN,
        OPEN + 7,
        OPEN * 1000,
        OPEN + HOUR - 1,
        OPEN + 60_000 - 1,
        (OPEN + HOUR) * 1000 - 1,
        -1,
        2**31,
        True,
        None,
        1.5,
        "27000",
        "27300.1",
        "027300.10",
        "1,0",
        "1.",
        "",
        "NaN",
        "1e5",
        "٣",
        "9" * 31,
    ]
)


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 11), ODD_VALUES), max_size=2
    ),
    cut=st.sampled_from([12, 11, 10]),
)
def test_what_passes_by_column_passes_by_row_and_is_the_same(
    changes: list[tuple[int, int, Any]], cut: int
) -> None:
    rows = [
        changed(c0=OPEN + n * HOUR, c6=OPEN + (n + 1) * HOUR - 1)[:cut]
        for n in range(4)
    ]
    for row, column, value in changes:
        if column < cut:
            rows[row][column] = value
    klines = sound_klines(rows, HOURS, OPEN, OPEN + 3 * HOUR)
    if klines is not None:
        assert klines == [parse_kline(row, HOURS) for row in rows]
        opened = [kline.open_time for kline in klines]
        assert opened == sorted(set(opened))
        assert OPEN <= opened[0] and opened[-1] <= OPEN + 3 * HOUR
    elif not changes and cut > 10:
        raise AssertionError("a sound answer was not taken for one")
