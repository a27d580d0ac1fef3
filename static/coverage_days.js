// The calendar of days: one year of one series, a small sheet for each month.

import { addressOf, chartAddress, monthKey, yearIn } from "./coverage_address.js";
import { blank, cellLink, refill, walkable } from "./coverage_calendar.js";
import { DAY, cellsOf, yearOf } from "./coverage_cells.js";
import { cellCounts, monthName, pairOf } from "./coverage_words.js";
import { byId, make } from "./dom.js";

/** @typedef {import("./coverage_words.js").SeriesCoverage} SeriesCoverage */
/** @typedef {import("./coverage_cells.js").Cell} Cell */
/** @typedef {import("./coverage_address.js").Wish} Wish */

const WEEKDAYS = ["M", "T", "W", "T", "F", "S", "S"];

export class Days {
  #box = byId("days");
  #head = make("div", { class: "days-head" });
  #sheets = make("div", { class: "sheets" });
  #said = "";

  constructor() {
    this.#box.append(this.#head, this.#sheets);
    walkable(this.#sheets, (time, weeks) => time + weeks * 7 * DAY);
  }

  hide() {
    this.#box.hidden = true;
    this.#said = "";
  }

  /** Keep the place of what is on its way. @param {string} name "BTC/USDT 1h" */
  wait(name) {
    if (!this.#box.hidden && this.#said === name) return;
    this.#said = name;
    this.#box.hidden = false;
    this.#head.replaceChildren(make("h2", { id: "days-title" }, name));
    this.#sheets.replaceChildren();
  }

  /**
   * @param {SeriesCoverage} series with cells of a day
   * @param {Wish} wish
   */
  show(series, wish) {
    const said = JSON.stringify([series.symbol, series.interval, series.cells, wish.at]);
    this.#box.hidden = false;
    if (said === this.#said) return;
    this.#said = said;
    const cells = cellsOf(series.cells);
    if (!cells.length) {
      this.#head.replaceChildren(make("h2", { id: "days-title" }, "Days"));
      return this.#sheets.replaceChildren(make("p", { class: "nothing" },
        series.state_text ?? "Nothing of this series is stored yet, so that it has no day."));
    }
    const [first, last] = [cells[0].start, cells[cells.length - 1].start];
    const year = yearIn(wish, first, last);
    const inYear = cells.filter(({ start }) => yearOf(start) === year);
    this.#head.replaceChildren(...heading(series, year, inYear, yearOf(first), yearOf(last)));
    refill(this.#sheets, sheetsOf(series, inYear, wish.at));
    this.#sheets.setAttribute("aria-label", `Days of ${year}; arrow keys walk them`);
    this.#sheets.setAttribute("role", "grid");
  }
}

/**
 * @param {SeriesCoverage} series
 * @param {number} year
 * @param {Cell[]} cells of the year
 * @param {number} first year
 * @param {number} last year
 */
function heading({ symbol, interval, base_asset, quote_asset }, year, cells, first, last) {
  const step = (/** @type {number} */ to, /** @type {string} */ sign, /** @type {string} */ words) =>
    make("a", {
      class: "button step", "aria-label": `${words}, ${to}`, title: `${words}, ${to}`,
      "aria-disabled": to < first || to > last ? "true" : null,
      href: to < first || to > last ? null : addressOf({ symbol, interval, at: String(to) }),
    }, sign);
  const sum = { stored: 0, expected: 0, missing: 0, outage: 0 };
  for (const cell of cells) {
    for (const name of /** @type {(keyof typeof sum)[]} */ (Object.keys(sum))) sum[name] += cell[name];
  }
  const all = { ...cells[0], ...sum };
  return [
    make("h2", { id: "days-title" }, `${pairOf({ base_asset, quote_asset })} ${interval} in ${year}`),
    make("div", { class: "steps" }, step(year - 1, "\u2039", "The year before"), step(year + 1, "\u203a", "The year after")),
    make("p", {}, sum.expected ? `${cellCounts(all)}.` : "No candle of this year is expected.", " A day opens its chart."),
  ];
}

/**
 * @param {SeriesCoverage} series
 * @param {Cell[]} cells of one year
 * @param {string | null} at the month to mark, "2018-02"
 */
function sheetsOf(series, cells, at) {
  /** @type {Map<string, Cell[]>} */
  const months = new Map();
  for (const cell of cells) {
    const key = monthKey(cell.start);
    months.set(key, [...(months.get(key) ?? []), cell]);
  }
  return [...months].map(([key, days]) => sheet(series, key, days, key === at));
}

/**
 * @param {SeriesCoverage} series
 * @param {string} key "2018-02"
 * @param {Cell[]} cells
 * @param {boolean} marked
 */
function sheet(series, key, cells, marked) {
  const start = Date.parse(`${key}-01T00:00Z`);
  const month = new Date(start).getUTCMonth();
  const end = new Date(start).setUTCMonth(month + 1);
  const byDay = new Map(cells.map((cell) => [cell.start, cell]));
  // Monday comes first, as in the weeks of the exchange.
  const offset = (new Date(start).getUTCDay() + 6) % 7;
  const places = [...Array(offset).fill(null)];
  for (let day = start; day < end; day += DAY) places.push(byDay.get(day) ?? blank());
  const rows = [];
  for (let i = 0; i < places.length; i += 7) rows.push(week(series, places.slice(i, i + 7)));
  const title = make("a", {
    href: chartAddress(series, { start, end: Math.min(end, cells[cells.length - 1].end) - 1 }),
    title: "Open the chart of this month",
  }, monthName(month));
  return make("div", { class: marked ? "sheet marked" : "sheet", role: "rowgroup", "data-month": key },
    make("h3", {}, title),
    make("div", { class: "week head", "aria-hidden": "true" }, ...WEEKDAYS.map((name) => make("span", {}, name))),
    ...rows);
}

/**
 * @param {SeriesCoverage} series
 * @param {(Cell | HTMLElement | null)[]} places
 */
function week(series, places) {
  return make("div", { class: "week", role: "row" }, ...places.map((place) => {
    if (place === null) return make("i", { role: "presentation" });
    if (place instanceof HTMLElement) return place;
    const href = chartAddress(series, { start: place.start, end: place.end - 1 });
    return cellLink(place, { size: "day", href, hint: "Click for its chart." });
  }));
}
