// The cells of a calendar: a day or a month each. Pure functions.

/**
 * A day or a month of a series.
 * @typedef {object} Cell
 * @property {number} start ms, UTC
 * @property {number} end where the next one begins, ms
 * @property {number} expected candles that a market without outages would have had
 * @property {number} stored
 * @property {number} missing still to be fetched
 * @property {number} outage never had by the exchange
 * @property {"complete" | "outage" | "partial" | "missing"} state
 */
/**
 * The same by column, as the server sends them.
 * @typedef {{size: "day" | "month", start: number[], end: number[], expected: number[], stored: number[],
 *   missing: number[], outage: number[], state: Cell["state"][]}} Columns
 */

export const DAY = 86_400_000;

/**
 * @param {Columns} columns
 * @returns {Cell[]} oldest first
 */
export function cellsOf({ start, end, expected, stored, missing, outage, state }) {
  return start.map((each, i) => ({
    start: each, end: end[i], expected: expected[i], stored: stored[i],
    missing: missing[i], outage: outage[i], state: state[i],
  }));
}

/**
 * How high the hatched foot of a cell is, in four steps; the smallest hole shows.
 * @param {Cell} cell
 */
export function footOf({ state, expected, missing, outage }) {
  if (state === "complete") return 0;
  const lacking = state === "outage" ? outage : missing;
  return Math.max(1, Math.ceil((lacking / expected) * 4));
}

/**
 * @param {number} time ms
 * @returns {number} the year, UTC
 */
export function yearOf(time) {
  return new Date(time).getUTCFullYear();
}

/**
 * @param {number} time ms
 * @returns {number} the month, 0 to 11, UTC
 */
export function monthOf(time) {
  return new Date(time).getUTCMonth();
}

/**
 * The cell that the keyboard goes to, from one of them.
 * @param {number[]} starts of all cells, rising
 * @param {number} from the start of one of them
 * @param {string} key
 * @param {(time: number, steps: number) => number} row the same place some rows further
 * @returns {number} the start of a cell
 */
export function walk(starts, from, key, row) {
  const place = starts.indexOf(from);
  const last = starts.length - 1;
  if (key === "Home") return starts[0];
  if (key === "End") return starts[last];
  if (key === "ArrowLeft") return starts[Math.max(place - 1, 0)];
  if (key === "ArrowRight") return starts[Math.min(place + 1, last)];
  if (key === "ArrowUp") {
    const wished = row(from, -1);
    return starts.findLast((start) => start <= wished) ?? from;
  }
  const wished = row(from, 1);
  return starts.find((start) => start >= wished) ?? from;
}
