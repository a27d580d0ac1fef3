// What is the matter, and what happens next: over the chart, or instead of it.

import { queryOf } from "./address.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";

/**
 * A line over the chart.
 * @typedef {{tone: "plain" | "warn" | "bad" | "busy", text: string, progress?: {stored: number, expected: number} | null}} Notice
 */
/**
 * What stands in the chart's place.
 * @typedef {object} Message
 * @property {string} title
 * @property {string} text
 * @property {{stored: number, expected: number} | null} [progress]
 * @property {{text: string, wish: import("./address.js").Wish}[]} [links]
 */

let noticesSaid = "";
let messageSaid = "";

/** @param {Notice[]} notices */
export function showNotices(notices) {
  const said = JSON.stringify(notices);
  if (said === noticesSaid) return;
  noticesSaid = said;
  byId("notices").replaceChildren(...notices.map(({ tone, text, progress }) =>
    make("p", { class: `notice ${tone}` }, make("span", {}, text), ...(progress ? [bar(progress)] : []))));
}

/** @param {Message | null} message */
export function showMessage(message) {
  const said = JSON.stringify(message);
  if (said === messageSaid) return;
  messageSaid = said;
  const box = byId("message");
  box.hidden = message === null;
  if (!message) return box.replaceChildren();
  const { title, text, progress, links = [] } = message;
  box.replaceChildren(
    make("h2", {}, title),
    ...(progress ? [bar(progress)] : []),
    make("p", {}, text),
    ...(links.length ? [make("p", { class: "ways" }, ...links.map(({ text: name, wish }) =>
      make("a", { class: "button", href: `/${queryOf(wish)}` }, name)))] : []));
}

/**
 * @param {import("./api.js").View} view without a candle
 * @returns {Message}
 */
export function messageOf(view) {
  const name = `${view.base_asset}/${view.quote_asset} ${view.interval}`;
  const text = view.state_text ?? "";
  if (view.state === "range_empty") {
    const wish = { symbol: view.symbol, interval: null, range: "All" };
    return {
      title: "No candles in this range", text: text || `Nothing of ${name} lies in it.`,
      links: view.coverage.stored ? [{ text: "Show all that is stored", wish }] : [],
    };
  }
  if (view.state === "collecting") {
    return {
      title: text || `Collecting ${name}`, progress: view.progress,
      text: "The chart appears here by itself as soon as the first candles are stored.",
    };
  }
  return {
    title: "Nothing collected yet",
    text: `${text || `Nothing of ${name} is stored.`} The chart appears here by itself once there is.`,
  };
}

/**
 * @param {import("./api.js").ApiError} error
 * @param {import("./api.js").Series[]} series
 * @param {import("./address.js").Wish} wish
 * @returns {Message}
 */
export function messageOfError(error, series, wish) {
  if (error.passing) {
    return { title: titleOfTrouble(error), text: `${error.message} It is tried again every few seconds.` };
  }
  const symbols = [...new Map(series.map((each) => [each.symbol, each])).values()].slice(0, 8);
  const about = ["unknown_interval", "unknown_range", "invalid_interval", "invalid_range"].includes(error.code);
  const ways = about && wish.symbol
    ? [{ text: `${wish.symbol}, last month`, wish: { symbol: wish.symbol, interval: null, range: "1M" } }]
    : symbols.map((each) => ({
        text: `${each.base_asset}/${each.quote_asset}`, wish: { symbol: each.symbol, interval: null, range: null },
      }));
  return {
    title: error.status === 404 ? "There is no such chart" : "This address cannot be shown",
    text: sentence(error.message), links: ways,
  };
}

/** @param {import("./api.js").ApiError} error */
export function titleOfTrouble(error) {
  if (error.status === 0) return "The dashboard\u2019s server does not answer";
  return error.code === "database_unavailable" ? "The database is away" : "The server has trouble";
}

/**
 * The exchange is away if the last try failed after the last success.
 * @param {import("./api.js").SeriesAnswer} answer
 * @param {number} now
 * @param {import("./format.js").Zone} zone
 * @returns {Notice | null}
 */
export function exchangeNotice({ exchange, origin, series }, now, zone) {
  const { failed_at: failed, reached_at: reached } = exchange;
  if (failed === null || (reached !== null && reached >= failed)) return null;
  const name = nameOfExchange(origin);
  const since = reached === null ? `${name} not reached yet` : `${name} not reached for ${format.duration(now - reached)}`;
  const newest = Math.max(...series.map((each) => each.last_close_time ?? -Infinity));
  const shown = Number.isFinite(newest)
    ? `showing what is stored until ${until(newest, now, zone)}` : "nothing is stored yet";
  return { tone: "warn", text: `${since}; ${shown}. It is tried again by itself.` };
}

/** @param {string | null} origin */
function nameOfExchange(origin) {
  if (origin === "simulated") return "The simulated exchange";
  return origin === null || origin === "binance" ? "Binance" : origin;
}

/**
 * @param {number} time
 * @param {number} now
 * @param {import("./format.js").Zone} zone
 */
function until(time, now, zone) {
  const sameDay = format.day(time, zone) === format.day(now, zone);
  const at = `${format.minuteOf(time, zone)} ${format.zoneName(time, zone)}`;
  return sameDay ? at : `${format.day(time, zone)} ${at}`;
}

/** @param {{stored: number, expected: number}} progress */
function bar({ stored, expected }) {
  return make("progress", {
    value: String(stored), max: String(Math.max(expected, 1)),
    "aria-label": `${format.count(stored)} of about ${format.count(expected)} candles`,
  });
}

/** @param {string} text */
function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
