// What is shown stands in the address, so that a view can be shared and gone back to.

/**
 * What is asked for; null leaves the choice to the server.
 * @typedef {{symbol: string | null, interval: string | null, range: string | null}} Wish
 */

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
  };
}

/**
 * @param {Wish} wish
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
