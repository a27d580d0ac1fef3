"""The real compose stack with a simulated market, from first start to ``down -v``.

The tests run in this order on one stack; each begins with what the one before left.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import time
import urllib.request

import pytest
from dotenv import dotenv_values
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from .stack import IMAGE, ROOT, Stack, docker, eventually, listed

pytestmark = pytest.mark.stack

SERIES = [
    (symbol, interval)
    for symbol in ("BTCUSDT", "ETHUSDT")
    for interval in ("1h", "4h", "1d")
]
STEPS = {"15m": "15 minutes", "1h": "1 hour", "4h": "4 hours", "1d": "1 day"}
HEADER = (
    "open_time,open_price,high_price,low_price,close_price,volume,close_time,"
    "quote_asset_volume,number_of_trades,taker_buy_base_asset_volume,"
    "taker_buy_quote_asset_volume"
)
USER_ID = 1000
RUN_ENDED = "cron: the run ended with exit code 0"


# All that is between the first and the newest candle: stored, or a known outage.
COMPLETE = """
WITH stored AS (
    SELECT count(*) AS candles, min(open_time) AS first, max(open_time) AS newest
    FROM klines WHERE symbol = :'symbol' AND interval = :'interval'
), holes AS (
    SELECT coalesce(sum(extract(epoch FROM end_time - start_time)), 0) AS seconds,
        count(*) FILTER (WHERE state = 'missing') AS missing
    FROM gaps WHERE symbol = :'symbol' AND interval = :'interval'
)
SELECT candles * extract(epoch FROM :'step'::interval) + seconds
        = extract(epoch FROM newest - first + :'step'::interval),
    missing,
    -- Open since two steps at most, and one step more: the next run may be due.
    newest + 3 * :'step'::interval > now(),
    candles
FROM stored, holes
"""
COPY = """
COPY (
    SELECT to_char(open_time AT TIME ZONE 'UTC', :'format'), open_price, high_price,
        low_price, close_price, volume,
        to_char(close_time AT TIME ZONE 'UTC', :'format'), quote_asset_volume,
        number_of_trades, taker_buy_base_asset_volume, taker_buy_quote_asset_volume
    FROM klines WHERE symbol = :'symbol' AND interval = :'interval' ORDER BY open_time
) TO STDOUT (FORMAT csv)
"""


def rows_of(stack: Stack, symbol: str) -> int:
    """Return how many candles of a symbol are stored."""
    statement = "SELECT count(*) FROM klines WHERE symbol = :'symbol'"
    return stack.number(statement, symbol=symbol)


def done_since(stack: Stack, moment: str) -> int:
    """Return how many series were brought up to date since a moment."""
    return stack.number(
        "SELECT count(DISTINCT (symbol, interval)) FROM collection_runs "
        "WHERE status = 'ok' AND started_at > :'moment'",
        moment=moment,
    )


def assert_complete(stack: Stack, symbol: str, interval: str) -> int:
    """Each candle is stored or a known outage; return how many are stored."""
    whole, missing, fresh, candles = stack.row(
        COMPLETE, symbol=symbol, interval=interval, step=STEPS[interval]
    )
    assert (whole, missing, fresh) == ("t", "0", "t"), (symbol, interval)
    assert int(candles) > 0
    return int(candles)


def csv_equals_table(stack: Stack, symbol: str, interval: str) -> bool:
    """Compare a file in the data volume with what COPY writes now."""
    path = f"/app/data/csv/{symbol}_{interval}.csv"
    rows = stack.sql(
        COPY, symbol=symbol, interval=interval, format='YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
    )
    file = stack.compose("exec", "-T", "cron", "cat", path)
    same: bool = file == HEADER.encode() + b"\n" + rows
    return same


def test_a_collection_that_is_killed_is_completed_by_the_next_one(stack: Stack) -> None:
    stack.compose("up", "-d", "cron")
    eventually("candles arrive", lambda: rows_of(stack, "BTCUSDT") > 2000)
    stack.kill("cron", "get_kline_data.py")
    eventually("killed", lambda: "exit code 137" in stack.log("cron"))
    killed_at = stack.sql("SELECT now()").decode().strip()
    left = rows_of(stack, "BTCUSDT") + rows_of(stack, "ETHUSDT")
    assert done_since(stack, "epoch") < len(SERIES)
    stack.note(f"first collection killed after {left} candles")
    stack.compose("up", "-d", "--wait")
    stack.note("all services are healthy")
    eventually(
        "cron's second run completes all series",
        lambda: done_since(stack, killed_at) == len(SERIES),
        180,
    )
    candles = sum(assert_complete(stack, *series) for series in SERIES)
    stack.note(f"the second one completed all series: {candles} candles")


def test_outages_of_the_exchange_are_in_gaps(stack: Stack) -> None:
    assert stack.sql("SELECT DISTINCT state FROM gaps") == b"exchange\n"


@pytest.mark.parametrize(("symbol", "interval"), SERIES)
def test_csv_file_equals_the_table(stack: Stack, symbol: str, interval: str) -> None:
    # Asked again where a candle closes in between.
    eventually("equal", lambda: csv_equals_table(stack, symbol, interval))


def test_cron_collects_again_on_its_schedule(stack: Stack) -> None:
    before = stack.log("cron").count(RUN_ENDED)
    recorded = stack.number("SELECT count(*) FROM collection_runs")
    eventually(
        "another run", lambda: stack.log("cron").count(RUN_ENDED) >= before + 1, 90
    )
    assert stack.number("SELECT count(*) FROM collection_runs") > recorded
    assert "crond: USER klineboard" in stack.log("cron")
    file = (stack.logs / "cron.log").read_text(encoding="utf-8")
    assert file.count(RUN_ENDED) >= before + 1
    assert "BTCUSDT 1h: ok" in file
    stack.note("cron ran again on its schedule")


def test_logs_can_be_written_whoever_owns_the_folder(stack: Stack) -> None:
    collected = (stack.logs / "collect.log").read_text(encoding="utf-8")
    assert collected.startswith("begun by make run\n")
    assert "BTCUSDT 1h: ok" in collected
    for name in ("collect.log", "cron.log", "web.log"):
        assert (stack.logs / name).stat().st_mode & 0o666 == 0o666, name
    for service in ("cron", "web"):
        assert "writable" not in stack.log(service)


def test_page_shows_candles_in_a_browser(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(f"{stack.page}/?symbol=ETHUSDT&interval=4h&range=1M")
    candles = page.locator("#plot .boxlayer path")
    candles.first.wait_for(state="attached", timeout=30_000)
    expect(page.locator("#quote-symbol")).to_have_text("ETH/USDT")
    expect(page.locator("#simulated")).to_be_visible()
    expect(page.locator("#caps-table tbody tr")).to_have_count(10)
    stack.note(f"the page draws {candles.count()} candles")
    assert candles.count() > 150
    assert errors == []
    page.close()


def test_adminer_logs_in_with_the_words_of_env(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(stack.adminer)
    page.select_option("[name='auth[driver]']", label="PostgreSQL")
    expect(page.locator("[name='auth[server]']")).to_have_value("db")
    log_in_to_adminer(page)
    page.close()


def test_adminer_needs_only_the_password_by_its_link(
    stack: Stack, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(f"{stack.adminer}/?pgsql=db&username=postgres&db=postgres")
    page.fill("[name='auth[password]']", env("POSTGRES_PASSWORD"))
    page.click("input[type=submit]")
    expect(page.get_by_role("link", name="klines", exact=True).first).to_be_visible()
    page.close()


def log_in_to_adminer(page: Page) -> None:
    """Fill the form's other fields, and find the table and its candles."""
    page.fill("[name='auth[username]']", env("POSTGRES_USER"))
    page.fill("[name='auth[password]']", env("POSTGRES_PASSWORD"))
    page.fill("[name='auth[db]']", env("POSTGRES_DB"))
    page.click("input[type=submit]")
    table = page.get_by_role("link", name="klines", exact=True).first
    expect(table).to_be_visible()
    page.goto(page.url + "&select=klines")
    # Adminer shows the rows in no order: whichever series was stored first.
    expect(page.locator("#table")).to_contain_text("USDT")


