"""A browser, a filled and served dashboard, and pages that are watched for errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
)

from klineboard.settings import Settings
from klineboard.storage.database import Database
from tests.conftest import MakeSettings, settings_of

from .board import FIRST, Board, create_database, fill_market, serve
from .chromium import find_chromium, launched
from .live_market import (
    ADDRESS,
    KEYS,
    MINUTES,
    NEXT,
    STAGE,
    Live,
    fill_minutes,
    followed,
    minute,
)

OpenPage = Callable[..., Page]

_SCREEN: ViewportSize = {"width": 1440, "height": 900}


# Not for the session: Playwright keeps an event loop running in this thread, in which
# other packages' tests could not run their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each test has contexts of its own."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium found; on Debian: apt-get install chromium")
    with launched(executable) as browser:
        yield browser


_KEYS = {
    "SYMBOLS": "BTCUSDT,ETHUSDT",
    "INTERVALS": "1h,4h,1d",
    "HISTORY_START": FIRST.date().isoformat(),
}


@pytest.fixture(scope="session")
def board(
    postgres: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """A dashboard with two symbols, two holes and market values; only to be read."""
    data = {"DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    name = {"POSTGRES_DB": "browser"}
    settings = settings_of({**postgres, **_KEYS, **data, **name})
    create_database(settings)
    with serve(settings) as board:
        fill_market(board.database)
        yield board


@pytest.fixture
def empty_board(make_settings: MakeSettings) -> Iterator[Board]:
    """A dashboard of this test's own, whose database holds nothing yet."""
    with serve(make_settings(**_KEYS)) as board:
        yield board


@pytest.fixture
def own_board(empty_board: Board) -> Board:
    """The same as ``board``, for a test that changes what is stored."""
    fill_market(empty_board.database)
    return empty_board


class Complaints(list[str]):
    """What the browser complained of: errors, and requests that left the origin.

    Attributes:
        expected: HTTP statuses that the test provokes.
    """

    def __init__(self) -> None:
        """Begin with none, and none expected."""
        super().__init__()
        self.expected: set[int] = set()

    def watch(self, page: Page, origin: str) -> None:
        """Take note of everything that goes wrong on a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"page error: {error}"))
        page.on("request", lambda request: self._request(request, origin))

    def forget_changed_network(self) -> bool:
        """Drop what is no fault of the page; return whether there was any.

        Chromium calls off all requests where an interface of the machine comes or
        goes, as Docker's do.
        """
        rest = [text for text in self if "ERR_NETWORK_CHANGED" not in text]
        changed = len(rest) < len(self)
        self[:] = rest
        return changed

    def forget_lost_sockets(self) -> None:
        """Drop what Chromium says of a WebSocket that found nobody to talk to."""
        self[:] = [text for text in self if "WebSocket connection to" not in text]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        status = re.search(r"the server responded with a status of (\d+)", message.text)
        if status is None or int(status[1]) not in self.expected:
            self.append(f"console: {message.text}")

    def _request(self, request: Request, origin: str) -> None:
        parts = urlsplit(request.url)
        inside = parts.scheme in ("data", "blob") or request.url.startswith(origin)
        if not inside:
            self.append(f"left the origin: {request.url}")


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the browser complained of; a test fails where there is anything."""
    complaints = Complaints()
    yield complaints
    complaints.forget_changed_network()
    assert list(complaints) == []


@pytest.fixture(scope="package")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What tests share that ask for nothing special: scripts are read only once."""
    context = browser.new_context(viewport=_SCREEN)
    yield context
    context.close()


@pytest.fixture
def open_page(
    browser: Browser, context: BrowserContext, complaints: Complaints
) -> Iterator[OpenPage]:
    """Open a path of a dashboard; what it remembered is forgotten after the test."""
    pages: list[Page] = []
    contexts: list[BrowserContext] = []

    def open_(board: Board, path: str = "/", **options: Any) -> Page:
        inside = context
        if options:
            inside = browser.new_context(**{"viewport": _SCREEN, **options})
            contexts.append(inside)
        page = inside.new_page()
        pages.append(page)
        page.set_default_timeout(10_000)
        complaints.watch(page, board.url)
        page.goto(board.url + path)
        for _ in range(3):
            if not complaints.forget_changed_network():
                break
            page.reload()
        return page

    yield open_
    for page in pages:
        if page.context is context:
            page.evaluate("() => localStorage.clear()")
        page.close()
    for own in contexts:
        own.close()


@pytest.fixture(scope="session")
def live_settings(
    postgres: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of a filled database that all tests only read."""
    keys = {**postgres, **KEYS, "POSTGRES_DB": "live"}
    settings = settings_of({**keys, "DATA_DIR": str(tmp_path_factory.mktemp("live"))})
    create_database(settings)
    database = Database(settings)
    fill_minutes(database)
    database.close()
    return settings


@pytest.fixture
def live(live_settings: Settings) -> Iterator[Live]:
    """The page, and a relay of this test's own that knows the last 200 minutes."""
    with followed(live_settings) as live:
        live.relay.load(MINUTES, [minute(n) for n in range(-50, 0)])
        live.relay.update(MINUTES, minute(0, 60_010), NEXT + 2000)
        yield live


@pytest.fixture
def own_live(make_settings: Callable[..., Settings]) -> Iterator[Live]:
    """The same over a database that the test may change."""
    with followed(make_settings(**KEYS)) as live:
        fill_minutes(live.page.database)
        yield live


@pytest.fixture
def open_live(open_page: OpenPage) -> Callable[..., Page]:
    """Open the live page, and wait until it is live."""

    def open_(live: Live, path: str = ADDRESS, **options: Any) -> Page:
        page = open_page(live.page, path, **options)
        expect(page.locator(STAGE)).to_have_attribute("data-state", "live")
        return page

    return open_
