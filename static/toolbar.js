// Interval and range buttons, and the menu of files.

import { byId, make } from "./dom.js";
import { ExportMenu } from "./export_menu.js";
import { LENGTHS, RANGES } from "./viewport.js";

/** The seven that get a button and a key, if there are more: what people use most. */
const POPULAR = ["1h", "4h", "1d", "1w", "15m", "5m", "1m", "1M", "12h", "2h", "30m", "6h", "8h", "3d", "3m", "1s"];
const BUTTONS = 7;
const VIEW_LIMIT = 1000;

/**
 * @param {string[]} available
 * @param {string[]} stored
 * @returns {string[]} those with a button, shortest first
 */
export function shownIntervals(available, stored) {
  const wanted = [...POPULAR.filter((name) => stored.includes(name)), ...POPULAR];
  const chosen = new Set(wanted.filter((name) => available.includes(name)));
  return byLength([...chosen].slice(0, BUTTONS));
}

/**
 * The range to go with an interval: the wished one if its candles fit into a view, else
 * the longest that does; null (the newest candles) if none fits.
 * @param {string} interval
 * @param {string | null} range
 */
export function fittingRange(interval, range) {
  const fits = (/** @type {string} */ name) => RANGES[name] / LENGTHS[interval] <= VIEW_LIMIT;
  if (!range) return null;
  if (fits(range) || (range === "All" && LENGTHS[interval] >= LENGTHS["1w"])) return range;
  return Object.keys(RANGES).filter((name) => RANGES[name] <= RANGES[range] && fits(name)).at(-1) ?? null;
}

export class Toolbar {
  #intervals = byId("intervals");
  #ranges = byId("ranges");
  #export = new ExportMenu();
  /** @type {string[]} */
  #names = [];
  #shape = "";

  /** @param {{interval: (name: string) => void, range: (name: string) => void}} on */
  constructor(on) {
    this.on = on;
    this.#ranges.append(...Object.keys(RANGES).map((name) =>
      choice(name, name === "All" ? "Everything that is stored" : `The last ${name}`, () => on.range(name))));
    this.#drawIntervals(["1h", "4h", "1d"], ["1h", "4h", "1d"]);
  }

  /** @param {import("./api.js").View} view */
  show(view) {
    this.#drawIntervals(view.intervals, view.stored_intervals);
    this.press(view.interval, view.range);
    this.#export.show(view.symbol, view.source_interval);
  }

  /**
   * @param {string | null} interval
   * @param {string | null} range
   */
  press(interval, range) {
    for (const button of this.#intervals.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === interval));
    }
    const more = this.#intervals.querySelector("select");
    if (more) {
      const inside = [...more.options].some((option) => option.value && option.value === interval);
      more.value = inside && interval ? interval : "";
      more.classList.toggle("chosen", inside);
    }
    for (const button of this.#ranges.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === range));
    }
  }

  /** @param {number} number 1 to 7 */
  chooseInterval(number) {
    const name = this.#names[number - 1];
    if (name) this.on.interval(name);
  }

  /**
   * @param {string[]} available
   * @param {string[]} stored
   */
  #drawIntervals(available, stored) {
    const names = shownIntervals(available, stored);
    const rest = byLength(available.filter((name) => !names.includes(name)));
    const shape = `${names}|${rest}`;
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#names = names;
    const buttons = names.map((name, i) =>
      choice(name, `Interval ${name} (${i + 1})`, () => this.on.interval(name)));
    this.#intervals.replaceChildren(...buttons, ...(rest.length ? [this.#more(rest)] : []));
  }

  /** @param {string[]} names */
  #more(names) {
    const select = make("select", { "aria-label": "More intervals" },
      make("option", { value: "" }, "More"),
      ...names.map((name) => make("option", { value: name }, name)));
    select.addEventListener("change", () => select.value && this.on.interval(select.value));
    return select;
  }
}

/**
 * @param {string} name
 * @param {string} title
 * @param {() => void} choose
 */
function choice(name, title, choose) {
  const button = make("button", { type: "button", value: name, title, "aria-pressed": "false" }, name);
  button.addEventListener("click", choose);
  return button;
}

/** @param {string[]} names */
function byLength(names) {
  return names.toSorted((a, b) => LENGTHS[a] - LENGTHS[b]);
}
