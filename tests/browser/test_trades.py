"""The trades page in a real browser, over the real relay's server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from klineboard.live.board import Board as LiveBoard
from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series
from klineboard.market.trade import Trade
from tests.conftest import MakeSettings

from .board import NOW, Board, serve
from .conftest import Complaints, OpenPage
from .relay import Relay, running

pytestmark = pytest.mark.browser

START = int(NOW.timestamp() * 1000)
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


def _make_board() -> LiveBoard:
    minute = INTERVALS["1m"]
    series = [Series("BTCUSDT", minute), Series("ETHUSDT", minute)]
    return LiveBoard(series, {"BTC": series[0]})


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running(_make_board) as relay:
        relay.set_state("live", START)
        yield relay


@pytest.fixture
def site(relay: Relay, make_settings: MakeSettings) -> Iterator[Board]:
    """The application, whose pages find the relay."""
    settings = make_settings(
        SYMBOLS="BTCUSDT,ETHUSDT", STREAM_COINS="BTC", STREAM_PORT=str(relay.port)
    )
    with serve(settings) as site:
        yield site


class Market:
    """Makes trades, one every 100 ms, numbered from 1."""

    def __init__(self, relay: Relay, symbol: str = "BTCUSDT") -> None:
        self.relay = relay
        self.symbol = symbol
        self.made = 0

    def trade(self, *prices: str, quantity: str = "0.01500000") -> None:
        """Buyers take what rises to an even number of trades, sellers the others."""
        for price in prices:
            self.made += 1
            time = START + 100 * self.made
            sold = self.made % 2 == 0
            trade = Trade(self.symbol, self.made, price, quantity, time, sold)
            self.relay.trade(trade)

    def lose(self, number: int) -> None:
        """Let trades happen that nobody tells."""
        self.made += number


@pytest.fixture
def market(relay: Relay) -> Market:
    return Market(relay)


def expect_live(page: Page) -> None:
    """Wait until the relay has sent its snapshot: what follows is told."""
    expect(page.locator("#stream-state")).to_have_text("Live")


def set_minimum(page: Page, text: str) -> None:
    field = page.get_by_label("Minimum price", exact=True)
    field.fill(text)
    field.press("Enter")


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("#box")).to_have_attribute("data-state", state)


def expect_alarms(page: Page, crossings: int, sounded: int) -> None:
    box = page.locator("#box")
    expect(box).to_have_attribute("data-crossings", str(crossings))
    expect(box).to_have_attribute("data-alarms", str(sounded))


def enable_sound(page: Page) -> None:
    page.get_by_role("button", name="Enable sound").click()
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()


def lines(page: Page) -> Sequence[str]:
    """Return the tape's lines, newest first."""
    rows = page.locator("#tape-lines tr")
    texts = [
        " ".join(text.replace("\t", "|").split()) for text in rows.all_inner_texts()
    ]
    return [text.replace(" |", "|") for text in texts]


# Starting and stopping ----------------------------------------------------------------


