"""The collector's door: a real process, its options, exit codes, kills and races."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from klineboard.market.moment import parse_moment as at
from klineboard.settings import PROJECT_ROOT
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.candles import store_into
from tests.conftest import MakeSettings
from tests.jobs.conftest import (
    assert_csv_equals_table,
    rows,
    stored,
    truth,
)

Door = Callable[..., subprocess.Popen[str]]
HISTORY = at("2023-06-01")


@pytest.fixture
def environment(
    make_settings: MakeSettings, simulator: Simulator, tmp_path: Path
) -> dict[str, str]:
    """What the door's process finds in its environment."""
    settings = make_settings()
    return {
        "PATH": os.environ["PATH"],
        "POSTGRES_HOST": settings.postgres_host,
        "POSTGRES_PORT": str(settings.postgres_port),
        "POSTGRES_DB": settings.postgres_db,
        "DATA_DIR": str(settings.data_dir),
        "LOG_DIR": str(settings.log_dir),
        "BINANCE_API_URL": simulator.url,
        "COINGECKO_API_URL": simulator.url,
        "SYMBOLS": "BTCUSDT",
        "INTERVALS": "1h",
        "HISTORY_START": "2023-06-01",
    }


@pytest.fixture
def door(environment: dict[str, str]) -> Iterator[Door]:
    """Start ``get_kline_data.py``; keys of the environment can be given."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **keys: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, PROJECT_ROOT / "get_kline_data.py", *options],
            env={**environment, **keys},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_collects_and_says_so_in_one_line_a_series(
    door: Door, simulator: Simulator, database: Database, tmp_path: Path
) -> None:
    code, out, err = finish(door())
    assert (code, err) == (0, "")
    assert stored(database) == truth(simulator, start=HISTORY)
    (line,) = [line for line in out.splitlines() if "BTCUSDT 1h: ok" in line]
    assert "6,588 new candles" in line
    assert (tmp_path / "logs" / "collect.log").read_text().count("BTCUSDT 1h: ok") == 1
    assert rows(database, "SELECT count(*) FROM market_caps") == [(10,)]


def test_prints_the_newest_candles_as_a_table(door: Door, simulator: Simulator) -> None:
    code, out, _ = finish(door("--print", "3", "--quiet"))
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "BTCUSDT 1h, newest 3 candles (UTC)"
    assert len(lines) == 5
    newest = truth(simulator)[-1]
    assert "2024-03-01 11:00" in lines[-1]
    assert newest.close_price in lines[-1]
    assert newest.taker_buy_quote_asset_volume in lines[-1]


def test_print_without_a_number_means_five_hundred(door: Door) -> None:
    _, out, _ = finish(door("--print", "--quiet"))
    assert "newest 500 candles" in out
    assert len(out.splitlines()) == 502


def test_a_dry_run_stores_nothing_and_needs_no_database(
    door: Door, database: Database
) -> None:
    code, out, err = finish(
        door("--dry-run", "--print", "2", POSTGRES_HOST="127.0.0.1", POSTGRES_PORT="1")
    )
    assert (code, err) == (0, "")
    assert "6,588 closed candles from 2023-06-01 00:00 to 2024-03-01 11:00 UTC" in out
    assert stored(database) == []


@pytest.mark.parametrize(
    ("options", "keys", "words"),
    [
        (["--interval", "1H"], {}, ["--interval='1H'", "did you mean 1h"]),
        (["--symbol", "BTCUSD"], {}, ["BTCUSD", "did you mean BTCUSDT"]),
        (["--start", "2024-02-02", "--end", "2024-02-01"], {}, ["2024-02-02"]),
        (["--start", "2024-02-30"], {}, ["--start='2024-02-30'", "a moment such as"]),
        (["--end", "soon"], {}, ["--end='soon'"]),
        (["--print", "0"], {}, ["--print='0'"]),
        (["--symbol", "BTCUSDT,"], {}, ["--symbol"]),
        (["--colour"], {}, ["--colour"]),
        (["--verify", "--sample", "0"], {}, ["--sample='0'", "a number from 1"]),
        (["--verify"], {}, ["--verify='BTCUSDT 1h'", "a series that is stored"]),
        ([], {"POSTGRES_PORT": "abc"}, ["POSTGRES_PORT='abc'", "port number"]),
        ([], {"SYMBOLS": ""}, ["SYMBOLS=''", "at least one"]),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_value(
    door: Door,
    database: Database,
    options: list[str],
    keys: dict[str, str],
    words: list[str],
) -> None:
    code, _, err = finish(door(*options, **keys))
    assert code == 2
    assert all(word in err for word in words), err
    assert stored(database) == []


def test_a_key_that_looks_like_ours_is_warned_about(door: Door) -> None:
    code, out, _ = finish(door("--end", "2023-06-02", SYMBOL="ETHUSDT"))
    assert code == 0
    assert "SYMBOL='ETHUSDT' is no setting" in out
    assert "did you mean SYMBOLS?" in out


def test_one_unknown_symbol_among_good_ones_ends_with_1(
    door: Door, simulator: Simulator, database: Database
) -> None:
    code, out, _ = finish(door("--symbol", "NOPEUSDT,btcusdt"))
    assert code == 1
    assert "NOPEUSDT 1h: failed · Invalid symbol." in out
    assert stored(database) == truth(simulator, start=HISTORY)


def test_a_database_that_is_away_ends_with_1_and_its_place(door: Door) -> None:
    code, out, _ = finish(
        door(POSTGRES_HOST="127.0.0.1", POSTGRES_PORT="1", DATABASE_WAIT_SECONDS="1")
    )
    assert code == 1
    assert "PostgreSQL at 127.0.0.1:1" in out
    assert "(waited 1 s)" in out


def test_no_secret_is_printed_or_logged(door: Door, tmp_path: Path) -> None:
    finish(
        door(
            POSTGRES_HOST="127.0.0.1",
            POSTGRES_PORT="1",
            DATABASE_WAIT_SECONDS="0",
            POSTGRES_PASSWORD="s3cret-word",
            COINGECKO_DEMO_API_KEY="s3cret-key",
            LOG_LEVEL="DEBUG",
        )
    )
    assert "s3cret" not in (tmp_path / "logs" / "collect.log").read_text()


def test_killed_at_any_instant_and_run_again_nothing_is_lost_or_doubled(
    door: Door, simulator: Simulator, database: Database, tmp_path: Path
) -> None:
    expected = truth(simulator, start=HISTORY)
    kills = 0
    for pages in (1, 2, 4, 3, 5):
        # The exchange falls silent at a page; that instant the process is killed.
        asked = threading.Event()
        simulator.faults.add(kind="hang", seconds=60, skip=pages, count=99)
        process = door()
        while not simulator.faults.waiting()[0]["count"] < 99:
            asked.wait(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        simulator.faults.clear()
        kills += 1
        kept = stored(database)
        assert kept == expected[: len(kept)]
    code, _, _ = finish(door())
    assert (code, kills) == (0, 5)
    assert stored(database) == expected
    assert_csv_equals_table(database, tmp_path / "data" / "csv")


def test_two_runs_at_once_do_the_work_once(
    door: Door, simulator: Simulator, database: Database, tmp_path: Path
) -> None:
    codes = [finish(process)[0] for process in [door() for _ in range(3)]]
    assert codes == [0, 0, 0]
    assert stored(database) == truth(simulator, start=HISTORY)
    assert rows(database, "SELECT sum(rows_stored) FROM collection_runs") == [(6588,)]
    assert_csv_equals_table(database, tmp_path / "data" / "csv")


def test_a_full_disk_costs_the_file_but_no_candle(
    environment: dict[str, str], simulator: Simulator, database: Database, door: Door
) -> None:
    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    full = subprocess.run(
        [sys.executable, PROJECT_ROOT / "get_kline_data.py"],
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=no_room,
        timeout=60,
        check=False,
    )
    assert full.returncode == 1
    assert "could not be written: [Errno 27] File too large" in full.stdout
    assert stored(database) == truth(simulator, start=HISTORY)
    assert finish(door())[0] == 0
    assert_csv_equals_table(database, Path(environment["DATA_DIR"]) / "csv")


def test_watch_collects_each_candle_after_it_closed_and_ends_on_sigterm(
    door: Door, simulator: Simulator, database: Database
) -> None:
    simulator.clock.set(at("2024-03-01T12:59:55"), speed=1)
    process = door("--watch")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any("6,588 new candles" in line for line in lines)
    assert any("1 new candle " in line for line in lines)
    assert stored(database)[-1].open_time == at("2024-03-01T12:00")
    process.terminate()
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "stopped" in out


def test_sigterm_in_a_backfill_keeps_whole_pages(
    door: Door, simulator: Simulator, database: Database
) -> None:
    simulator.faults.add(kind="hang", seconds=3, skip=5, count=1)
    process = door()
    pause = threading.Event()
    while simulator.faults.waiting():
        pause.wait(0.01)
    process.terminate()
    code, out, _ = finish(process)
    assert code == 130
    assert "the next run goes on from here" in out
    kept = stored(database)
    assert kept == truth(simulator, start=HISTORY)[: len(kept)]


def test_help_names_every_option_and_the_exit_codes(door: Door) -> None:
    code, out, _ = finish(door("--help"))
    assert code == 0
    for word in (
        "--symbol --interval --start --end --print --dry-run --watch --verify --sample "
        "--repair --json"
    ).split():
        assert word in out
    assert "Exit code: 0 all well" in out


def test_an_export_asks_the_exchange_for_nothing_and_ends_with_0_or_2(
    door: Door, database: Database, tmp_path: Path
) -> None:
    store_into(database)(count=30)
    place = str(tmp_path / "out")
    options, nobody = ["--export", place, "--format", "jsonl"], "http://127.0.0.1:1"
    running = [
        door(*options, "--start", "2024-01-02", BINANCE_API_URL=nobody),
        door(*options, "--symbol", "DOGEUSDT"),
        door(*options, "--watch"),
    ]
    (code, out, err), unknown, too_much = map(finish, running)
    assert (code, err) == (0, "")
    assert f"BTCUSDT 1h: 6 candles in {place}/BTCUSDT_1h.jsonl" in out
    assert len((tmp_path / "out" / "BTCUSDT_1h.jsonl").read_text().splitlines()) == 6
    assert unknown[0] == too_much[0] == 2
    assert "--symbol='DOGEUSDT': expected a series that is stored" in unknown[2]
    assert "--export goes without --watch" in too_much[2]


def test_watch_and_dry_run_exclude_each_other(door: Door) -> None:
    code, _, err = finish(door("--watch", "--dry-run"))
    assert code == 2
    assert "exclude each other" in err


def test_an_archive_of_another_exchange_that_is_asked_for_is_wrong_usage(
    door: Door,
) -> None:
    code, _, err = finish(door("--source", "archive"))
    assert code == 2
    assert "BINANCE_ARCHIVE_URL='https://data.binance.vision': expected" in err
    assert "'simulated'; this one is of 'binance'" in err


def test_a_dry_run_asks_rest_only(door: Door) -> None:
    code, _, err = finish(door("--source", "archive", "--dry-run"))
    assert code == 2
    assert "--dry-run asks REST only" in err


def test_verify_lists_each_difference_and_repair_mends_it(
    door: Door, simulator: Simulator, database: Database
) -> None:
    keys = {"HISTORY_START": "2024-02-01"}
    finish(door(**keys))
    assert finish(door("--verify", "--quiet")) == (0, "", "")
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE klines SET volume = 7 WHERE open_time = '2024-02-10 05:00'"
        )
        cursor.execute("DELETE FROM klines WHERE open_time = '2024-02-11 06:00'")
    true = {kline.open_time: kline for kline in truth(simulator)}
    volume = true[at("2024-02-10T05:00")].volume
    code, out, err = finish(door("--verify"))
    assert (code, err) == (1, "")
    assert f"BTCUSDT 1h  2024-02-10 05:00  volume: stored 7, exchange {volume}\n" in out
    assert "BTCUSDT 1h  2024-02-11 06:00  missing: exchange open " in out
    assert (
        "BTCUSDT 1h: 707 candles compared, 1 differ, 1 missing, 0 surplus · 1 request"
        in out
    )
    code, out, _ = finish(door("--verify", "--json", "--repair"))
    found, missing, summary = map(json.loads, out.splitlines())
    assert (found["columns"], found["stored"]["volume"]) == (["volume"], "7")
    assert found["exchange"] == true[at("2024-02-10T05:00")]._asdict()
    assert (missing["kind"], missing["stored"]) == ("missing", None)
    assert (summary["differs"], summary["missing"], summary["repaired"]) == (1, 1, 2)
    assert code == 0
    assert stored(database) == truth(simulator, start=at("2024-02-01"))


def test_verify_says_what_it_could_not_compare(
    door: Door, simulator: Simulator
) -> None:
    finish(door(HISTORY_START="2024-02-01"))
    simulator.faults.add(kind="status", status=418, code=-1003, retry_after=600)
    code, out, _ = finish(door("--verify"))
    assert code == 1
    assert "BTCUSDT 1h: NOT verified at all: the exchange banned this address" in out
    assert "0 differ" not in out


def test_a_reader_of_the_table_may_leave_early(environment: dict[str, str]) -> None:
    done = subprocess.run(
        f"'{sys.executable}' get_kline_data.py --print --quiet | head -1",
        cwd=PROJECT_ROOT,
        shell=True,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "BTCUSDT 1h, newest 500 candles (UTC)\n"
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_dry_run_in_words(door: Door, simulator: Simulator) -> None:
    simulator.faults.add(kind="status", status=500, count=99, path="/api/v3/klines")
    process = door("--dry-run")
    pause = threading.Event()
    while simulator.statistics.asked("/api/v3/klines") == 0:
        pause.wait(0.01)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, err) == (130, "")
    assert "stopped before the end" in out
