// The lines over the chart: which there are, and their words. Pure functions.

import * as format from "./format.js";

/**
 * A line over the chart.
 * @typedef {{tone: "plain" | "warn" | "bad" | "busy", text: string, progress?: {stored: number, expected: number} | null}} Notice
 */
/**
 * All that is known.
 * @typedef {object} Known
 * @property {import("./api.js").View | null} view
 * @property {import("./api.js").ApiError | null} trouble with asking for the view
 * @property {import("./api.js").SeriesAnswer | null} stored
 */

/**
 * @param {Known} known
 * @param {number} now
 * @param {import("./format.js").Zone} zone
 * @returns {Notice[]}
 */
export function noticesOf({ view, trouble, stored }, now, zone) {
  if (view && trouble) return [{ tone: "bad", text: troubleText(view, trouble, zone) }];
  const away = stored && exchangeNotice(stored, now, zone);
  const own = view?.candles.open_time.length ? viewNotices(view) : [];
  if (!away) return own;
  // That the exchange is away is why the chart is late; the word for it is said once.
  return [away, ...own.filter(() => view?.state !== "late")];
}

/** Whether the server picked another interval than was asked for. @param {import("./api.js").View} view */
export function isOtherInterval(view) {
  return view.requested_interval !== null && view.requested_interval !== view.interval;
}

/** @param {import("./api.js").View} view @returns {Notice[]} */
function viewNotices(view) {
  const text = view.state_text ?? "";
  if (view.state === "collecting") return [{ tone: "busy", text, progress: view.progress }];
  /** @type {Notice[]} */
  const notices = [];
  if (view.state !== "ok" && text) notices.push({ tone: "warn", text });
  if (view.note && isOtherInterval(view)) notices.push({ tone: "plain", text: view.note });
  return notices;
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./api.js").ApiError} error
 * @param {import("./format.js").Zone} zone
 */
function troubleText(view, error, zone) {
  const last = view.coverage.last_close_time;
  const until = last === null ? "" : `; showing what was read, until ${format.dateTime(last + 1, zone)}`;
  return `${titleOfTrouble(error)}${until}. It is tried again every few seconds.`;
}

/** @param {import("./api.js").ApiError} error */
export function statusWord(error) {
  if (!error.passing) return "not shown";
  return error.code === "database_unavailable" ? "database away" : "server away";
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
function exchangeNotice({ exchange, origin, series }, now, zone) {
  const { failed_at: failed, reached_at: reached } = exchange;
  if (failed === null || (reached !== null && reached >= failed)) return null;
  const name = nameOfExchange(origin);
  const since = reached === null ? `${name} not reached yet` : `${name} not reached for ${format.duration(now - reached)}`;
  const newest = Math.max(...series.map((each) => each.last_close_time ?? -Infinity));
  const shown = Number.isFinite(newest)
    ? `showing what is stored until ${until(newest + 1, now, zone)}` : "nothing is stored yet";
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
