"""Which of the stream's words are believed, and when."""

from __future__ import annotations

from klineboard.market.interval import INTERVALS, MINUTE
from klineboard.market.kline import Kline
from klineboard.market.live_series import SETTLE_MS, LiveSeries

T = 1_717_243_200_000
LATER = T + 100 * MINUTE


def candle(number: int, trades: int = 10, close: str = "2") -> Kline:
    """Return the minute's candle number ``number`` behind T."""
    opened = T + number * MINUTE
    ending = opened + MINUTE - 1
    return Kline(opened, "2", "3", "1", close, "5", ending, "10", trades, "2", "4")


def following(*stored: Kline) -> LiveSeries:
    """Return a series whose seam was filled: it ends with the stored candles."""
    series = LiveSeries(INTERVALS["1m"])
    series.begin(stored[-1] if stored else None)
    series.believe(stored, None, LATER, last_try=False)
    return series


def test_hands_on_each_candle_once_in_order() -> None:
    series = following(candle(0))
    assert series.hear(candle(1, 4), False, 1).open == candle(1, 4)
    assert series.hear(candle(1), True, 2).closed == [candle(1)]
    assert series.hear(candle(1), True, 2).closed == ()
    assert series.hear(candle(1, 9), False, 1).open is None
    assert series.hear(candle(2, 1), False, 3).open == candle(2, 1)


def test_an_older_state_of_the_open_candle_is_no_news() -> None:
    series = following(candle(0))
    series.hear(candle(1, 7), False, 20)
    assert series.hear(candle(1, 5), False, 10).open is None
    assert series.hear(candle(1, 7), False, 20).open is None


def test_believes_nothing_before_rest_has_spoken() -> None:
    series = LiveSeries(INTERVALS["1m"])
    series.begin(candle(0))
    assert series.hear(candle(1), True, 1) == series.hear(candle(2, 1), False, 2)
    change = series.believe([candle(0)], None, T + 2 * MINUTE, last_try=False)
    assert change.closed == [candle(1)]
    assert change.open == candle(2, 1)
    assert series.is_trusted


def test_a_jump_is_a_seam() -> None:
    series = following(candle(0))
    change = series.hear(candle(2), True, 1)
    assert change.closed == () and change.doubt is not None
    assert not series.is_trusted
    change = series.believe(
        [candle(0), candle(1)], None, T + 3 * MINUTE, last_try=False
    )
    assert change.closed == [candle(1), candle(2)]


def test_rest_that_lags_is_asked_again_and_in_the_end_taken_at_its_word() -> None:
    series = following(candle(0))
    series.hear(candle(2), True, 1)
    change = series.believe([candle(0)], None, T + 3 * MINUTE, last_try=False)
    assert change.closed == [] and change.doubt is not None
    change = series.believe([candle(0)], None, T + 3 * MINUTE, last_try=True)
    assert change.closed == [candle(2)] and change.doubt is None


def test_an_outage_ends_with_the_first_candle_behind_it() -> None:
    series = following(candle(0))
    assert series.hear(candle(7, 1), False, 1).doubt is not None
    assert series.believe([], None, T + 8 * MINUTE, last_try=True).open == candle(7, 1)
    assert series.hear(candle(7, 2), False, 2).open == candle(7, 2)
    assert series.hear(candle(7), True, 3).closed == [candle(7)]


def test_rest_is_the_authority_over_what_the_stream_said() -> None:
    series = following(candle(0))
    series.hear(candle(1, close="2.5"), True, 1)
    change = series.believe([candle(0), candle(1)], None, LATER, last_try=False)
    assert change.closed == [candle(1)]
    assert not series.is_unconfirmed(LATER)


def test_what_rest_says_right_after_the_close_is_asked_for_again() -> None:
    series = following(candle(0))
    now = candle(1).close_time + 1
    series.believe([candle(0), candle(1, 8)], None, now, last_try=False)
    settled = candle(1).close_time + SETTLE_MS + 1
    assert not series.is_unconfirmed(now)
    assert series.is_unconfirmed(settled)
    change = series.believe([candle(1, 9)], None, settled, last_try=False)
    assert change.closed == [candle(1, 9)]
    assert not series.is_unconfirmed(settled)


def test_two_closing_events_that_differ_are_a_question_for_rest() -> None:
    series = following(candle(0))
    series.hear(candle(1), True, 1)
    change = series.hear(candle(1, close="2.5"), True, 2)
    assert change.closed == () and change.doubt is not None


def test_the_open_candle_is_rebuilt_from_rest() -> None:
    series = LiveSeries(INTERVALS["1m"])
    series.begin(None)
    now = T + MINUTE + 5_000
    change = series.believe([candle(0)], candle(1, 3), now, last_try=False)
    assert change.open == candle(1, 3)
    assert series.hear(candle(1, 2), False, now - 1).open is None
    assert series.hear(candle(1, 4), False, now + 1).open == candle(1, 4)


def test_a_candle_is_overdue_when_its_close_has_passed_unsaid() -> None:
    series = following(candle(0))
    assert not series.is_overdue(T + 2 * MINUTE - 1)
    assert series.is_overdue(T + 2 * MINUTE)


def test_candles_off_the_grid_follow_each_other() -> None:
    """Real ones of February 2018 open at hh:28:14.789."""
    series = following(candle(0))
    odd = candle(1)._replace(open_time=candle(1).open_time + 14_789)
    assert series.hear(odd, True, 1).closed == [odd]


def test_what_waits_for_rest_does_not_grow_without_end() -> None:
    series = LiveSeries(INTERVALS["1m"])
    series.begin(candle(0))
    for number in range(1, 6_000):
        series.hear(candle(number), True, number)
    assert len(series.known) <= 5_000
    assert candle(5_999).open_time in series.known
