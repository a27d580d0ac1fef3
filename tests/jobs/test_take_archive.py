"""Whole months and days from the archive, and REST for the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from klineboard.errors import SettingsError
from klineboard.jobs.collect import Result
from klineboard.jobs.collect_all import Collector, Order
from klineboard.market.archive import ArchiveFile, parse_period
from klineboard.market.interval import DAY, INTERVALS
from klineboard.market.moment import parse_moment as at
from klineboard.market.series import Series
from klineboard.simulator import RecordedMarket, Simulator, read_recording
from klineboard.simulator.replay import Recording
from klineboard.storage.database import Database
from klineboard.storage.klines import newest_klines
from tests.candles import make_klines
from tests.conftest import MakeSettings, recorded
from tests.jobs.conftest import (
    BTC_HOURS,
    START,
    SilentDisplay,
    rows,
    series_of,
    stored,
    truth,
)

SERIES = Series("BTCUSDT", INTERVALS["4h"])
HALF_HOURS = Series("BTCUSDT", INTERVALS["30m"])
NOW = at("2024-03-01T12:30")
FROM, UNTIL = at("2023-10-01"), at("2024-04-03")
ASKED = "/api/v3/klines"

Take = Callable[..., list[Result]]


def file_of(period: str, series: Series = SERIES) -> ArchiveFile:
    return ArchiveFile(series, parse_period(period))


JANUARY, FEBRUARY = file_of("2024-01"), file_of("2024-02")


def recording(symbol: str, name: str, start: int = FROM, end: int = UNTIL) -> Recording:
    interval = INTERVALS[name]
    begin = interval.floor(start)
    klines = make_klines(name, interval.steps(begin, end), begin)
    return Recording(symbol, name, klines)


@pytest.fixture(scope="module")
def market() -> RecordedMarket:
    """A market whose candles cost nothing."""
    names = ("30m", "1h", "4h", "1d", "3d", "1w", "1M")
    coins = ("ETH", "BNB", "SOL", "XRP")
    return RecordedMarket(
        [
            *(recording("BTCUSDT", name) for name in names),
            *(recording(f"{coin}USDT", "4h") for coin in coins),
            recording("ZECUSDT", "1d", at("2020-08-11"), at("2020-12-06")),
        ]
    )


@pytest.fixture
def simulator(market: RecordedMarket) -> Iterator[Simulator]:
    """An exchange with an archive, its clock standing still."""
    with Simulator(market=market, now=NOW, speed=0) as simulator:
        yield simulator


@pytest.fixture
def collector_for(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> Callable[..., Collector]:
    def make(
        url: str = "",
        rest: str = "",
        stop: threading.Event | None = None,
        on_progress: Callable[[], None] = lambda: None,
    ) -> Collector:
        settings = make_settings(
            BINANCE_API_URL=rest or simulator.url,
            BINANCE_ARCHIVE_URL=url or simulator.url,
            DATABASE_WAIT_SECONDS="5",
        )
        display = SilentDisplay(on_progress)
        return Collector(settings, database, display, stop, first_backoff=0.001)

    return make


@pytest.fixture
def take(collector_for: Callable[..., Collector]) -> Take:
    """Run the collector once, with the simulator's archive."""

    def run(
        *names: str,
        source: str | None = "archive",
        start: int = START,
        end: int | None = None,
        url: str = "",
        rest: str = "",
        on_progress: Callable[[], None] = lambda: None,
    ) -> list[Result]:
        series = series_of(*names or ("BTCUSDT 4h",))
        collector = collector_for(url, rest, on_progress=on_progress)
        return collector.run(Order(series, start, end, source))

    return run


def taken(database: Database) -> list[tuple[object, ...]]:
    """Return the files that were taken, with their rows and differing candles."""
    return rows(
        database,
        "SELECT symbol, interval, period, rows, differing FROM archive_files "
        "ORDER BY symbol, interval, period",
    )


def asked_for(simulator: Simulator, file: ArchiveFile) -> int:
    return simulator.statistics.asked(file.path)


