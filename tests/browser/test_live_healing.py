"""What the live page does by itself when something is away: say it, and heal."""

from __future__ import annotations

from playwright.sync_api import expect

from klineboard.market.interval import MINUTE

from .conftest import Complaints, OpenPage
from .live_market import (
    ADDRESS,
    MINUTES,
    NEXT,
    Live,
    OpenLive,
    ask_again,
    insert,
    minute,
    moment,
    shows,
)


def test_relay_that_ends_is_said_and_found_again(
    live: Live, open_live: OpenLive, complaints: Complaints
) -> None:
    page = open_live(live)
    live.relay.stop()
    shows(page, state="reconnecting")
    expect(page.locator("#notices")).to_contain_text("the relay is not reached")
    live.relay.start()
    shows(page, state="live")
    expect(page.locator("#notices")).to_be_empty()
    live.relay.update(MINUTES, minute(0, 60_300), NEXT + 8000)
    shows(page, close="60300")
    complaints.forget_lost_sockets()


def test_what_was_missed_is_filled(
    own_live: Live, open_live: OpenLive, complaints: Complaints
) -> None:
    relay, database = own_live.relay, own_live.page.database
    relay.load(MINUTES, [minute(n) for n in range(-50, 0)])
    page = open_live(own_live)
    shows(page, newest=moment(-1), candles=200)
    relay.stop()
    shows(page, state="reconnecting")
    # More than a snapshot holds went by, and the table has it.
    with database.transaction() as cursor:
        insert(cursor, MINUTES, [minute(n) for n in range(400)])
    relay.load(MINUTES, [minute(n) for n in range(380, 400)])
    relay.start()
    shows(page, state="live", newest=moment(399), candles=600)
    complaints.forget_lost_sockets()


def test_after_sleep_the_connection_is_tested_and_replaced(
    live: Live, open_page: OpenPage
) -> None:
    page = open_page(live.page, "/live")
    page.clock.install()
    page.goto(live.url + ADDRESS)
    shows(page, state="live", newest=moment(0))
    with page.expect_websocket() as socket:
        page.clock.fast_forward("01:00:00")
    assert "/klines?symbol=BTCUSDT" in socket.value.url
    live.relay.update(MINUTES, minute(0, 60_077), NEXT + 9000)
    shows(page, close="60077", state="live")


def test_lost_network_that_is_back_is_tried_at_once(
    live: Live, open_live: OpenLive, complaints: Complaints
) -> None:
    page = open_live(live)
    live.relay.stop()
    shows(page, state="reconnecting")
    live.relay.start()
    with page.expect_websocket():
        page.evaluate("() => dispatchEvent(new Event('online'))")
    shows(page, state="live")
    complaints.forget_lost_sockets()


def test_late_and_quiet_are_said(live: Live, open_live: OpenLive) -> None:
    page = open_live(live)
    live.relay.set_state("late", NEXT)
    shows(page, state="late")
    expect(page.locator("#notices")).to_contain_text("The exchange’s data are late")
    live.relay.set_state("reconnecting", NEXT)
    shows(page, state="reconnecting")
    expect(page.locator("#notices")).to_contain_text("The exchange’s stream is away")
    live.relay.set_state("live", NEXT, NEXT - 5 * MINUTE)
    shows(page, state="live")
    expect(page.locator("#notices")).to_contain_text(
        "No trades since 2024-03-01 12:05 UTC"
    )


def test_without_a_relay_history_is_shown_with_a_word(
    live: Live, open_page: OpenPage, complaints: Complaints
) -> None:
    live.relay.stop()
    page = open_page(live.page, ADDRESS)
    shows(page, state="history only", newest=moment(-1), candles=200)
    expect(page.locator("#notices")).to_contain_text(
        "stored candles are shown until 2024-03-01 12:10 UTC"
    )
    live.relay.start()
    shows(page, state="live")
    complaints.forget_lost_sockets()


def test_database_away_leaves_what_the_relay_knows(
    own_live: Live, open_live: OpenLive, complaints: Complaints
) -> None:
    complaints.expected.add(503)
    own_live.relay.load(MINUTES, [minute(n) for n in range(-50, 0)])
    with own_live.page.database_away():
        page = open_live(own_live)
        shows(page, candles=50)
        expect(page.locator("#notices")).to_contain_text("Older candles are not shown")
    ask_again(page)
    shows(page, candles=200)
    expect(page.locator("#notices")).to_be_empty()


def test_what_was_missed_is_asked_for_again_where_the_server_failed(
    own_live: Live, open_live: OpenLive, complaints: Complaints
) -> None:
    complaints.expected.add(503)
    relay, database = own_live.relay, own_live.page.database
    relay.load(MINUTES, [minute(n) for n in range(-50, 0)])
    page = open_live(own_live)
    shows(page, newest=moment(-1), candles=200)
    relay.stop()
    shows(page, state="reconnecting")
    with database.transaction() as cursor:
        insert(cursor, MINUTES, [minute(n) for n in range(400)])
    page.route("**/api/klines?*", lambda route: route.fulfill(status=503, json={}))
    relay.load(MINUTES, [minute(n) for n in range(380, 400)])
    relay.start()
    shows(page, state="live", newest=moment(399), candles=220)
    expect(page.locator("#notices")).to_contain_text("it is tried again by itself")
    page.unroute("**/api/klines?*")
    ask_again(page)
    shows(page, candles=600)
    expect(page.locator("#notices")).to_be_empty()
    complaints.forget_lost_sockets()


def test_what_is_stored_after_the_page_was_opened_is_found(
    own_live: Live, open_page: OpenPage
) -> None:
    with own_live.page.database.transaction() as cursor:
        cursor.execute("DELETE FROM klines")
    own_live.relay.load(MINUTES, [minute(n) for n in range(-50, 0)])
    page = open_page(own_live.page, "/live")
    page.clock.install()
    page.goto(own_live.url + ADDRESS)
    shows(page, state="live", candles=50)
    with own_live.page.database.transaction() as cursor:
        insert(cursor, MINUTES, [minute(n) for n in range(-300, 0)])
    with page.expect_response("**/api/series"):
        page.clock.fast_forward("00:16")
    page.clock.fast_forward("00:31")
    shows(page, candles=200)


def test_a_correction_older_than_the_chart_makes_no_hole(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live, ADDRESS.replace("200", "20"))
    shows(page, candles=21)
    live.relay.close(MINUTES, minute(-45, 60_500), NEXT + 3000)
    live.relay.update(MINUTES, minute(0, 60_333), NEXT + 4000)
    shows(page, close="60333", candles=21)
