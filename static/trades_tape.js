// The tape: every trade as a line, newest on top. Lines are used again, not made anew.

import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";
import { decimals } from "./trades_sequence.js";

const LINES = 100;

/**
 * A trade as shown; price and quantity are exact digits.
 * @typedef {object} Trade
 * @property {number} trade_id
 * @property {string} price
 * @property {string} quantity
 * @property {number} time ms
 * @property {"buy" | "sell"} side what the taker did
 */
/** @typedef {{missed: number}} Hole */

export class Tape {
  #body = byId("tape-lines");
  #nothing = byId("tape-nothing");
  #hold = byId("tape-hold");
  #heading = byId("tape-zone");
  /** Newest last. @type {(Trade | Hole)[]} */
  #kept = [];
  /** How many of the newest are not drawn yet. */
  #fresh = 0;
  #held = false;
  #digits = 0;
  /** Digits of the quantities: as many as the finest one had. */
  #fineness = 0;
  /** @type {import("./format.js").Zone} */
  #zone = "utc";

  constructor() {
    this.#hold.addEventListener("click", () => this.toggleHold());
  }

  /** @param {Trade | Hole} entry */
  add(entry) {
    this.#kept.push(entry);
    if ("quantity" in entry) this.#fineness = Math.max(this.#fineness, decimals(entry.quantity));
    this.#fresh += 1;
    // Trimmed now and then: shifting at each trade would cost more.
    if (this.#kept.length > 4 * LINES) this.#kept = this.#kept.slice(-LINES);
  }

  clear() {
    this.#kept = [];
    this.#fineness = 0;
    this.#redraw();
  }

  toggleHold() {
    this.#held = !this.#held;
    this.#hold.setAttribute("aria-pressed", String(this.#held));
    setText(this.#hold, this.#held ? "Held" : "Hold");
    if (!this.#held) this.draw();
  }

  /**
   * @param {number} digits of the symbol's prices
   * @param {import("./format.js").Zone} zone
   */
  setLook(digits, zone) {
    if (digits === this.#digits && zone === this.#zone) return;
    this.#digits = digits;
    this.#zone = zone;
    setText(this.#heading, zone === "utc" ? "UTC" : format.zoneName(Date.now(), zone));
    this.#redraw();
  }

  /** Bring in what came since the last frame. */
  draw() {
    this.#nothing.hidden = this.#kept.length > 0;
    if (this.#held || this.#fresh === 0) return;
    for (const entry of this.#kept.slice(-Math.min(this.#fresh, LINES))) {
      this.#body.prepend(this.#line(entry));
    }
    this.#fresh = 0;
  }

  #redraw() {
    this.#body.replaceChildren();
    this.#fresh = this.#kept.length;
    const held = this.#held;
    this.#held = false;
    this.draw();
    this.#held = held;
  }

  /** @param {Trade | Hole} entry */
  #line(entry) {
    const row = this.#spareRow();
    const [time, price, quantity] = /** @type {HTMLCollectionOf<HTMLElement>} */ (row.children);
    if (!("price" in entry)) {
      row.className = "hole";
      price.replaceChildren(missedWords(entry.missed));
      time.textContent = quantity.textContent = "";
      return row;
    }
    const bought = entry.side === "buy";
    row.className = bought ? "buy" : "sell";
    time.textContent = clockToMs(entry.time, this.#zone);
    price.replaceChildren(
      make("span", { class: "sign", "aria-hidden": "true" }, bought ? "\u25b2" : "\u25bc"),
      make("span", { class: "unseen" }, bought ? "bought at " : "sold at "),
      format.price(entry.price, this.#digits));
    quantity.textContent = format.price(entry.quantity, this.#fineness);
    return row;
  }

  #spareRow() {
    const oldest = this.#body.lastElementChild;
    if (oldest && this.#body.childElementCount >= LINES) return oldest;
    return make("tr", {}, make("td"), make("td"), make("td"));
  }
}

/**
 * "12:31:04.512", for trades come many in a second.
 * @param {number} time ms
 * @param {import("./format.js").Zone} zone
 */
function clockToMs(time, zone) {
  return new Date(format.wallClock(time, zone)).toISOString().slice(11, 23);
}

/** @param {number} missed */
export function missedWords(missed) {
  return missed === 1 ? "1 trade missed" : `${format.count(missed)} trades missed`;
}
