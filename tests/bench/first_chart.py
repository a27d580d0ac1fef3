"""How soon a person sees candles: headless Chromium with an empty cache."""

from __future__ import annotations

import statistics

from playwright.sync_api import Browser, Response

from tests.browser.chromium import find_chromium, launched

_CANDLES = "#plot .boxlayer path"


def first_chart_seconds(page_url: str) -> tuple[float, int]:
    """Open the page five times, each with a fresh profile.

    Returns:
        The median of seconds from the navigation to the first candle in the
        document, and the bytes of all scripts as they went over the wire.
    """
    executable = find_chromium()
    if executable is None:
        raise RuntimeError("no Chromium found; on Debian: sudo apt install chromium")
    with launched(executable) as browser:
        runs = [_open(browser, page_url) for _ in range(5)]
    return statistics.median(seconds for seconds, _ in runs), runs[0][1]


def _open(browser: Browser, page_url: str) -> tuple[float, int]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    scripts: list[Response] = []

    def keep(response: Response) -> None:
        if response.request.resource_type == "script":
            scripts.append(response)

    page.on("response", keep)
    page.goto(page_url, wait_until="commit")
    page.locator(_CANDLES).first.wait_for(state="attached")
    # The browser's own clock: since the navigation began.
    seconds = float(page.evaluate("performance.now()")) / 1000
    size = sum(response.request.sizes()["responseBodySize"] for response in scripts)
    context.close()
    return seconds, size
