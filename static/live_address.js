// What a live chart shows stands in its address: a link reproduces it, and starts it.

/** @typedef {"open" | "high" | "low" | "close"} PriceName */
/**
 * @typedef {object} Choice
 * @property {string} symbol
 * @property {string} interval
 * @property {number} candles how many past ones
 * @property {PriceName} price the one that is watched
 */
/**
 * @typedef {object} LiveAddress
 * @property {Partial<Choice>} choice what the address names
 * @property {string[]} complaints about what it names and nobody can show
 */

export const PRICES = /** @type {const} */ (["open", "high", "low", "close"]);
export const COUNTS = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];
export const MOST_CANDLES = 50_000;
export const DEFAULTS = { candles: 500, price: /** @type {PriceName} */ ("close") };

/**
 * @param {string} [search]
 * @returns {LiveAddress}
 */
export function readLiveAddress(search = location.search) {
  const query = new URLSearchParams(search);
  /** @type {LiveAddress} */
  const found = { choice: {}, complaints: [] };
  const { choice, complaints } = found;
  choice.symbol = query.get("symbol")?.trim().toUpperCase() || undefined;
  choice.interval = query.get("interval")?.trim() || undefined;
  const candles = query.get("candles");
  if (candles) {
    const number = Number(candles);
    if (Number.isInteger(number) && number >= 1 && number <= MOST_CANDLES) choice.candles = number;
    else complaints.push(`\u201c${candles}\u201d past candles are not possible: a whole number from 1 to 50,000 is.`);
  }
  const price = query.get("price");
  if (price) {
    const known = PRICES.find((name) => name === price.toLowerCase());
    if (known) choice.price = known;
    else complaints.push(`There is no price \u201c${price}\u201d to watch: open, high, low or close.`);
  }
  return found;
}

/** @param {Choice} choice */
export function liveAddress(choice) {
  const { symbol, interval, candles, price } = choice;
  const query = new URLSearchParams({ symbol, interval, candles: String(candles), price });
  return `/live?${query}`;
}
