// The dashboard: asks for the data, and hands them to the parts of the page.

import { pushAddress, queryOf, readAddress, replaceAddress } from "./address.js";
import { ApiError, getJson } from "./api.js";
import { showCandleTable } from "./candle_table.js";
import { Chart } from "./chart.js";
import { serverNow } from "./clock.js";
import { byId, remember, remembered, setText } from "./dom.js";
import * as format from "./format.js";
import { listenToKeys } from "./keyboard.js";
import { LiveTail } from "./live_tail.js";
import { MarketCaps } from "./market_caps.js";
import { followed } from "./markets.js";
import { messageOf, messageOfError, showMessage, showNotices } from "./messages.js";
import { isOtherInterval, noticesOf, statusWord, titleOfTrouble } from "./notices.js";
import { poll } from "./poll.js";
import { PriceHeader } from "./price_header.js";
import { SeriesList } from "./series_list.js";
import { showStatus } from "./status.js";
import { onTheme, startTheme, toggleTheme } from "./theme.js";
import { Toolbar, fittingRange } from "./toolbar.js";

/** @typedef {import("./address.js").Wish} Wish */
/** @typedef {import("./api.js").View} View */

const VIEW_SECONDS = 5;
const CAPS_SECONDS = 60;
const HIDDEN_SECONDS = 60;
const AGE_SECONDS = 10;
const PAN_STEP = 0.25;
const ZOOM_STEP = 0.7;

/** How the visitor looks at everything. @type {{zone: import("./format.js").Zone, hollow: boolean}} */
const options = {
  zone: remembered("zone") === "local" ? "local" : "utc",
  hollow: remembered("hollow") === "yes",
};

/** What is asked for. @type {Wish} */
let wish = readAddress();
/** What is shown. @type {View | null} */
let view = null;
/** What is wrong with asking for the view. @type {ApiError | null} */
let trouble = null;
/** @type {import("./api.js").SeriesAnswer | null} */
let stored = null;
let asking = new AbortController();
let tableShown = false;

const panel = byId("chart-panel");
const header = new PriceHeader();
const chart = new Chart(options);
const toolbar = new Toolbar({ interval: chooseInterval, range: chooseRange });
const list = new SeriesList(openSeries);
const caps = new MarketCaps(openSymbol, options);
const tail = new LiveTail(showMoved);

/* Choosing ------------------------------------------------------------------------- */

/** @param {Wish} next */
function choose(next) {
  wish = next;
  pushAddress(next);
  askAtOnce();
}

/** @param {string} interval */
function chooseInterval(interval) {
  const range = fittingRange(interval, view?.range ?? wish.range);
  choose({ symbol: currentSymbol(), interval, range });
}

/** The server picks the interval that suits a range. @param {string} range */
function chooseRange(range) {
  choose({ symbol: currentSymbol(), interval: null, range });
}

/** @param {string} symbol @param {string} interval */
function openSeries(symbol, interval) {
  choose({ symbol, interval, range: fittingRange(interval, view?.range ?? wish.range) });
}

/** @param {string} symbol */
function openSymbol(symbol) {
  choose({ symbol, interval: view?.interval ?? wish.interval, range: view?.range ?? wish.range });
}

function currentSymbol() {
  return view?.symbol ?? wish.symbol;
}

/* Asking --------------------------------------------------------------------------- */

/** Show at once what is known of the wish, and ask for the rest. */
function askAtOnce() {
  const symbol = wish.symbol;
  const known = stored?.series.find((each) => each.symbol === symbol);
  if (known) header.announce(`${known.base_asset}/${known.quote_asset}`);
  if (wish.interval || wish.range) toolbar.press(wish.interval, wish.range);
  if (symbol && wish.interval) list.mark(`${symbol} ${wish.interval}`);
  panel.dataset.loading ??= "next";
  askView();
}

/** A newer question makes an older one's answer stale: that one is called off. */
async function fetchView() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const asked = wish;
  try {
    const answer = await getJson(`/api/view${queryOf(asked)}`, signal);
    if (signal.aborted) return;
    trouble = null;
    await showView(/** @type {View} */ (answer), asked);
  } catch (error) {
    if (signal.aborted) return;
    showTrouble(error);
  }
}

