// Quiet words below the live chart and at its left edge: how much there is, how fresh.

import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";

/** @typedef {import("./live_session.js").LiveSession} LiveSession */

const QUIET_MS = 300;

let loadingSince = 0;

/**
 * @param {LiveSession | null} session
 * @param {import("./live_words.js").Words | null} words null where nothing is followed
 * @param {number} now ms
 */
export function showFooter(session, words, now) {
  const parts = session ? partsOf(session, now) : [];
  const state = make("span", { class: `state ${words?.tone ?? ""}` },
    words?.word ?? (session ? "stopped" : "not started"));
  byId("status-line").replaceChildren(
    ...parts.flatMap((part) => [part, make("span", { class: "dot", "aria-hidden": "true" }, "·")]), state);
}

/**
 * @param {LiveSession} session
 * @param {number} now
 */
function partsOf({ book, newestEvent }, now) {
  const parts = [];
  if (book.first) {
    const since = format.dateTime(book.first.time, "utc");
    parts.push(make("span", {}, `${format.count(book.rows.length)} candles since ${since}`));
  }
  if (newestEvent) {
    parts.push(make("span", { title: format.dateTime(newestEvent, "utc") },
      `last event ${format.ago(newestEvent, now)}`));
  }
  return parts;
}

/**
 * More is coming, or nothing lies before.
 * @param {Pick<LiveSession, "loading" | "complete" | "book"> | null} session
 * @param {number} before how many candles lie left of what is seen
 */
export function showEdge(session, before) {
  const { loading = false, complete = false, book } = session ?? {};
  loadingSince = loading ? loadingSince || performance.now() : 0;
  let text = "";
  if (loading && book?.first) {
    if (performance.now() - loadingSince > QUIET_MS) text = "Loading earlier candles \u2026";
  } else if (complete && book?.first && before <= 1) {
    text = `The stored candles begin ${format.dateTime(book.first.time, "utc")}`;
  }
  byId("edge").hidden = !text;
  setText(byId("edge"), text);
}
