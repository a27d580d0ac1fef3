// The live candles as texts: one for the legend, those in sight as a table on request.

import { holeBetween } from "./candle_book.js";
import { showCandleTable } from "./candle_table.js";
import { byId } from "./dom.js";
import { decimal } from "./format.js";

/** @typedef {import("./candle_book.js").Candle} Candle */

const EVERY_MS = 1000;

export class LiveTable {
  #button = byId("table-button");
  #box = byId("candle-table");
  #stage = byId("stage");
  #timer = 0;

  /** @param {() => {rows: Candle[], market: import("./legend.js").Market, interval: string}} read what is in sight */
  constructor(read) {
    this.read = read;
    this.#button.addEventListener("click", () => this.toggle());
  }

  get shown() {
    return !this.#box.hidden;
  }

  toggle() {
    const shown = !this.shown;
    // The chart knows what is in sight only as long as it is laid out.
    if (shown) this.#draw();
    this.#button.setAttribute("aria-pressed", String(shown));
    this.#box.hidden = !shown;
    this.#stage.classList.toggle("behind", shown);
    clearInterval(this.#timer);
    if (!shown) return this.#stage.focus();
    this.#timer = setInterval(() => this.#draw(), EVERY_MS);
    this.#box.focus();
  }

  #draw() {
    const { rows, market, interval } = this.read();
    const texts = rows.map(textsOf);
    /** @type {Record<string, unknown[]>} */
    const columns = {};
    for (const name of /** @type {const} */ (["open_time", "close_time", "open", "high", "low", "close",
      "volume", "quote_asset_volume", "number_of_trades", "taker_buy_base_asset_volume"])) {
      columns[name] = texts.map((row) => row[name]);
    }
    const candles = /** @type {import("./api.js").Candles} */ (/** @type {unknown} */ (columns));
    showCandleTable({ ...market, interval, candles, gaps: gapsOf(rows) }, null, "utc");
  }
}

/**
 * @param {Candle} candle
 * @returns {import("./legend.js").CandleTexts}
 */
export function textsOf(candle) {
  return {
    open_time: candle.time, close_time: candle.closeTime,
    open: decimal(candle.open), high: decimal(candle.high), low: decimal(candle.low), close: decimal(candle.close),
    volume: decimal(candle.volume), quote_asset_volume: decimal(candle.quoteVolume),
    number_of_trades: candle.trades, taker_buy_base_asset_volume: decimal(candle.takerVolume),
  };
}

/**
 * @param {Candle[]} rows
 * @returns {import("./api.js").Gap[]}
 */
function gapsOf(rows) {
  return rows.slice(1).flatMap((row, i) => {
    const hole = holeBetween(rows[i], row);
    return hole ? [{ ...hole, state: /** @type {const} */ ("unknown") }] : [];
  });
}