async function fetchSeries() {
  try {
    stored = /** @type {import("./api.js").SeriesAnswer} */ (await getJson("/api/series"));
    list.show(stored.series);
    // Without a relay the page asks every few seconds, and tries no socket in vain.
    tail.follow(view, stored.relay !== null);
    const simulated = stored.origin === "simulated";
    byId("simulated").hidden = !simulated;
    remember("simulated", simulated ? "yes" : "no");
    showState();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // The view's question tells it.
  }
}

async function fetchCaps() {
  try {
    caps.show(await getJson("/api/market-caps"));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    caps.showFailure(`${titleOfTrouble(error)}.`);
  }
}

/* Showing -------------------------------------------------------------------------- */

/**
 * @param {View} answer
 * @param {Wish} asked
 */
async function showView(answer, asked) {
  const same = view !== null && drawnFrom(answer) === drawnFrom(view);
  view = answer;
  if (asked === wish) {
    replaceAddress({ symbol: answer.symbol, interval: answer.interval, range: answer.range });
  }
  tail.follow(view, stored !== null && stored.relay !== null);
  header.show(tail.extend(answer));
  document.querySelector("a[data-page='/live']")?.setAttribute("href", liveLink(answer));
  toolbar.show(answer);
  list.mark(`${answer.symbol} ${answer.interval}`);
  showState();
  if (!same || panel.dataset.loading) await drawView(answer);
  delete panel.dataset.loading;
  panel.classList.remove("nothing-shown");
}

/** The same chart, live, where the relay follows it. @param {View} view */
function liveLink({ symbol, interval, source_interval: source }) {
  const names = followed[symbol] ?? [];
  const found = [interval, source].find((name) => names.includes(name));
  return found ? `/live?${new URLSearchParams({ symbol, interval: found })}` : "/live";
}

/**
 * All that the picture depends on: an answer that only tells a new age is not drawn again.
 * @param {View} answer
 */
function drawnFrom({ symbol, interval, range, source_interval: source, coverage, gaps, last, view: span }) {
  return JSON.stringify([symbol, interval, range, source, coverage.version, gaps, last, span]);
}

/** @param {View} answer */
async function drawView(answer) {
  byId("surface").setAttribute("aria-label",
    `${answer.base_asset}/${answer.quote_asset} ${answer.interval} candles; arrow keys walk them`);
  if (answer.candles.open_time.length) await chart.show(tail.extend(answer));
  else chart.clear();
  drawTable();
}

/** The relay moved the price, and the last candle with it. */
function showMoved() {
  const words = view && tail.words;
  byId("live-state").hidden = !words;
  if (words) {
    byId("live-state").className = `quote-state state ${words.tone}`;
    byId("live-state").title = words.text;
    setText(byId("live-state"), words.word);
  }
  // Another chart is on its way: its own answer draws it.
  if (!view || panel.dataset.loading) return;
  const moved = tail.extend(view);
  header.show(moved);
  list.movePrice(moved.symbol, moved.last?.price ?? null);
  if (moved !== view && moved.candles.open_time.length && !tableShown) chart.show(moved);
}

/** The table shows the candles that the chart shows: those in the zoom, if there is one. */
function drawTable() {
  if (tableShown && view) showCandleTable(view, chart.isZoomed ? chart.window : null, options.zone);
}

/** Notices, message, footer and ages, from all that is known. */
function showState() {
  caps.showAge();
  const candles = view?.candles.open_time.length ?? 0;
  showNotices(noticesOf({ view, trouble, stored }, serverNow(), options.zone));
  if (view && !(trouble && !trouble.passing)) {
    showMessage(candles ? null : messageOf(view));
    showStatus(view, options.zone, trouble ? statusWord(trouble) : null);
    setText(byId("status-note"), isOtherInterval(view) ? "" : view.note ?? "");
  } else if (trouble) {
    setText(byId("status-note"), "");
    showMessage(messageOfError(trouble, stored?.series ?? [], wish));
    setText(byId("status-line"), statusWord(trouble));
  }
}

