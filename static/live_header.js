// The watched price in large digits, its change, and how the stream stands.

import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";

const FLASH_MS = 300;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export class LiveHeader {
  #symbol = byId("quote-symbol");
  #watch = byId("quote-watch");
  #price = byId("quote-price");
  #change = byId("quote-change");
  #state = byId("live-state");
  #exact = NaN;
  #timer = 0;
  #title = "";
  #interval = "";

  /**
   * @param {string} name "BTC/USDT"
   * @param {import("./live_address.js").Choice} choice
   */
  announce(name, { interval, price }) {
    this.#title = `${name} ${interval}`;
    this.#interval = interval;
    setText(this.#symbol, name);
    setText(this.#watch, `${interval} ${price}`);
  }

  /** No price is known yet. */
  clear() {
    this.#exact = NaN;
    this.#price.replaceChildren(make("i", { class: "bone bone-price" }));
    this.#change.replaceChildren();
    document.title = `${this.#title} · klineboard`;
  }

  /** There is no price to show. */
  showNothing() {
    this.#exact = NaN;
    setText(this.#price, "\u2013");
    this.#change.replaceChildren();
  }

  /**
   * @param {import("./candle_book.js").CandleBook} book not empty
   * @param {import("./live_address.js").PriceName} watched
   * @param {number} digits after the point
   * @param {number} now of the exchange, ms
   */
  show(book, watched, digits, now) {
    const last = book.rows[book.rows.length - 1];
    const exact = last[watched];
    const text = format.price(format.decimal(exact), digits);
    setText(this.#price, text);
    if (exact !== this.#exact && !Number.isNaN(this.#exact)) this.#flash(exact > this.#exact);
    this.#exact = exact;
    this.#showChange(book, last, now);
    document.title = `${text} ${this.#title} · klineboard`;
  }

  /** @param {import("./live_words.js").Words | null} words */
  showState(words) {
    this.#state.hidden = words === null;
    if (!words) return;
    this.#state.className = `quote-state state ${words.tone}`;
    this.#state.title = words.text;
    setText(this.#state, words.word);
  }

  /**
   * Over 24 hours where so much is loaded, in candles short enough to tell; else against
   * the candle before.
   * @param {import("./candle_book.js").CandleBook} book
   * @param {import("./candle_book.js").Candle} last
   * @param {number} now ms
   */
  #showChange(book, last, now) {
    const { rows } = book;
    // The open candle ends in the future.
    const ago = Math.min(now, last.closeTime) - DAY;
    const day = last.closeTime - last.time < HOUR && rows[0].closeTime <= ago;
    const before = day ? rows.findLast((row) => row.closeTime <= ago) : rows[rows.length - 2];
    if (!before?.close) return this.#change.replaceChildren();
    const change = (last.close / before.close - 1) * 100;
    this.#change.className = `quote-change ${format.direction(change)}`;
    this.#change.replaceChildren(make("span", {}, format.percent(change)),
      make("span", { class: "quote-period" }, day ? "24h" : this.#interval));
  }

  /** @param {boolean} up */
  #flash(up) {
    clearTimeout(this.#timer);
    this.#price.classList.remove("flash-up", "flash-down");
    this.#price.classList.add(up ? "flash-up" : "flash-down");
    this.#timer = setTimeout(() => this.#price.classList.remove("flash-up", "flash-down"), FLASH_MS);
  }
}
