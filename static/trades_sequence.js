// Trades in their order: none twice, and what was missed in between. Pure.

/**
 * A trade as the relay sends it; see README.
 * @typedef {{trade_id: number, price: number, quantity: number, time: number, side: "buy" | "sell"}} Told
 */
/** @typedef {import("./trades_tape.js").Trade} Trade */
/** @typedef {Trade & {missed: number}} Heard missed: how many came before it unheard */

export class Sequence {
  /** @type {number | null} */
  #last = null;

  /** Whether nothing was heard yet. */
  get empty() {
    return this.#last === null;
  }

  forget() {
    this.#last = null;
  }

  /**
   * @param {Told} told
   * @returns {Heard | null} null for one that is known already
   */
  take(told) {
    const last = this.#last;
    if (last !== null && told.trade_id <= last) return null;
    this.#last = told.trade_id;
    return {
      trade_id: told.trade_id, time: told.time, side: told.side,
      price: exactDigits(told.price), quantity: exactDigits(told.quantity),
      missed: last === null ? 0 : told.trade_id - last - 1,
    };
  }

  /**
   * A whole new truth: what is known of it is left out, unless its numbers begin anew,
   * as those of another exchange do.
   * @param {Told[]} trades oldest first
   * @returns {{anew: boolean, trades: Heard[]}}
   */
  takeAll(trades) {
    const newest = trades.at(-1)?.trade_id ?? null;
    const anew = this.#last === null || (newest !== null && newest < this.#last);
    if (anew) this.#last = null;
    return { anew, trades: trades.map((told) => this.take(told)).filter((trade) => trade !== null) };
  }
}

/**
 * A number's shortest decimal digits, which are the exchange's own without closing
 * zeros; never an exponent.
 * @param {number} value
 */
export function exactDigits(value) {
  const text = String(value);
  if (!text.includes("e")) return text;
  return value.toLocaleString("en", { useGrouping: false, maximumFractionDigits: 20 });
}

/** @param {string} exact @returns {number} digits after the point */
export function decimals(exact) {
  return exact.split(".")[1]?.length ?? 0;
}
