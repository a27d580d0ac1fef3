// What the coverage page says of series and cells. Pure functions.

import * as format from "./format.js";

/** @typedef {import("./coverage_cells.js").Cell} Cell */

/**
 * @typedef {object} SeriesCoverage
 * @property {string} symbol
 * @property {string} interval
 * @property {string} base_asset
 * @property {string} quote_asset
 * @property {string} state
 * @property {string | null} state_text
 * @property {{stored: number, expected: number} | null} progress
 * @property {number | null} first_open_time
 * @property {number | null} last_open_time
 * @property {number} stored
 * @property {number} missing
 * @property {number} never_existed
 * @property {number} expected
 * @property {number} unplaced candles that are in no hole known so far, and not there
 * @property {import("./api.js").Run | null} last_run
 * @property {{corrected_at: number, open_time: number} | null} last_correction
 * @property {import("./coverage_cells.js").Columns} cells
 */

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August",
  "September", "October", "November", "December"];

/** Words and tones for the states of a series. @type {Record<string, [string, string]>} */
const STATES = {
  ok: ["ok", "good"],
  late: ["late", "warn"],
  collecting: ["collecting", "busy"],
  empty: ["nothing stored yet", "warn"],
  not_trading: ["not trading", "warn"],
};

/** Columns of a candle, in short. @type {Record<string, string>} */
const COLUMNS = {
  open_price: "open", high_price: "high", low_price: "low", close_price: "close",
  volume: "volume", close_time: "close time", quote_asset_volume: "quote volume",
  number_of_trades: "trades", taker_buy_base_asset_volume: "taker buy",
  taker_buy_quote_asset_volume: "taker buy quote",
};

/** Words and tones for the results of runs. @type {Record<string, [string, string]>} */
const RESULTS = { ok: ["ok", "good"], failed: ["failed", "bad"], skipped: ["skipped", "idle"] };

/**
 * @param {{state: string, missing: number}} series
 * @returns {[string, string]} word and tone
 */
export function stateWords({ state, missing }) {
  // On the dashboard a series is well that is up to date; here it must be whole, too.
  if (state === "ok" && missing) return ["incomplete", "warn"];
  return STATES[state] ?? [state, "warn"];
}

/** @param {string} status of a run @returns {[string, string]} word and tone */
export function resultWords(status) {
  return RESULTS[status] ?? [status, "warn"];
}

/** @param {string} column */
export function columnName(column) {
  return COLUMNS[column] ?? column;
}

/** @param {{base_asset: string, quote_asset: string}} series */
export function pairOf({ base_asset: base, quote_asset: quote }) {
  return quote ? `${base}/${quote}` : base;
}

/** @param {number} month 0 to 11 */
export function monthName(month) {
  return MONTHS[month];
}

/**
 * "8 February 2018", or "February 2018".
 * @param {Cell} cell
 * @param {"day" | "month"} size
 */
export function cellName({ start }, size) {
  const date = new Date(start);
  const month = `${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return size === "day" ? `${date.getUTCDate()} ${month}` : month;
}

/**
 * "1 of 24 stored, 23 never existed"
 * @param {Cell} cell
 */
export function cellCounts({ stored, expected, missing, outage }) {
  const parts = [stored === expected
    ? `all ${format.count(expected)} stored` : `${format.count(stored)} of ${format.count(expected)} stored`];
  if (outage) parts.push(`${format.count(outage)} never existed`);
  if (missing) parts.push(`${format.count(missing)} still to be fetched`);
  return parts.join(", ");
}

/**
 * What is stored of a series, and what is not.
 * @param {{stored: number, expected: number, missing: number, never_existed: number, state?: string}} counts
 * @returns {{text: string, tone?: string}[]}
 */
export function countParts({ stored, expected, missing, never_existed: never, state }) {
  const complete = stored === expected;
  // While they are being fetched nothing is the matter.
  const tone = state === "collecting" ? undefined : "lack";
  return [
    { text: complete ? `all ${format.count(stored)} stored` : `${format.count(stored)} of ${format.count(expected)} stored` },
    missing ? { text: `${format.count(missing)} still to be fetched`, tone } : { text: "nothing missing" },
    ...(never ? [{ text: `${format.count(never)} never existed` }] : []),
  ];
}

/**
 * @param {SeriesCoverage} series
 * @param {number} now
 */
export function runWords({ last_run: run, state }, now) {
  if (!run) return state === "collecting" ? "first run at work" : "not collected yet";
  return `last run ${resultWords(run.status)[0]} ${format.ago(run.finished_at, now)}`;
}

/**
 * @param {SeriesCoverage} series
 * @param {number} now
 */
export function correctionWords({ last_correction: last }, now) {
  return last ? `corrected ${format.ago(last.corrected_at, now)}` : "never corrected";
}

/** @param {SeriesCoverage[]} series */
export function totalWords(series) {
  if (!series.length) return "No series is wanted: SYMBOLS or INTERVALS is empty.";
  const sum = { stored: 0, expected: 0, missing: 0, never_existed: 0 };
  for (const each of series) {
    for (const name of /** @type {(keyof typeof sum)[]} */ (Object.keys(sum))) sum[name] += each[name];
  }
  if (!sum.expected) return "Nothing is stored yet.";
  const parts = countParts(sum).map(({ text }) => text);
  return `${format.count(series.length)} series: ${parts.join(", ")}`;
}

/**
 * Why the calendar may show more than there is; "" where it does not.
 * @param {SeriesCoverage} series
 */
export function unplacedWords({ unplaced }) {
  if (!unplaced) return "";
  const many = format.count(Math.abs(unplaced));
  return unplaced > 0
    ? `${many} of them are not there, nobody knows yet which: the collector looks at its next run.`
    : `${many} more are stored than these show: the collector looks at its next run.`;
}