def test_months_come_from_the_archive_and_the_rest_by_rest(
    take: Take, simulator: Simulator, database: Database
) -> None:
    (result,) = take("BTCUSDT 30m", source=None)
    assert (result.status, result.error, result.warnings) == ("ok", None, [])
    assert stored(database, HALF_HOURS) == truth(simulator, HALF_HOURS)
    assert taken(database) == [
        ("BTCUSDT", "30m", "2024-01", 1488, 0),
        ("BTCUSDT", "30m", "2024-02", 1392, 0),
    ]
    # The first candle, and the newest day; an empty gap would be asked for twice.
    assert simulator.statistics.asked(ASKED) == 2
    assert rows(database, "SELECT * FROM corrections") == []


def test_nothing_new_asks_neither_the_archive_nor_rest(
    take: Take, simulator: Simulator
) -> None:
    take("BTCUSDT 4h", "ETHUSDT 4h")
    simulator.statistics.clear()
    results = take("BTCUSDT 4h", "ETHUSDT 4h")
    assert [result.rows_stored for result in results] == [0, 0]
    assert simulator.statistics.asked(ASKED) == 0
    assert asked_for(simulator, JANUARY) == 0


def test_rest_only_never_asks_the_archive(
    take: Take, simulator: Simulator, database: Database
) -> None:
    take(source="rest")
    assert stored(database, SERIES) == truth(simulator, SERIES)
    assert asked_for(simulator, JANUARY) == 0
    assert taken(database) == []


def test_an_interval_whose_month_is_one_page_comes_by_rest_if_not_told_otherwise(
    take: Take, simulator: Simulator, database: Database
) -> None:
    take("BTCUSDT 1h", source="auto")
    assert taken(database) == []
    assert stored(database) == truth(simulator)


