"""What people do on the live page, and what it does by itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from klineboard.market.interval import HOUR, MINUTE
from klineboard.storage.stream_contact import note_stream

from .conftest import Complaints, OpenPage
from .live_market import (
    ADDRESS,
    HOURS,
    MINUTES,
    NEXT,
    NEXT_HOUR,
    ONLY_FOLLOWED,
    STAGE,
    STORED_FROM,
    Live,
    OpenLive,
    minute,
    moment,
    shows,
)

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
# Whether the chart's corner has a colour. It is read from a copy: to read the chart's
# own canvas would make Chromium complain.
CORNER = """colour => {
  const copy = document.createElement("canvas").getContext("2d", {
    willReadFrequently: true,
  });
  copy.drawImage(document.querySelector("#plot canvas"), 0, 0);
  return String([...copy.getImageData(3, 3, 1, 1).data]) === colour;
}"""


def cross_at(page: Page, fraction: float) -> None:
    """Put the cross-hair at a fraction of the stage's width."""
    box = page.locator("#plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * fraction, box["y"] + box["height"] / 3)


def drag_right(page: Page) -> None:
    """Drag the candles from the left edge to the right one."""
    box = page.locator("#plot").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + 20, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 120, y, steps=8)
    page.mouse.up()


def remember_flashes(page: Page) -> None:
    """Keep what the price flashes: it is over before a slow machine looks."""
    page.evaluate(
        """() => new MutationObserver(([change]) => {
            const flash = /flash-\\w+/.exec(change.target.className);
            if (flash) document.documentElement.dataset.flashed = flash[0];
        }).observe(document.querySelector("#quote-price"), {attributeFilter: ["class"]})
        """
    )


def test_history_comes_first_and_every_update_moves_the_candle(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live)
    shows(page, newest=moment(0), close="60010")
    expect(page.locator("#quote-price")).to_have_text("60,010.00")
    remember_flashes(page)
    live.relay.update(MINUTES, minute(0, 60_123.45), NEXT + 4000)
    shows(page, close="60123.45")
    expect(page.locator("#quote-price")).to_have_text("60,123.45")
    expect(page.locator("html")).to_have_attribute("data-flashed", "flash-up")
    expect(page.locator("#quote-price")).not_to_have_class(re.compile("flash-up"))
    expect(page.locator("#legend")).to_contain_text("C 60,123.45")
    expect(page).to_have_title(re.compile("^60,123.45 BTC/USDT 1m"))


def test_change_is_that_of_a_day_where_candles_can_tell(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live, ADDRESS.replace("200", "2000"))
    shows(page, candles=2001)
    live.relay.update(MINUTES, minute(0, 60_123.45), NEXT + 4000)
    # The last minute that had closed a day before NEXT.
    before = float(minute(-1440 - 1).close_price)
    change = f"{(60_123.45 / before - 1) * 100:+.2f}%24h".replace("-", "\u2212")
    expect(page.locator("#quote-change")).to_have_text(change)
    hours = [minute(n, step=HOUR, start=NEXT_HOUR) for n in range(-50, 0)]
    live.relay.load(HOURS, hours)
    page.goto(f"{live.url}/live?symbol=BTCUSDT&interval=1h&candles=200&price=close")
    shows(page, state="live", candles=200)
    expect(page.locator("#quote-change .quote-period")).to_have_text("24h")


def test_closed_candle_stays_and_the_next_one_opens(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live)
    shows(page, candles=201)
    live.relay.close(MINUTES, minute(0, 60_020), NEXT + MINUTE)
    live.relay.update(MINUTES, minute(1, 60_030), NEXT + MINUTE + 2000)
    shows(page, newest=moment(1), close="60030", candles=202)
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#legend")).to_contain_text("C 60,020.00")


def test_address_reproduces_the_view_and_starts(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live, "/live?symbol=btcusdt&interval=1m&candles=1000&price=high")
    expect(page).to_have_url(
        f"{live.url}/live?symbol=BTCUSDT&interval=1m&candles=1000&price=high"
    )
    expect(page.locator("#prices [aria-pressed=true]")).to_have_text("high")
    expect(page.locator("#candles")).to_have_value("1000")
    expect(page.locator("#quote-price")).to_have_text("60,019.00")
    expect(page.locator("#quote-watch")).to_have_text("1m high")


