// The box: the newest price, big, and whether it is above the minimum.

import { byId, setText } from "./dom.js";
import * as format from "./format.js";

/** A price that wavers would make the whole box flicker, which may harm people. */
const LEAST_MS = 400;

/**
 * @typedef {object} BoxFacts
 * @property {import("./trades_tape.js").Trade | null} last
 * @property {string} before the price of the trade before, "" for none
 * @property {string} minimum exact digits, "" for none
 * @property {boolean} above
 * @property {number} digits
 */

export class Box {
  #box = byId("box");
  #price = byId("last-price");
  #sign = byId("last-sign");
  #badge = byId("badge-word");
  #detail = byId("badge-detail");
  #icon = /** @type {SVGUseElement} */ (/** @type {unknown} */ (byId("badge-icon")));
  #changedAt = -Infinity;
  #shown = "";
  #timer = 0;
  #onAbove;

  /** @param {(above: boolean) => void} onAbove told when the box changes its colour */
  constructor(onAbove) {
    this.#onAbove = onAbove;
  }

  /** @param {BoxFacts} facts */
  show(facts) {
    const { last, before, digits } = facts;
    setText(this.#price, last ? format.price(last.price, digits) : "\u2013");
    this.#box.toggleAttribute("data-empty", !last);
    const change = last && before ? Number(last.price) - Number(before) : 0;
    if (change) {
      const rose = change > 0;
      this.#sign.className = `last-sign ${rose ? "rising" : "falling"}`;
      setText(this.#sign, rose ? "\u25b2" : "\u25bc");
    } else if (!last) setText(this.#sign, "");
    this.#showState(facts);
  }

  /** @param {BoxFacts} facts */
  #showState(facts) {
    clearTimeout(this.#timer);
    const state = stateOf(facts);
    const rest = LEAST_MS - (performance.now() - this.#changedAt);
    if (state !== this.#shown && rest > 0) {
      this.#timer = setTimeout(() => this.#showState(facts), rest);
      return;
    }
    if (state !== this.#shown) {
      this.#shown = state;
      this.#changedAt = performance.now();
      this.#box.dataset.state = state;
      this.#icon.setAttribute("href", `#icon-${state}`);
      this.#onAbove(state === "above");
    }
    setText(this.#badge, wordOf(state));
    setText(this.#detail, detailOf(facts));
  }
}

/** @param {BoxFacts} facts */
function stateOf({ last, minimum, above }) {
  if (!minimum) return "none";
  if (!last) return "waiting";
  return above ? "above" : "below";
}

/** @param {string} state */
function wordOf(state) {
  const words = { above: "Above the minimum", below: "Not above the minimum" };
  return words[/** @type {keyof typeof words} */ (state)]
    ?? (state === "waiting" ? "Waiting for a price" : "No minimum price");
}

/** @param {BoxFacts} facts */
function detailOf({ last, minimum, digits }) {
  if (!minimum) return "Set one, and the box turns green above it";
  const price = format.price(minimum, digits);
  if (!last) return price;
  const away = (100 * (Number(last.price) - Number(minimum))) / Number(minimum);
  return `${price} \u00b7 ${format.percent(away)}`;
}
