// All candles that a live chart knows, from the server and from the relay. Pure.

/**
 * Prices and volumes are numbers here; sixteen digits hold what the exchange sends.
 * @typedef {object} Candle
 * @property {number} time open time, ms
 * @property {number} closeTime ms
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} volume
 * @property {number} quoteVolume
 * @property {number} trades
 * @property {number} takerVolume
 * @property {boolean} closed
 */
/**
 * A stretch without candles between two of them.
 * @typedef {{start: number, end: number, candles: number}} Hole
 */
/**
 * What a change asks to be drawn again.
 * @typedef {"nothing" | "newest" | "all"} Change
 */

/**
 * @param {Record<string, any[]>} columns of GET /api/klines or of a snapshot
 * @returns {Candle[]}
 */
export function candlesOf(columns) {
  return columns.open_time.map((time, i) => ({
    time,
    closeTime: columns.close_time[i],
    open: columns.open[i],
    high: columns.high[i],
    low: columns.low[i],
    close: columns.close[i],
    volume: columns.volume[i],
    quoteVolume: columns.quote_asset_volume[i],
    trades: columns.number_of_trades[i],
    takerVolume: columns.taker_buy_base_asset_volume[i],
    // What is stored is closed.
    closed: columns.closed?.[i] ?? true,
  })).filter(isWhole);
}

/** A price that is no number cannot be drawn: its candle is missing. @param {Candle} candle */
function isWhole({ open, high, low, close }) {
  return [open, high, low, close].every(Number.isFinite);
}

/**
 * @param {Record<string, any>} message of type "kline"
 * @returns {Candle}
 */
export function candleOf(message) {
  return {
    time: message.open_time,
    closeTime: message.close_time,
    open: message.open,
    high: message.high,
    low: message.low,
    close: message.close,
    volume: message.volume,
    quoteVolume: message.quote_asset_volume,
    trades: message.number_of_trades,
    takerVolume: message.taker_buy_base_asset_volume,
    closed: message.closed,
  };
}

/**
 * The hole between two neighbours, if there is one.
 * @param {Candle} before
 * @param {Candle} after
 * @returns {Hole | null}
 */
export function holeBetween(before, after) {
  const start = before.closeTime + 1;
  // Old candles may be off the grid, or cut short: half a candle is no hole.
  const candles = Math.round((after.time - start) / (start - before.time));
  return candles >= 1 ? { start, end: after.time, candles } : null;
}

export class CandleBook {
  /** Rising by time, each time once. @type {Candle[]} */
  #rows = [];

  get rows() {
    return this.#rows;
  }

  /** @returns {Candle | undefined} */
  get first() {
    return this.#rows[0];
  }

  /** @returns {Candle | undefined} */
  get last() {
    return this.#rows.at(-1);
  }

  /** The newest candle that is closed. */
  get lastClosed() {
    return this.#rows.findLast((row) => row.closed);
  }

  /**
   * The index of the first candle that does not open before `time`.
   * @param {number} time
   */
  indexFrom(time) {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#rows[middle].time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} time @returns {Candle | undefined} the one that opened then */
  at(time) {
    const row = this.#rows[this.indexFrom(time)];
    return row?.time === time ? row : undefined;
  }

  /**
   * The hole that a time without a candle lies in.
   * @param {number} time
   * @returns {Hole | null}
   */
  holeAt(time) {
    const after = this.indexFrom(time);
    const [before, next] = [this.#rows[after - 1], this.#rows[after]];
    return before && next ? holeBetween(before, next) : null;
  }

  /**
   * One candle of the relay. An event that comes after the close says nothing.
   * @param {Candle} candle
   * @returns {Change}
   */
  update(candle) {
    const i = this.indexFrom(candle.time);
    const known = this.#rows[i]?.time === candle.time ? this.#rows[i] : null;
    if (known?.closed && !candle.closed) return "nothing";
    // A correction from before the first one: all between would seem to be missing.
    if (!known && i === 0 && this.#rows.length) return "nothing";
    const before = this.#rows[i - 1];
    this.#rows.splice(i, known ? 1 : 0, candle);
    const newest = i === this.#rows.length - 1;
    const beside = known || !before || !holeBetween(before, candle);
    return newest && beside && this.#rows.length > 1 ? "newest" : "all";
  }

  /**
   * Stored candles: final, and right wherever they differ.
   * @param {Candle[]} candles rising
   * @returns {Change}
   */
  store(candles) {
    return this.#merge(candles, this.#rows);
  }

  /**
   * What the relay knows, all of it: where it holds an open candle, no other is open.
   * @param {Candle[]} candles rising
   * @returns {Change}
   */
  snapshot(candles) {
    return this.#merge(candles, this.#rows.filter((row) => row.closed));
  }

  /**
   * @param {Candle[]} candles
   * @param {Candle[]} kept
   * @returns {Change}
   */
  #merge(candles, kept) {
    if (!candles.length) return "nothing";
    const [first, last] = [candles[0].time, candles[candles.length - 1].time];
    const inside = new Set(candles.map((candle) => candle.time));
    const [before, between, after] = split(kept, first, last);
    const others = between.filter((row) => !inside.has(row.time));
    const middle = others.length
      ? [...candles, ...others].sort((a, b) => a.time - b.time) : candles;
    this.#rows = [...before, ...middle, ...after];
    return "all";
  }
}

/**
 * @param {Candle[]} rows
 * @param {number} first
 * @param {number} last
 */
function split(rows, first, last) {
  return [
    rows.filter((row) => row.time < first),
    rows.filter((row) => row.time >= first && row.time <= last),
    rows.filter((row) => row.time > last),
  ];
}