def test_choosing_and_starting(
    live: Live, open_page: OpenPage, complaints: Complaints
) -> None:
    page = open_page(live.page, "/live")
    expect(page.locator("#message")).to_contain_text("Choose what to follow")
    page.get_by_label("Past candles").select_option("100")
    page.get_by_role("button", name="low").click()
    page.get_by_role("button", name="Start").click()
    shows(page, state="live", candles=101)
    expect(page).to_have_url(
        f"{live.url}/live?symbol=BTCUSDT&interval=1m&candles=100&price=low"
    )
    page.get_by_role("button", name="1h").click()
    shows(page, state="live")
    expect(page).to_have_url(re.compile("interval=1h"))
    page.get_by_role("button", name="Stop").click()
    shows(page, state="stopped")
    page.go_back()
    shows(page, state="live", newest=moment(0))


def test_another_watched_price_needs_no_new_stream(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.get_by_role("button", name="open").click()
    expect(page.locator("#quote-price")).to_have_text("60,000.00")
    assert sockets == []


def test_all_candles_asked_for_are_fetched(live: Live, open_live: OpenLive) -> None:
    page = open_live(live, ADDRESS.replace("200", "2000"))
    shows(page, candles=2001)


def test_scrolling_left_brings_more_until_the_beginning(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live)
    for _ in range(30):
        drag_right(page)
        if page.locator("#edge:has-text('begin')").count():
            break
    expect(page.locator("#edge")).to_have_text(
        "The stored candles begin 2024-02-28 12:10 UTC"
    )
    start = STORED_FROM.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shows(page, **{"from": start})
    page.get_by_role("button", name="Newest").click()
    expect(page.locator("#newest")).to_be_hidden()


def test_outage_stays_empty_and_is_named(live: Live, open_live: OpenLive) -> None:
    page = open_live(live)
    cross_at(page, 0.5)
    for fraction in range(80, 20, -2):
        cross_at(page, fraction / 100)
        if "missing here" in (page.locator("#legend").text_content() or ""):
            break
    expect(page.locator("#legend")).to_contain_text("30 candles are missing here")
    expect(page.locator("#legend")).to_contain_text(
        "2024-03-01 10:30 to 2024-03-01 11:00 UTC"
    )


def test_coin_that_nobody_stores_is_drawn_from_the_relay(
    live: Live, open_live: OpenLive
) -> None:
    live.relay.load(ONLY_FOLLOWED, [minute(n, 0.0000712) for n in range(-30, 0)])
    page = open_live(live, "/live?symbol=SOLUSDT&interval=1m")
    shows(page, candles=30)
    expect(page.locator("#quote-symbol")).to_have_text("SOL/USDT")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("symbol=NOPE&interval=1m", "nknown symbol 'NOPE'"),
        ("symbol=BTCUSDT&interval=7m", "7m"),
        ("symbol=%3Cimg%20src%3Dx%3E&interval=1m", "<IMG SRC=X>"),
    ],
)
def test_what_nobody_follows_is_refused_in_words(
    live: Live, open_page: OpenPage, query: str, words: str
) -> None:
    page = open_page(live.page, f"/live?{query}")
    expect(page.locator("#message")).to_contain_text("There is no such chart")
    expect(page.locator("#message")).to_contain_text(words)
    page.locator("#message").get_by_role("link", name="BTC/USDT").click()
    shows(page, state="live")


def test_number_that_is_none_is_named(live: Live, open_live: OpenLive) -> None:
    page = open_live(live, "/live?symbol=BTCUSDT&interval=1m&candles=many&price=mid")
    expect(page.locator("#notices")).to_contain_text("many")
    expect(page.locator("#notices")).to_contain_text("open, high, low or close")


