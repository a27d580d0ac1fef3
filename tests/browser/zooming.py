"""Zooming a dashboard by the wheel, and what its page draws meanwhile."""

from __future__ import annotations

from typing import Any, NamedTuple

from playwright.sync_api import Page

NOTCH = 240
"""As far as one turn of the wheel zooms (its delta); the page takes no more at once."""

# Notes when the hand last moved and when the picture last changed, which it has once a
# frame is over that began after the change; and how often no candle was in sight.
_WATCH = """() => {
  const stage = document.getElementById("stage");
  const seen = { gesture: 0, drawn: 0, frames: 0, blank: 0, shown: "" };
  globalThis.seen = seen;
  const state = () => ["from", "to", "interval", "candles"]
    .map((name) => stage.dataset[name]).join();
  seen.shown = state();
  stage.addEventListener("wheel", () => { seen.gesture = performance.now(); }, true);
  new MutationObserver(() => {
    if (state() === seen.shown) return;
    seen.shown = state();
    requestAnimationFrame(() => setTimeout(() => { seen.drawn = performance.now(); }));
  }).observe(stage, { attributes: true });
  const isInSight = (path) => {
    const box = path.getBoundingClientRect();
    const plot = stage.getBoundingClientRect();
    return box.height > 0 && box.right > plot.left && box.left < plot.right;
  };
  const sample = () => {
    seen.frames += 1;
    const paths = [...document.querySelectorAll("#plot .boxlayer path")];
    if (!paths.some(isInSight)) seen.blank += 1;
    requestAnimationFrame(sample);
  };
  sample();
}"""

# The picture has all the detail that suits its window, and nothing more has changed.
_RESTED = """() => {
  const { gesture, drawn } = globalThis.seen;
  const now = performance.now();
  return document.getElementById("stage").dataset.detail === "all"
    && drawn > gesture && now - drawn > 100 && now - gesture > 150;
}"""


class Zoom(NamedTuple):
    """One zoom, and what it led to.

    Attributes:
        milliseconds: From the gesture's end to the last change of the picture.
        interval: Of the candles that are shown.
        candles: How many are loaded.
    """

    milliseconds: float
    interval: str
    candles: int


def watch(page: Page) -> None:
    """Begin to note what the page draws."""
    page.evaluate(_WATCH)


def hover(page: Page, fraction: float) -> None:
    """Put the pointer at a fraction of the chart's width."""
    box = page.locator("#surface").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * fraction, box["y"] + box["height"] / 3)


def zoom(page: Page, notches: int) -> Zoom:
    """Turn the wheel of a watched page, and wait until all is drawn.

    Args:
        page: The pointer is over its chart.
        notches: Below 0 zooms out.
    """
    for _ in range(abs(notches)):
        page.mouse.wheel(0, -NOTCH if notches > 0 else NOTCH)
    return rested(page)


def rested(page: Page) -> Zoom:
    """Wait until all is drawn that the last gesture led to."""
    page.wait_for_function(_RESTED, polling=25)
    seen: dict[str, Any] = page.evaluate(
        "() => ({ ...globalThis.seen, ...document.getElementById('stage').dataset })"
    )
    return Zoom(seen["drawn"] - seen["gesture"], seen["interval"], int(seen["candles"]))


def blank_frames(page: Page) -> int:
    """Return in how many frames so far no candle was in sight."""
    seen: dict[str, int] = page.evaluate("() => globalThis.seen")
    assert seen["frames"] > 0
    return seen["blank"]
