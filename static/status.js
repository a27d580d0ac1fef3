// The footer: how much of the chart is stored, how fresh it is, whether all is well.

import { serverNow } from "./clock.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";

/** Words for the states of a chart. @type {Record<string, [string, string]>} */
const WORDS = {
  ok: ["ok", "good"],
  late: ["late", "warn"],
  collecting: ["collecting", "busy"],
  empty: ["nothing stored yet", "warn"],
  range_empty: ["ok", "good"],
  not_trading: ["not trading", "warn"],
};

/**
 * @param {import("./api.js").View} view
 * @param {import("./format.js").Zone} zone
 * @param {string | null} trouble a word that outweighs the view's own state
 */
export function showStatus(view, zone, trouble) {
  const now = serverNow();
  const [word, tone] = trouble ? [trouble, "bad"] : (WORDS[view.state] ?? [view.state, "warn"]);
  const parts = [...coverageParts(view, zone), ...ageParts(view, zone, now)];
  byId("status-line").replaceChildren(
    ...parts.flatMap((part) => [part, make("span", { class: "dot", "aria-hidden": "true" }, "·")]),
    make("span", { class: `state ${tone}`, title: runText(view, zone, now) }, word));
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./format.js").Zone} zone
 */
function coverageParts({ coverage, source_interval: source }, zone) {
  const { first_open_time: first, stored, expected, missing, never_existed: never } = coverage;
  if (first === null) return [make("span", {}, "nothing stored yet")];
  const parts = [make("span", { title: `${source} candles, the first of ${format.dateTime(first, zone)}` },
    `stored ${format.count(stored)} of ${format.count(expected)} candles since ${format.day(first, zone)}`)];
  if (never) parts.push(make("span", { title: "outages, during which it made no candles" },
    `the exchange never had ${format.count(never)}`));
  if (missing) parts.push(make("span", { class: "warn" }, `${format.count(missing)} still to be fetched`));
  return parts;
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./format.js").Zone} zone
 * @param {number} now
 */
function ageParts({ coverage: { last_close_time: last } }, zone, now) {
  if (last === null) return [];
  return [make("span", { title: format.dateTime(last + 1, zone) }, `newest closed ${format.ago(last, now)}`)];
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./format.js").Zone} zone
 * @param {number} now
 */
function runText({ last_run: run, state_text: text }, zone, now) {
  if (!run) return text ?? "not collected yet";
  const when = `last collected ${format.dateTime(run.finished_at, zone)}, ${format.ago(run.finished_at, now)}`;
  return [text, run.error ? `${when}: ${run.error}` : when].filter(Boolean).join(" ");
}
