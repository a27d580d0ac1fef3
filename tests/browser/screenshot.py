"""Take the README's picture of a running dashboard.

::

    python -m tests.browser.screenshot docs/dashboard.png --url http://127.0.0.1:5555
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Error

from .chromium import find_chromium, launched

_WIDTH, _HEIGHT = 1440, 900


def main(arguments: list[str] | None = None) -> int:
    """Save the picture; return the exit code."""
    parser = argparse.ArgumentParser(description="Picture of a running dashboard")
    parser.add_argument("file", type=Path, help="where the PNG goes")
    parser.add_argument("--url", default="http://127.0.0.1:5555")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    options = parser.parse_args(arguments)
    executable = find_chromium()
    if executable is None:
        return _fail("no Chromium found; on Debian: apt-get install chromium")
    try:
        take(executable, options.url, options.theme, options.file)
    except Error as error:
        return _fail(f"{options.url} could not be shown: {error}")
    return 0


def _fail(words: str) -> int:
    sys.stderr.write(f"{words}\n")
    return 1


def take(executable: str, url: str, theme: str, file: Path) -> None:
    """Open the page, wait until all of it is drawn, and save its picture."""
    with launched(executable) as browser:
        page = browser.new_page(
            viewport={"width": _WIDTH, "height": _HEIGHT},
            color_scheme="dark" if theme == "dark" else "light",
            device_scale_factor=1.5,
        )
        page.goto(url)
        for part in ("#plot .boxlayer path", "#series a", "#pie .slice path"):
            page.locator(part).first.wait_for(state="attached")
        page.locator("#chart-panel:not([data-loading])").wait_for()
        file.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=file)


if __name__ == "__main__":
    sys.exit(main())
