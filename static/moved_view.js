// A view with the relay's candles behind its own. Pure functions.

import { folded, nextOpening, openingOf } from "./buckets.js";
import * as format from "./format.js";

/** @typedef {import("./api.js").View} View */
/** @typedef {import("./candle_book.js").Candle} Candle */

/**
 * The last price moves, and its change with it; what it was a day ago stays.
 * @param {View} view
 * @param {Candle} candle
 * @returns {View["last"]}
 */
export function lastOf({ last, price_digits: digits }, { close, closeTime }) {
  const price = format.decimal(close);
  const before = last?.change_24h ? Number(last.price) - Number(last.change_24h) : 0;
  if (!before) return { price, close_time: closeTime, change_24h: null, change_24h_percent: null };
  return {
    price, close_time: closeTime,
    change_24h: (close - before).toFixed(digits),
    change_24h_percent: ((close / before - 1) * 100).toFixed(2),
  };
}

/**
 * A view and what comes after it. Candles of a longer interval grow by the shorter ones
 * that they are made of.
 * @param {View} view not empty
 * @param {Candle[]} rows of its source, from after its last candle on, at least one
 * @returns {View}
 */
export function extended(view, rows) {
  const { interval } = view;
  if (interval === view.source_interval) return appended(view, rows);
  const last = lastCandle(view);
  const opening = openingOf(rows[0].time, interval);
  const grows = openingOf(last.time, interval) === opening;
  const whole = [];
  let parts = grows ? [last] : [];
  for (let [i, open] = [0, opening]; i < rows.length; i++) {
    if (rows[i].time >= nextOpening(open, interval)) {
      whole.push(folded(open, interval, parts));
      [parts, open] = [[], openingOf(rows[i].time, interval)];
    }
    parts.push(rows[i]);
  }
  whole.push(folded(openingOf(parts[parts.length - 1].time, interval), interval, parts));
  return appended(grows ? withoutLast(view) : view, whole.filter((each) => each !== null));
}

/** @param {View} view not empty @returns {Candle} */
function lastCandle({ candles }) {
  const i = candles.open_time.length - 1;
  return {
    time: candles.open_time[i], closeTime: candles.close_time[i],
    open: Number(candles.open[i]), high: Number(candles.high[i]),
    low: Number(candles.low[i]), close: Number(candles.close[i]),
    volume: Number(candles.volume[i]), quoteVolume: Number(candles.quote_asset_volume[i]),
    trades: candles.number_of_trades[i],
    takerVolume: Number(candles.taker_buy_base_asset_volume[i]), closed: false,
  };
}

/** @param {View} view @returns {View} */
function withoutLast(view) {
  const { figure } = view;
  const data = figure.data.map((trace) => shortened(trace));
  return {
    ...view, candles: shortened(view.candles),
    figure: { ...figure, data: /** @type {import("./plotly.js").Trace[]} */ (data) },
  };
}

/**
 * @template {object} Columns
 * @param {Columns} columns
 * @returns {Columns} each one without its last value
 */
function shortened(columns) {
  return /** @type {Columns} */ (Object.fromEntries(Object.entries(columns).map(
    ([name, column]) => [name, Array.isArray(column) ? column.slice(0, -1) : column])));
}

/**
 * @param {View} view
 * @param {Candle[]} rows
 * @returns {View}
 */
function appended(view, rows) {
  const { candles, figure } = view;
  const texts = (/** @type {(row: Candle) => number} */ pick) => rows.map((row) => format.decimal(pick(row)));
  const [prices, volume] = figure.data;
  const x = [...prices.x, ...rows.map((row) => format.naive(row.time, "utc"))];
  return {
    ...view,
    candles: {
      open_time: [...candles.open_time, ...rows.map((row) => row.time)],
      close_time: [...candles.close_time, ...rows.map((row) => row.closeTime)],
      open: [...candles.open, ...texts((row) => row.open)],
      high: [...candles.high, ...texts((row) => row.high)],
      low: [...candles.low, ...texts((row) => row.low)],
      close: [...candles.close, ...texts((row) => row.close)],
      volume: [...candles.volume, ...texts((row) => row.volume)],
      quote_asset_volume: [...candles.quote_asset_volume, ...texts((row) => row.quoteVolume)],
      number_of_trades: [...candles.number_of_trades, ...rows.map((row) => row.trades)],
      taker_buy_base_asset_volume: [
        ...candles.taker_buy_base_asset_volume, ...texts((row) => row.takerVolume)],
    },
    figure: {
      ...figure,
      data: [
        {
          ...prices, x,
          open: [...prices.open, ...rows.map((row) => row.open)],
          high: [...prices.high, ...rows.map((row) => row.high)],
          low: [...prices.low, ...rows.map((row) => row.low)],
          close: [...prices.close, ...rows.map((row) => row.close)],
        },
        { ...volume, x, y: [...volume.y, ...rows.map((row) => row.volume)] },
      ],
    },
  };
}
