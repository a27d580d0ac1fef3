// The coverage page: asks how complete the series are, and hands it to the parts.

import { ApiError, getJson } from "./api.js";
import { serverNow } from "./clock.js";
import { addressOf, readWish } from "./coverage_address.js";
import { Cards, keyOf } from "./coverage_cards.js";
import { Days } from "./coverage_days.js";
import { showCorrections, showRuns } from "./coverage_tables.js";
import { startTip } from "./coverage_tip.js";
import { pairOf, totalWords } from "./coverage_words.js";
import { byId, remember, remembered, setText } from "./dom.js";
import * as format from "./format.js";
import { titleOfTrouble } from "./notices.js";
import { poll } from "./poll.js";
import { startTheme, toggleTheme } from "./theme.js";
import { listenToKeys } from "./trades_keys.js";

/** @typedef {import("./coverage_words.js").SeriesCoverage} SeriesCoverage */
/**
 * @typedef {object} Journal
 * @property {string | null} origin
 * @property {import("./coverage_tables.js").PastRun[]} runs
 * @property {import("./coverage_tables.js").Correction[]} corrections
 */
/** @typedef {Journal & {series: SeriesCoverage[]}} All */
/** @typedef {Journal & SeriesCoverage} One */

const SECONDS = 10;
const HIDDEN_SECONDS = 60;

const select = /** @type {HTMLSelectElement} */ (byId("series"));
const cards = new Cards();
const days = new Days();

let wish = readWish();
/** @type {All | null} */
let all = null;
/** The chosen series by day. @type {One | null} */
let one = null;
/** @type {ApiError | null} */
let trouble = null;
let asking = new AbortController();
/** Whether the month that was asked for is still to be brought into view. */
let wanted = true;

/* Asking --------------------------------------------------------------------------- */

/** A newer question makes an older one's answer stale: that one is called off. */
async function fetchAll() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const { symbol, interval } = wish;
  try {
    all = /** @type {All} */ (await getJson("/api/coverage", signal));
    one = isOne() ? /** @type {One} */ (await getJson(oneAddress(symbol, interval), signal)) : null;
    if (signal.aborted) return;
    trouble = null;
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    trouble = error;
    if (!error.passing) one = null;
  }
  show();
}

function isOne() {
  return wish.symbol !== null || wish.interval !== null;
}

/**
 * @param {string | null} symbol
 * @param {string | null} interval
 */
function oneAddress(symbol, interval) {
  const query = new URLSearchParams({ cell: "day" });
  if (symbol) query.set("symbol", symbol);
  if (interval) query.set("interval", interval);
  return `/api/coverage?${query}`;
}

/* Choosing ------------------------------------------------------------------------- */

/**
 * @param {string} address of this page
 * @param {{step?: boolean}} [how] step: "back" undoes it
 */
function go(address, { step = true } = {}) {
  if (step) history.pushState(null, "", address);
  const before = keyOfWish();
  wish = readWish();
  if (keyOfWish() !== before) {
    one = null;
    scrollTo(0, 0);
  }
  wanted = true;
  show();
  askAtOnce();
}

function keyOfWish() {
  return isOne() ? `${wish.symbol} ${wish.interval}` : "";
}

/** Links of this page change what it shows; those that go elsewhere go there. */
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.pathname !== "/coverage" || link.hash) return;
  event.preventDefault();
  go(link.href);
});
select.addEventListener("change", () => {
  const [symbol, interval] = select.value.split(" ");
  go(addressOf({ symbol, interval }));
});
addEventListener("popstate", () => go(location.href, { step: false }));

/* Showing -------------------------------------------------------------------------- */

function show() {
  showTrouble();
  if (!all) return;
  const now = serverNow();
  // Where there is no such series, the others are shown below the word for it.
  const chosen = trouble && !trouble.passing ? "" : keyOfWish();
  const listed = all.series.filter((each) => !chosen || keyOf(each) === chosen);
  showSimulated(all.origin === "simulated");
  showChoice(all.series, chosen);
  setText(byId("totals"), totalWords(all.series));
  cards.show(listed, now);
  document.body.classList.toggle("one", chosen !== "");
  const subject = listed.length === 1 && chosen ? `${pairOf(listed[0])} ${listed[0].interval}` : "";
  document.title = `${subject ? `${subject} coverage` : "Coverage"} \u00b7 klineboard`;
  if (one && keyOf(one) === chosen) showDays(one);
  else if (subject && !trouble) days.wait(subject);
  else days.hide();
  const journal = chosen ? one : all;
  if (!journal) return;
  showRuns(journal.runs, subject);
  showCorrections(journal.corrections, subject);
}

/** @param {boolean} simulated */
function showSimulated(simulated) {
  byId("simulated").hidden = !simulated;
  remember("simulated", simulated ? "yes" : "no");
}

/**
 * @param {SeriesCoverage[]} series
 * @param {string} chosen
 */
function showChoice(series, chosen) {
  const keys = series.map(keyOf);
  const known = [...select.options].slice(1).map(({ value }) => value);
  if (keys.join() !== known.join()) {
    select.replaceChildren(new Option("All", ""), ...series.map((each) =>
      new Option(`${pairOf(each)} ${each.interval}`, keyOf(each))));
  }
  select.value = keys.includes(chosen) ? chosen : "";
}

function showTrouble() {
  const box = byId("trouble");
  box.hidden = trouble === null;
  if (!trouble) return;
  if (trouble.passing) {
    const kept = all ? " What was read before is shown." : "";
    box.replaceChildren(`${titleOfTrouble(trouble)}.${kept} It is tried again every few seconds.`);
    if (!all) setText(byId("totals"), "Nothing could be read yet.");
  } else {
    box.replaceChildren(`${format.sentence(trouble.message)} `, "All series are shown instead.");
  }
}

/** With the month that was asked for in view. @param {One} series */
function showDays(series) {
  days.show(series, wish);
  if (wanted && wish.at) document.querySelector(".sheet.marked")?.scrollIntoView({ block: "nearest" });
  wanted = false;
}

/* Wiring --------------------------------------------------------------------------- */

listenToKeys({
  "/": () => select.focus(),
  t: toggleTheme,
  Escape: () => {
    if (isOne()) go("/coverage");
  },
});
byId("simulated").hidden = remembered("simulated") !== "yes";
startTheme();
startTip();
const askAtOnce = poll(fetchAll, SECONDS, HIDDEN_SECONDS);
document.documentElement.classList.add("running");