def test_told_so_the_archive_gives_months_then_days(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.clock.set(at("2024-03-04T07:00"))
    start = at("2024-01-30T04:00")
    (result,) = take("BTCUSDT 1h", start=start)
    assert (result.status, result.warnings) == ("ok", [])
    # The third of March is not published yet: eight hours after its end.
    assert [period for _, _, period, _, _ in taken(database)] == [
        "2024-01-31",
        "2024-02",
        "2024-03-01",
        "2024-03-02",
    ]
    assert stored(database) == truth(simulator, BTC_HOURS, start)


def test_a_month_that_is_not_published_yet_comes_in_days(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.archive.lag = 2 * DAY
    simulator.clock.set(at("2024-03-01T12:00"))
    take("BTCUSDT 1h", start=at("2024-02-01"))
    periods = [str(period) for _, _, period, _, _ in taken(database)]
    assert periods == [f"2024-02-{day:02}" for day in range(1, 28)]
    assert stored(database) == truth(simulator, BTC_HOURS, at("2024-02-01"))


def test_candles_of_days_and_more_end_where_their_file_ends(
    take: Take, simulator: Simulator, database: Database
) -> None:
    names = ["BTCUSDT 1d", "BTCUSDT 3d", "BTCUSDT 1w", "BTCUSDT 1M"]
    for result in take(*names):
        assert (result.status, result.warnings) == ("ok", [])
    for series in series_of(*names):
        assert stored(database, series) == truth(simulator, series), str(series)
    assert len(taken(database)) == 8


def test_history_begins_with_the_first_files_after_the_listing(
    take: Take, simulator: Simulator, database: Database
) -> None:
    series = Series("ZECUSDT", INTERVALS["1d"])
    simulator.clock.set(at("2020-12-05"))
    take("ZECUSDT 1d", start=at("2017-01-01"))
    assert stored(database, series) == truth(simulator, series, at("2017-01-01"))
    months = [period for _, _, period, _, _ in taken(database)]
    assert months[:4] == ["2020-08", "2020-09", "2020-10", "2020-11"]
    assert asked_for(simulator, file_of("2020-07", series)) == 0


def test_what_was_stored_before_is_joined_on_both_sides(
    take: Take, simulator: Simulator, database: Database
) -> None:
    half_hours = "BTCUSDT 30m"
    take(half_hours, start=at("2024-02-10"), end=at("2024-02-12") - 1, source="rest")
    simulator.clock.set(at("2024-04-02T12:30"))
    start = at("2023-12-15")
    take(half_hours, start=start, source=None)
    assert [period for _, _, period, _, _ in taken(database)] == ["2024-01", "2024-03"]
    assert stored(database, HALF_HOURS) == truth(simulator, HALF_HOURS, start)
    assert rows(database, "SELECT * FROM gaps") == []
    simulator.statistics.clear()
    take(half_hours, start=start, source=None)
    assert simulator.statistics.asked(ASKED) == 0


BAD_FILES = {
    "2023-10": ("corrupt_zip", "zip is unsound"),
    "2023-11": ("wrong_checksum", "its checksum says"),
    "2023-12": ("other_symbol", "expected BTCUSDT-4h-2023-12.csv in it, got BNBUSDT"),
    "2024-01": ("zip_bomb", "bytes unzipped"),
    "2024-02": ("truncate", "broke off"),
    "2024-03": ("status", "answered HTTP 500"),
}


def test_bad_files_are_named_and_their_months_come_by_rest(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.clock.set(at("2024-04-02T09:00"))
    for period, (kind, _) in BAD_FILES.items():
        simulator.faults.add(kind=kind, path=file_of(period).path, count=99)
    (result,) = take(start=FROM)
    assert (result.status, result.error) == ("ok", None)
    for warning, (period, (_, reason)) in zip(
        result.warnings, BAD_FILES.items(), strict=True
    ):
        assert file_of(period).zip_name in warning
        assert reason in warning
        assert warning.endswith("its candles come from REST")
    assert [period for _, _, period, _, _ in taken(database)] == ["2024-04-01"]
    assert stored(database, SERIES) == truth(simulator, SERIES, FROM)
    assert rows(database, "SELECT state FROM gaps") == []


def test_what_passes_and_what_is_odd_but_true_does_no_harm(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.faults.add(kind="header", path=file_of("2023-12").path, count=2)
    simulator.faults.add(kind="truncate", path=JANUARY.path, count=1)
    simulator.faults.add(kind="reset", path=FEBRUARY.path, count=1)
    (result,) = take(start=at("2023-12-01"))
    assert (result.status, result.warnings) == ("ok", [])
    assert len(taken(database)) == 3
    assert stored(database, SERIES) == truth(simulator, SERIES, at("2023-12-01"))


def test_a_month_in_the_middle_that_nobody_published_comes_by_rest(
    take: Take, simulator: Simulator, database: Database
) -> None:
    file = file_of("2023-11")
    for path in (file.path, f"{file.path}.CHECKSUM"):
        simulator.faults.add(kind="status", status=404, path=path, count=99)
    (result,) = take(start=FROM)
    assert (result.status, result.warnings) == ("ok", [])
    assert [period for _, _, period, _, _ in taken(database)] == [
        "2023-10",
        "2023-12",
        "2024-01",
        "2024-02",
    ]
    assert stored(database, SERIES) == truth(simulator, SERIES, FROM)
    assert rows(database, "SELECT state FROM gaps") == []


def test_what_a_file_lacks_is_asked_of_rest_and_is_no_outage(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.faults.add(kind="lacking", path=JANUARY.path, count=99)
    (result,) = take()
    assert result.status == "ok"
    assert taken(database)[0] == ("BTCUSDT", "4h", "2024-01", 185, 0)
    assert stored(database, SERIES) == truth(simulator, SERIES)
    assert rows(database, "SELECT state FROM gaps") == []


def test_an_outage_inside_a_file_is_known_as_one_after_rest_was_asked(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.tampering.hide(at("2024-01-10T04:00"), at("2024-01-10T12:00"))
    take()
    assert rows(database, "SELECT state FROM gaps") == [("exchange",)]
    simulator.statistics.clear()
    take()
    assert simulator.statistics.asked(ASKED) == 0


def test_the_outage_of_a_real_day_is_found_in_its_file(
    take: Take, database: Database
) -> None:
    path = recorded("binance-spot-BTCUSDT-1m-2023-03.csv.gz")
    series = Series("BTCUSDT", INTERVALS["1m"])
    market = RecordedMarket([read_recording(path)])
    now = at("2023-03-25T09:00")
    with Simulator(market=market, now=now, speed=0, origin="") as exchange:
        (result,) = take(
            "BTCUSDT 1m",
            source=None,
            start=at("2023-03-24"),
            end=at("2023-03-25") - 1,
            url=exchange.url,
            rest=exchange.url,
        )
    assert (result.status, result.rows_stored) == ("ok", 1_360)
    assert taken(database) == [("BTCUSDT", "1m", "2023-03-24", 1_360, 0)]
    assert rows(
        database, "SELECT start_time::text, end_time::text, state FROM gaps"
    ) == [("2023-03-24 12:40:00+00", "2023-03-24 14:00:00+00", "exchange")]
    with database.transaction() as cursor:
        assert newest_klines(cursor, series, 1)[0].open_time == at("2023-03-24T23:59")


def test_a_symbol_without_files_comes_by_rest(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.archive.lag = 400 * DAY
    (result,) = take("BTCUSDT 1h")
    assert (result.status, result.warnings) == ("ok", [])
    assert taken(database) == []
    assert stored(database) == truth(simulator)


def test_an_archive_that_is_away_is_complained_of_once(
    take: Take,
    simulator: Simulator,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Simulator() as gone:
        url = gone.url
    results = take("BTCUSDT 4h", "ETHUSDT 4h", url=url, start=FROM)
    assert [result.status for result in results] == ["ok", "ok"]
    complaints = [r.message for r in caplog.records if "everything comes" in r.message]
    assert len(complaints) == 1
    assert "the archive at 127.0.0.1 not reached: connection refused" in complaints[0]
    assert stored(database, SERIES) == truth(simulator, SERIES, FROM)


def test_errors_without_end_let_the_archive_be(
    take: Take, simulator: Simulator, market: RecordedMarket, database: Database
) -> None:
    with Simulator(market=market, now=NOW, speed=0) as broken:
        broken.faults.add(kind="status", status=503, count=10_000)
        take(url=broken.url, start=FROM)
        assert broken.statistics.requests < 50
    assert taken(database) == []
    assert stored(database, SERIES) == truth(simulator, SERIES, FROM)


def test_another_exchanges_archive_is_silently_not_used(
    take: Take,
    market: RecordedMarket,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Simulator(market=market, now=NOW, speed=0, origin="other") as other:
        (result,) = take("BTCUSDT 30m", url=other.url, source="auto")
        assert (result.status, result.warnings) == ("ok", [])
    assert taken(database) == []
    assert caplog.messages == [] or "archive" not in " ".join(caplog.messages)


def test_another_exchanges_archive_that_was_asked_for_is_wrong_usage(
    take: Take, market: RecordedMarket, database: Database
) -> None:
    with Simulator(market=market, now=NOW, origin="other") as other:
        with pytest.raises(SettingsError, match="BINANCE_ARCHIVE_URL=.*'simulated'"):
            take(url=other.url, source="archive")
    assert taken(database) == []


def test_an_archive_that_does_not_say_whose_it_is_is_trusted(
    take: Take, simulator: Simulator, market: RecordedMarket, database: Database
) -> None:
    with Simulator(market=market, now=NOW, speed=0, origin="") as mirror:
        take(url=mirror.url)
    assert len(taken(database)) == 2
    assert stored(database, SERIES) == truth(simulator, SERIES)


def correct(simulator: Simulator, time: str, trades: int = 7) -> None:
    simulator.tampering.correct("BTCUSDT", "4h", at(time), number_of_trades=trades)


def test_a_reissued_file_is_taken_again_and_what_it_changes_is_recorded(
    take: Take, simulator: Simulator, database: Database
) -> None:
    take()
    correct(simulator, "2024-01-10T04:00")
    (result,) = take(source="auto")
    assert (result.status, result.rows_corrected) == ("ok", 1)
    assert "2024-01.zip differs from 1 stored candles" in result.warnings[0]
    assert rows(
        database,
        "SELECT open_time::text, replacement->>'number_of_trades' FROM corrections",
    ) == [("2024-01-10 04:00:00+00", "7")]
    assert taken(database)[0] == ("BTCUSDT", "4h", "2024-01", 186, 0)
    assert take(source="auto")[0].warnings == []


def test_where_rest_says_otherwise_than_a_reissued_file_rest_is_believed(
    take: Take, simulator: Simulator, database: Database
) -> None:
    take()
    simulator.faults.add(kind="reissue", path=JANUARY.path, count=3)
    (result,) = take(source="auto")
    assert (result.status, result.rows_corrected) == ("ok", 0)
    assert result.warnings[0].endswith("says otherwise than the file of 1")
    assert stored(database, SERIES) == truth(simulator, SERIES)
    assert taken(database)[0] == ("BTCUSDT", "4h", "2024-01", 186, 1)


def test_candles_that_a_reissued_file_has_more_are_added(
    take: Take, simulator: Simulator, database: Database
) -> None:
    simulator.tampering.hide(at("2024-01-10T04:00"), at("2024-01-10T12:00"))
    take()
    simulator.tampering.show_all()
    (result,) = take()
    assert (result.rows_stored, result.rows_corrected) == (2, 0)
    assert stored(database, SERIES) == truth(simulator, SERIES)
    assert rows(database, "SELECT * FROM gaps") == []


def test_a_reissued_file_that_is_bad_changes_nothing(
    take: Take, simulator: Simulator, database: Database
) -> None:
    take()
    simulator.faults.add(kind="corrupt_zip", path=JANUARY.path, count=9)
    (result,) = take(source="auto")
    assert result.status == "ok"
    assert "refused" in result.warnings[0]
    assert stored(database, SERIES) == truth(simulator, SERIES)


def test_unasked_each_checksum_is_compared_once_a_day(
    take: Take, simulator: Simulator, database: Database
) -> None:
    take()
    correct(simulator, "2024-01-10T04:00")
    simulator.statistics.clear()
    take(source=None)
    assert simulator.statistics.requests == 2  # The time, and the symbols.
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE archive_files SET checked_at = checked_at - interval '1 day'"
        )
    assert take(source=None)[0].rows_corrected == 1
    simulator.statistics.clear()
    take(source=None)
    assert simulator.statistics.requests == 2


def test_a_silent_archive_does_not_hold_up_a_run_with_nothing_new(
    take: Take, simulator: Simulator, database: Database
) -> None:
    take(source=None)
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE archive_files SET checked_at = checked_at - interval '1 day'"
        )
    for file in (JANUARY, FEBRUARY):
        path = f"{file.path}.CHECKSUM"
        simulator.faults.add(kind="hang", seconds=60, path=path, count=99)
    begin = time.monotonic()
    (result,) = take(source=None)
    assert time.monotonic() - begin < 10  # It takes one second.
    assert (result.status, result.warnings) == ("ok", [])


def test_stopped_anywhere_it_goes_on_where_it_stopped(
    collector_for: Callable[..., Collector], simulator: Simulator, database: Database
) -> None:
    order = Order([SERIES], FROM, None, "archive")
    counts = []
    for _ in range(9):
        stop = threading.Event()
        simulator.statistics.clear()
        collector = collector_for(stop=stop, on_progress=stop.set)
        (result,) = collector.run(order)
        counts.append(result.rows_stored)
        if result.status == "ok":
            break
    assert result.status == "ok"
    assert len(counts) > 3
    assert stored(database, SERIES) == truth(simulator, SERIES, FROM)
    assert sum(counts) == len(stored(database, SERIES))
    assert len(taken(database)) == 5
    assert rows(database, "SELECT * FROM corrections") == []
    assert rows(database, "SELECT * FROM gaps") == []


def test_cut_short_before_what_is_stored_it_goes_on_without_a_hole(
    collector_for: Callable[..., Collector], simulator: Simulator, database: Database
) -> None:
    collector_for().run(Order([SERIES], at("2024-02-01"), None, "archive"))
    stop = threading.Event()
    order = Order([SERIES], FROM, None, "archive")
    collector_for(stop=stop, on_progress=stop.set).run(order)
    assert stored(database, SERIES) == truth(simulator, SERIES, at("2023-12-01"))
    collector_for().run(order)
    assert [period for _, _, period, _, _ in taken(database)][0] == "2023-10"
    assert stored(database, SERIES) == truth(simulator, SERIES, FROM)


def test_four_series_at_once_are_each_whole(
    take: Take, simulator: Simulator, database: Database
) -> None:
    names = [f"{coin}USDT 4h" for coin in ("BTC", "ETH", "BNB", "SOL", "XRP")]
    results = take(*names, start=at("2024-01-01"))
    assert [result.status for result in results] == ["ok"] * 5
    for series in series_of(*names):
        assert stored(database, series) == truth(simulator, series)
    assert len(taken(database)) == 10
