"""When REST is asked about a series, and what people are told of it."""

from __future__ import annotations

from collections import deque

import pytest

from klineboard.jobs.catch_up import CaughtUp
from klineboard.jobs.followed import Followed, connections
from klineboard.jobs.pursuit import ExchangeClock, Pursuit
from klineboard.market.interval import INTERVALS, MINUTE
from klineboard.market.kline import Kline
from klineboard.market.series import Series
from klineboard.sources.complaints import Complaints
from klineboard.sources.stream_frames import KlineEvent
from tests.candles import START, make_klines
from tests.conftest import settings_of

MINUTES = Series("BTCUSDT", INTERVALS["1m"])
CANDLES = make_klines("1m", 100)


class Stage:
    """A pursuit with clocks in hand; ours and the exchange's run alike."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pursuit = Pursuit(
            MINUTES, 0, ExchangeClock(lambda: self.seconds), lambda: self.seconds
        )

    def live(self, last: int = 10) -> Pursuit:
        """Return the pursuit with its seam filled up to candle ``last``."""
        pursuit = self.pursuit
        pursuit.begin(None)
        pursuit.connected()
        assert pursuit.claim_repair()
        seam = pursuit.begin_repair()
        pursuit.believe(self.answer(last), last_try=False)
        assert pursuit.is_repaired(seam)
        pursuit.end_repair()
        return pursuit

    def answer(self, last: int, now: int | None = None) -> CaughtUp:
        """Return REST's answer in the middle of the minute behind ``last``."""
        rows: deque[Kline] = deque(CANDLES[: last + 1])
        moment = CANDLES[last].close_time + MINUTE // 2 if now is None else now
        return CaughtUp(moment, rows)

    def hear(self, number: int, *, closed: bool = True) -> None:
        """The stream tells of a candle."""
        self.tell(CANDLES[number], closed=closed)

    def tell(self, kline: Kline, *, closed: bool) -> None:
        """The stream tells of a candle as it is given here."""
        event = KlineEvent("BTCUSDT", MINUTES.interval, kline, closed, kline.close_time)
        self.pursuit.hear(event)


def test_a_candle_that_is_overdue_is_asked_for_more_and_more_rarely() -> None:
    stage = Stage()
    pursuit = stage.live()
    asked = []
    for second in range(200):
        stage.seconds = float(second)
        if pursuit.reason_to_ask() == "a candle should have closed":
            asked.append(second)
    # The close, two seconds of patience, then doubling pauses.
    assert asked == [33, 38, 48, 68, 108, 188]


def test_nothing_is_asked_while_the_stream_tells_all() -> None:
    stage = Stage()
    pursuit = stage.live()
    for number in range(11, 14):
        stage.seconds += 60
        stage.hear(number)
        assert pursuit.reason_to_ask() in (None, "candles that only the stream told")


