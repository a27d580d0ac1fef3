// What is the matter, and what happens next: over the chart, or instead of it.

import { queryOf } from "./address.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { titleOfTrouble } from "./notices.js";

/**
 * What stands in the chart's place.
 * @typedef {object} Message
 * @property {string} title
 * @property {string} text
 * @property {{stored: number, expected: number} | null} [progress]
 * @property {{text: string, href: string}[]} [links]
 */

let noticesSaid = "";
let messageSaid = "";

/** @param {import("./notices.js").Notice[]} notices */
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
    make("p", {}, ...unbroken(text)),
    ...(links.length ? [make("p", { class: "ways" }, ...links.map(({ text: name, href }) =>
      make("a", { class: "button", href }, name)))] : []));
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
      links: view.coverage.stored ? [{ text: "Show all that is stored", href: `/${queryOf(wish)}` }] : [],
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
    return { title: titleOfTrouble(error), text: `${format.sentence(error.message)} It is tried again every few seconds.` };
  }
  const filled = series.filter((each) => each.rows > 0);
  const symbols = [...new Map(filled.map((each) => [each.symbol, each])).values()].slice(0, 8);
  const known = symbols.some((each) => each.symbol === wish.symbol);
  const ways = known && wish.symbol
    ? [{ text: `${wish.symbol}, last month`, href: `/${queryOf({ symbol: wish.symbol, interval: null, range: "1M" })}` }]
    : symbols.map((each) => ({
        text: `${each.base_asset}/${each.quote_asset}`,
        href: `/${queryOf({ symbol: each.symbol, interval: null, range: null })}`,
      }));
  return {
    title: error.status === 404 ? "There is no such chart" : "This address cannot be shown",
    text: format.sentence(error.message), links: ways,
  };
}

/**
 * The text, with its times kept from breaking at their hyphens.
 * @param {string} text
 */
function unbroken(text) {
  return text.split(/(\d{4}-\d\d-\d\d(?: \d\d:\d\d UTC)?)/).map((part, i) =>
    (i % 2 ? make("span", { class: "unbroken" }, part) : part));
}

/** @param {{stored: number, expected: number}} progress */
function bar({ stored, expected }) {
  return make("progress", {
    value: String(stored), max: String(Math.max(expected, 1)),
    "aria-label": `${format.count(stored)} of about ${format.count(expected)} candles`,
  });
}
