// One run of a symbol's trade stream: what came, how fast, and what was missed.

import { follow } from "./stream.js";
import { Pace } from "./trades_pace.js";
import { Sequence } from "./trades_sequence.js";

// As far back as the relay tells, so that the line begins with a history.
const HISTORY = 1000;

/**
 * @typedef {object} Handlers
 * @property {() => void} anew what was shown before has nothing to do with what comes
 * @property {(trade: import("./trades_sequence.js").Heard, judged: boolean) => void} trade judged: false for history, whose price is no news
 * @property {() => void} changed the state is another one
 */

export class Run {
  pace = new Pace();
  /** @type {import("./trades_state.js").State} */
  state = "idle";
  /** @type {import("./stream.js").Detail | null} */
  detail = null;
  /** @type {import("./trades_sequence.js").Heard | null} */
  last = null;
  /** The price of the trade before the last, "" for none. */
  before = "";
  seen = 0;
  missed = 0;
  /** When it was started, ms since 1970; null before that. @type {number | null} */
  since = null;
  #sequence = new Sequence();
  #heardAt = 0;
  /** @type {{close: () => void} | null} */
  #stream = null;

  /** @param {Handlers} on */
  constructor(on) {
    this.on = on;
  }

  get running() {
    return this.#stream !== null;
  }

  /** How long no trade came, ms; null where none is expected. */
  get silentFor() {
    return this.state === "live" && this.last ? performance.now() - this.#heardAt : null;
  }

  /**
   * @param {string} symbol
   * @param {number} now ms since 1970
   */
  start(symbol, now) {
    this.forget();
    this.since = now;
    this.#stream = follow(`/trades?symbol=${encodeURIComponent(symbol)}&limit=${HISTORY}`, {
      message: (message) => this.#hear(message),
      state: (state, detail) => this.#enter(state, detail),
    });
  }

  stop() {
    this.#stream?.close();
    this.#stream = null;
    this.state = "idle";
    this.detail = null;
    this.on.changed();
  }

  /** Stop, and begin from nothing the next time. */
  forget() {
    this.stop();
    this.#sequence.forget();
    this.last = null;
    this.before = "";
    this.since = null;
    this.seen = this.missed = 0;
    this.pace.start(performance.now());
    this.on.anew();
  }

  /**
   * @param {import("./trades_state.js").State} state
   * @param {import("./stream.js").Detail} detail
   */
  #enter(state, detail) {
    this.state = state;
    this.detail = detail;
    if (state === "refused") this.#stream = this.since = null;
    this.on.changed();
  }

  /** @param {any} message */
  #hear(message) {
    this.#heardAt = performance.now();
    if (message.type === "snapshot") return this.#hearAll(message.trades);
    const trade = this.#sequence.take(message);
    if (trade) this.#pass(trade, true);
  }

  /** @param {import("./trades_sequence.js").Told[]} told */
  #hearAll(told) {
    const { anew, trades } = this.#sequence.takeAll(told);
    if (anew && this.last) this.#forgetShown();
    trades.forEach((trade, i) => this.#pass(trade, !anew || i === trades.length - 1, anew));
  }

  #forgetShown() {
    this.last = null;
    this.before = "";
    this.on.anew();
  }

  /**
   * @param {import("./trades_sequence.js").Heard} trade
   * @param {boolean} judged
   * @param {boolean} [history] from before the start
   */
  #pass(trade, judged, history = false) {
    this.before = this.last?.price ?? "";
    this.last = trade;
    this.missed += trade.missed;
    if (!history) {
      this.seen += 1;
      this.pace.add(this.#heardAt, trade.side, Number(trade.price) * Number(trade.quantity));
    }
    this.on.trade(trade, judged);
  }
}
