// The chart's candles as a table, for those who read better than they see.

import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { gapText } from "./overlay.js";

const HEADINGS = ["Open", "High", "Low", "Close", "Volume", "Quote volume", "Trades", "Taker buy"];

/** What the table needs to know of a view. @typedef {Pick<import("./api.js").View, "base_asset" | "quote_asset" | "interval" | "candles" | "gaps" | "price_digits">} TableView */

/**
 * @param {TableView} view
 * @param {import("./viewport.js").Window | null} window only its candles; null for all
 * @param {import("./format.js").Zone} zone
 */
export function showCandleTable(view, window, zone) {
  const name = `${view.base_asset}/${view.quote_asset} ${view.interval}`;
  const indexes = [...view.candles.open_time.keys()].filter((i) => {
    const time = view.candles.open_time[i];
    return !window || (time >= window.start && time <= window.end);
  });
  const box = byId("candle-table");
  const [top, left] = [box.scrollTop, box.scrollLeft];
  box.replaceChildren(make("table", {},
    make("caption", {}, `${name}: ${format.count(indexes.length)} candles, newest first`),
    make("thead", {}, make("tr", {},
      make("th", { scope: "col" }, `Opened (${zone === "utc" ? "UTC" : "local"})`),
      ...HEADINGS.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows(view, indexes.reverse(), zone))));
  box.scrollTo(left, top);
}

/**
 * Candles, and the holes between them where they lie.
 * @param {TableView} view
 * @param {number[]} indexes newest first
 * @param {import("./format.js").Zone} zone
 */
function rows({ candles, gaps, price_digits: digits }, indexes, zone) {
  const holes = gaps.toSorted((a, b) => b.start - a.start);
  return indexes.flatMap((i, n) => {
    const time = candles.open_time[i];
    const above = n === 0 ? Infinity : candles.open_time[indexes[n - 1]];
    const between = holes.filter((gap) => gap.start > time && gap.start < above);
    return [...between.map((gap) => holeRow(gap, zone)), candleRow(candles, i, digits, zone)];
  });
}

/**
 * @param {import("./api.js").Candles} candles
 * @param {number} i
 * @param {number} digits
 * @param {import("./format.js").Zone} zone
 */
function candleRow(candles, i, digits, zone) {
  const prices = [candles.open[i], candles.high[i], candles.low[i], candles.close[i]];
  const amounts = [candles.volume[i], candles.quote_asset_volume[i]];
  return make("tr", {},
    make("th", { scope: "row" }, format.plainDateTime(candles.open_time[i], zone)),
    ...prices.map((text) => make("td", {}, format.price(text, digits))),
    ...amounts.map((text) => make("td", {}, format.exactNumber(text))),
    make("td", {}, format.count(candles.number_of_trades[i])),
    make("td", {}, format.exactNumber(candles.taker_buy_base_asset_volume[i])));
}

/**
 * @param {import("./api.js").Gap} gap
 * @param {import("./format.js").Zone} zone
 */
function holeRow(gap, zone) {
  return make("tr", { class: `hole ${gap.state}` },
    make("td", { colspan: String(HEADINGS.length + 1) }, gapText(gap, zone)));
}
