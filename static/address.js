// What is shown stands in the address, so that a view can be shared and gone back to.

/**
 * What is asked for; null leaves the choice to the server. Start and end stand for a
 * range: ms, or whatever the address says.
 * @typedef {object} Wish
 * @property {string | null} symbol
 * @property {string | null} interval
 * @property {string | null} range
 * @property {string | null} start
 * @property {string | null} end
 */

/** Nothing is wished. @type {Wish} */
export const ANYTHING = { symbol: null, interval: null, range: null, start: null, end: null };

/**
 * @param {string} [search]
 * @returns {Wish}
 */
export function readAddress(search = location.search) {
  const query = new URLSearchParams(search);
  return {
    symbol: query.get("symbol") || null,
    interval: query.get("interval") || null,
    range: query.get("range") || null,
    start: query.get("start") || null,
    end: query.get("end") || null,
  };
}

/**
 * The stretch of time that is wished.
 * @param {Pick<Wish, "start" | "end">} wish
 * @returns {import("./viewport.js").Window | null} ms; null where it is left open, or
 *   where the server has to say what is wrong with it
 */
export function windowOf({ start, end }) {
  if (!start || !end) return null;
  const [from, to] = [Number(start), Number(end)];
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && from < to ? { start: from, end: to } : null;
}

/**
 * @param {Partial<Wish>} wish
 * @returns {string} "?symbol=...", or "" where nothing is wished
 */
export function queryOf(wish) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(wish)) {
    if (value) query.set(key, value);
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/**
 * A step that "back" undoes.
 * @param {Wish} wish
 */
export function pushAddress(wish) {
  if (queryOf(wish) !== location.search) history.pushState(null, "", `/${queryOf(wish)}`);
}

/**
 * The same step, named more exactly.
 * @param {Wish} wish
 */
export function replaceAddress(wish) {
  if (queryOf(wish) !== location.search) {
    history.replaceState(null, "", `/${queryOf(wish)}`);
  }
}
