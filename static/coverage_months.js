// The calendar of months: a row for each year.

import { addressOf, monthKey } from "./coverage_address.js";
import { blank, cellLink, refill, walkable } from "./coverage_calendar.js";
import { cellsOf, monthOf, yearOf } from "./coverage_cells.js";
import { monthName, pairOf } from "./coverage_words.js";
import { make } from "./dom.js";

/** @typedef {import("./coverage_words.js").SeriesCoverage} SeriesCoverage */
/** @typedef {import("./coverage_cells.js").Cell} Cell */

export class Months {
  element = make("div", { class: "months", role: "grid" });

  constructor() {
    walkable(this.element, addYears);
  }

  /** @param {SeriesCoverage} series */
  show(series) {
    this.element.setAttribute("aria-label", `Months of ${pairOf(series)} ${series.interval}; arrow keys walk them`);
    /** @type {Map<number, Map<number, Cell>>} */
    const years = new Map();
    for (const cell of cellsOf(series.cells)) {
      const year = yearOf(cell.start);
      if (!years.has(year)) years.set(year, new Map());
      years.get(year)?.set(monthOf(cell.start), cell);
    }
    const rows = [...years].map(([year, cells]) => yearRow(series, year, cells));
    refill(this.element, [headings(), ...rows]);
  }
}

/**
 * @param {number} time
 * @param {number} steps
 */
function addYears(time, steps) {
  const date = new Date(time);
  return date.setUTCFullYear(date.getUTCFullYear() + steps);
}

function headings() {
  const names = Array.from({ length: 12 }, (_, month) =>
    make("span", { role: "columnheader", "aria-label": monthName(month) }, monthName(month).slice(0, 3)));
  return make("div", { class: "row head", role: "row" }, make("span", { role: "columnheader" }), ...names);
}

/**
 * @param {SeriesCoverage} series
 * @param {number} year
 * @param {Map<number, Cell>} cells by month
 */
function yearRow({ symbol, interval }, year, cells) {
  const months = Array.from({ length: 12 }, (_, month) => {
    const cell = cells.get(month);
    if (!cell) return blank();
    const href = addressOf({ symbol, interval, at: monthKey(cell.start) });
    return cellLink(cell, { size: "month", href, hint: "Click for its days." });
  });
  const link = make("a", {
    href: addressOf({ symbol, interval, at: String(year) }), title: `The days of ${year}`, tabindex: "-1",
  }, String(year));
  return make("div", { class: "row", role: "row" },
    make("span", { class: "year", role: "rowheader" }, link), ...months);
}
