// How a live chart stands, in words. Pure functions.

import * as format from "./format.js";

const WORTH_TELLING_MS = 10_000;

/**
 * @typedef {object} Standing
 * @property {import("./stream.js").StreamState} state
 * @property {import("./stream.js").Detail} detail
 * @property {boolean} heard whether the relay has sent candles
 * @property {number} candles how many are shown
 * @property {import("./api.js").ApiError | null} trouble with what is stored
 * @property {number | null} until when the newest candle closes or closed, ms
 */
/** A word with its tone, and a sentence where one is needed. @typedef {{word: string, tone: "good" | "warn" | "bad" | "busy", text: string}} Words */

/**
 * @param {Standing} standing
 * @param {number} now ms
 * @returns {Words}
 */
export function wordsOf(standing, now) {
  const { state, detail } = standing;
  const length = now - (detail.since ?? now);
  const since = length < WORTH_TELLING_MS ? "" : ` for ${format.duration(length)}`;
  if (state === "connecting") return { word: "connecting", tone: "busy", text: "" };
  if (state === "live") return liveWords(detail.noTradesSince, now);
  if (state === "late") {
    return { word: "late", tone: "warn",
      text: `The exchange\u2019s data are late${since}; what was missed is filled by itself.` };
  }
  if (state === "refused") return refusedWords(standing);
  if (detail.relay) {
    return { word: "reconnecting", tone: "warn",
      text: `The exchange\u2019s stream is away${since}. It is tried again by itself; what is missed is filled.` };
  }
  return awayWords(standing, since);
}

/**
 * @param {number | null} quiet
 * @param {number} now
 * @returns {Words}
 */
function liveWords(quiet, now) {
  if (quiet === null) return { word: "live", tone: "good", text: "" };
  return { word: "live", tone: "good",
    text: `No trades since ${format.dateTime(quiet, "utc")}, ${format.ago(quiet, now)}.` };
}

/**
 * @param {Standing} standing
 * @returns {Words}
 */
function refusedWords({ detail, candles, until }) {
  if (!candles) return { word: "not followed", tone: "bad", text: "" };
  return { word: "history only", tone: "warn",
    text: `${format.sentence(detail.words || "the relay does not follow this chart")} Stored candles are shown${untilText(until)}.` };
}

/**
 * @param {Standing} standing
 * @param {string} since
 * @returns {Words}
 */
function awayWords({ heard, candles, until }, since) {
  if (heard) {
    return { word: "reconnecting", tone: "warn",
      text: `No live data${since}: the relay is not reached. It is tried again by itself; what is missed is filled.` };
  }
  if (!candles) return { word: "reconnecting", tone: "warn", text: "" };
  return { word: "history only", tone: "warn",
    text: `The relay is not reached${since}; stored candles are shown${untilText(until)}. It is tried again by itself.` };
}

/** @param {number | null} until */
function untilText(until) {
  return until === null ? "" : ` until ${format.dateTime(until + 1, "utc")}`;
}

/**
 * What stands where no candle can be drawn; null while some may still come.
 * @param {Standing} standing
 * @returns {{title: string, text: string} | null}
 */
export function emptyWords({ state, detail, candles, trouble }) {
  if (candles || !trouble) return null;
  const stored = format.sentence(trouble.message);
  if (state === "refused") {
    return { title: "There is no such chart", text: format.sentence(detail.words || trouble.message) };
  }
  if (state === "reconnecting" && !detail.relay) {
    return { title: "Neither the relay nor stored candles",
      text: `${stored} The relay is not reached either. Both are tried again by themselves.` };
  }
  if (state === "connecting") return null;
  return { title: "No candle yet", text: `${stored} The first one appears here by itself.` };
}
