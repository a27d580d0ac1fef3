// The dashboard's moving end: candles of the relay that are not stored yet.

import { CandleBook, candleOf, candlesOf } from "./candle_book.js";
import { serverNow } from "./clock.js";
import { wordsOf } from "./live_words.js";
import { followed } from "./markets.js";
import { extended, lastOf } from "./moved_view.js";
import { follow } from "./stream.js";

/** @typedef {import("./api.js").View} View */

/** Plotly takes 53 ms to draw 1,000 candles: four times a second leaves room for hands. */
const PAUSE_MS = 250;
/** So late may the collector be before a hole is seen. */
const LIMIT = 100;

export class LiveTail {
  #key = "";
  #book = new CandleBook();
  #timer = 0;
  #drawnAt = -Infinity;
  /** @type {{close: () => void} | null} */
  #following = null;
  /** @type {import("./live_words.js").Standing | null} */
  #standing = null;

  /** @param {() => void} moved called four times a second at most, and never unseen */
  constructor(moved) {
    this.moved = moved;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#book.last) this.#draw();
    });
  }

  /** How the stream stands; null where the relay has not spoken: the page asks as ever. */
  get words() {
    return this.#standing && this.#book.last ? wordsOf(this.#standing, serverNow()) : null;
  }

  /**
   * Follow what a view is made of.
   * @param {View | null} view
   * @param {boolean} running whether there is a relay
   */
  follow(view, running) {
    const known = view && running && followed[view.symbol]?.includes(view.source_interval);
    const key = known ? `${view.symbol} ${view.source_interval}` : "";
    if (key === this.#key) return;
    this.#key = key;
    this.#following?.close();
    this.#following = null;
    this.#book = new CandleBook();
    this.#standing = null;
    if (!known) return;
    const query = new URLSearchParams({
      symbol: view.symbol, interval: view.source_interval, limit: String(LIMIT),
    });
    this.#following = follow(`/klines?${query}`, {
      message: (message) => this.#hear(message),
      state: (state, detail) => {
        this.#standing = { state, detail, heard: true, candles: 1, trouble: null, until: null };
        this.#draw();
      },
    });
  }

  /**
   * The view with what the relay knows beyond it. The given one stays as it is.
   * @param {View} view
   * @returns {View}
   */
  extend(view) {
    const last = this.#book.last;
    if (!last || this.#key !== `${view.symbol} ${view.source_interval}`) return view;
    const moved = { ...view, last: lastOf(view, last) };
    // A view of the past ends where it ends.
    const ends = !view.bounds || (view.view?.end ?? 0) >= view.bounds.end;
    const stored = view.candles.close_time.at(-1) ?? Infinity;
    const beyond = ends ? this.#book.rows.slice(this.#book.indexFrom(stored)) : [];
    return beyond.length ? extended(moved, beyond) : moved;
  }

  /** @param {Record<string, any>} message */
  #hear(message) {
    if (message.type === "snapshot") this.#book.snapshot(candlesOf(message));
    else this.#book.update(candleOf(message));
    this.#draw();
  }

  #draw() {
    if (this.#timer || document.hidden) return;
    const pause = Math.max(0, this.#drawnAt + PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#drawnAt = performance.now();
      this.moved();
    }, pause);
  }
}