def env(key: str) -> str:
    """Return a value of the project's .env."""
    return dotenv_values(ROOT / ".env")[key] or ""


def test_containers_are_given_no_more_than_they_need(stack: Stack) -> None:
    assert docker("image", "inspect", "-f", "{{.Config.User}}", IMAGE).strip() not in (
        "",
        "root",
    )
    for service in ("db", "cron", "stream", "web", "adminer"):
        host = stack.container(service)["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service
        assert host["RestartPolicy"]["Name"] == "unless-stopped", service


def test_nothing_that_listens_or_collects_runs_as_root(stack: Stack) -> None:
    for service in ("db", "stream", "web", "adminer"):
        assert stack.compose("exec", "-T", service, "id", "-u").strip() != b"0", service
    top = docker("top", stack.container("web")["Id"], "-eo", "pid,uid,args")
    assert re.search(rf"^\s*\d+\s+{USER_ID} .*gunicorn", top, re.MULTILINE)
    assert (stack.logs / "cron.log").stat().st_uid == USER_ID


def test_ports_are_open_on_loopback_only_and_none_for_the_database(
    stack: Stack,
) -> None:
    bound = {
        service: stack.container(service)["HostConfig"]["PortBindings"] or {}
        for service in ("db", "cron", "stream", "web", "adminer", "market")
    }
    loopback = "127.0.0.1"
    assert bound == {
        "db": {},
        "cron": {},
        "market": {},
        "stream": {
            "8765/tcp": [{"HostIp": loopback, "HostPort": str(stack.stream_port)}]
        },
        "web": {"5555/tcp": [{"HostIp": loopback, "HostPort": str(stack.web_port)}]},
        "adminer": {
            "8080/tcp": [{"HostIp": loopback, "HostPort": str(stack.adminer_port)}]
        },
    }


def test_a_restart_of_the_database_is_lived_through(stack: Stack) -> None:
    collector = stack.collect("--symbol", "BNBUSDT", "--interval", "15m")
    eventually("candles arrive", lambda: rows_of(stack, "BNBUSDT") > 2000)
    assert stack.health() == 200
    stack.compose("stop", "db")
    assert collector.poll() is None, "the collector was too quick for this test"
    assert eventually("/health says 503", lambda: stack.health() == 503)
    stack.note("database stopped in the middle of a collection, /health is 503")
    stack.compose("up", "-d", "--wait", "db")
    assert eventually("/health says 200 again", lambda: stack.health() == 200)
    said = collector.communicate(timeout=180)[0].decode()
    assert collector.returncode == 0, said
    assert "waiting for the database" in said
    assert_complete(stack, "BNBUSDT", "15m")
    stack.note("database back, the collection went on and is complete")


def minutes_told(stack: Stack) -> list[str]:
    """Return the ten minutes of bitcoin that the relay tells, oldest first."""
    with connect(f"{stack.relay}/", open_timeout=30, compression=None) as client:
        told = json.loads(client.recv(30))
    assert told["coin"] == "BTC"
    times: list[str] = told["time"]
    return times


def test_the_relay_tells_the_last_ten_minutes(stack: Stack) -> None:
    times = eventually("ten minutes are told", lambda: minutes_told(stack), seconds=60)
    minutes = [int(time[:2]) * 60 + int(time[3:]) for time in times]
    assert len(minutes) == 10
    assert all((b - a) % 1440 == 1 for a, b in itertools.pairwise(minutes))


def test_a_relay_that_is_killed_comes_back_and_misses_nothing(stack: Stack) -> None:
    before = minutes_told(stack)
    starts = stack.container("stream")["RestartCount"]
    stack.kill("stream", "stream_kline_data.py")
    eventually("killed", lambda: stack.container("stream")["RestartCount"] > starts)

    def newest() -> str:
        try:
            return minutes_told(stack)[-1]
        except (OSError, WebSocketException, TimeoutError):
            return before[-1]

    eventually("the next minute is told", lambda: newest() != before[-1], seconds=150)
    missing = stack.number(
        "SELECT count(*) FROM (SELECT open_time - lag(open_time) OVER "
        "(PARTITION BY symbol ORDER BY open_time) AS step FROM klines "
        "WHERE interval = '1m') AS steps WHERE step <> '1 minute'"
    )
    assert missing == 0
    assert stack.number("SELECT count(*) FROM klines WHERE interval = '1m'") > 2_400
    eventually("its file too", lambda: csv_equals_table(stack, "BTCUSDT", "1m"))
    stack.note("relay killed; it came back and the minutes are complete")


def test_the_live_page_moves(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{stack.page}/live?symbol=BTCUSDT&interval=1m&start")
    expect(page.locator("[data-state=live]").first).to_be_visible(timeout=30_000)
    page.close()


def test_the_relay_stops_in_time(stack: Stack) -> None:
    begin = time.monotonic()
    stack.compose("stop", "stream")
    took = time.monotonic() - begin
    assert stack.container("stream")["State"]["ExitCode"] == 0
    assert took < 8, took
    stack.compose("start", "stream")
    stack.note(f"relay stopped in {took:.1f} s")


def test_the_order_to_stop_ends_a_collection_in_order(stack: Stack) -> None:
    collector = stack.collect("--symbol", "XRPUSDT", "--interval", "15m")
    eventually("candles arrive", lambda: rows_of(stack, "XRPUSDT") > 2000)
    begin = time.monotonic()
    stack.compose("stop", "cron")
    took = time.monotonic() - begin
    said = collector.communicate(timeout=60)[0].decode()
    state = stack.container("cron")["State"]
    stack.note(f"cron stopped in {took:.1f} s in the middle of a collection")
    assert collector.returncode == 130, said
    assert "the run ended with exit code 130" in said
    # 137 would be Docker's SIGKILL after stop_grace_period.
    assert state["ExitCode"] == 143
    stack.compose("start", "cron")
    assert collector.wait() is not None


def test_the_page_answers_with_what_is_stored_while_the_market_is_away(
    stack: Stack,
) -> None:
    stack.compose("stop", "market")
    with urllib.request.urlopen(
        f"{stack.page}/api/klines?symbol=BTCUSDT&interval=1h&limit=10", timeout=30
    ) as answer:
        body = json.load(answer)
    assert len(body["open_time"]) == 10
    assert stack.health() == 200


def test_down_leaves_nothing(stack: Stack) -> None:
    mounted = [
        mount["Name"]
        for service in ("db", "cron", "stream", "web", "adminer")
        for mount in stack.container(service)["Mounts"]
        if mount["Type"] == "volume"
    ]
    stack.down()
    assert listed(("ps", "-a"), stack.project) == []
    assert listed(("volume", "ls"), stack.project) == []
    assert listed(("network", "ls"), stack.project) == []
    assert not set(mounted) & set(docker("volume", "ls", "-q").split())
    # Whoever owns the folder is rid of the logs without being root.
    assert os.stat(stack.logs).st_mode & 0o777 == 0o777
    stack.note("down -v left nothing")
