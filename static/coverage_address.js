// What the coverage page shows stands in its address: ?symbol=BTCUSDT&interval=1h&at=2018-02

import { yearOf } from "./coverage_cells.js";

/**
 * `at`: a year, or one of its months; null for the newest year.
 * @typedef {{symbol: string | null, interval: string | null, at: string | null}} Wish
 */

/** @returns {Wish} */
export function readWish() {
  const query = new URLSearchParams(location.search);
  const at = query.get("at") ?? "";
  return {
    symbol: query.get("symbol")?.trim().toUpperCase() || null,
    interval: query.get("interval")?.trim() || null,
    at: /^\d{4}(-(0[1-9]|1[0-2]))?$/.test(at) ? at : null,
  };
}

/** @param {Partial<Wish>} wish */
export function addressOf(wish) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(wish)) {
    if (value) query.set(key, value);
  }
  const text = query.toString();
  return text ? `/coverage?${text}` : "/coverage";
}

/**
 * "2018-02"
 * @param {number} time ms
 */
export function monthKey(time) {
  return new Date(time).toISOString().slice(0, 7);
}

/**
 * The year that a wish shows, of those that there are.
 * @param {Wish} wish
 * @param {number} first ms, in the first year
 * @param {number} last ms, in the last one
 */
export function yearIn({ at }, first, last) {
  const wished = at ? Number(at.slice(0, 4)) : yearOf(last);
  return Math.min(Math.max(wished, yearOf(first)), yearOf(last));
}

/**
 * The dashboard at a stretch of a series.
 * @param {{symbol: string, interval: string}} series
 * @param {{start: number, end: number}} span ms
 */
export function chartAddress({ symbol, interval }, { start, end }) {
  return `/?${new URLSearchParams({ symbol, interval, start: String(start), end: String(end) })}`;
}
