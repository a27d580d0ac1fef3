// Stored candles from the server, a page at a time.

import { getJson } from "./api.js";
import { candlesOf } from "./candle_book.js";

/** @typedef {import("./candle_book.js").Candle} Candle */

export const PAGE = 1000;

export class History {
  #abort = new AbortController();

  /**
   * @param {string} symbol
   * @param {string} interval
   */
  constructor(symbol, interval) {
    this.symbol = symbol;
    this.interval = interval;
  }

  get signal() {
    return this.#abort.signal;
  }

  /** Call off what is under way; nothing more is asked. */
  close() {
    this.#abort.abort();
  }

  /**
   * The newest candles.
   * @param {number} limit
   */
  newest(limit) {
    return this.#ask({ limit });
  }

  /**
   * The candles right before the one that opened at `time`.
   * @param {number} time
   * @param {number} limit
   */
  before(time, limit) {
    return this.#ask({ limit, end: time - 1 });
  }

  /**
   * The candles from an open time on, to before another, as pages.
   * @param {number} start
   * @param {number | null} end null for all there are
   * @returns {AsyncGenerator<Candle[]>}
   */
  async *between(start, end) {
    for (let from = start; end === null || from < end;) {
      /** @type {Record<string, number>} */
      const until = end === null ? {} : { end: end - 1 };
      const page = await this.#ask({ ...until, limit: PAGE, start: from });
      if (page.length) yield page;
      if (page.length < PAGE) return;
      from = page[page.length - 1].time + 1;
    }
  }

  /**
   * @param {Record<string, number>} wish
   * @returns {Promise<Candle[]>}
   */
  async #ask(wish) {
    const { symbol, interval } = this;
    const query = new URLSearchParams({ symbol, interval });
    for (const [key, value] of Object.entries(wish)) query.set(key, String(value));
    const path = `/api/klines?${query}`;
    const columns = await getJson(path, this.signal, { keep: false });
    return candlesOf(/** @type {Record<string, any[]>} */ (columns));
  }
}
