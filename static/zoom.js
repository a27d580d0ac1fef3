// Which candles suit a stretch of time, and which answers show it. Pure.

import { divides } from "./buckets.js";
import { LENGTHS } from "./viewport.js";

/** @typedef {import("./viewport.js").Window} Window */
/**
 * What there is of a symbol, and how much of it a picture can hold.
 * @typedef {object} Scale
 * @property {string[]} intervals that can be shown, shortest first
 * @property {Window} bounds from the first stored candle to the end of the newest, ms
 * @property {number} pixels the picture's width
 * @property {Extent[]} [extents] of the stored series, as far as they are known
 */
/**
 * A stored series, and what it reaches over: from its first open time to its end, ms.
 * @typedef {Window & {interval: string}} Extent
 */
/**
 * Candles that are there.
 * @template Body
 * @typedef {{symbol: string, interval: string, span: Window, body: Body}} Entry
 */

/** An answer holds 1,000 candles; those that the edges cut count as well. */
export const MOST_CANDLES = 990;
/** Fewer than these in a window, and a chosen interval gives way to a finer one. */
export const LEAST_CANDLES = 8;
/** So wide should a candle be where the page chooses, in pixels. */
const COMFORTABLE = 2.25;
/** While one zooms out, candles may become this narrow before coarser ones come. */
const TIGHT = 1.5;
const FEWEST_COMFORTABLE = 120;
/** Empty space beyond the first and the newest candle, as a part of the window. */
const AIR = 0.2;
const WIDEST = 1.1;

/**
 * How many candles of an interval a window can hold; before the first one and after the
 * newest there are none.
 * @param {Window} window
 * @param {string} interval
 * @param {Window} bounds
 */
export function candlesIn(window, interval, bounds) {
  const start = Math.max(window.start, bounds.start);
  const end = Math.min(window.end, bounds.end);
  return Math.max(0, end - start) / LENGTHS[interval];
}

/**
 * The interval for a window. A chosen one stays as long as it can be shown. Else the
 * finest whose candles are wide enough; and the one that is shown stays while it is
 * finer than that, so that zooming in never makes a picture coarser.
 * @param {Window} window
 * @param {Scale} scale
 * @param {{shown?: string | null, chosen?: string | null, closer?: boolean}} [now]
 *   `closer`: the window is no longer than the one before
 * @returns {string}
 */
export function intervalFor(window, scale, { shown = null, chosen = null, closer = true } = {}) {
  const { bounds, pixels } = scale;
  const intervals = intervalsOver(window, scale);
  const count = (/** @type {string} */ name) => candlesIn(window, name, bounds);
  if (chosen && intervals.includes(chosen) && count(chosen) <= MOST_CANDLES && isEnough(window, chosen, intervals)) return chosen;
  const wanted = Math.min(Math.max(pixels / COMFORTABLE, FEWEST_COMFORTABLE), MOST_CANDLES);
  const suiting = intervals.find((name) => count(name) <= wanted) ?? intervals[intervals.length - 1];
  if (!shown || !intervals.includes(shown) || LENGTHS[shown] >= LENGTHS[suiting]) return suiting;
  const most = closer ? MOST_CANDLES : Math.min(Math.max(pixels / TIGHT, FEWEST_COMFORTABLE), MOST_CANDLES);
  return count(shown) <= most ? shown : suiting;
}

/**
 * The intervals that can show a window as far as any can: minutes since yesterday do not
 * show the year before last.
 * @param {Window} window
 * @param {Scale} scale
 * @returns {string[]} shortest first, never none
 */
function intervalsOver(window, { intervals, bounds, extents = [] }) {
  const start = Math.max(window.start, bounds.start);
  const whole = extents.filter((held) => isWhole(held, extents, start, window.end));
  const found = intervals.filter((name) => whole.some((held) => divides(held.interval, name)));
  return found.length ? found : intervals;
}

/**
 * Whether a series has as much of a stretch as any other: it may begin inside of another
 * one's first candle, and lack a candle of its own at the end.
 * @param {Extent} held
 * @param {Extent[]} extents
 * @param {number} start ms
 * @param {number} end ms
 */
