// Which charts can be followed: what the relay follows, and what the server stores.

import { ApiError, getJson } from "./api.js";
import { byId, remember, remembered } from "./dom.js";
import { poll } from "./poll.js";
import { LENGTHS } from "./viewport.js";
import { extentsOf } from "./zoom.js";

/** @typedef {import("./api.js").Series} Series */
/** @typedef {import("./legend.js").Market} Market */

const ASK_SECONDS = 15;
const HIDDEN_SECONDS = 120;
const USUAL_QUOTES = ["USDT", "USDC", "FDUSD", "TRY", "EUR", "BTC", "ETH", "BNB"];

/** The intervals that the relay follows, by symbol. @type {Record<string, string[]>} */
export const followed = JSON.parse(document.body.dataset.followed ?? "{}");

export class Markets {
  /** @type {import("./api.js").SeriesAnswer | null} */
  #answer = null;
  /** Resolved with the first answer, or where there is none. */
  #asked;

  /** @param {() => void} changed there is an answer */
  constructor(changed) {
    byId("simulated").hidden = remembered("simulated") !== "yes";
    this.#asked = new Promise((resolve) => {
      poll(async () => {
        await this.#ask();
        resolve(null);
        if (this.#answer) changed();
      }, ASK_SECONDS, HIDDEN_SECONDS);
    });
  }

  /** All symbols: the followed ones first. */
  get symbols() {
    const stored = this.#series.filter((each) => each.rows).map((each) => each.symbol);
    return [...new Set([...Object.keys(followed), ...stored])];
  }

  /** @param {string} symbol @returns {string[]} shortest first */
  intervals(symbol) {
    const stored = this.#series.filter((each) => each.symbol === symbol && each.rows);
    const names = new Set([...(followed[symbol] ?? []), ...stored.map((each) => each.interval)]);
    return [...names].sort((a, b) => LENGTHS[a] - LENGTHS[b]);
  }

  /**
   * @param {string} symbol
   * @returns {Market & {exact: boolean}} `exact`: the digits are the exchange's
   */
  describe(symbol) {
    const known = this.#series.find((each) => each.symbol === symbol);
    if (known) return { ...known, exact: known.rows > 0 };
    const quote = USUAL_QUOTES.find((name) => symbol.endsWith(name) && symbol !== name) ?? "";
    const base = quote ? symbol.slice(0, -quote.length) : symbol;
    return { base_asset: base, quote_asset: quote, price_digits: 2, exact: false };
  }

  /** @param {string} symbol "BTC/USDT" */
  name(symbol) {
    const { base_asset: base, quote_asset: quote } = this.describe(symbol);
    return quote ? `${base}/${quote}` : base;
  }

  /**
   * Whether the server has candles of a series; where it does not say, it may.
   * @param {string} symbol
   * @param {string} interval
   */
  async isStored(symbol, interval) {
    await this.#asked;
    if (!this.#answer) return true;
    return this.#series.some((each) =>
      each.symbol === symbol && each.interval === interval && each.rows > 0);
  }

  /** How far back which series of a symbol reach. @param {string} symbol */
  extents(symbol) {
    return extentsOf(this.#series, symbol);
  }

  /** @returns {Series[]} */
  get #series() {
    return this.#answer?.series ?? [];
  }

  async #ask() {
    try {
      this.#answer = /** @type {import("./api.js").SeriesAnswer} */ (await getJson("/api/series"));
      const simulated = this.#answer.origin === "simulated";
      byId("simulated").hidden = !simulated;
      remember("simulated", simulated ? "yes" : "no");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // The history's question tells it.
    }
  }
}