def test_what_the_stream_told_is_asked_soon_and_once_more_when_rest_has_settled() -> (
    None
):
    stage = Stage()
    pursuit = stage.live()
    asked = []
    for second in range(30, 300):
        stage.seconds = float(second)
        if second % 60 == 30:
            # In time for each close, so that none is overdue.
            stage.hear(11 + second // 60)
        if pursuit.reason_to_ask() and pursuit.claim_repair():
            assert pursuit.reason_to_ask() is None, "it is being asked"
            asked.append(second)
            last = 11 + (second - 30) // 60
            now = CANDLES[10].close_time + MINUTE // 2 + second * 1000
            pursuit.believe(stage.answer(last, now), last_try=False)
            pursuit.end_repair()
    assert 6 <= len(asked) <= 10, asked
    assert all(b - a >= 20 for a, b in zip(asked, asked[1:], strict=False))
    assert pursuit.live.unconfirmed.keys() <= {k.open_time for k in CANDLES[12:]}


def test_a_stream_that_is_silent_while_others_of_its_symbol_speak_is_noticed() -> None:
    stage = Stage()
    pursuit = stage.live()
    stage.seconds = 29.0
    assert not pursuit.is_silent(29.0, 30.0)
    stage.seconds = 31.0
    assert not pursuit.is_silent(5.0, 30.0), "the whole symbol is quiet"
    assert pursuit.is_silent(31.0, 30.0)
    stage.seconds = 62.0
    assert not pursuit.is_silent(62.0, 30.0), "the patience doubles"
    stage.seconds = 92.0
    assert pursuit.is_silent(92.0, 30.0)


def test_only_a_new_trade_of_the_symbol_says_that_its_other_streams_should_speak() -> (
    None
):
    stage = Stage()
    pursuit = stage.live()
    never = pursuit.traded_at
    stage.hear(11)
    assert pursuit.traded_at == never, "it may have been before the connection"
    stage.seconds = 60.0
    stage.tell(CANDLES[12]._replace(number_of_trades=0), closed=True)
    assert pursuit.traded_at == never, "nobody traded"
    stage.seconds = 70.0
    stage.hear(13, closed=False)
    assert pursuit.traded_at == 70.0
    stage.seconds = 90.0
    stage.hear(13)
    assert pursuit.traded_at == 70.0, "the candle closed as it was"
    pursuit.connected()
    stage.seconds = 100.0
    stage.hear(14)
    assert pursuit.traded_at == 70.0


def test_a_seam_during_a_repair_needs_another_answer() -> None:
    stage = Stage()
    pursuit = stage.live()
    assert pursuit.claim_repair()
    assert not pursuit.claim_repair()
    seam = pursuit.begin_repair()
    pursuit.connected()
    pursuit.believe(stage.answer(11), last_try=False)
    assert not pursuit.is_repaired(seam)


def test_an_answer_that_lacks_what_closed_long_ago_is_asked_again() -> None:
    stage = Stage()
    pursuit = stage.live()
    seam = pursuit.begin_repair()
    late = stage.answer(11, now=CANDLES[12].close_time + 15_000)
    pursuit.believe(late, last_try=False)
    assert not pursuit.is_repaired(seam)
    pursuit.believe(late, last_try=True)
    assert pursuit.is_repaired(seam)


def test_a_stream_that_is_silent_while_rest_knows_trades_is_left_out() -> None:
    stage = Stage()
    pursuit = stage.live()
    for number in range(11, 14):
        stage.seconds += 62.5
        assert pursuit.reason_to_ask() != "a candle should have closed"
        stage.seconds += 2.5
        assert pursuit.reason_to_ask() == "a candle should have closed"
        assert not pursuit.is_left_out()
        pursuit.believe(stage.answer(number), last_try=False)
    assert pursuit.is_left_out()
    assert not pursuit.is_left_out(), "one new connection is enough"


def test_says_how_far_the_series_can_be_trusted() -> None:
    stage = Stage()
    pursuit = stage.pursuit
    pursuit.begin(CANDLES[5])
    assert pursuit.condition.state == "reconnecting"
    pursuit.connected()
    assert pursuit.condition.state == "late"
    pursuit.believe(stage.answer(10), last_try=False)
    news = pursuit.news()
    assert news is not None and news.state == "live"
    assert pursuit.news() is None
    pursuit.lost()
    assert pursuit.condition.state == "reconnecting"


def test_a_quiet_symbol_tells_since_when_it_was_not_traded() -> None:
    stage = Stage()
    pursuit = stage.live()
    stage.hear(11, closed=False)
    assert pursuit.condition.no_trades_since is None
    stage.seconds += 301
    assert pursuit.condition.no_trades_since == CANDLES[11].close_time


def test_a_halted_symbol_is_called_quiet_at_once() -> None:
    stage = Stage()
    pursuit = stage.live()
    pursuit.status = "BREAK"
    assert pursuit.condition.no_trades_since == CANDLES[10].close_time


def test_a_symbol_that_trades_is_not_halted_whatever_was_said_at_the_start() -> None:
    stage = Stage()
    pursuit = stage.live()
    pursuit.status = "BREAK"
    stage.hear(11)
    assert pursuit.condition.no_trades_since is not None, "it closed at the halt"
    stage.hear(12, closed=False)
    assert pursuit.condition.no_trades_since is None


def test_a_flood_of_nonsense_is_one_question_in_five_seconds() -> None:
    stage = Stage()
    asked = []
    for second in range(12):
        stage.seconds = float(second)
        if stage.pursuit.may_be_spoiled_again():
            asked.append(second)
    assert asked == [0, 5, 10]


def test_the_exchanges_clock_runs_on_and_goes_back_by_rest_only() -> None:
    seconds = 100.0
    clock = ExchangeClock(lambda: seconds)
    assert clock.now() is None
    clock.learn(START)
    seconds = 101.5
    assert clock.now() == START + 1_500
    clock.learn(START - 1)
    assert clock.now() == START + 1_500
    clock.learn(START + 30 * 86_400_000)
    clock.correct(START + 2_000)
    assert clock.now() == START + 2_000, "REST puts nonsense right"


def test_follows_what_the_settings_name_each_series_once() -> None:
    settings = settings_of(
        {"SYMBOLS": "BTCUSDT", "INTERVALS": "1m,1h", "STREAM_COINS": "BTC,ETH"}
    )
    followed = Followed.of(settings)
    names = [str(series) for series in followed.series]
    assert names == ["BTCUSDT 1m", "BTCUSDT 1h", "ETHUSDT 1m"]
    assert list(followed.coins) == ["BTC", "ETH"]


@pytest.mark.parametrize(
    ("count", "parts"), [(1, [1]), (1024, [1024]), (1025, [1024, 1])]
)
def test_a_connection_carries_at_most_1024_streams(
    count: int, parts: list[int]
) -> None:
    series = [Series(f"C{number}USDT", INTERVALS["1m"]) for number in range(count)]
    assert [len(part) for part in connections(series)] == parts


def test_complaints_are_told_once_a_minute_with_a_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    import logging

    now = 0.0
    complaints = Complaints(logging.getLogger("complaints"), 60.0, lambda: now)
    for second in range(130):
        now = float(second)
        complaints.note("frame skipped", f"number {second}")
    complaints.flush()
    assert [record.getMessage() for record in caplog.records] == [
        "frame skipped: number 0",
        "frame skipped: number 60 (and 59 more since the last such line)",
        "frame skipped: number 120 (and 59 more since the last such line)",
        "frame skipped: 9 more times",
    ]
