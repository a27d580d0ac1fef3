// Candles of a longer interval out of shorter ones, as the exchange counts them. Pure.

import { LENGTHS } from "./viewport.js";

/** @typedef {import("./candle_book.js").Candle} Candle */

/** Weeks begin on Mondays; 1970 began on a Thursday. */
const FIRST_MONDAY = 4 * LENGTHS["1d"];

/**
 * The open time of the candle that a time lies in.
 * @param {number} time ms
 * @param {string} interval
 */
export function openingOf(time, interval) {
  if (interval === "1M") return monthOf(time, 0);
  const [length, origin] = [LENGTHS[interval], interval === "1w" ? FIRST_MONDAY : 0];
  return Math.floor((time - origin) / length) * length + origin;
}

/**
 * The open time of the next candle.
 * @param {number} opening ms, of a candle
 * @param {string} interval
 */
export function nextOpening(opening, interval) {
  return interval === "1M" ? monthOf(opening, 1) : opening + LENGTHS[interval];
}

/** @param {number} time @param {number} later months */
function monthOf(time, later) {
  const at = new Date(time);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + later, 1);
}

/**
 * Whether whole candles of one interval make up those of another.
 * @param {string} finer
 * @param {string} coarser
 */
export function divides(finer, coarser) {
  if (finer === coarser) return true;
  const length = coarser === "1M" || coarser === "1w" ? LENGTHS["1d"] : LENGTHS[coarser];
  return finer !== "1M" && length % LENGTHS[finer] === 0;
}

/**
 * The intervals that one can be seen in, itself the first.
 * @param {string} interval
 */
export function coarserThan(interval) {
  return Object.keys(LENGTHS).filter((name) => divides(interval, name));
}

/**
 * One candle out of its parts: the first open, the last close, the highest high, the
 * lowest low and the sums.
 * @param {number} opening ms
 * @param {string} interval
 * @param {Candle[]} parts rising
 * @returns {Candle | null} null where there is no part
 */
export function folded(opening, interval, parts) {
  const [first, last] = [parts[0], parts[parts.length - 1]];
  if (!first || !last) return null;
  const sum = (/** @type {(part: Candle) => number} */ pick) =>
    parts.reduce((total, part) => total + pick(part), 0);
  return {
    time: opening, closeTime: nextOpening(opening, interval) - 1,
    open: first.open, close: last.close,
    high: Math.max(...parts.map((part) => part.high)),
    low: Math.min(...parts.map((part) => part.low)),
    // Sums of decimals get a tail of digits that nobody traded.
    volume: rounded(sum((part) => part.volume)),
    quoteVolume: rounded(sum((part) => part.quoteVolume)),
    trades: sum((part) => part.trades),
    takerVolume: rounded(sum((part) => part.takerVolume)),
    closed: last.closed && last.closeTime >= nextOpening(opening, interval) - 1,
  };
}

/** @param {number} value */
function rounded(value) {
  return Number(value.toPrecision(14));
}