/** @param {unknown} error */
function showTrouble(error) {
  if (!(error instanceof ApiError)) {
    trouble = new ApiError(500, "page", error instanceof Error ? error.message : String(error));
  } else {
    trouble = error;
  }
  if (!trouble.passing) {
    view = null;
    tail.follow(null, false);
    showMoved();
    chart.clear();
    header.showUnknown(wish.symbol ?? "klineboard");
    list.mark("");
    toolbar.press(null, null);
  }
  delete panel.dataset.loading;
  panel.classList.toggle("nothing-shown", view === null);
  showState();
  if (!(error instanceof ApiError)) throw error;
}

/* Options -------------------------------------------------------------------------- */

/** @param {import("./format.js").Zone} zone */
function setZone(zone) {
  options.zone = zone;
  remember("zone", zone);
  showZone();
  showState();
  chart.redraw();
  drawTable();
}

function showZone() {
  byId("zone-utc").setAttribute("aria-pressed", String(options.zone === "utc"));
  byId("zone-local").setAttribute("aria-pressed", String(options.zone === "local"));
}

function toggleHollow() {
  options.hollow = !options.hollow;
  remember("hollow", options.hollow ? "yes" : "no");
  byId("hollow").setAttribute("aria-pressed", String(options.hollow));
  chart.redraw();
}

function toggleTable() {
  tableShown = !tableShown;
  byId("table-button").setAttribute("aria-pressed", String(tableShown));
  byId("candle-table").hidden = !tableShown;
  byId("stage").classList.toggle("away", tableShown);
  drawTable();
  if (tableShown) byId("candle-table").focus();
  else chart.redraw();
}

async function savePicture() {
  if (!view) return;
  const link = document.createElement("a");
  link.href = await chart.picture();
  const last = view.candles.open_time.at(-1) ?? serverNow();
  link.download = `${view.symbol}_${view.interval}_${format.day(last, "utc")}.png`;
  link.click();
}

/* Wiring --------------------------------------------------------------------------- */

byId("zone-utc").addEventListener("click", () => setZone("utc"));
byId("zone-local").addEventListener("click", () => setZone("local"));
byId("hollow").addEventListener("click", toggleHollow);
byId("hollow").setAttribute("aria-pressed", String(options.hollow));
byId("table-button").addEventListener("click", toggleTable);
byId("png").addEventListener("click", savePicture);
byId("zoom-in").addEventListener("click", () => chart.zoom(ZOOM_STEP));
byId("zoom-out").addEventListener("click", () => chart.zoom(1 / ZOOM_STEP));
byId("pan-left").addEventListener("click", () => chart.pan(-PAN_STEP));
byId("pan-right").addEventListener("click", () => chart.pan(PAN_STEP));
byId("reset").addEventListener("click", () => chart.reset());
byId("simulated").hidden = remembered("simulated") !== "yes";

listenToKeys({
  filter: () => list.focusFilter(),
  walk: (steps) => chart.walk(steps),
  zoom: (factor) => chart.zoom(factor),
  reset: () => chart.reset(),
  interval: (number) => toolbar.chooseInterval(number),
  theme: toggleTheme,
  zone: () => setZone(options.zone === "utc" ? "local" : "utc"),
  escape: () => (tableShown ? toggleTable() : chart.unmark()),
});

addEventListener("popstate", () => {
  wish = readAddress();
  askAtOnce();
});

startTheme();
onTheme(() => {
  chart.retheme();
  caps.redraw();
});
showZone();
if (wish.symbol) header.announce(wish.symbol);
toolbar.press(wish.interval, wish.range);

const askView = poll(fetchView, VIEW_SECONDS, HIDDEN_SECONDS);
poll(fetchSeries, VIEW_SECONDS, HIDDEN_SECONDS);
poll(fetchCaps, CAPS_SECONDS, 5 * HIDDEN_SECONDS);
setInterval(showState, AGE_SECONDS * 1000);
document.documentElement.classList.add("running");
