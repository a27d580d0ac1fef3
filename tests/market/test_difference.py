"""What differs between two words on the same candles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from klineboard.market.difference import Difference, compare
from klineboard.market.interval import HOUR
from tests.candles import START, make_klines

TOLD = make_klines("1h", 6)
NOW = SETTLED = START + 100 * HOUR
PLACES = st.sets(st.integers(0, 5))


@given(absent=PLACES, unknown=PLACES, changed=PLACES)
def test_each_candle_that_differs_is_found_once_and_by_its_kind(
    absent: set[int], unknown: set[int], changed: set[int]
) -> None:
    stored = [
        kline._replace(volume="7.77") if n in changed else kline
        for n, kline in enumerate(TOLD)
        if n not in absent
    ]
    told = [kline for n, kline in enumerate(TOLD) if n not in unknown]
    kinds = {
        TOLD[n].open_time: kind
        for kind, places in (
            ("missing", absent - unknown),
            ("surplus", unknown - absent),
            ("differs", changed - absent - unknown),
        )
        for n in places
    }
    found = compare(stored, told, NOW, SETTLED)
    assert [one.open_time for one in found] == sorted(kinds)
    assert {one.open_time: one.kind for one in found} == kinds


def test_columns_that_differ_are_named_and_digits_count() -> None:
    one = TOLD[1]
    (found,) = compare([one._replace(volume="1.1234567800")], [one], NOW, SETTLED)
    assert (found.columns, found.is_spelling) == (("volume",), True)
    other = one._replace(close_price="1", close_time=one.close_time - 1)
    (found,) = compare([other], [one], NOW, SETTLED)
    assert found.columns == ("close_price", "close_time")
    assert not found.is_spelling


def test_the_open_candle_is_no_difference_whatever_is_stored() -> None:
    open_one = TOLD[-1]
    now = open_one.close_time
    assert compare([], [open_one], now, now - HOUR) == []
    assert compare([open_one._replace(volume="1")], [open_one], now, now - HOUR) == []
    assert compare([], [open_one], now + 1, now - HOUR) == [Difference(None, open_one)]


def test_what_closed_just_now_may_come_late_or_without_its_last_trades() -> None:
    newest = TOLD[-1]
    fewer = newest._replace(number_of_trades=newest.number_of_trades - 1)
    more = newest._replace(number_of_trades=newest.number_of_trades + 1)
    now = newest.close_time + 1
    assert compare([newest], [], now, newest.close_time) == []
    assert compare([newest], [fewer], now, newest.close_time) == []
    assert len(compare([newest], [more], now, newest.close_time)) == 1
    assert len(compare([newest], [fewer], now, now)) == 1
    assert len(compare([newest], [], now, now)) == 1


def test_a_candle_of_the_future_is_surplus() -> None:
    now = TOLD[0].open_time - 1
    assert [one.kind for one in compare(TOLD[:1], [], now, now)] == ["surplus"]
