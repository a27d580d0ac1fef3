// The dashboard's moving end: candles of the relay that are not stored yet.

import { CandleBook, candleOf, candlesOf } from "./candle_book.js";
import { serverNow } from "./clock.js";
import * as format from "./format.js";
import { wordsOf } from "./live_words.js";
import { followed } from "./markets.js";
import { follow } from "./stream.js";

/** @typedef {import("./api.js").View} View */
/** @typedef {import("./candle_book.js").Candle} Candle */

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
    if (!ends || view.interval !== view.source_interval) return moved;
    const newest = view.candles.open_time.at(-1) ?? Infinity;
    const beyond = this.#book.rows.slice(this.#book.indexFrom(newest + 1));
    return beyond.length ? appended(moved, beyond) : moved;
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

/**
 * The last price moves, and its change with it; what it was a day ago stays.
 * @param {View} view
 * @param {Candle} candle
 * @returns {View["last"]}
 */
function lastOf({ last, price_digits: digits }, { close, closeTime }) {
  const price = format.decimal(close);
  const before = last?.change_24h ? Number(last.price) - Number(last.change_24h) : 0;
  if (!before) return { price, close_time: closeTime, change_24h: null, change_24h_percent: null };
  return {
    price, close_time: closeTime,
    change_24h: (close - before).toFixed(digits),
    change_24h_percent: ((close / before - 1) * 100).toFixed(2),
  };
}

/**
 * @param {View} view
 * @param {Candle[]} rows
 * @returns {View}
 */
function appended(view, rows) {
  const { candles, figure } = view;
  const texts = (/** @type {(row: Candle) => number} */ pick) => rows.map((row) => format.decimal(pick(row)));
  const [prices, volume] = figure.data;
  const x = [...prices.x, ...rows.map((row) => format.naive(row.time, "utc"))];
  return {
    ...view,
    candles: {
      open_time: [...candles.open_time, ...rows.map((row) => row.time)],
      close_time: [...candles.close_time, ...rows.map((row) => row.closeTime)],
      open: [...candles.open, ...texts((row) => row.open)],
      high: [...candles.high, ...texts((row) => row.high)],
      low: [...candles.low, ...texts((row) => row.low)],
      close: [...candles.close, ...texts((row) => row.close)],
      volume: [...candles.volume, ...texts((row) => row.volume)],
      quote_asset_volume: [...candles.quote_asset_volume, ...texts((row) => row.quoteVolume)],
      number_of_trades: [...candles.number_of_trades, ...rows.map((row) => row.trades)],
      taker_buy_base_asset_volume: [
        ...candles.taker_buy_base_asset_volume, ...texts((row) => row.takerVolume)],
    },
    figure: {
      ...figure,
      data: [
        {
          ...prices, x,
          open: [...prices.open, ...rows.map((row) => row.open)],
          high: [...prices.high, ...rows.map((row) => row.high)],
          low: [...prices.low, ...rows.map((row) => row.low)],
          close: [...prices.close, ...rows.map((row) => row.close)],
        },
        { ...volume, x, y: [...volume.y, ...rows.map((row) => row.volume)] },
      ],
    },
  };
}
