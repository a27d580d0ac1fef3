"""The dashboard in a real browser, over the real application and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Page, Route, expect

from .board import NOW, Board
from .conftest import Complaints, OpenPage

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


def wait_for_chart(page: Page) -> None:
    """Wait until candles are drawn."""
    expect(page.locator("#chart-panel")).not_to_have_attribute(
        "data-loading", re.compile(".*")
    )
    page.locator("#plot .boxlayer path").first.wait_for(state="attached")


def ask_again(page: Page) -> None:
    """Let the page ask at once, as when somebody comes back to its tab."""
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")


def box(page: Page, selector: str) -> FloatRect:
    """Return where an element is."""
    found = page.locator(selector).bounding_box()
    assert found is not None, f"{selector} is not visible"
    return found


def x_of(page: Page, time: dt.datetime) -> float:
    """Return the abscissa of a time in the chart's plot."""
    start, end = (
        dt.datetime.fromisoformat(page.locator("#stage").get_attribute(name) or "")
        for name in ("data-from", "data-to")
    )
    line = box(page, "#overlay .last-line")
    return line["x"] + line["width"] * ((time - start) / (end - start))


def test_draws_candles_and_names_the_chart(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=4h&range=1M")
    wait_for_chart(page)
    expect(page.locator("#quote-symbol")).to_have_text("BTC/USDT")
    expect(page.locator("#quote-price")).to_have_text(re.compile(r"^\d\d,\d{3}\.\d\d$"))
    expect(page).to_have_title(re.compile(r"BTC/USDT 4h · klineboard$"))
    expect(page.locator("#legend")).to_contain_text("2024-03-01 08:00 UTC")
    expect(page.locator("#legend")).to_contain_text("Taker buy")


def test_default_view_is_the_first_symbol_over_a_month(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/")
    wait_for_chart(page)
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=1h&range=1M")
    expect(page.get_by_role("button", name="1M").last).to_have_attribute(
        "aria-pressed", "true"
    )


def test_address_restores_the_view(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/?symbol=ETHUSDT&interval=1d&range=3M")
    wait_for_chart(page)
    expect(page.locator("#quote-symbol")).to_have_text("ETH/USDT")
    expect(page.locator("#intervals button[value='1d']")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator("#ranges button[value='3M']")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_buttons_change_the_address_and_back_undoes_them(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    page.locator("#intervals button[value='1d']").click()
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=1d&range=1M")
    page.locator("#ranges button[value='1W']").click()
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=1h&range=1W")
    page.go_back()
    page.go_back()
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=1h&range=1M")
    expect(page.locator("#stage")).to_have_attribute(
        "data-candles", re.compile(r"^6\d\d$")
    )


def test_interval_too_fine_for_the_range_shortens_the_range(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1d&range=3M")
    wait_for_chart(page)
    page.locator("#intervals button[value='1h']").click()
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=1h&range=1M")


def test_filter_narrows_the_list_and_enter_opens_the_first(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/")
    wait_for_chart(page)
    expect(page.locator("#series li")).to_have_count(6)
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("eth 4")
    expect(page.locator("#series li:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#quote-symbol")).to_have_text("ETH/USDT")
    page.locator("#filter").fill("nothing such")
    expect(page.locator("#series-nothing")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#series li:visible")).to_have_count(6)


def test_new_candle_appears_and_the_zoom_stays(
    own_board: Board, open_page: OpenPage
) -> None:
    page = open_page(own_board, "/?symbol=BTCUSDT&interval=1h&range=1W")
    wait_for_chart(page)
    stage = page.locator("#stage")
    page.locator("#surface").hover()
    page.mouse.wheel(0, -400)
    expect(stage).to_have_class(re.compile("zoomed"))
    seen = stage.get_attribute("data-from"), stage.get_attribute("data-to")
    own_board.add_candle(NOW.replace(minute=0))
    expect(stage).to_have_attribute(
        "data-newest", "2024-03-01T12:00:00.000Z", timeout=12_000
    )
    assert (stage.get_attribute("data-from"), stage.get_attribute("data-to")) == seen


def test_window_moves_along_where_nothing_is_zoomed(
    own_board: Board, open_page: OpenPage
) -> None:
    page = open_page(own_board, "/?symbol=BTCUSDT&interval=1h&range=1W")
    wait_for_chart(page)
    before = page.locator("#stage").get_attribute("data-to") or ""
    own_board.add_candle(NOW.replace(minute=0))
    ask_again(page)
    expect(page.locator("#stage")).not_to_have_attribute("data-to", before)


def test_prices_fit_the_candles_in_the_zoom(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    ranges = "() => document.getElementById('plot').layout.yaxis.range"
    low, high = page.evaluate(ranges)
    page.locator("#surface").dblclick()
    for _ in range(8):
        page.keyboard.press("+")
    expect(page.locator("#stage")).to_have_class(re.compile("zoomed"))
    page.locator("#reset").wait_for()
    zoomed_low, zoomed_high = page.evaluate(ranges)
    assert zoomed_high - zoomed_low < high - low
    page.keyboard.press("0")
    expect(page.locator("#stage")).not_to_have_class(re.compile("zoomed"))


def test_drag_moves_the_window(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    page.keyboard.press("+")
    stage = page.locator("#stage")
    expect(stage).to_have_class(re.compile("zoomed"))
    before = stage.get_attribute("data-from") or ""
    place = box(page, "#surface")
    page.mouse.move(place["x"] + 200, place["y"] + 200)
    page.mouse.down()
    page.mouse.move(place["x"] + 400, place["y"] + 200, steps=4)
    page.mouse.up()
    expect(stage).not_to_have_attribute("data-from", before)
    assert (stage.get_attribute("data-from") or "") < before


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (
            dt.datetime(2024, 2, 20, 7, tzinfo=dt.UTC),
            "exchange outage, 12 candles, 2024-02-20 01:00 to 2024-02-20 13:00 UTC",
        ),
        (
            dt.datetime(2024, 2, 25, 14, tzinfo=dt.UTC),
            "missing, still to be fetched, 18 candles, "
            "2024-02-25 06:00 to 2024-02-26 00:00 UTC",
        ),
    ],
    ids=["outage", "missing"],
)
def test_hole_is_named_under_the_pointer(
    board: Board, open_page: OpenPage, time: dt.datetime, words: str
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    expect(page.locator("#overlay .band")).to_have_count(2)
    page.mouse.move(x_of(page, time), box(page, "#surface")["y"] + 150)
    expect(page.locator("#gap-tooltip")).to_have_text(words)


def test_arrows_walk_the_candles(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1W")
    wait_for_chart(page)
    legend = page.locator("#legend")
    for key, time in (
        ("ArrowLeft", "2024-03-01 11:00 UTC"),
        ("ArrowLeft", "2024-03-01 10:00 UTC"),
        ("Shift+ArrowLeft", "2024-03-01 00:00 UTC"),
        ("End", "2024-03-01 11:00 UTC"),
    ):
        page.keyboard.press(key)
        expect(legend).to_contain_text(time)


def test_keys_choose_interval_theme_and_help(board: Board, open_page: OpenPage) -> None:
    page = open_page(
        board, "/?symbol=BTCUSDT&interval=1d&range=1M", color_scheme="light"
    )
    wait_for_chart(page)
    page.keyboard.press("1")
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=1h&range=1M")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_dark_theme_follows_the_system_and_a_choice_is_kept(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/", color_scheme="dark")
    wait_for_chart(page)
    paper = page.locator("#plot .main-svg").first
    dark, light = "rgb(18, 21, 27)", "rgb(255, 255, 255)"
    expect(paper).to_have_css("background-color", dark)
    page.locator("#theme").click()
    expect(paper).to_have_css("background-color", light)
    page.reload()
    wait_for_chart(page)
    expect(paper).to_have_css("background-color", light)


def test_local_time_is_converted_and_utc_is_named(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h", timezone_id="Asia/Tokyo")
    wait_for_chart(page)
    expect(page.locator("#legend")).to_contain_text("2024-03-01 11:00 UTC")
    page.get_by_role("button", name="Local").click()
    expect(page.locator("#legend")).to_contain_text("2024-03-01 20:00 GMT+9")
    drawn = page.evaluate("() => document.getElementById('plot').data[0].x.at(-1)")
    assert drawn == "2024-03-01T20:00:00.000"


def test_phone_scrolls_downwards_only_and_keeps_the_order(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/", **PHONE)
    wait_for_chart(page)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width == PHONE["viewport"]["width"]
    parts = (".quote", "#stage", "#ranges", "#series", "#pie", "#status-line")
    tops = [box(page, part)["y"] for part in parts]
    assert tops == sorted(tops)
    for part in ("#theme", "#ranges button >> nth=0", "#series a >> nth=0"):
        assert box(page, part)["height"] >= 44


def test_table_holds_the_candles_and_the_holes(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    page.get_by_role("button", name="Table").click()
    table = page.get_by_role("table", name="BTC/USDT 1h")
    expect(table.get_by_role("row").nth(1)).to_contain_text("2024-03-01 11:00")
    expect(table).to_contain_text("exchange outage, 12 candles")
    page.keyboard.press("Escape")
    expect(page.locator("#stage")).to_be_visible()


def test_market_values_are_told_and_select_a_chart(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=4h&range=1M")
    wait_for_chart(page)
    expect(page.locator("#pie .slice")).to_have_count(4)
    expect(page.locator("#caps-table tbody tr").first).to_contain_text("66.8%")
    expect(page.locator("#caps-age")).to_have_text("as of 12:01 UTC")
    page.locator("#caps-table").get_by_role("button", name="Ethereum").click()
    expect(page).to_have_url(f"{board.url}/?symbol=ETHUSDT&interval=4h&range=1M")
    pie = box(page, "#pie")
    page.mouse.click(pie["x"] + pie["width"] - 20, pie["y"] + pie["height"] / 2)
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=4h&range=1M")


def test_status_line_tells_coverage_and_age(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    status = page.locator("#status-line")
    expect(status).to_contain_text("stored 2,142 of 2,172 candles since 2023-12-02")
    expect(status).to_contain_text("the exchange never had 12")
    expect(status).to_contain_text("18 still to be fetched")
    expect(status).to_contain_text("newest closed 10 min ago")


def test_database_away_is_said_and_the_page_recovers(
    own_board: Board, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected.add(503)
    with own_board.database_away():
        page = open_page(own_board, "/")
        expect(page.locator("#message")).to_contain_text("The database is away")
        expect(page.locator("#message")).to_contain_text("tried again")
    ask_again(page)
    wait_for_chart(page)
    expect(page.locator("#message")).to_be_hidden()


def test_database_lost_leaves_the_chart_with_a_word(
    own_board: Board, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected.add(503)
    page = open_page(own_board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    with own_board.database_away():
        ask_again(page)
        expect(page.locator("#notices")).to_contain_text("The database is away")
        expect(page.locator("#plot .boxlayer path").first).to_be_attached()
    ask_again(page)
    expect(page.locator("#notices")).to_be_empty()


def test_unknown_symbol_names_the_way_out(
    board: Board, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected.add(404)
    page = open_page(board, "/?symbol=BTCUSD")
    message = page.locator("#message")
    expect(message).to_contain_text("BTCUSD")
    expect(message).to_contain_text("did you mean BTCUSDT")
    message.get_by_role("link", name="ETH/USDT").click()
    wait_for_chart(page)
    expect(page.locator("#quote-symbol")).to_have_text("ETH/USDT")


def test_bad_range_is_refused_in_words(
    board: Board, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected.add(400)
    page = open_page(board, "/?symbol=BTCUSDT&range=2M")
    expect(page.locator("#message")).to_contain_text("nknown range '2M'")


def test_first_start_says_what_comes_and_then_shows_it(
    empty_board: Board, open_page: OpenPage
) -> None:
    page = open_page(empty_board, "/")
    expect(page.locator("#message")).to_contain_text("Nothing collected yet")
    expect(page.locator("#caps-note")).to_contain_text("No market values yet")
    empty_board.add_candle(NOW.replace(hour=10, minute=0))
    empty_board.add_candle(NOW.replace(hour=11, minute=0))
    ask_again(page)
    wait_for_chart(page)
    expect(page.locator("#message")).to_be_hidden()


def test_exchange_away_is_said_with_what_is_shown(
    own_board: Board, open_page: OpenPage
) -> None:
    own_board.execute(
        "INSERT INTO exchange_contact (host, reached_at, failed_at, error) "
        "VALUES ('data-api.binance.vision', %s, %s, 'timed out')",
        (NOW - dt.timedelta(minutes=4), NOW),
    )
    page = open_page(own_board, "/")
    expect(page.locator("#notices")).to_contain_text(
        "Binance not reached for 4 min; showing what is stored until 12:00 UTC"
    )


def test_simulated_market_is_always_said(own_board: Board, open_page: OpenPage) -> None:
    own_board.execute("UPDATE origin SET name = 'simulated'")
    page = open_page(own_board, "/")
    wait_for_chart(page)
    expect(page.get_by_text("Simulated market")).to_be_visible()


def test_picture_is_made_under_the_policy(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "BTCUSDT_1h_2024-03-01.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_stale_answer_never_overwrites_a_newer_choice(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=1h&range=1M")
    wait_for_chart(page)
    held: list[Route] = []
    page.route("**/api/view?symbol=ETHUSDT**", lambda route: held.append(route))
    page.locator("#series a[data-symbol='ETHUSDT'][data-interval='1h']").click()
    page.locator("#series a[data-symbol='BTCUSDT'][data-interval='4h']").click()
    expect(page).to_have_title(re.compile("BTC/USDT 4h"))
    expect(page).to_have_url(f"{board.url}/?symbol=BTCUSDT&interval=4h&range=1M")
    assert len(held) == 1


def test_without_javascript_the_page_says_so(board: Board, open_page: OpenPage) -> None:
    page = open_page(board, "/", java_script_enabled=False)
    expect(page.get_by_text("JavaScript is off")).to_be_visible()
