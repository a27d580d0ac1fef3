// What runs did and which candles they replaced, newest first.

import { chartAddress } from "./coverage_address.js";
import { keyOf } from "./coverage_cards.js";
import { columnName, resultWords } from "./coverage_words.js";
import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";

/**
 * @typedef {object} PastRun
 * @property {string} symbol
 * @property {string} interval
 * @property {number} started_at
 * @property {number} finished_at
 * @property {string} status
 * @property {number} rows_stored
 * @property {number} rows_corrected
 * @property {number} requests
 * @property {string | null} error
 */
/**
 * Columns of a candle by name; decimals as text with their digits.
 * @typedef {Record<string, string | number>} Fields
 */
/**
 * @typedef {object} Correction
 * @property {string} symbol
 * @property {string} interval
 * @property {number} corrected_at
 * @property {number} open_time
 * @property {string[]} columns that differ
 * @property {Fields} stored
 * @property {Fields} replacement
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** How many candles the chart shows before and behind a corrected one. */
const AROUND = 50;

/** What each table shows. @type {Map<string, string>} */
const said = new Map();

/**
 * @param {PastRun[]} runs
 * @param {string} of whose: "BTC/USDT 1h", or "" for all series
 */
export function showRuns(runs, of) {
  show("runs", runs, of, runRows, of
    ? `The collector has not run for ${of} yet.`
    : "The collector has not run yet. Each of its runs is listed here, one line a series.");
}

/**
 * @param {Correction[]} corrections
 * @param {string} of whose: "BTC/USDT 1h", or "" for all series
 */
export function showCorrections(corrections, of) {
  show("corrections", corrections, of, correctionRows,
    `No stored candle${of ? ` of ${of}` : ""} was ever replaced. Where the exchange later says ` +
    "something else, the whole row is replaced, and both are listed here.");
}

/**
 * @template Entry
 * @param {"runs" | "corrections"} id
 * @param {Entry[]} entries
 * @param {string} of
 * @param {(entry: Entry) => HTMLElement[]} rows
 * @param {string} nothing
 */
function show(id, entries, of, rows, nothing) {
  const now = JSON.stringify([entries, of]);
  if (said.get(id) === now) return;
  said.set(id, now);
  const table = byId(id);
  table.hidden = entries.length === 0;
  table.classList.toggle("of-one", of !== "");
  table.querySelector("tbody")?.replaceChildren(...entries.flatMap(rows));
  byId(`${id}-nothing`).hidden = entries.length > 0;
  setText(byId(`${id}-nothing`), nothing);
  setText(byId(`${id}-count`), entries.length ? `the newest ${entries.length}${of && ` of ${of}`}` : of);
}

/** @param {PastRun} run */
function runRows(run) {
  const [word, tone] = resultWords(run.status);
  const row = make("tr", {},
    time(run.started_at, run), name(run),
    make("td", { class: "result" }, make("span", { class: `state ${tone}` }, word)),
    number(run.rows_stored), number(run.rows_corrected), number(run.requests, "extra"),
    make("td", { class: "number extra" }, took(run.finished_at - run.started_at)));
  return run.error ? [row, make("tr", { class: "why" }, make("td", { colspan: "7" }, run.error))] : [row];
}

/** @param {Correction} correction */
function correctionRows(correction) {
  const { open_time: opened, columns, stored, replacement } = correction;
  // Beside an outage a candle may close before it opens.
  const length = Math.max(Number(replacement.close_time) + 1 - opened, 0) || HOUR;
  const span = { start: opened - AROUND * length, end: opened + AROUND * length };
  const link = make("a", { href: chartAddress(correction, span) },
    format.plainDateTime(opened, "utc"));
  const changes = columns.map((column) => make("div", { class: "change" },
    make("span", { class: "column" }, columnName(column)),
    make("span", {},
      make("del", {}, shown(column, stored[column])), " \u2192 ",
      make("ins", {}, shown(column, replacement[column])))));
  return [make("tr", {}, time(correction.corrected_at, correction), name(correction),
    make("td", {}, link), make("td", {}, ...changes))];
}

/**
 * @param {string} column
 * @param {string | number | undefined} value
 */
function shown(column, value) {
  if (value === undefined) return "\u2013";
  return column === "close_time" ? format.plainDateTime(Number(value), "utc") : String(value);
}

/**
 * With the series on a second line, for phones have no room for its column.
 * @param {number} moment
 * @param {{symbol: string, interval: string}} of
 */
function time(moment, of) {
  const whole = Math.floor(moment / SECOND) * SECOND;
  return make("td", { class: "time" },
    format.plainDateTime(whole, "utc"), make("span", { class: "of-series" }, keyOf(of)));
}

/** @param {{symbol: string, interval: string}} of */
function name(of) {
  return make("td", { class: "of-series" }, keyOf(of));
}

/**
 * @param {number} value
 * @param {string} [also]
 */
function number(value, also = "") {
  return make("td", { class: `number ${also} ${value ? "" : "zero"}`.trim() }, format.count(value));
}

/** @param {number} length ms */
function took(length) {
  return length < MINUTE ? `${(Math.max(0, length) / SECOND).toFixed(1)} s` : format.duration(length);
}