function isWhole(held, extents, start, end) {
  const firstEnd = Math.min(...extents.map((each) => Math.max(each.start, start) + LENGTHS[each.interval]));
  const latest = Math.max(...extents.map((each) => Math.min(each.end, end)));
  return Math.max(held.start, start) < firstEnd && Math.min(held.end, end) + LENGTHS[held.interval] > latest;
}

/**
 * @param {import("./api.js").Series[]} series
 * @param {string} symbol
 * @returns {Extent[]}
 */
export function extentsOf(series, symbol) {
  return series.flatMap((each) => {
    const { first_open_time: first, last_close_time: last } = each;
    if (each.symbol !== symbol || !LENGTHS[each.interval] || first === null || last === null) return [];
    return [{ interval: each.interval, start: first, end: last + 1 }];
  });
}

/** @param {Window} window @param {string} interval @param {string[]} intervals */
function isEnough(window, interval, intervals) {
  return interval === intervals[0] || (window.end - window.start) / LENGTHS[interval] >= LEAST_CANDLES;
}

/**
 * What to ask for so that a window can be moved a while: as much beside it as an answer
 * holds, and no more than a window on each side.
 * @param {Window} window
 * @param {string} interval
 * @returns {Window} whole ms
 */
export function spanAround(window, interval) {
  const length = window.end - window.start;
  const spare = (MOST_CANDLES * LENGTHS[interval] - length) / 2;
  const margin = Math.min(Math.max(spare, 0), length);
  return { start: Math.max(0, Math.floor(window.start - margin)), end: Math.ceil(window.end + margin) };
}

/**
 * What an answer covers: beyond the first and the newest candle there is nothing.
 * @param {Window} span
 * @param {Window | null} bounds
 * @returns {Window}
 */
export function opened({ start, end }, bounds) {
  return {
    start: bounds && start <= bounds.start ? -Infinity : start,
    end: bounds && end >= bounds.end ? Infinity : end,
  };
}

/**
 * @param {Window} span
 * @param {Window} window
 */
export function covers(span, window) {
  return span.start <= window.start && span.end >= window.end;
}

/**
 * Keep a window near the candles: a little air beyond them, and no more.
 * @param {Window} wish
 * @param {Window} bounds
 * @param {number} shortest length of a window, ms
 * @returns {Window}
 */
export function withinBounds(wish, bounds, shortest) {
  const whole = Math.max(bounds.end - bounds.start, shortest);
  const wished = wish.end - wish.start;
  const length = Math.min(Math.max(wished, shortest), whole * WIDEST);
  const air = length * AIR;
  const middle = (wish.start + wish.end) / 2;
  if (length >= whole) {
    const centre = (bounds.start + bounds.end) / 2;
    return { start: centre - length / 2, end: centre + length / 2 };
  }
  const start = Math.min(
    Math.max(middle - length / 2, bounds.start - air), bounds.end + air - length);
  return { start, end: start + length };
}

/**
 * A window for an interval that was chosen: the given one, as long as it holds neither
 * too many of its candles nor too few.
 * @param {Window} window
 * @param {string} interval
 * @param {Window} bounds
 * @returns {Window}
 */
export function windowFor(window, interval, bounds) {
  const length = window.end - window.start;
  const [least, most] = [40 * LENGTHS[interval], 0.9 * MOST_CANDLES * LENGTHS[interval]];
  const wanted = Math.min(Math.max(length, least), most);
  if (wanted === length) return window;
  // The newest candle stays in sight.
  if (window.end >= bounds.end) return { start: window.end - wanted, end: window.end };
  const middle = (window.start + window.end) / 2;
  return { start: middle - wanted / 2, end: middle + wanted / 2 };
}

/**
 * Where the next gesture may lead, likeliest first: closer, to both sides, farther out.
 * @param {Window} window
 * @param {string} interval that it is shown with
 * @param {Scale} scale
 * @param {number} at the fraction of the window where the hand is
 * @returns {{interval: string, window: Window, span: Window}[]} `window` is what must be
 *   covered for it to be known already
 */
