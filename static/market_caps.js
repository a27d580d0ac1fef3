// The ten largest market values: a pie, and the same as a table.

import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";
import { CONFIG, plotly } from "./plotly.js";
import { serverNow } from "./clock.js";
import { colours } from "./theme.js";

/** @typedef {import("./api.js").MarketCap} MarketCap */
/** @typedef {import("./api.js").MarketCapsAnswer} Answer */

/** CoinGecko is asked at most this often. */
const REFRESH_MINUTES = 5;
const SIZE = 184;

export class MarketCaps {
  #box = byId("caps");
  #pie = byId("pie");
  #body = /** @type {HTMLTableSectionElement} */ (byId("caps-table").querySelector("tbody"));
  /** @type {Answer | null} */
  #answer = null;

  /**
   * @param {(symbol: string) => void} open
   * @param {{zone: import("./format.js").Zone}} options
   */
  constructor(open, options) {
    this.open = open;
    this.options = options;
    this.#body.addEventListener("mouseover", (event) => this.#highlight(rowOf(event.target)));
    this.#body.addEventListener("mouseleave", () => this.#highlight(-1));
    this.#pie.addEventListener("mouseover", (event) => this.#highlight(this.#sliceOf(event.target)));
    this.#pie.addEventListener("mouseleave", () => this.#highlight(-1));
    this.#pie.addEventListener("click", (event) => this.#choose(this.#sliceOf(event.target)));
    this.#body.addEventListener("click", (event) => this.#choose(rowOf(event.target)));
  }

  /** @param {Answer} answer */
  show(answer) {
    const changed = answer !== this.#answer;
    this.#answer = answer;
    this.showAge();
    if (changed) this.redraw();
  }

  /** Draw again: new values, or another theme. */
  async redraw() {
    const coins = this.#coins();
    this.#box.removeAttribute("data-loading");
    this.#box.hidden = !coins.length;
    if (!coins.length) return;
    const shades = scale(colours("pie-first", "pie-last"), coins.length);
    this.#drawTable(coins, shades);
    await this.#drawPie(coins, shades);
  }

  /** How old the values are, and why they are not newer. */
  showAge() {
    const answer = this.#answer;
    if (!answer) return;
    const { zone } = this.options;
    const at = answer.fetched_at;
    const now = serverNow();
    setText(byId("caps-age"), at === null ? "" : `as of ${asOf(at, now, zone)}`);
    byId("caps-age").title = at === null ? "" : `${format.dateTime(at, zone)}, ${format.ago(at, now)}`;
    setText(byId("caps-note"), noteOf(answer, now));
  }

  /** @param {string} reason the dashboard's own server did not answer */
  showFailure(reason) {
    if (this.#answer?.market_caps.length) return;
    this.#box.hidden = true;
    setText(byId("caps-note"), `No market values: ${reason} They are asked for again in a minute.`);
  }

  /** Coins that have a value, largest first. */
  #coins() {
    return (this.#answer?.market_caps ?? [])
      .filter((coin) => coin.market_cap_usd !== null && coin.market_cap_usd > 0)
      .toSorted((a, b) => (b.market_cap_usd ?? 0) - (a.market_cap_usd ?? 0));
  }

  /**
   * @param {MarketCap[]} coins
   * @param {string[]} shades
   */
  #drawTable(coins, shades) {
    const total = sum(coins);
    const focused = document.activeElement?.closest("#caps-table tr")?.getAttribute("data-coin");
    this.#body.replaceChildren(...coins.map((coin, i) => makeRow(coin, shades[i], total)));
    if (!focused) return;
    const row = [...this.#body.rows].find((each) => each.dataset.coin === focused);
    row?.querySelector("button")?.focus();
  }

  /**
   * @param {MarketCap[]} coins
   * @param {string[]} shades
   */
  async #drawPie(coins, shades) {
    const library = await plotly;
    const { surface } = colours("surface");
    this.#pie.querySelector(".bone")?.remove();
    const data = [{
      type: "pie", labels: coins.map((coin) => coin.coin_id), values: coins.map((coin) => coin.market_cap_usd),
      sort: false, direction: "clockwise", hole: 0.62, textinfo: "none", hoverinfo: "none",
      marker: { colors: shades, line: { color: surface, width: 1.5 } },
    }];
    const layout = {
      width: SIZE, height: SIZE, margin: { l: 2, r: 2, t: 2, b: 2 }, showlegend: false, hovermode: false,
      paper_bgcolor: surface, uirevision: "market caps",
    };
    await library.react(this.#pie, data, layout, CONFIG);
    for (const [i, slice] of this.#slices().entries()) {
      slice.classList.toggle("selects", coins[i]?.chart !== null);
    }
    byId("pie-total").replaceChildren(
      make("b", {}, `$${format.short(sum(coins))}`), make("span", {}, `top ${coins.length}`));
  }

  #slices() {
    return [...this.#pie.querySelectorAll(".slice")];
  }

  /** @param {EventTarget | null} target */
  #sliceOf(target) {
    const slice = target instanceof Element ? target.closest(".slice") : null;
    return slice ? this.#slices().indexOf(slice) : -1;
  }

