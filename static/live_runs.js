// Stretches of candles of any interval, as the server has them.

import { getJson } from "./api.js";
import { nextOpening, openingOf } from "./buckets.js";
import { CandleBook, candlesOf } from "./candle_book.js";
import { opened } from "./zoom.js";

/** @typedef {import("./api.js").Gap} Gap */
/** @typedef {import("./candle_book.js").Candle} Candle */
/** @typedef {import("./viewport.js").Window} Window */
/**
 * All whole candles of one interval in a stretch of time, and its gaps.
 * @typedef {{interval: string, book: CandleBook, gaps: Gap[], span: Window}} Run
 */

/**
 * Ask for a stretch. The answer may be in another interval, where those wanted are not
 * stored.
 * @param {string} symbol
 * @param {string} interval
 * @param {Window} span at most 1,000 candles of it
 * @param {AbortSignal} signal
 * @returns {Promise<Run | null>} null where it was called off
 */
export async function askRun(symbol, interval, span, signal) {
  const query = new URLSearchParams({
    symbol, interval, start: String(Math.max(0, Math.floor(span.start))), end: String(Math.ceil(span.end)),
  });
  const view = /** @type {import("./api.js").View} */ (
    await getJson(`/api/view?${query}`, signal, { keep: false }));
  if (signal.aborted) return null;
  const rows = candlesOf(numbersOf(view.candles));
  const last = rows[rows.length - 1];
  const book = new CandleBook();
  book.store(last && !isWhole(last, view.interval) ? rows.slice(0, -1) : rows);
  return { interval: view.interval, book, gaps: view.gaps, span: opened(span, view.bounds) };
}

/**
 * Add what lies beside a run.
 * @param {Run} run
 * @param {Run | null} side
 */
export function join(run, side) {
  if (!side) return;
  run.book.store(side.book.rows);
  const known = new Set(run.gaps.map((gap) => gap.start));
  run.gaps = [...run.gaps, ...side.gaps.filter((gap) => !known.has(gap.start))];
  run.span = { start: Math.min(run.span.start, side.span.start), end: Math.max(run.span.end, side.span.end) };
}

/**
 * The server's last candle may be made of a part of its time only.
 * @param {Candle} row
 * @param {string} interval
 */
function isWhole(row, interval) {
  return row.closeTime >= nextOpening(openingOf(row.time, interval), interval) - 1;
}

/**
 * The exact digits as numbers, for pixels.
 * @param {import("./api.js").Candles} candles
 * @returns {Record<string, number[]>}
 */
function numbersOf(candles) {
  return Object.fromEntries(Object.entries(candles).map(([name, column]) => [name, column.map(Number)]));
}
