"""Judging how complete and how fresh a series is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from klineboard.market.coverage import Coverage, Hole
from klineboard.market.interval import DAY, HOUR, INTERVALS, MINUTE
from klineboard.market.series import Series
from klineboard.storage.overview import Contact, Run, SeriesFacts
from klineboard.storage.series import KnownGap
from klineboard.web.states import Judgement, cover, is_late, judge, split_symbol

from ..candles import START

ONE_HOUR = Series("BTCUSDT", INTERVALS["1h"])
NO_CONTACT = Contact(None, None, None)
DAY_STORED = SeriesFacts(
    ONE_HOUR,
    rows=24,
    searched_from=START,
    searched_until=START + DAY,
    first_open=START,
    last_open=START + 23 * HOUR,
    last_close=START + DAY - 1,
    last_price="1.0",
    status="TRADING",
    base_asset="BTC",
    quote_asset="USDT",
)
SOON = START + DAY + 2 * HOUR
LATER = START + 2 * DAY


def _judge(
    facts: SeriesFacts, now: int = SOON, contact: Contact = NO_CONTACT
) -> Judgement:
    return judge(facts, now, START, contact)


def test_all_stored_is_all_well() -> None:
    assert _judge(DAY_STORED) == ("ok", None, Coverage(24, 0, 0))


def test_holes_count_by_their_state() -> None:
    gaps = (
        KnownGap(Hole(START, START + 3 * HOUR), "exchange", 1, None),
        KnownGap(Hole(START + 5 * HOUR, START + 7 * HOUR), "missing", 0, None),
    )
    facts = replace(DAY_STORED, gaps=gaps)
    assert cover(facts, SOON, START) == Coverage(24, 2, 3)


def test_what_lies_before_the_searched_span_is_missing() -> None:
    assert cover(DAY_STORED, SOON, START - 10 * HOUR).missing == 10


def test_before_the_listing_nothing_is_missing() -> None:
    facts = replace(DAY_STORED, searched_from=START - 100 * DAY)
    assert cover(facts, SOON, START - 100 * DAY).missing == 0


def test_a_candle_that_closed_a_moment_ago_is_not_missing() -> None:
    assert cover(DAY_STORED, START + DAY + HOUR + MINUTE, START).missing == 0


def test_where_nobody_searched_only_the_time_since_the_newest_is_missing() -> None:
    facts = replace(DAY_STORED, searched_from=None, searched_until=None)
    assert cover(facts, LATER, 0) == Coverage(24, 24, 0)


def test_nothing_known_is_nothing_missing() -> None:
    assert cover(SeriesFacts(ONE_HOUR), LATER, 0) == Coverage(0, 0, 0)


@pytest.mark.parametrize(("minutes", "late"), [(124, False), (126, True)])
def test_late_is_two_intervals_and_some_minutes(minutes: int, late: bool) -> None:
    assert is_late(DAY_STORED, START + DAY + minutes * MINUTE) is late


def test_late_says_since_when_and_what_comes_next() -> None:
    state, text, coverage = _judge(DAY_STORED, LATER)
    assert state == "late"
    assert text == (
        "Late: the newest candle closed at 2024-01-02 00:00 UTC. "
        "The collector brings more at its next run."
    )
    assert coverage.missing == 24


def test_late_though_searched_is_the_exchanges_doing() -> None:
    state, text, coverage = _judge(replace(DAY_STORED, searched_until=LATER), LATER)
    assert (state, coverage.missing) == ("late", 0)
    assert text is not None and "The exchange has no newer one so far" in text


def test_late_names_an_exchange_that_is_away() -> None:
    contact = Contact(START + DAY, LATER - MINUTE, "no route to host")
    text = _judge(DAY_STORED, LATER, contact).text
    assert text is not None
    assert (
        "last reached at 2024-01-02 00:00 UTC (no route to host); it is tried again"
        in text
    )


def test_late_names_a_run_that_failed() -> None:
    run = Run(START, START, "failed", "Invalid symbol. (code -1121)", 0)
    text = _judge(replace(DAY_STORED, last_run=run), LATER).text
    assert text is not None and "Invalid symbol. (code -1121)" in text


def test_a_symbol_that_trades_no_more_is_not_late() -> None:
    state, text, coverage = _judge(replace(DAY_STORED, status="BREAK"), LATER)
    assert (state, coverage.missing) == ("not_trading", 0)
    assert text == (
        "BTC/USDT 1h is not trading (the exchange says BREAK); "
        "its last candle closed at 2024-01-02 00:00 UTC."
    )


def test_a_collector_at_work_is_told_with_its_progress() -> None:
    facts = replace(DAY_STORED, collecting=True)
    state, text, coverage = _judge(facts, LATER)
    assert state == "collecting"
    assert text == "Collecting BTC/USDT 1h: 24 of about 48 candles."
    assert coverage.expected == 48


def test_a_collector_at_work_on_a_complete_series_is_no_news() -> None:
    assert _judge(replace(DAY_STORED, collecting=True)).state == "ok"


def test_a_first_start_is_collecting() -> None:
    facts = SeriesFacts(ONE_HOUR, collecting=True)
    assert _judge(facts)[:2] == (
        "collecting",
        "Collecting BTC/USDT 1h: the first candles are on their way.",
    )


def test_nothing_stored_and_nobody_at_it_is_empty() -> None:
    state, text, _ = _judge(SeriesFacts(ONE_HOUR))
    assert state == "empty"
    assert text == (
        "No candles of BTC/USDT 1h are stored yet. "
        "The collector brings more at its next run."
    )


@pytest.mark.parametrize(
    ("symbol", "assets"),
    [
        ("ETHBTC", ("ETH", "BTC")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("USDT", ("USDT", "")),
        ("币安人生USDT", ("币安人生", "USDT")),
    ],
)
def test_assets_are_guessed_where_the_exchange_did_not_say(
    symbol: str, assets: tuple[str, str]
) -> None:
    assert split_symbol(SeriesFacts(Series(symbol, INTERVALS["1h"]))) == assets
