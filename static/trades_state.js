// How things stand, in a word and a half.

import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";

// Of a busy symbol, silence of this length is worth a word.
const SILENT_MS = 10_000;

/** @typedef {import("./stream.js").StreamState | "idle"} State idle: nothing is followed */
/**
 * @typedef {object} StateFacts
 * @property {State} state
 * @property {import("./stream.js").Detail | null} detail
 * @property {string} name "BTC/USDT"
 * @property {boolean} everStarted
 * @property {boolean} hasTrades whether the price line shows anything
 * @property {number | null} heardFor ms since the last trade came
 * @property {string[]} symbols that can be followed
 * @property {import("./format.js").Zone} zone
 */

/** @type {Record<State, string>} */
const TONES = {
  idle: "idle", connecting: "busy", live: "good", late: "warn", reconnecting: "warn",
  refused: "bad",
};
/** @type {Record<State, string>} */
const WORDS = {
  idle: "Stopped", connecting: "Connecting", live: "Live", late: "Late",
  reconnecting: "Reconnecting", refused: "Not followed",
};

/** @param {StateFacts} facts */
export function showState(facts) {
  const { state, detail, everStarted } = facts;
  const element = byId("stream-state");
  const halted = state === "live" && Boolean(detail?.noTradesSince);
  element.className = `state ${halted ? "warn" : TONES[state]}`;
  setText(element, state === "idle" && !everStarted ? "Not started" : WORDS[state]);
  setText(byId("state-note"), noteOf(facts));
  showMessage(facts);
}

/** @param {StateFacts} facts */
function noteOf({ state, detail, heardFor, zone }) {
  if (state === "late") return "the newest trades may be missing; catching up";
  if (state === "reconnecting") return awayWords(detail, zone);
  if (state !== "live") return "";
  if (detail?.noTradesSince) return `no trades since ${format.dateTime(minute(detail.noTradesSince), zone)}`;
  return heardFor !== null && heardFor > SILENT_MS ? `last trade ${format.duration(heardFor)} ago` : "";
}

/**
 * @param {import("./stream.js").Detail | null} detail
 * @param {import("./format.js").Zone} zone
 */
function awayWords(detail, zone) {
  const who = detail?.relay ? "the exchange is not reached" : "the relay is not reached";
  const since = detail?.since ? ` since ${format.clock(minute(detail.since), zone)}` : "";
  return `${who}${since}; trying again`;
}

/** What stands where the price line will be. @param {StateFacts} facts */
function showMessage({ state, detail, name, hasTrades, symbols, everStarted }) {
  const message = byId("message");
  message.hidden = hasTrades && state !== "refused";
  if (message.hidden) return;
  const texts = {
    idle: [everStarted ? "Stopped" : "Not started", `Start shows every trade of ${name} as it happens.`],
    connecting: ["Connecting", "The first trades follow in a moment."],
    live: ["Waiting for the first trade", `It is shown as soon as somebody trades ${name}.`],
    late: ["Waiting for the first trade", "The relay is catching up with the exchange."],
    reconnecting: detail?.relay
      ? ["The exchange is not reached", "The relay tries again by itself; trades follow as soon as it is there."]
      : ["The relay is not reached", "It may not be running: python stream_kline_data.py starts it. This page tries again by itself."],
    refused: ["Not followed", format.sentence(detail?.words || "the relay refused this symbol")],
  };
  const [title, text] = texts[state];
  setText(byId("message-title"), title);
  setText(byId("message-text"), text);
  byId("message-ways").replaceChildren(...(state === "refused" ? symbols.slice(0, 6).map(wayTo) : []));
}

/** @param {string} symbol */
function wayTo(symbol) {
  return make("a", { class: "button", href: `?symbol=${encodeURIComponent(symbol)}&start` }, symbol);
}

/** @param {number} time */
function minute(time) {
  return Math.floor(time / 60_000) * 60_000;
}
