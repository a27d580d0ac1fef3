// The candle of a longer interval that is still open, out of stored and streamed ones.

import { folded, nextOpening, openingOf } from "./buckets.js";
import { askRun } from "./live_runs.js";

/** @typedef {import("./candle_book.js").Candle} Candle */
/** @typedef {import("./candle_book.js").CandleBook} CandleBook */

export class Forming {
  /** Stored parts from before the streamed candles. @type {Candle[]} */
  #parts = [];

  /**
   * @param {string} interval
   * @param {CandleBook} streamed not empty; what it learns later counts, too
   */
  constructor(interval, streamed) {
    this.interval = interval;
    this.streamed = streamed;
    const [first, last] = [streamed.rows[0], streamed.rows[streamed.rows.length - 1]];
    this.opening = openingOf(last.time, interval);
    this.from = Math.max(this.opening, first.time);
  }

  /** Whether the stream has gone on to the next candle. */
  get isOver() {
    return openingOf(this.streamed.rows[this.streamed.rows.length - 1].time, this.interval) > this.opening;
  }

  /** As it stands. @returns {Candle | null} */
  get candle() {
    const end = nextOpening(this.opening, this.interval);
    const { streamed } = this;
    const rows = streamed.rows.slice(streamed.indexFrom(this.from), streamed.indexFrom(end));
    return folded(this.opening, this.interval, [...this.#parts, ...rows]);
  }

  /**
   * Fetch the parts from before the streamed candles, each as long as fits.
   * @param {string} symbol
   * @param {string[]} intervals shortest first
   * @param {AbortSignal} signal
   */
  async complete(symbol, intervals, signal) {
    /** @type {Candle[]} */
    const parts = [];
    let from = this.opening;
    for (const interval of intervals.toReversed()) {
      if (openingOf(from, interval) !== from || nextOpening(from, interval) > this.from) continue;
      const run = await askRun(symbol, interval, { start: from, end: this.from }, signal);
      const start = from;
      const whole = run?.interval === interval
        ? run.book.rows.filter((row) => row.time >= start && row.closeTime < this.from) : [];
      if (!whole.length) continue;
      parts.push(...whole);
      from = whole[whole.length - 1].closeTime + 1;
    }
    this.#parts = parts;
  }
}
