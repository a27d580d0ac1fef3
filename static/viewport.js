// Which stretch of time is seen, and what of the prices fits it. Pure functions.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Lengths of the exchange's intervals in ms; a month counts 30 days here. */
export const LENGTHS = /** @type {Record<string, number>} */ ({
  "1s": 1000, "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE,
  "30m": 30 * MINUTE, "1h": HOUR, "2h": 2 * HOUR, "4h": 4 * HOUR, "6h": 6 * HOUR,
  "8h": 8 * HOUR, "12h": 12 * HOUR, "1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY,
  "1M": 30 * DAY,
});

/** Lengths of the ranges in ms; All has none. */
export const RANGES = /** @type {Record<string, number>} */ ({
  "1D": DAY, "1W": 7 * DAY, "1M": 31 * DAY, "3M": 92 * DAY, "1Y": 366 * DAY,
  All: Infinity,
});

/** A stretch of time, ms. @typedef {{start: number, end: number}} Window */
/**
 * The candles as numbers, for pixels only.
 * @typedef {{times: number[], open: number[], high: number[], low: number[], close: number[], volume: number[], step: number}} Columns
 */

/**
 * @param {import("./api.js").View} view
 * @returns {Columns}
 */
export function columnsOf(view) {
  const { candles } = view;
  return {
    times: candles.open_time,
    open: candles.open.map(Number),
    high: candles.high.map(Number),
    low: candles.low.map(Number),
    close: candles.close.map(Number),
    volume: candles.volume.map(Number),
    step: LENGTHS[view.interval] ?? HOUR,
  };
}

/**
 * The window of a view that nobody has zoomed: all its candles and a little air. It
 * reaches on to the view's end, so that a late collector shows as empty space, but
 * never so far that the candles shrink to nothing.
 * @param {Columns} columns not empty
 * @param {Window | null} asked the view's own start and end
 * @returns {Window}
 */
export function naturalWindow({ times, step }, asked) {
  const first = times[0];
  const last = times[times.length - 1] + step;
  const air = Math.max(step, (last - first) * 0.02);
  const reach = Math.min(asked?.end ?? last, last + (last - first) * 0.08);
  return { start: first - step, end: Math.max(last, reach) - step / 2 + air };
}

/**
 * @param {Window} window
 * @param {number} factor below 1 zooms in
 * @param {number} at the fraction of the width that stays in place
 * @returns {Window}
 */
export function zoomed(window, factor, at) {
  const length = window.end - window.start;
  const start = window.start + length * at * (1 - factor);
  return { start, end: start + length * factor };
}

/**
 * @param {Window} window
 * @param {number} fraction of the width; positive is later
 * @returns {Window}
 */
export function shifted(window, fraction) {
  const move = (window.end - window.start) * fraction;
  return { start: window.start + move, end: window.end + move };
}

/**
 * The first index whose time is not before `time`.
 * @param {number[]} times rising
 * @param {number} time
 */
export function indexFrom(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {number[]} times rising, not empty
 * @param {number} time
 */
export function nearestIndex(times, time) {
  const after = Math.min(indexFrom(times, time), times.length - 1);
  const before = Math.max(after - 1, 0);
  return time - times[before] < times[after] - time ? before : after;
}

/**
 * Prices and volumes of the candles in the window, with air above and below.
 * @param {Columns} columns
 * @param {Window} window
 * @returns {{low: number, high: number, volume: number}}
 */
export function fit(columns, window) {
  const from = indexFrom(columns.times, window.start - columns.step / 2);
  const to = indexFrom(columns.times, window.end + columns.step / 2);
  let [low, high, volume] = [Infinity, -Infinity, 0];
  for (let i = from; i < to; i++) {
    low = Math.min(low, columns.low[i]);
    high = Math.max(high, columns.high[i]);
    volume = Math.max(volume, columns.volume[i]);
  }
  if (low > high) return fitNeighbours(columns, from);
  const air = (high - low) * 0.07 || Math.abs(high) * 0.01 || 1;
  return { low: low - air, high: high + air, volume: volume || 1 };
}

/**
 * In a hole without candles: the price beside it.
 * @param {Columns} columns
 * @param {number} index
 */
function fitNeighbours({ close, volume }, index) {
  const beside = Math.min(Math.max(index - 1, 0), close.length - 1);
  const air = Math.abs(close[beside]) * 0.02 || 1;
  return { low: close[beside] - air, high: close[beside] + air, volume: volume[beside] || 1 };
}

/**
 * The largest round number (1, 2 or 5 times a power of ten) not above `value`.
 * @param {number} value above 0
 */
export function roundBelow(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [5, 2, 1].find((factor) => factor * power <= value) ?? 1;
  return step * power;
}
