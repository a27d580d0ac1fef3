// What is followed stands in the address: ?symbol=BTCUSDT&minimum=64000&start

/** @typedef {{symbol: string, minimum: string | null, start: boolean}} Wish */

/**
 * @param {string} otherwise the symbol where the address names none
 * @returns {Wish}
 */
export function readWish(otherwise) {
  const query = new URLSearchParams(location.search);
  return {
    symbol: (query.get("symbol") ?? "").trim().toUpperCase() || otherwise,
    minimum: query.get("minimum"),
    start: query.has("start"),
  };
}

/**
 * @param {Wish} wish
 * @param {{step?: boolean}} [how] step: "back" undoes it
 */
export function writeWish({ symbol, minimum, start }, { step = false } = {}) {
  const query = new URLSearchParams({ symbol });
  if (minimum) query.set("minimum", minimum);
  const search = `?${query}${start ? "&start" : ""}`;
  if (search === location.search) return;
  if (step) history.pushState(null, "", search);
  else history.replaceState(null, "", search);
}
