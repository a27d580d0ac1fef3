// One started chart: its history, its stream, and how they are put together.

import { ApiError } from "./api.js";
import { CandleBook, candleOf, candlesOf, holeBetween } from "./candle_book.js";
import { History, PAGE } from "./live_history.js";
import { follow } from "./stream.js";

/** @typedef {import("./candle_book.js").Change} Change */
/** @typedef {import("./stream.js").StreamState} StreamState */
/** @typedef {import("./stream.js").Detail} Detail */
/**
 * @typedef {object} SessionHandlers
 * @property {(change: Change) => void} candles the book has changed
 * @property {() => void} state a word for how things stand has changed
 */

const ASK_AGAIN_MS = 5000;
const NOT_STORED_MS = 30_000;
/** What is stored may still grow while the relay sends nothing. @type {StreamState[]} */
const AWAY = ["reconnecting", "refused"];

export class LiveSession {
  book = new CandleBook();
  /** @type {{state: StreamState, detail: Detail}} */
  stream = {
    state: "connecting", detail: { relay: false, since: null, noTradesSince: null, words: "" },
  };
  /** Whether the relay has sent candles since the start. */
  heard = false;
  /** Why stored candles are not there. @type {ApiError | null} */
  trouble = null;
  /** Whether the oldest stored candle is in the book. */
  complete = false;
  /** Whether older candles are under way. */
  loading = false;
  /** The time of the exchange's newest event, ms. @type {number | null} */
  newestEvent = null;
  #history;
  #timer = 0;
  /** Spans that were missed and could not be had yet. @type {Set<{start: number, end: number | null}>} */
  #missed = new Set();
  /** @type {{close: () => void} | null} */
  #following = null;

  /**
   * @param {import("./live_address.js").Choice} choice
   * @param {() => Promise<boolean>} isStored whether the server has the series
   * @param {SessionHandlers} on
   */
  constructor(choice, isStored, on) {
    this.choice = choice;
    this.isStored = isStored;
    this.on = on;
    this.#history = new History(choice.symbol, choice.interval);
  }

  start() {
    const { symbol, interval, candles } = this.choice;
    const limit = String(Math.min(candles, PAGE));
    const query = new URLSearchParams({ symbol, interval, limit });
    this.#following = follow(`/klines?${query}`, {
      message: (message) => this.#hear(message),
      state: (state, detail) => this.#learn(state, detail),
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.trouble) this.#load();
    }, { signal: this.#history.signal });
    this.#load();
  }

  stop() {
    this.#following?.close();
    this.#history.close();
    clearTimeout(this.#timer);
  }

  /** Fetch what lies before the oldest candle; what is asked twice comes once. */
  async earlier() {
    const first = this.book.first;
    if (!first || this.loading || this.complete || this.trouble) return;
    await this.#asking(() => this.#before(first.time, PAGE));
  }

  /* What the relay says -------------------------------------------------------------- */

  /**
   * @param {StreamState} state
   * @param {Detail} detail
   */
  #learn(state, detail) {
    this.stream = { state, detail };
    if (AWAY.includes(state)) this.#askAgain();
    this.on.state();
  }

  /** @param {Record<string, any>} message */
  #hear(message) {
    this.newestEvent = message.event_time ?? this.newestEvent;
    if (message.type === "kline") return this.on.candles(this.book.update(candleOf(message)));
    const rows = candlesOf(message);
    const before = this.book.lastClosed;
    this.heard = true;
    this.on.candles(this.book.snapshot(rows));
    this.on.state();
    const from = before && rows.find((row) => row.time > before.closeTime);
    if (before && from && holeBetween(before, from)) this.#fill(before.closeTime + 1, from.time);
  }

  /* What is stored --------------------------------------------------------------------- */

  #load() {
    return this.#asking(async () => {
      const { symbol, interval, candles } = this.choice;
      if (!await this.isStored()) {
        // Asking for it would be answered the same, with an error in the console.
        throw new ApiError(404, "not_stored", `no candles of ${symbol} ${interval} are stored`);
      }
      const page = await this.#history.newest(Math.min(candles, PAGE));
      this.#take(page);
      this.complete = page.length < Math.min(candles, PAGE);
      await this.#reach(candles);
      await this.#fillMissed();
    });
  }

  /** Go back until so many closed candles are there. @param {number} candles */
  async #reach(candles) {
    while (!this.complete && this.book.first) {
      const missing = candles - this.book.rows.filter((row) => row.closed).length;
      if (missing <= 0) return;
      await this.#before(this.book.first.time, Math.min(missing, PAGE));
    }
  }

  /**
   * @param {number} time
   * @param {number} limit
   */
  async #before(time, limit) {
    const page = await this.#history.before(time, limit);
    this.complete = page.length < limit;
    this.#take(page);
  }

  /**
   * Fetch what was missed while nobody listened.
   * @param {number} start
   * @param {number | null} end
   */
  #fill(start, end) {
    this.#missed.add({ start, end });
    return this.#asking(() => this.#fillMissed());
  }

  async #fillMissed() {
    for (const span of this.#missed) {
      for await (const page of this.#history.between(span.start, span.end)) this.#take(page);
      this.#missed.delete(span);
    }
  }

  /** While the relay is away, the collector may still store what closes. */
  #askAgain() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const newest = this.book.lastClosed;
      if (!newest || this.trouble) await this.#load();
      else if (!document.hidden) await this.#fill(newest.closeTime + 1, null);
      if (this.trouble || AWAY.includes(this.stream.state)) this.#askAgain();
    }, this.trouble?.passing === false ? NOT_STORED_MS : ASK_AGAIN_MS);
  }

  /** @param {import("./candle_book.js").Candle[]} page */
  #take(page) {
    const change = this.book.store(page);
    if (!this.#history.signal.aborted) this.on.candles(change);
  }

  /**
   * Ask the server, and keep what went wrong.
   * @param {() => Promise<void>} ask
   */
  async #asking(ask) {
    this.loading = true;
    this.on.state();
    try {
      await ask();
      this.trouble = null;
    } catch (error) {
      if (this.#history.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      this.trouble = error;
      if (error.passing || error.code === "not_stored") this.#askAgain();
    } finally {
      this.loading = false;
    }
    if (!this.#history.signal.aborted) this.on.state();
  }
}
