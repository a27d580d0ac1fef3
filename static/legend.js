// The line above the chart: every field of the candle under the cross-hair.

import { byId, make } from "./dom.js";
import * as format from "./format.js";

/** @typedef {{label: string, text: string, title?: string, tone?: string}} Field */

/**
 * One candle, with its decimals as they came.
 * @typedef {object} CandleTexts
 * @property {number} open_time ms
 * @property {number} close_time ms
 * @property {string} open
 * @property {string} high
 * @property {string} low
 * @property {string} close
 * @property {string} volume
 * @property {string} quote_asset_volume
 * @property {number} number_of_trades
 * @property {string} taker_buy_base_asset_volume
 */
/** @typedef {{base_asset: string, quote_asset: string, price_digits: number}} Market */

/**
 * @param {CandleTexts} candle
 * @param {Market} market
 * @param {import("./format.js").Zone} zone
 * @returns {Field[][]} two lines of fields
 */
export function fieldsOf(candle, { price_digits: digits, base_asset: base, quote_asset: quote }, zone) {
  const { open, close } = candle;
  const change = Number(open) ? (Number(close) / Number(open) - 1) * 100 : 0;
  const tone = format.direction(change);
  const volume = Number(candle.volume);
  const taker = Number(candle.taker_buy_base_asset_volume);
  return [
    [
      { label: "", text: format.dateTime(candle.open_time, zone), tone: "time",
        title: `opened; closed ${format.dateTime(candle.close_time + 1, zone)}` },
      { label: "O", text: format.price(open, digits), tone },
      { label: "H", text: format.price(candle.high, digits), tone },
      { label: "L", text: format.price(candle.low, digits), tone },
      { label: "C", text: format.price(close, digits), tone },
      { label: "", text: format.percent(change), tone, title: "close against open" },
    ],
    [
      amount("Volume", candle.volume, base),
      amount("Quote volume", candle.quote_asset_volume, quote),
      { label: "Trades", text: format.count(candle.number_of_trades) },
      {
        ...amount("Taker buy", candle.taker_buy_base_asset_volume, base),
        ...(volume > 0 && {
          text: `${format.short(taker)} ${base} (${Math.round((taker / volume) * 100)}%)`,
        }),
      },
    ],
  ];
}

/**
 * @param {string} label
 * @param {string} exact
 * @param {string} unit
 * @returns {Field}
 */
function amount(label, exact, unit) {
  return {
    label, text: `${format.short(Number(exact))} ${unit}`,
    title: `${format.exactNumber(exact)} ${unit}`,
  };
}

/**
 * @param {import("./api.js").View} view
 * @param {number} index
 * @param {import("./format.js").Zone} zone
 */
export function showLegend(view, index, zone) {
  const { candles } = view;
  const candle = {
    open_time: candles.open_time[index], close_time: candles.close_time[index],
    open: candles.open[index], high: candles.high[index], low: candles.low[index],
    close: candles.close[index], volume: candles.volume[index],
    quote_asset_volume: candles.quote_asset_volume[index],
    number_of_trades: candles.number_of_trades[index],
    taker_buy_base_asset_volume: candles.taker_buy_base_asset_volume[index],
  };
  showFields(fieldsOf(candle, view, zone));
}

/** @param {Field[][]} lines */
export function showFields(lines) {
  const rows = lines.map((fields) =>
    make("p", {}, ...fields.map(({ label, text, title, tone }) =>
      make("span", { class: `field ${tone ?? ""}`, title },
        ...(label ? [make("span", { class: "label" }, label), " "] : []),
        make("span", { class: "value" }, text), " "))));
  byId("legend").replaceChildren(...rows);
}

export function clearLegend() {
  byId("legend").replaceChildren();
}

/**
 * Let screen readers hear the line while somebody walks the candles, and only then.
 * @param {boolean} spoken
 */
export function speakLegend(spoken) {
  byId("legend").setAttribute("aria-live", spoken ? "polite" : "off");
}
