// The menu of the files in which a chart's candles can be taken away.

import { byId } from "./dom.js";

const GAP = 4;

export class ExportMenu {
  #button = byId("export");
  #menu = byId("export-menu");
  #links = [...this.#menu.querySelectorAll("a")];

  constructor() {
    this.#menu.addEventListener("beforetoggle", () => this.#place());
    this.#menu.addEventListener("click", () => this.#menu.hidePopover());
    this.#menu.addEventListener("keydown", (event) => this.#walk(event));
    // It is fixed to the window, its button is not.
    document.addEventListener("scroll", () => this.#menu.hidePopover(), { capture: true, passive: true });
  }

  /**
   * @param {string} symbol
   * @param {string} interval whose candles are stored
   */
  show(symbol, interval) {
    this.#button.title = `Every stored candle of ${symbol} ${interval}, exactly as stored`;
    for (const link of this.#links) {
      link.href = `/export/${symbol}_${fileName(interval)}.${link.dataset.format}`;
    }
  }

  /** Beside the button, where there is more room. A popover is in nobody's way otherwise. */
  #place() {
    const button = this.#button.getBoundingClientRect();
    const style = this.#menu.style;
    const isAbove = button.top > innerHeight - button.bottom;
    style.top = isAbove ? "auto" : `${button.bottom + GAP}px`;
    style.bottom = isAbove ? `${innerHeight - button.top + GAP}px` : "auto";
    style.right = `${document.documentElement.clientWidth - button.right}px`;
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      this.#menu.hidePopover();
    } else if (steps) {
      const here = this.#links.findIndex((link) => link === document.activeElement);
      this.#links.at((here + steps) % this.#links.length)?.focus();
    } else {
      return;
    }
    // The chart's own meaning of the key does not count in here.
    event.preventDefault();
    event.stopPropagation();
  }
}

/** File systems may fold case: a month is not named like a minute. @param {string} interval */
function fileName(interval) {
  return interval === "1M" ? "1mo" : interval;
}