def test_nothing_is_followed_before_the_start(
    site: Board, relay: Relay, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=ETHUSDT")
    expect(page.locator("#stream-state")).to_have_text("Not started")
    assert relay.board.watched == frozenset()
    page.get_by_role("button", name="Start").click()
    expect_live(page)
    assert relay.board.watched == {"ETHUSDT"}
    expect(page).to_have_url(f"{site.url}/trades?symbol=ETHUSDT&start")


def test_address_starts_and_stop_ends_it(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade("64000.00000000")
    expect(page.locator("#last-price")).to_have_text("64,000.00")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stream-state")).to_have_text("Stopped")
    expect(page.locator("#last-price")).to_have_text("64,000.00")
    expect(page).to_have_url(f"{site.url}/trades?symbol=BTCUSDT")


def test_another_symbol_begins_from_nothing_and_back_returns(
    site: Board, relay: Relay, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade("64000.00000000")
    expect(page.locator("#tape-lines tr")).to_have_count(1)
    page.get_by_label("Symbol").select_option("ETHUSDT")
    expect(page.locator("#name")).to_have_text("ETH/USDT")
    expect(page.locator("#tape-lines tr")).to_have_count(0)
    waiting = page.get_by_text("Waiting for the first trade")
    expect(waiting).to_be_visible()
    Market(relay, "ETHUSDT").trade("3100.50000000")
    expect(page.locator("#last-price")).to_have_text("3,100.50")
    page.go_back()
    expect(page.locator("#name")).to_have_text("BTC/USDT")
    expect(waiting).to_be_visible()


def test_unknown_symbol_names_the_way_out(site: Board, open_page: OpenPage) -> None:
    page = open_page(site, "/trades?symbol=DOGEUSDT&start")
    expect(page.locator("#stream-state")).to_have_text("Not followed")
    message = page.locator("#message")
    expect(message).to_contain_text("DOGEUSDT")
    message.get_by_role("link", name="ETHUSDT").click()
    expect_live(page)
    expect(page.locator("#name")).to_have_text("ETH/USDT")


# The minimum price --------------------------------------------------------------------


def test_box_turns_green_above_the_minimum_and_back(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    market.trade("64000.00000000")
    expect_state(page, "below")
    expect(page.locator("#badge-word")).to_have_text("Not above the minimum")
    market.trade("64000.01000000")
    expect_state(page, "above")
    expect(page.locator("#badge-word")).to_have_text("Above the minimum")
    expect(page.locator("#badge-icon")).to_have_attribute("href", "#icon-above")
    head = page.locator(".box-head")
    expect(head).to_have_css("background-color", "rgb(8, 122, 90)")
    expect(page.locator("#announce")).to_have_text(
        "BTC/USDT is above 64,000.00: 64,000.01"
    )
    market.trade("63999.99000000")
    expect_state(page, "below")


def test_minimum_takes_commas_and_stands_in_the_address(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade("64210.51000000")
    set_minimum(page, " 64,210.5 ")
    expect_state(page, "above")
    expect(page.get_by_label("Minimum price", exact=True)).to_have_value("64,210.50")
    expect(page).to_have_url(f"{site.url}/trades?symbol=BTCUSDT&minimum=64210.5&start")
    page.get_by_role("button", name="No minimum price").click()
    expect_state(page, "none")
    expect(page).to_have_url(f"{site.url}/trades?symbol=BTCUSDT&start")


@pytest.mark.parametrize("text", ["sixty", "64.210,50", "64,21", "1e5", "-3", "0"])
def test_minimum_that_is_no_price_gets_a_word_and_breaks_nothing(
    text: str, site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    set_minimum(page, text)
    word = page.locator("#minimum-word")
    expect(word).to_contain_text(f"\u201c{text}\u201d is not")
    expect(word).to_contain_text("Write it like 64,210.50.")
    expect(page.get_by_label("Minimum price", exact=True)).to_have_attribute(
        "aria-invalid", "true"
    )
    market.trade("64000.01000000")
    expect(page.locator("#last-price")).to_have_text("64,000.01")
    expect_state(page, "none")
    set_minimum(page, "63,000")
    expect(word).to_be_hidden()
    expect_state(page, "above")


def test_minimum_is_remembered_for_its_symbol(site: Board, open_page: OpenPage) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT")
    set_minimum(page, "64000")
    field = page.get_by_label("Minimum price", exact=True)
    page.get_by_label("Symbol").select_option("ETHUSDT")
    expect(field).to_have_value("")
    page.get_by_label("Symbol").select_option("BTCUSDT")
    expect(field).to_have_value("64,000.00")


# The sound ----------------------------------------------------------------------------


def test_sound_is_heard_once_a_crossing(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    enable_sound(page)
    market.trade("63990.00000000", "64001.00000000", "64002.00000000")
    expect_alarms(page, 1, 1)
    # A small step below and above again is the same crossing.
    market.trade("63999.90000000", "64001.00000000")
    expect(page.locator("#count")).to_have_text("5")
    expect_alarms(page, 1, 1)
    # A real retreat is 0.02%, here 12.80.
    market.trade("63987.20000000", "64001.00000000")
    expect_alarms(page, 2, 2)
    expect(page.locator("#alarms")).to_have_text("sounded 2 times")


def test_many_trades_at_the_minimum_arm_it_again(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    enable_sound(page)
    market.trade("64001.00000000", *["64000.00000000"] * 49, "64001.00000000")
    expect(page.locator("#count")).to_have_text("51")
    expect_alarms(page, 1, 1)
    market.trade(*["64000.00000000"] * 50, "64001.00000000")
    expect_alarms(page, 2, 2)


def test_crossing_without_sound_is_counted_as_silent(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    market.trade("64001.00000000")
    expect_alarms(page, 1, 0)
    expect(page.locator("#alarms")).to_have_text("crossed once, silent")


def test_sound_can_be_switched_off_again(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    enable_sound(page)
    page.get_by_role("button", name="Sound on").click()
    expect(page.get_by_role("button", name="Enable sound")).to_be_visible()
    market.trade("64001.00000000")
    expect_alarms(page, 1, 0)


def test_blocked_sound_is_said_and_the_first_click_lets_it_in(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    enable_sound(page)
    page.reload()
    word = page.locator("#sound-word")
    expect(word).to_have_text("The browser blocks sound until you click Enable sound.")
    expect_live(page)
    market.trade("64001.00000000")
    expect(word).to_contain_text("The alarm was not heard")
    expect_alarms(page, 1, 0)
    page.locator("#name").click()
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()
    expect(word).to_be_hidden()


def test_the_harp_makes_a_sound(site: Board, open_page: OpenPage) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT")
    wave = page.evaluate(
        """async () => {
          const { pluckedString } = await import("./static/trades_harp.js");
          const wave = pluckedString(48000).getChannelData(0);
          const power = (from, to) => Math.sqrt(
            wave.slice(from, to).reduce((sum, x) => sum + x * x, 0) / (to - from));
          return { begin: power(2400, 7200), end: power(72000, 76800),
            peak: Math.max(...wave.map(Math.abs)), last: Math.abs(wave.at(-1)) };
        }"""
    )
    assert 0.05 < wave["begin"] and wave["peak"] <= 0.6
    assert wave["end"] < wave["begin"] / 4
    assert wave["last"] < 1e-4


def test_crossings_that_are_told_at_once_sound_as_one(
    site: Board, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT")
    page.locator("h1, #name").first.click()  # Browsers want a gesture first.
    plucks = page.evaluate(
        """async () => {
          const { Harp } = await import("./static/trades_harp.js");
          let plucks = 0;
          const { start } = AudioBufferSourceNode.prototype;
          AudioBufferSourceNode.prototype.start = function (when) {
            plucks += 1;
            start.call(this, when);
          };
          const harp = new Harp(() => {});
          const states = [await harp.enable(), harp.play(), harp.play(), harp.play()];
          return { plucks, states };
        }"""
    )
    assert plucks == {"plucks": 5, "states": [True, True, True, True]}


def test_minimum_set_while_stopped_crosses_nothing(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade("64001.00000000")
    expect(page.locator("#last-price")).to_have_text("64,001.00")
    page.get_by_role("button", name="Stop").click()
    set_minimum(page, "64000")
    expect(page).to_have_url(f"{site.url}/trades?symbol=BTCUSDT&minimum=64000")
    expect_alarms(page, 0, 0)
    page.get_by_role("button", name="Start").click()
    expect_live(page)
    market.trade("64002.00000000")
    expect_alarms(page, 1, 0)


# The tape and the figures -------------------------------------------------------------


def test_tape_shows_the_newest_on_top_with_side_and_digits(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade("64000.00000000", "64000.50000000")
    market.trade("64000.10000000", quantity="1.20000000")
    expect(page.locator("#tape-lines tr")).to_have_count(3)
    assert lines(page) == [
        "12:10:00.300|\u25b2 bought at 64,000.10|1.200",
        "12:10:00.200|\u25bc sold at 64,000.50|0.015",
        "12:10:00.100|\u25b2 bought at 64,000.00|0.015",
    ]
    colours = page.evaluate(
        """() => ["buy", "sell"].map((side) =>
          getComputedStyle(document.querySelector(`.${side} td:nth-child(2)`)).color)"""
    )
    assert abs(_lightness(colours[0]) - _lightness(colours[1])) > 0.05


def test_tape_stays_short_and_every_trade_is_counted(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade(*[f"64000.{n % 100:02}000000" for n in range(700)])
    expect(page.locator("#count")).to_have_text("700")
    expect(page.locator("#tape-lines tr")).to_have_count(100)
    expect(page.locator("#tape-lines tr").first).to_contain_text("12:11:10.000")
    # Ten seconds at most are looked at, however long the trades took to come.
    expect(page.locator("#rate")).to_have_text(re.compile(r"^\d\d+(\.\d)?$"))


def test_held_tape_stands_still_until_it_is_let_go(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade("64000.00000000")
    expect(page.locator("#tape-lines tr")).to_have_count(1)
    page.keyboard.press("h")
    market.trade("64001.00000000")
    expect(page.locator("#last-price")).to_have_text("64,001.00")
    expect(page.locator("#tape-lines tr")).to_have_count(1)
    page.get_by_role("button", name="Held").click()
    expect(page.locator("#tape-lines tr")).to_have_count(2)


def test_missed_trades_are_said(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade("64000.00000000")
    expect(page.locator("#missed")).to_have_text("none")
    market.lose(12)
    market.trade("64001.00000000")
    expect(page.locator("#missed")).to_have_text("12")
    expect(page.locator("#tape-lines")).to_contain_text("12 trades missed")


def test_rate_falls_to_nothing_when_trades_end(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT")
    paced = page.evaluate(
        """async () => {
          const { Pace } = await import("./static/trades_pace.js");
          const pace = new Pace();
          pace.start(0);
          for (let i = 0; i < 40; i++) pace.add(i * 50, i < 30 ? "buy" : "sell", 10);
          return [pace.rate(2000), pace.boughtShare(2000), pace.rate(5000),
            pace.rate(20000), pace.boughtShare(99000)];
        }"""
    )
    assert paced == [20, 75, 8, 0, None]


# How things stand ---------------------------------------------------------------------


def test_price_line_grows_with_time_and_a_lost_relay_heals(
    site: Board,
    relay: Relay,
    market: Market,
    open_page: OpenPage,
    complaints: Complaints,
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    market.trade(*["64000.00000000"] * 11)
    expect(page.locator("#trades-stage")).to_have_attribute("data-points", "5")
    relay.stop()
    expect(page.locator("#stream-state")).to_have_text("Reconnecting")
    expect(page.locator("#state-note")).to_contain_text("the relay is not reached")
    relay.start()
    expect_live(page)
    market.lose(3)
    market.trade("64100.00000000")
    expect(page.locator("#last-price")).to_have_text("64,100.00")
    expect(page.locator("#missed")).to_have_text("3")
    # The browser itself tells of each try that failed.
    complaints[:] = [text for text in complaints if "WebSocket" not in text]


@pytest.mark.parametrize(
    ("state", "quiet", "word", "note"),
    [
        ("late", None, "Late", "catching up"),
        ("reconnecting", None, "Reconnecting", "the exchange is not reached since"),
        ("live", START, "Live", "no trades since 2024-03-01 12:10 UTC"),
    ],
)
def test_the_relay_s_own_trouble_is_said(
    state: str,
    quiet: int | None,
    word: str,
    note: str,
    site: Board,
    relay: Relay,
    open_page: OpenPage,
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&start")
    expect_live(page)
    relay.set_state(state, START, quiet)
    expect(page.locator("#state-note")).to_contain_text(note)
    expect(page.locator("#stream-state")).to_have_text(word)


def test_hundreds_of_trades_a_second_are_drawn_by_the_frame(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start")
    expect_live(page)
    page.evaluate(
        """() => {
          window.draws = 0;
          new MutationObserver(() => { draws += 1; })
            .observe(document.getElementById("tape-lines"), { childList: true });
        }"""
    )
    market.trade(*[f"64000.{n % 100:02}000000" for n in range(2000)])
    expect(page.locator("#count")).to_have_text("2,000")
    expect(page.locator("#last-price")).to_have_text("64,000.99")
    assert 1 <= page.evaluate("() => draws") < 1000


# Who looks at it ----------------------------------------------------------------------


def test_everything_is_done_by_keyboard(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT")
    page.keyboard.press("s")
    expect_live(page)
    page.keyboard.press("m")
    page.keyboard.type("64000s")
    page.keyboard.press("Enter")
    expect(page.locator("#minimum-word")).to_be_visible()
    expect_live(page)
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    page.locator("#trades-stage").focus()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Sound on")).to_be_visible()
    market.trade("64001.00000000")
    expect_alarms(page, 1, 1)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()


def test_theme_and_zone_are_those_of_the_dashboard(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(
        site,
        "/trades?symbol=BTCUSDT&start",
        color_scheme="dark",
        timezone_id="Asia/Tokyo",
    )
    expect_live(page)
    market.trade("64000.00000000")
    expect(page.locator(".controls")).to_have_css("background-color", "rgb(18, 21, 27)")
    page.keyboard.press("t")
    expect(page.locator(".controls")).to_have_css(
        "background-color", "rgb(255, 255, 255)"
    )
    page.get_by_role("button", name="Local").click()
    expect(page.locator("#tape-lines")).to_contain_text("21:10:00.100")
    expect(page.locator("#tape-zone")).to_have_text("GMT+9")


def test_phone_scrolls_downwards_only(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    page = open_page(site, "/trades?symbol=BTCUSDT&minimum=64000&start", **PHONE)
    expect_live(page)
    market.trade("64001.00000000")
    expect_state(page, "above")
    set_minimum(page, "no number at all, but long")
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width == PHONE["viewport"]["width"]
    for part in ("#start", "#sound", "#minimum", "#symbol", "#theme"):
        found = page.locator(part).bounding_box()
        assert found is not None and found["height"] >= 44, part


def test_simulated_market_is_said(
    site: Board, market: Market, open_page: OpenPage
) -> None:
    site.execute("INSERT INTO origin (name) VALUES ('simulated')")
    page = open_page(site, "/trades")
    expect(page.get_by_text("Simulated market")).to_be_visible()


def _lightness(colour: str) -> float:
    """Return the relative luminance of ``rgb(r, g, b)``."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(
        weight * part
        for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
