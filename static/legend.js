// The line above the chart: every field of the candle under the cross-hair.

import { byId, make } from "./dom.js";
import * as format from "./format.js";

/** @typedef {{label: string, text: string, title?: string, tone?: string}} Field */

/**
 * @param {import("./api.js").View} view
 * @param {number} index
 * @param {import("./format.js").Zone} zone
 * @returns {Field[][]} two lines of fields
 */
function fieldsOf(view, index, zone) {
  const { candles, price_digits: digits, base_asset: base, quote_asset: quote } = view;
  const [open, close] = [candles.open[index], candles.close[index]];
  const change = Number(open) ? (Number(close) / Number(open) - 1) * 100 : 0;
  const tone = format.direction(change);
  const volume = Number(candles.volume[index]);
  const taker = Number(candles.taker_buy_base_asset_volume[index]);
  return [
    [
      { label: "", text: format.dateTime(candles.open_time[index], zone), tone: "time",
        title: `opened; closed ${format.dateTime(candles.close_time[index] + 1, zone)}` },
      { label: "O", text: format.price(open, digits), tone },
      { label: "H", text: format.price(candles.high[index], digits), tone },
      { label: "L", text: format.price(candles.low[index], digits), tone },
      { label: "C", text: format.price(close, digits), tone },
      { label: "", text: format.percent(change), tone, title: "close against open" },
    ],
    [
      amount("Volume", candles.volume[index], base),
      amount("Quote volume", candles.quote_asset_volume[index], quote),
      { label: "Trades", text: format.count(candles.number_of_trades[index]) },
      {
        ...amount("Taker buy", candles.taker_buy_base_asset_volume[index], base),
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
  const rows = fieldsOf(view, index, zone).map((fields) =>
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
