// What to follow: symbol, interval, how many past candles, which price, and start.

import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";
import { COUNTS, DEFAULTS, PRICES } from "./live_address.js";

/** @typedef {import("./live_address.js").Choice} Choice */
/** @typedef {import("./markets.js").Markets} Markets */
/**
 * @typedef {object} ControlHandlers
 * @property {(choice: Choice) => void} start with a new choice, or with the same again
 * @property {() => void} stop
 */

/** More intervals than these go into a list. */
const BUTTONS = 7;

export class LiveControls {
  #form = /** @type {HTMLFormElement} */ (byId("choice"));
  #symbol = /** @type {HTMLSelectElement} */ (byId("symbol"));
  #candles = /** @type {HTMLSelectElement} */ (byId("candles"));
  #intervals = byId("intervals");
  #prices = byId("prices");
  #button = byId("start");
  #running = false;
  #shape = "";
  /** @type {Choice} */
  #choice;

  /**
   * @param {Markets} markets
   * @param {Partial<Choice>} wish
   * @param {ControlHandlers} on
   */
  constructor(markets, wish, on) {
    this.markets = markets;
    this.on = on;
    const symbol = wish.symbol ?? markets.symbols[0] ?? "BTCUSDT";
    const interval = wish.interval ?? markets.intervals(symbol)[0] ?? "1h";
    this.#choice = { ...DEFAULTS, ...defined(wish), symbol, interval };
    this.#prices.append(...PRICES.map((name) => this.#option(name, `Watch the ${name} price`, () =>
      this.#change({ price: name }))));
    this.#symbol.addEventListener("change", () => this.#chooseSymbol(this.#symbol.value));
    this.#candles.addEventListener("change", () => this.#change({ candles: Number(this.#candles.value) }));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#running) on.stop();
      else on.start(this.#choice);
    });
    this.show();
  }

  get choice() {
    return this.#choice;
  }

  /** @param {Partial<Choice>} wish */
  set(wish) {
    this.#choice = { ...this.#choice, ...defined(wish) };
    this.show();
  }

  /** @param {boolean} running */
  setRunning(running) {
    this.#running = running;
    setText(this.#button, running ? "Stop" : "Start");
    this.#button.classList.toggle("primary", !running);
  }

  /** Show what can be chosen, and what is. */
  show() {
    const { symbol, interval, candles, price } = this.#choice;
    const symbols = [...new Set([...this.markets.symbols, symbol])];
    const names = this.#intervalNames();
    const shape = JSON.stringify([symbols.map((name) => this.markets.name(name)), names, candles]);
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#symbol.replaceChildren(...symbols.map((name) => option(name, this.markets.name(name))));
      this.#candles.replaceChildren(...[...new Set([...COUNTS, candles])].sort((a, b) => a - b)
        .map((number) => option(String(number), format.count(number))));
      this.#drawIntervals(names);
    }
    this.#symbol.value = symbol;
    this.#candles.value = String(candles);
    press(this.#intervals, interval);
    press(this.#prices, price);
  }

  focus() {
    this.#symbol.focus();
  }

  /** @param {number} number 1 to 7 */
  chooseInterval(number) {
    const name = this.#intervalNames()[number - 1];
    if (name) this.#change({ interval: name });
  }

  #intervalNames() {
    const { symbol, interval } = this.#choice;
    const names = this.markets.intervals(symbol);
    return names.length ? names : [interval];
  }

  /** @param {string[]} names */
  #drawIntervals(names) {
    const choose = (/** @type {string} */ name) => this.#change({ interval: name });
    const buttons = names.slice(0, BUTTONS).map((name, i) =>
      this.#option(name, `Interval ${name} (${i + 1})`, () => choose(name)));
    const rest = names.slice(BUTTONS);
    const more = make("select", { "aria-label": "More intervals" }, option("", "More"), ...rest.map((name) => option(name, name)));
    more.addEventListener("change", () => more.value && choose(more.value));
    this.#intervals.replaceChildren(...buttons, ...(rest.length ? [more] : []));
  }

  /** The other symbol may not have the interval. @param {string} symbol */
  #chooseSymbol(symbol) {
    const names = this.markets.intervals(symbol);
    const interval = names.includes(this.#choice.interval) ? this.#choice.interval : names[0];
    this.#change({ symbol, interval });
  }

  /** @param {Partial<Choice>} change */
  #change(change) {
    this.set(change);
    if (this.#running) this.on.start(this.#choice);
  }

  /**
   * @param {string} name
   * @param {string} title
   * @param {() => void} choose
   */
  #option(name, title, choose) {
    const button = make("button", { type: "button", value: name, title, "aria-pressed": "false" }, name);
    button.addEventListener("click", choose);
    return button;
  }
}

/** @param {string} value @param {string} text */
function option(value, text) {
  return make("option", { value }, text);
}

/** @param {HTMLElement} group @param {string} name */
function press(group, name) {
  for (const button of group.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === name));
  }
  const more = group.querySelector("select");
  if (!more) return;
  more.value = name;
  if (more.selectedIndex < 0) more.value = "";
  more.classList.toggle("chosen", more.value !== "");
}

/**
 * @template {object} Wish
 * @param {Wish} wish
 * @returns {Wish} without what is undefined
 */
function defined(wish) {
  return /** @type {Wish} */ (Object.fromEntries(
    Object.entries(wish).filter(([, value]) => value !== undefined)));
}
