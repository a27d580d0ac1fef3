// The list of charts in the top left corner, with its filter.

import { queryOf } from "./address.js";
import { byId, make, makeSvg, setText } from "./dom.js";
import * as format from "./format.js";

/** @typedef {import("./api.js").Series} Series */

const SPARK = { width: 64, height: 22 };

export class SeriesList {
  #list = byId("series");
  #filter = /** @type {HTMLInputElement} */ (byId("filter"));
  #nothing = byId("series-nothing");
  /** @type {Series[]} */
  #series = [];
  /** What each row shows, so that only changed rows are made anew. @type {Map<string, {said: string, item: HTMLLIElement}>} */
  #rows = new Map();
  #current = "";

  /** @param {(symbol: string, interval: string) => void} open */
  constructor(open) {
    this.open = open;
    this.#filter.addEventListener("input", () => this.#applyFilter());
    this.#filter.addEventListener("keydown", (event) => this.#filterKey(event));
    this.#list.addEventListener("keydown", (event) => this.#listKey(event));
    this.#list.addEventListener("click", (event) => this.#click(event));
  }

  /** @param {Series[]} series */
  show(series) {
    this.#series = series;
    this.#list.removeAttribute("aria-busy");
    setText(byId("series-count"), String(series.length));
    const items = series.map((each) => this.#row(each));
    const same = items.length === this.#list.children.length &&
      items.every((item, i) => item === this.#list.children[i]);
    if (!same) this.#replace(items);
    this.mark(this.#current);
    this.#applyFilter();
  }

  /** @param {string} key "BTCUSDT 1h" */
  mark(key) {
    this.#current = key;
    for (const [name, { item }] of this.#rows) {
      const link = item.querySelector("a");
      if (name === key) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    }
  }

  /**
   * A price that moved between two answers stands in all rows of its symbol.
   * @param {string} symbol
   * @param {string | null} exact
   */
  movePrice(symbol, exact) {
    if (exact === null) return;
    for (const each of this.#series) {
      if (each.symbol !== symbol) continue;
      const price = this.#rows.get(`${symbol} ${each.interval}`)?.item.querySelector(".row-price");
      if (price instanceof HTMLElement) setText(price, format.price(exact, each.price_digits));
    }
  }

  focusFilter() {
    this.#filter.focus();
    this.#filter.select();
  }

  /** Replace the rows; the focus stays where it was. @param {HTMLLIElement[]} items */
  #replace(items) {
    const focused = document.activeElement?.closest("#series li")?.getAttribute("data-key");
    this.#list.replaceChildren(...items);
    if (focused) this.#rows.get(focused)?.item.querySelector("a")?.focus();
  }

  /** @param {Series} series */
  #row(series) {
    const key = `${series.symbol} ${series.interval}`;
    const said = JSON.stringify([
      series.last_price, series.change_24h_percent, series.spark, series.state, series.state_text]);
    const before = this.#rows.get(key);
    if (before?.said === said) return before.item;
    const item = makeRow(series, key);
    this.#rows.set(key, { said, item });
    return item;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const link = /** @type {Element} */ (event.target).closest("a");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.open(link.dataset.symbol ?? "", link.dataset.interval ?? "");
  }

  /** @param {KeyboardEvent} event */
  #filterKey(event) {
    const links = this.#visibleLinks();
    if (event.key === "Enter") links[0]?.click();
    else if (event.key === "ArrowDown") links[0]?.focus();
    else if (event.key === "Escape") this.#leaveFilter();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event */
  #listKey(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    const links = this.#visibleLinks();
    const next = links.indexOf(/** @type {any} */ (document.activeElement)) + step;
    event.preventDefault();
    if (next < 0) this.#filter.focus();
    else links[next]?.focus();
  }

  #leaveFilter() {
    if (this.#filter.value) {
      this.#filter.value = "";
      this.#applyFilter();
    } else {
      this.#filter.blur();
    }
  }

  #visibleLinks() {
    return [...this.#list.querySelectorAll("li:not([hidden]) a")].map(
      (link) => /** @type {HTMLAnchorElement} */ (link));
  }

  #applyFilter() {
    const words = this.#filter.value.toLowerCase().split(/[\s/]+/).filter(Boolean);
    let shown = 0;
    for (const each of this.#series) {
      const item = this.#rows.get(`${each.symbol} ${each.interval}`)?.item;
      if (!item) continue;
      item.hidden = !matches(each, words);
      if (!item.hidden) shown += 1;
    }
    this.#nothing.hidden = shown > 0 || !this.#series.length;
    setText(this.#nothing, `No chart matches \u201c${this.#filter.value.trim()}\u201d. Esc clears the filter.`);
  }
}

/**
 * Every word must begin the symbol, one of its assets or the interval.
 * @param {Series} series
 * @param {string[]} words lower case
 */
function matches(series, words) {
  const names = [series.symbol, series.base_asset, series.quote_asset].map((name) => name.toLowerCase());
  return words.every((word) =>
    series.interval.toLowerCase().startsWith(word) || names.some((name) => name.startsWith(word)));
}

/**
 * @param {Series} series
 * @param {string} key
 */
function makeRow(series, key) {
  const { symbol, interval, base_asset: base, quote_asset: quote } = series;
  const change = series.change_24h_percent === null ? null : Number(series.change_24h_percent);
  const name = make("span", { class: "row-name" },
    make("b", {}, base), make("span", { class: "row-quote" }, `/${quote}`),
    make("span", { class: "row-interval" }, interval));
  const late = series.state === "late" || series.state === "not_trading";
  if (late) name.append(make("span", { class: "row-late", title: series.state_text ?? "" }, "late"));
  const figures = series.last_price === null
    ? make("span", { class: "row-figures row-empty" }, series.state === "collecting" ? "collecting" : "nothing yet")
    : make("span", { class: "row-figures" },
        make("span", { class: "row-price" }, format.price(series.last_price, series.price_digits)),
        make("span", { class: `row-change ${format.direction(change)}` }, change === null ? "" : format.percent(change)));
  const link = make("a", {
    href: `/${queryOf({ symbol, interval, range: null })}`, title: series.state_text,
    "data-symbol": symbol, "data-interval": interval,
  }, name, sparkline(series.spark), figures);
  return make("li", { "data-key": key }, link);
}

/** @param {number[]} closes oldest first */
function sparkline(closes) {
  const { width, height } = SPARK;
  const tone = closes.length > 1 && closes[closes.length - 1] < closes[0] ? "falling" : "rising";
  const svg = makeSvg("svg", { class: `spark ${tone}`, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (closes.length < 2) return svg;
  const [low, high] = [Math.min(...closes), Math.max(...closes)];
  const points = closes.map((close, i) => {
    const x = (i / (closes.length - 1)) * (width - 2) + 1;
    const y = high > low ? ((high - close) / (high - low)) * (height - 4) + 2 : height / 2;
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  svg.append(makeSvg("polyline", { points: points.join(" ") }));
  return svg;
}
