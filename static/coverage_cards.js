// A card for each series: how complete it is in words, and its calendar of months.

import { addressOf } from "./coverage_address.js";
import { Months } from "./coverage_months.js";
import * as words from "./coverage_words.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";

/** @typedef {import("./coverage_words.js").SeriesCoverage} SeriesCoverage */

export class Cards {
  #box = byId("maps");
  /** @type {Map<string, Card>} */
  #cards = new Map();

  /**
   * @param {SeriesCoverage[]} series in their order
   * @param {number} now
   */
  show(series, now) {
    this.#box.removeAttribute("aria-busy");
    const cards = series.map((each) => this.#card(keyOf(each)));
    series.forEach((each, i) => cards[i].show(each, now));
    const same = cards.length === this.#box.children.length &&
      cards.every(({ element }, i) => element === this.#box.children[i]);
    if (!same) this.#box.replaceChildren(...cards.map(({ element }) => element));
  }

  /** @param {string} key */
  #card(key) {
    const card = this.#cards.get(key) ?? new Card();
    this.#cards.set(key, card);
    return card;
  }
}

/** @param {{symbol: string, interval: string}} series */
export function keyOf({ symbol, interval }) {
  return `${symbol} ${interval}`;
}

class Card {
  element = make("article", { class: "card" });
  #text = make("div", { class: "card-text" });
  #months = new Months();
  #said = "";
  #drawn = "";

  constructor() {
    this.element.append(this.#text, this.#months.element);
  }

  /**
   * @param {SeriesCoverage} series
   * @param {number} now
   */
  show(series, now) {
    const text = [...heading(series), ...lines(series, now)];
    const said = text.map((node) => node.outerHTML).join();
    if (said !== this.#said) {
      this.#said = said;
      const had = this.#text.contains(document.activeElement);
      this.#text.replaceChildren(...text);
      if (had) this.#text.querySelector("a")?.focus();
    }
    const drawn = JSON.stringify(series.cells);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#months.element.hidden = series.cells.start.length === 0;
    this.#months.show(series);
  }
}

/** @param {SeriesCoverage} series */
function heading(series) {
  const { symbol, interval, state_text: text } = series;
  const [word, tone] = words.stateWords(series);
  const name = make("a", { href: addressOf({ symbol, interval }), title: "Its days" },
    words.pairOf(series), " ", make("span", { class: "of-interval" }, interval));
  return [make("h2", {}, name, make("span", { class: `state ${tone}`, title: text }, word))];
}

/**
 * @param {SeriesCoverage} series
 * @param {number} now
 */
function lines(series, now) {
  const { first_open_time: first, last_open_time: last, last_run: run } = series;
  const found = [];
  if (first !== null && last !== null) {
    found.push(
      line(words.countParts(series).map(({ text, tone }) => make("span", { class: tone }, text))),
      line([make("span", { title: "Open times of the first and the last candle, UTC" },
        `${format.plainDateTime(first, "utc")} to ${format.plainDateTime(last, "utc")}`)]));
  }
  found.push(line([
    make("span", { class: run?.status === "failed" ? "lack" : null, title: run?.error }, words.runWords(series, now)),
    make("span", { title: correctedCandle(series) }, words.correctionWords(series, now)),
  ]));
  const odd = words.unplacedWords(series);
  if (odd) found.push(make("p", { class: "warn" }, odd));
  if (series.progress) found.push(bar(series.progress));
  if (first === null) found.push(make("p", { class: "card-nothing" }, series.state_text ?? "Nothing is stored yet."));
  return found;
}

/** @param {SeriesCoverage} series */
function correctedCandle({ last_correction: last }) {
  return last && `The candle of ${format.dateTime(last.open_time, "utc")}`;
}

/** @param {HTMLElement[]} parts */
function line(parts) {
  return make("p", { class: "parts" }, make("span", {}, ...parts));
}

/** @param {{stored: number, expected: number}} progress */
function bar({ stored, expected }) {
  return make("progress", {
    value: String(stored), max: String(Math.max(expected, 1)),
    "aria-label": `${format.count(stored)} of about ${format.count(expected)} candles`,
  });
}
