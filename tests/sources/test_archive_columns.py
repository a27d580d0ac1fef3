"""What Arrow takes for sound is what the slower check gives."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineboard.market.archive import ArchiveFile, parse_period
from klineboard.market.archive_rows import check_file
from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series
from klineboard.sources.archive_columns import sound_klines
from tests.conftest import recorded
from tests.market.test_archive_rows import (
    BROKEN,
    FILE,
    HEADER,
    IN_MICROSECONDS,
    KLINES,
    changed,
    text_of,
)


@pytest.mark.parametrize(
    "content",
    [
        text_of(KLINES),
        text_of(KLINES, "\n"),
        text_of(KLINES).rstrip(b"\n"),
        text_of(IN_MICROSECONDS),
    ],
    ids=["12", "11", "no_last_feed", "microseconds"],
)
def test_the_usual_forms_are_sound(content: bytes) -> None:
    klines = sound_klines(FILE, content)
    assert klines is not None
    assert list(klines) == KLINES
    assert klines[-1] == KLINES[-1]
    assert klines[3:5] == KLINES[3:5]


@pytest.mark.parametrize("kind", BROKEN)
def test_what_breaks_a_rule_is_left_to_the_slower_check(kind: str) -> None:
    assert sound_klines(FILE, BROKEN[kind][0]) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEADER,
        HEADER + text_of(KLINES),
        text_of(KLINES).replace(b"\n", b"\r\n"),
        text_of(KLINES).replace(b"\n", b"\n\n", 1),
        changed(3, volume="7"),
        changed(3, volume="+7.00000000"),
        changed(3, number_of_trades=""),
        changed(3, number_of_trades=" 7"),
    ],
)
def test_what_is_odd_is_left_to_the_slower_check(content: bytes) -> None:
    assert sound_klines(FILE, content) is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.sampled_from([b"", b"0", b"1", b"9", b".", b",", b"\n", b"-"]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_a_damaged_file_is_never_read_otherwise(
    damages: list[tuple[int, bytes]],
) -> None:
    content = text_of(KLINES[:3])
    for place, byte in damages:
        content = content[:place] + byte + content[place + 1 :]
    found = sound_klines(FILE, content)
    if found is not None:
        assert list(found) == check_file(FILE, content)


@pytest.mark.parametrize("period", ["2024-12", "2025-01"])
def test_real_files_are_sound(period: str) -> None:
    file = ArchiveFile(Series("BTCUSDT", INTERVALS["1m"]), parse_period(period))
    path = recorded(f"binance-spot-BTCUSDT-1m-{period}.csv.gz")
    content = gzip.decompress(path.read_bytes())
    klines = sound_klines(file, content)
    assert klines is not None
    assert list(klines) == check_file(file, content)
