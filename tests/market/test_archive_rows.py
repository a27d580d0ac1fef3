"""A file of the archive is believed as a whole or not at all."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineboard.errors import ArchiveFileRefused
from klineboard.market.archive import ArchiveFile, parse_period
from klineboard.market.archive_rows import check_file
from klineboard.market.interval import HOUR, INTERVALS, MINUTE
from klineboard.market.kline import Kline, parse_kline
from klineboard.market.series import Series
from tests.candles import START, make_klines
from tests.conftest import recorded

FILE = ArchiveFile(Series("BTCUSDT", INTERVALS["1h"]), parse_period("2024-01-01"))
KLINES = make_klines("1h", 24)


def text_of(klines: list[Kline], end: str = ",0\n") -> bytes:
    return "".join(",".join(map(str, kline)) + end for kline in klines).encode()


def changed(place: int, **fields: object) -> bytes:
    klines = list(KLINES)
    klines[place] = klines[place]._replace(**fields)  # type: ignore[arg-type]
    return text_of(klines)


HEADER = (
    b"open_time,open,high,low,close,volume,close_time,quote,count,base,taker,ignore\n"
)
IN_MICROSECONDS = [
    kline._replace(
        open_time=kline.open_time * 1000, close_time=kline.close_time * 1000 + 999
    )
    for kline in KLINES
]


@pytest.mark.parametrize(
    "content",
    [
        text_of(KLINES),
        text_of(KLINES, "\n"),
        text_of(KLINES).rstrip(b"\n"),
        text_of(KLINES).replace(b"\n", b"\r\n"),
        HEADER + text_of(KLINES),
        b"\xef\xbb\xbf" + text_of(KLINES),
        text_of(IN_MICROSECONDS),
    ],
    ids=["12", "11", "no_last_feed", "crlf", "header", "mark", "microseconds"],
)
def test_every_known_form_gives_the_same_candles(content: bytes) -> None:
    assert check_file(FILE, content) == KLINES


@pytest.mark.parametrize("content", [b"", HEADER])
def test_a_file_may_have_no_candles(content: bytes) -> None:
    assert check_file(FILE, content) == []


BROKEN = {
    "not_csv": (b"<html></html>\n", "begins with"),
    "columns": (text_of(KLINES) + b"1,2,3\n", "line 25: expected 12 columns"),
    "shifted": (text_of(KLINES[:1], ",0,0\n") + text_of(KLINES[1:2], "\n"), "line 1"),
    "letters": (changed(3, volume="NaN"), "line 4: expected 12 columns of numbers"),
    "negative": (changed(3, volume="-1.0"), "line 4"),
    "empty": (changed(3, volume=""), "volume '' is no number"),
    "points": (changed(3, low_price="1.2.3"), "low_price '1.2.3' is no number"),
    "half": (changed(3, low_price=".5"), "low_price '.5' is no number"),
    "long": (changed(3, volume="1" * 31), "is no number"),
    "count": (changed(3, number_of_trades="1.5"), "number_of_trades '1.5'"),
    "large": (changed(3, number_of_trades=2**31), "number_of_trades 2147483648"),
    "order": (text_of(KLINES[::-1]), "open times do not rise"),
    "twice": (text_of([*KLINES[:3], *KLINES[2:]]), "open times do not rise"),
    "before": (text_of(make_klines("1h", 24, START - HOUR)), "is outside of 2024"),
    "behind": (text_of(make_klines("1h", 24, START + HOUR)), "is outside of 2024"),
    "high": (changed(3, high_price="103.2"), "open 103.10000000 and close"),
    "low": (changed(3, low_price="103.10000001"), "outside low 103.10000001"),
    "lasts": (changed(3, close_time=START + 4 * HOUR), "lasts 3600001 ms"),
    "foreign": (text_of(make_klines("1m", 24)), "as another interval's"),
    "units": (text_of(KLINES[:1] + IN_MICROSECONDS[1:]), "in ms and in microseconds"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_rule_refuses_the_file_and_names_the_value(kind: str) -> None:
    content, words = BROKEN[kind]
    with pytest.raises(ArchiveFileRefused) as refused:
        check_file(FILE, content)
    assert str(refused.value).startswith("BTCUSDT-1h-2024-01-01.zip refused: ")
    assert words in str(refused.value)


def test_an_outage_cuts_candles_short_or_ends_them_before_they_began() -> None:
    content = changed(3, close_time=START + 3 * HOUR + MINUTE - 1)
    assert len(check_file(FILE, content)) == 24
    content = changed(3, close_time=START + 3 * HOUR - 5)
    assert len(check_file(FILE, content)) == 24


@given(
    st.lists(
        st.decimals(0, 10**12, places=8).map(lambda number: f"{number:f}"),
        min_size=4,
        max_size=4,
    ),
    st.booleans(),
)
def test_prices_are_judged_as_rest_judges_them(prices: list[str], plain: bool) -> None:
    if plain:
        prices = [price.rstrip("0").rstrip(".") for price in prices]
    row = KLINES[0]._replace(
        open_price=prices[0],
        high_price=prices[1],
        low_price=prices[2],
        close_price=prices[3],
    )
    try:
        expected = [parse_kline(list(row), INTERVALS["1h"])]
    except ValueError:
        expected = []
    try:
        found = check_file(FILE, text_of([row]))
    except ArchiveFileRefused:
        found = []
    assert found == expected


@pytest.mark.parametrize("period", ["2024-12", "2025-01"])
def test_real_files_are_read_in_ms_and_in_microseconds(period: str) -> None:
    file = ArchiveFile(Series("BTCUSDT", INTERVALS["1m"]), parse_period(period))
    path = recorded(f"binance-spot-BTCUSDT-1m-{period}.csv.gz")
    klines = check_file(file, gzip.decompress(path.read_bytes()))
    assert len(klines) == 44_640
    assert klines[0].open_time == file.period.start
    assert klines[-1].close_time == file.period.end - 1