def test_theme_changes_the_chart(live: Live, open_live: OpenLive) -> None:
    page = open_live(live, color_scheme="dark")
    page.wait_for_function(CORNER, arg="18,21,27,255")
    page.keyboard.press("t")
    page.wait_for_function(CORNER, arg="255,255,255,255")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_keyboard_walks_the_candles_and_chooses(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live)
    shows(page, candles=201)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#legend")).to_contain_text("2024-03-01 12:10 UTC")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#legend")).to_contain_text("2024-03-01 12:00 UTC")
    page.keyboard.press("Home")
    expect(page.locator("#newest")).to_be_visible()
    page.keyboard.press("0")
    expect(page.locator("#newest")).to_be_hidden()
    page.keyboard.press("2")
    expect(page).to_have_url(re.compile("interval=1h"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_table_holds_what_is_in_sight(live: Live, open_live: OpenLive) -> None:
    page = open_live(live)
    shows(page, candles=201)
    page.get_by_role("button", name="Table").click()
    table = page.get_by_role("table", name="BTC/USDT 1m")
    expect(table.get_by_role("row").nth(1)).to_contain_text("2024-03-01 12:10")
    expect(table).to_contain_text("30 candles, 2024-03-01 10:30")
    live.relay.update(MINUTES, minute(0, 60_555), NEXT + 9000)
    expect(table.get_by_role("row").nth(1)).to_contain_text("60,555.00")
    page.keyboard.press("Escape")
    expect(page.locator(STAGE)).to_be_focused()


def test_phone_scrolls_downwards_only(live: Live, open_live: OpenLive) -> None:
    page = open_live(live, **PHONE)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    for part in ("#theme", "#start", "#symbol", "#intervals button >> nth=0"):
        box = page.locator(part).bounding_box()
        assert box is not None and box["height"] >= 44, part


def test_chart_fits_a_window_that_is_resized(live: Live, open_live: OpenLive) -> None:
    page = open_live(live)
    page.set_viewport_size({"width": 1000, "height": 600})
    page.wait_for_function(
        "() => Math.abs(document.querySelector('#plot table').offsetWidth - 1000) < 3"
    )


def test_pages_lead_to_each_other_with_the_chart(
    live: Live, open_live: OpenLive
) -> None:
    page = open_live(live)
    page.get_by_role("link", name="Charts", exact=True).click()
    expect(page).to_have_url(re.compile("symbol=BTCUSDT&interval=1m"))
    page.locator("#stage[data-candles]").wait_for()
    page.get_by_role("link", name="Live", exact=True).click()
    shows(page, state="live")


# The dashboard


def test_dashboard_moves_with_the_relay_and_keeps_the_zoom(
    own_live: Live, open_page: OpenPage
) -> None:
    relay = own_live.relay
    with own_live.page.database.transaction() as cursor:
        note_stream(cursor, "stream.example", "live", NEXT)
    stored = [minute(n, step=HOUR, start=NEXT_HOUR) for n in range(-20, 0)]
    relay.load(HOURS, stored)
    page = open_page(own_live.page, "/?symbol=BTCUSDT&interval=1h&range=1W")
    expect(page.locator("#live-state")).to_have_text("live")
    page.keyboard.press("+")
    page.locator("#stage.zoomed").wait_for()
    seen = page.locator(STAGE).get_attribute("data-to")
    relay.update(HOURS, minute(0, 60_321, step=HOUR, start=NEXT_HOUR), NEXT + 1000)
    expect(page.locator("#quote-price")).to_have_text("60,321.00")
    shows(page, newest="2024-03-01T12:00:00.000Z", to=seen)
    drawn = "() => document.getElementById('plot').data[0].close.at(-1)"
    page.wait_for_function(f"() => ({drawn})() === 60321")
    row = page.locator("#series a[data-interval='1h'] .row-price >> nth=0")
    expect(row).to_have_text("60,321.00")
    relay.close(HOURS, minute(0, 60_400, step=HOUR, start=NEXT_HOUR), NEXT + HOUR)
    relay.update(HOURS, minute(1, 60_500, step=HOUR, start=NEXT_HOUR), NEXT + HOUR)
    shows(page, newest="2024-03-01T13:00:00.000Z")


def test_dashboard_without_a_relay_opens_no_socket(
    live: Live, open_page: OpenPage
) -> None:
    page = open_page(live.page, "/live")
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    with page.expect_response("**/api/series"):
        page.goto(f"{live.url}/?symbol=BTCUSDT&interval=1h")
    page.locator("#stage[data-candles]").wait_for()
    expect(page.locator("#series a").first).to_be_visible()
    expect(page.locator("#live-state")).to_be_hidden()
    assert sockets == []