  /** @param {number} index -1 for none */
  #highlight(index) {
    this.#box.classList.toggle("choosing", index >= 0);
    const parts = [...this.#slices().entries(), ...[...this.#body.rows].entries()];
    for (const [i, part] of parts) part.classList.toggle("lit", i === index);
    const coin = this.#coins()[index];
    const total = sum(this.#coins());
    const [large, small] = coin
      ? [share(coin, total), coin.name]
      : [`$${format.short(total)}`, `top ${this.#coins().length}`];
    byId("pie-total").replaceChildren(make("b", {}, large), make("span", {}, small));
  }

  /** @param {number} index */
  #choose(index) {
    const chart = this.#coins()[index]?.chart;
    if (chart) this.open(chart);
  }
}

/**
 * @param {MarketCap} coin
 * @param {string} shade
 * @param {number} total
 */
function makeRow(coin, shade, total) {
  const swatch = make("i", { class: "swatch" });
  swatch.style.backgroundColor = shade;
  const name = coin.chart
    ? make("button", { type: "button", title: `Show ${coin.chart}` }, coin.name)
    : make("span", { title: `${coin.name} has no chart here; add its pair to SYMBOLS to collect it` }, coin.name);
  const value = coin.market_cap_usd ?? 0;
  const price = coin.price_usd === null ? "" : `, $${coin.price_usd} each`;
  const change = coin.change_24h_percent;
  return make("tr", { "data-coin": coin.coin_id, class: coin.chart ? "selects" : "" },
    make("th", { scope: "row" }, swatch, name),
    make("td", {}, share(coin, total)),
    make("td", { title: `$${format.count(value)}${price}` }, `$${format.short(value)}`),
    make("td", { class: format.direction(change) }, change === null ? "\u2013" : format.percent(change)));
}

/** @param {EventTarget | null} target */
function rowOf(target) {
  const row = target instanceof Element ? target.closest("tr") : null;
  return row ? row.sectionRowIndex : -1;
}

/** @param {MarketCap[]} coins */
function sum(coins) {
  return coins.reduce((total, coin) => total + (coin.market_cap_usd ?? 0), 0);
}

/** @param {MarketCap} coin @param {number} total */
function share(coin, total) {
  return `${(((coin.market_cap_usd ?? 0) / total) * 100).toFixed(1)}%`;
}

/**
 * Ten steps of one scale, the largest first.
 * @param {{"pie-first": string, "pie-last": string}} ends
 * @param {number} steps
 */
function scale(ends, steps) {
  const [from, to] = [channels(ends["pie-first"]), channels(ends["pie-last"])];
  return Array.from({ length: steps }, (_, i) => {
    const part = steps > 1 ? i / (steps - 1) : 0;
    return `rgb(${from.map((value, c) => Math.round(value + (to[c] - value) * part)).join(", ")})`;
  });
}

/** @param {string} rgb */
function channels(rgb) {
  return (rgb.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}

/**
 * @param {number} at
 * @param {number} now
 * @param {import("./format.js").Zone} zone
 */
function asOf(at, now, zone) {
  const time = `${format.minuteOf(at, zone)} ${format.zoneName(at, zone)}`;
  return format.day(at, zone) === format.day(now, zone) ? time : `${format.day(at, zone)} ${time}`;
}

/**
 * @param {Answer} answer
 * @param {number} now
 */
function noteOf({ fetched_at: at, error, market_caps: coins }, now) {
  const again = `CoinGecko is asked again within ${REFRESH_MINUTES} min.`;
  if (!coins.length) return error ? `No market values yet: ${format.sentence(error)} ${again}` : `No market values yet. ${again}`;
  if (error && at !== null) return `These are ${format.duration(now - at)} old: ${format.sentence(error)} ${again}`;
  return "";
}