export function ahead(window, interval, scale, at) {
  const length = window.end - window.start;
  const { bounds } = scale;
  const around = spanAround(window, interval);
  const step = Math.max(around.end - around.start - length, length * 0.25);
  const beside = [-step, step]
    .map((move) => ({ start: window.start + move, end: window.end + move }))
    .filter((next) => next.end > bounds.start && next.start < bounds.end)
    .map((next) => ({ interval, window: next, span: spanAround(next, interval) }));
  const third = { start: window.start + length * at * 2 / 3, end: window.end - length * (1 - at) * 2 / 3 };
  const finer = intervalFor(third, scale, { shown: interval });
  const closer = LENGTHS[finer] < LENGTHS[interval]
    ? [{ interval: finer, window: third, span: spanAround(third, finer) }] : [];
  const wide = { start: window.start - length, end: window.end + length };
  const coarser = intervalFor(wide, scale, { shown: interval, closer: false });
  const farther = length < bounds.end - bounds.start
    ? [{ interval: coarser, window: wide, span: spanAround(wide, coarser) }] : [];
  return [...closer, ...beside, ...farther];
}

/**
 * A few answers by symbol, interval and span: the least used is forgotten first.
 * @template Body
 */
export class Spans {
  /** The most recently used last. @type {Entry<Body>[]} */
  #entries = [];

  /** @param {number} [limit] how many are kept */
  constructor(limit = 24) {
    this.limit = limit;
  }

  get size() {
    return this.#entries.length;
  }

  /**
   * Keep an answer; it takes the place of one to the same question.
   * @param {Entry<Body>} entry
   */
  keep(entry) {
    this.#entries = this.#entries.filter((each) => !isSame(each, entry));
    this.#entries.push(entry);
    if (this.#entries.length > this.limit) this.#entries.shift();
  }

  /**
   * Whether a window can be shown sharply.
   * @param {string} symbol
   * @param {Window} window
   * @param {string} interval
   */
  has(symbol, window, interval) {
    return this.#entries.some((each) =>
      each.symbol === symbol && each.interval === interval && covers(each.span, window));
  }

  /**
   * The best that is there for a window: all of it before a part of it, then the wanted
   * interval before its neighbours, then the finer before the coarser.
   * @param {string} symbol
   * @param {Window} window
   * @param {string} interval
   * @returns {Entry<Body> | null} null where nothing lies in the window
   */
  best(symbol, window, interval) {
    // Of two that are alike the newer one, which comes last.
    const ranked = this.#entries.toReversed()
      .filter((each) => each.symbol === symbol && shareOf(each.span, window) > 0)
      .map((each) => ({ each, rank: rankOf(each, window, interval) }))
      .sort((a, b) => b.rank - a.rank);
    const found = ranked[0]?.each ?? null;
    if (found) this.#use(found);
    return found;
  }

  /** @param {Entry<Body>} entry */
  #use(entry) {
    this.#entries = [...this.#entries.filter((each) => each !== entry), entry];
  }
}

/** @param {Entry<unknown>} a @param {Entry<unknown>} b */
function isSame(a, b) {
  return a.symbol === b.symbol && a.interval === b.interval
    && a.span.start === b.span.start && a.span.end === b.span.end;
}

/**
 * @param {Entry<unknown>} entry
 * @param {Window} window
 * @param {string} interval
 */
function rankOf({ span, interval: own }, window, interval) {
  const share = shareOf(span, window);
  const ratio = Math.log(LENGTHS[own] / LENGTHS[interval]);
  const distance = ratio < 0 ? -ratio * 0.9 : ratio;
  return share * 100 - distance;
}

/** The part of a window that a span covers. @param {Window} span @param {Window} window */
function shareOf(span, window) {
  const shared = Math.min(span.end, window.end) - Math.max(span.start, window.start);
  return Math.max(0, shared) / (window.end - window.start);
}
