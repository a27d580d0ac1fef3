"""The coverage page in a real browser, over the real application and PostgreSQL."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .board import Board
from .conftest import Complaints, OpenPage
from .test_dashboard import PHONE, ask_again

pytestmark = pytest.mark.browser

HOURS = "/coverage?symbol=BTCUSDT&interval=1h"


def test_every_series_has_its_months_and_a_month_opens_its_days(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/coverage")
    expect(page.locator("#maps .card")).to_have_count(6)
    card = page.locator("#maps .card").first
    expect(card).to_contain_text("18 still to be fetched")
    expect(card).to_contain_text("12 never existed")
    expect(card).to_contain_text("incomplete")
    february = card.locator("a.cell.partial")
    expect(february).to_have_attribute(
        "aria-label",
        "February 2024: 666 of 696 stored, 12 never existed, 18 still to be fetched",
    )
    february.click()
    expect(page).to_have_url(f"{board.url}{HOURS}&at=2024-02")
    expect(page.locator("#days-title")).to_have_text("BTC/USDT 1h in 2024")
    expect(page.locator(".sheet.marked h3")).to_have_text("February")
    expect(page.locator("#days a.cell.outage")).to_have_count(1)
    expect(page.locator("#maps .card")).to_have_count(1)
    page.go_back()
    expect(page.locator("#maps .card")).to_have_count(6)
    expect(page.locator("#days")).to_be_hidden()


def test_the_arrow_keys_walk_the_days_and_a_day_leads_to_its_chart(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, f"{HOURS}&at=2024")
    page.locator("#days a.cell[tabindex='0']").focus()
    for key in ("Home", "End", "ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("ArrowUp")
    focused = page.locator("#days a.cell:focus")
    expect(focused).to_have_attribute("aria-label", re.compile("^16 February 2024"))
    expect(page.locator("#tip")).to_contain_text("all 24 stored")
    expect(focused).to_have_attribute(
        "href",
        "/?symbol=BTCUSDT&interval=1h&start=1708041600000&end=1708127999999",
    )


def test_news_come_by_themselves_and_the_focus_stays(
    own_board: Board, open_page: OpenPage
) -> None:
    page = open_page(own_board, HOURS)
    expect(page.locator("#runs-nothing")).to_contain_text("has not run for BTC/USDT 1h")
    expect(page.locator("#corrections-nothing")).to_be_visible()
    page.locator("#days a.cell[tabindex='0']").focus()
    own_board.execute(
        "INSERT INTO collection_runs (started_at, symbol, interval, status, error) "
        "VALUES (now(), 'BTCUSDT', '1h', 'failed', 'no <b>network</b>')"
    )
    own_board.execute("UPDATE gaps SET state = 'exchange'")
    own_board.execute(
        "INSERT INTO corrections (symbol, interval, open_time, stored, replacement) "
        "SELECT symbol, interval, open_time, to_jsonb(k) || '{\"volume\": 1.50}', "
        "to_jsonb(k) || '{\"volume\": 1.75}' FROM klines k "
        "WHERE symbol = 'BTCUSDT' AND interval = '1h' LIMIT 1"
    )
    ask_again(page)
    expect(page.locator("#runs tbody")).to_contain_text("no <b>network</b>")
    expect(page.locator("#corrections tbody")).to_contain_text("volume1.50 → 1.75")
    expect(page.locator("#days a.cell.outage")).to_have_count(2)
    expect(page.locator("#days a.cell:focus")).to_have_count(1)


def test_the_database_away_is_told_and_what_was_read_stays(
    own_board: Board, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected = {503}
    page = open_page(own_board, "/coverage")
    expect(page.locator("#maps .card")).to_have_count(6)
    with own_board.database_away():
        ask_again(page)
        expect(page.locator("#trouble")).to_have_text(
            "The database is away. What was read before is shown. "
            "It is tried again every few seconds."
        )
        expect(page.locator("#maps .card")).to_have_count(6)
    ask_again(page)
    expect(page.locator("#trouble")).to_be_hidden()


def test_an_unknown_series_is_told_and_the_others_are_shown(
    board: Board, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected = {404}
    page = open_page(board, "/coverage?symbol=NOPE&interval=1h")
    expect(page.locator("#trouble")).to_contain_text("Unknown symbol 'NOPE'")
    expect(page.locator("#maps .card")).to_have_count(6)


def test_on_a_phone_nothing_scrolls_sideways(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, HOURS, **PHONE)
    expect(page.locator("#days a.cell").first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_before_the_first_run_the_page_says_what_happens_next(
    empty_board: Board, open_page: OpenPage
) -> None:
    page = open_page(empty_board, "/coverage")
    expect(page.locator("#totals")).to_have_text("Nothing is stored yet.")
    expect(page.locator("#maps .card").first).to_contain_text(
        "No candles of BTC/USDT 1h are stored yet."
    )
    expect(page.locator("#runs-nothing")).to_contain_text("has not run yet")
