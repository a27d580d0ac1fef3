"""The menu of files on the dashboard: by hand, by keyboard, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .board import Board
from .conftest import OpenPage
from .test_dashboard import PHONE, box, wait_for_chart

pytestmark = pytest.mark.browser

FORMATS = ["CSV", "Parquet", "JSON lines"]


def opened(page: Page) -> list[str | None]:
    """Return where the links of the menu lead, which must be open."""
    links = page.locator("#export-menu a")
    for name, link in zip(FORMATS, links.all(), strict=True):
        expect(link).to_be_visible()
        expect(link).to_have_text(name)
    return [link.get_attribute("href") for link in links.all()]


def test_the_menu_offers_the_chart_in_each_format(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=4h&range=1M")
    wait_for_chart(page)
    expect(page.locator("#export-menu")).to_be_hidden()
    page.get_by_role("button", name="Export").click()
    hrefs = opened(page)
    assert hrefs[1:] == [
        str(hrefs[0]).replace(".csv", ".parquet"),
        str(hrefs[0]).replace(".csv", ".jsonl"),
    ]
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON lines").click()
    assert download.value.suggested_filename == str(hrefs[2]).removeprefix("/export/")
    expect(page.locator("#export-menu")).to_be_hidden()


def test_the_menu_is_walked_by_keyboard_and_leaves_the_chart_alone(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=4h&range=1M")
    wait_for_chart(page)
    page.locator("#export").focus()
    page.keyboard.press("Enter")
    opened(page)
    for key, name in [("", "CSV"), ("ArrowDown", "Parquet"), ("ArrowUp", "CSV")]:
        if key:
            page.keyboard.press(key)
        expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="JSON lines")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#export-menu")).to_be_hidden()
    expect(page.locator("#export")).to_be_focused()


def test_the_menu_fits_fingers_and_the_window_of_a_phone(
    board: Board, open_page: OpenPage
) -> None:
    page = open_page(board, "/?symbol=BTCUSDT&interval=4h&range=1M", **PHONE)
    wait_for_chart(page)
    page.locator("#export").tap()
    opened(page)
    for link in page.locator("#export-menu a").all():
        place = link.bounding_box()
        assert place and place["height"] >= 44
    menu = box(page, "#export-menu")
    assert menu["x"] >= 0 and menu["x"] + menu["width"] <= 390
    assert menu["y"] >= 0 and menu["y"] + menu["height"] <= 844
