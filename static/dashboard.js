// The dashboard: asks for the data, and hands them to the parts of the page.

import { ANYTHING, pushAddress, readAddress, replaceAddress, windowOf } from "./address.js";
import { ApiError, getJson } from "./api.js";
import { Chart } from "./chart.js";
import { ChartLooks, rememberedOptions } from "./chart_looks.js";
import { serverNow } from "./clock.js";
import { byId, remember, remembered, setText } from "./dom.js";
import { listenToKeys } from "./keyboard.js";
import { LiveTail } from "./live_tail.js";
import { MarketCaps } from "./market_caps.js";
import { followed } from "./markets.js";
import { messageOf, messageOfError, showMessage, showNotices } from "./messages.js";
import { isOtherInterval, noticesOf, statusWord, titleOfTrouble } from "./notices.js";
import { Navigator } from "./navigator.js";
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

/** What is asked for. @type {Wish} */
let wish = readAddress();
/** The wish that the chart's window was last set for. @type {Wish | null} */
let placed = null;
/** What gestures set out from, and "reset" goes back to. @type {Wish} */
let home = windowOf(wish) ? { ...ANYTHING, symbol: wish.symbol } : wish;
/** What is shown. @type {View | null} */
let view = null;
/** What is wrong with asking for the view. @type {ApiError | null} */
let trouble = null;
/** @type {import("./api.js").SeriesAnswer | null} */
let stored = null;

const panel = byId("chart-panel");
const header = new PriceHeader();
const options = rememberedOptions();
const chart = new Chart(options, { move, reset });
const looks = new ChartLooks(chart, options, { view: () => view, zone: showState });
const navigator = new Navigator(() => chart.pixels, rest);
const toolbar = new Toolbar({ interval: chooseInterval, range: chooseRange });
const list = new SeriesList((symbol, interval) => {
  navigator.choose(null);
  openSeries(symbol, interval);
});
const caps = new MarketCaps(openSymbol, options);
const tail = new LiveTail(showMoved);

/* Choosing ------------------------------------------------------------------------- */

/** @param {Partial<Wish>} next */
function choose(next) {
  wish = { ...ANYTHING, ...next };
  home = windowOf(wish) ? { ...home, symbol: wish.symbol } : wish;
  pushAddress(wish);
  askAtOnce();
}

/** @param {string} interval */
function chooseInterval(interval) {
  navigator.choose(interval);
  const window = chart.isZoomed ? chart.window : null;
  if (window) choose({ symbol: currentSymbol(), interval, ...textsOf(navigator.fitting(window, interval)) });
  else openSeries(currentSymbol(), interval);
}

/** The server picks the interval that suits a range. @param {string} range */
function chooseRange(range) {
  navigator.choose(null);
  choose({ symbol: currentSymbol(), range });
}

/** @param {string | null} symbol @param {string} interval */
function openSeries(symbol, interval) {
  choose({ symbol, interval, range: fittingRange(interval, currentRange()) });
}

/** The same stretch of another symbol. @param {string} symbol */
function openSymbol(symbol) {
  const { interval, start, end } = wish;
  choose({ symbol, interval: view?.interval ?? interval, range: start ? null : currentRange(), start, end });
}

function currentSymbol() {
  return view?.symbol ?? wish.symbol;
}

function currentRange() {
  return view?.range ?? home.range;
}

/* Moving --------------------------------------------------------------------------- */

/**
 * A gesture leads to a window. What is there of it is shown at once.
 * @param {import("./viewport.js").Window} window
 * @returns {Promise<void> | "wait" | null} the drawing; null where the shown picture will
 *   do, "wait" where nothing is there yet
 */
function move(window) {
  // Another chart is on its way: its own window will be seen.
  const moved = panel.dataset.loading ? null : navigator.move(window);
  if (!moved) return null;
  wish = placed = moved.wish;
  if (moved.answer) navigator.show(moved.answer);
  tellDetail();
  if (!moved.answer) return "wait";
  if (moved.answer.body === view) return null;
  view = moved.answer.body;
  showName(view);
  return chart.show(tail.extend(view));
}

/** The gesture is over: what is missing is asked for, and then what may come next. */
function rest() {
  replaceAddress(wish);
  looks.drawTable();
  // What is kept may have grown since: it is asked for again, and not drawn again.
  if (!navigator.awaits(wish)) askView();
}

/** Say in the document whether the picture has all the detail that suits its window. */
function tellDetail() {
  byId("stage").dataset.detail = navigator.isSharp(wish) ? "all" : "some";
}

function reset() {
  if (!chart.isZoomed) return;
  navigator.choose(null);
  wish = home;
  replaceAddress(wish);
  askAtOnce();
}

/** @param {import("./viewport.js").Window} window */
function textsOf({ start, end }) {
  return { start: String(Math.round(start)), end: String(Math.round(end)) };
}

/* Asking --------------------------------------------------------------------------- */

/** Show at once what is known of the wish, and ask for the rest. */
function askAtOnce() {
  const symbol = wish.symbol;
  const known = stored?.series.find((each) => each.symbol === symbol);
  if (known) header.announce(`${known.base_asset}/${known.quote_asset}`);
  if (wish.interval || wish.range) toolbar.press(wish.interval, wish.range);
  if (symbol && wish.interval) list.mark(`${symbol} ${wish.interval}`);
  navigator.callOff();
  panel.dataset.loading ??= "next";
  askView();
}

/** A newer question makes an older one's answer stale: that one is called off. */
async function fetchView() {
  const asked = wish;
  try {
    const answer = await navigator.ask(asked);
    if (!answer) return;
    trouble = null;
    await showAnswer(answer, asked);
  } catch (error) {
    showTrouble(error);
  }
}

async function fetchSeries() {
  try {
    stored = /** @type {import("./api.js").SeriesAnswer} */ (await getJson("/api/series"));
    list.show(stored.series);
    navigator.series = stored.series;
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
 * @param {import("./views.js").Answer} answer
 * @param {Wish} asked
 */
async function showAnswer(answer, asked) {
  const window = windowOf(asked);
  // Somebody may have moved on meanwhile, to where another answer shows more.
  const best = asked === wish ? answer : navigator.best(wish) ?? answer;
  navigator.show(best);
  if (asked === wish) {
    const { symbol, interval, range } = answer.body;
    const { start, end } = asked;
    wish = start || end ? { ...asked, symbol, interval } : { ...ANYTHING, symbol, interval, range };
    if (placed === asked) placed = wish;
    if (!window) home = wish;
    replaceAddress(wish);
  }
  await showView(best.body, window);
  tellDetail();
  if (chart.window) navigator.lookAhead(chart.window, chart.at);
}

/**
 * @param {View} answer
 * @param {import("./viewport.js").Window | null} window that was asked for
 */
async function showView(answer, window) {
  const same = view !== null && drawnFrom(answer) === drawnFrom(view);
  view = answer;
  tail.follow(view, stored !== null && stored.relay !== null);
  header.show(tail.extend(answer));
  document.querySelector("a[data-page='/live']")?.setAttribute("href", liveLink(answer));
  showName(answer);
  showState();
  const elsewhere = placed !== wish;
  placed = wish;
  if (!same || elsewhere || panel.dataset.loading) await drawView(answer, elsewhere ? window : undefined);
  delete panel.dataset.loading;
  panel.classList.remove("nothing-shown");
}

/** Say which candles are shown. @param {View} shown */
function showName(shown) {
  toolbar.show(shown);
  list.mark(`${shown.symbol} ${shown.interval}`);
  byId("surface").setAttribute("aria-label",
    `${shown.base_asset}/${shown.quote_asset} ${shown.interval} candles; arrow keys walk them`);
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

/**
 * @param {View} answer
 * @param {import("./viewport.js").Window | null} [window] what is to be seen; left out, what is seen stays
 */
async function drawView(answer, window) {
  if (answer.candles.open_time.length) await chart.show(tail.extend(answer), window);
  else chart.clear();
  looks.drawTable();
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
  if (moved !== view && moved.candles.open_time.length && !looks.isTable) chart.show(moved);
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

/* Wiring --------------------------------------------------------------------------- */

byId("zoom-in").addEventListener("click", () => chart.zoom(ZOOM_STEP));
byId("zoom-out").addEventListener("click", () => chart.zoom(1 / ZOOM_STEP));
byId("pan-left").addEventListener("click", () => chart.pan(-PAN_STEP));
byId("pan-right").addEventListener("click", () => chart.pan(PAN_STEP));
byId("reset").addEventListener("click", reset);
byId("simulated").hidden = remembered("simulated") !== "yes";

listenToKeys({
  filter: () => list.focusFilter(),
  walk: (steps) => chart.walk(steps),
  zoom: (factor) => chart.zoom(factor),
  reset,
  interval: (number) => toolbar.chooseInterval(number),
  theme: toggleTheme,
  zone: () => looks.setZone(options.zone === "utc" ? "local" : "utc"),
  escape: () => (looks.isTable ? looks.toggleTable() : chart.unmark()),
});

addEventListener("popstate", () => {
  wish = readAddress();
  navigator.choose(null);
  if (!windowOf(wish)) home = wish;
  askAtOnce();
});

startTheme();
onTheme(() => {
  chart.retheme();
  caps.redraw();
});
if (wish.symbol) header.announce(wish.symbol);
toolbar.press(wish.interval, wish.range);

const askView = poll(fetchView, VIEW_SECONDS, HIDDEN_SECONDS);
poll(fetchSeries, VIEW_SECONDS, HIDDEN_SECONDS);
poll(fetchCaps, CAPS_SECONDS, 5 * HIDDEN_SECONDS);
setInterval(showState, AGE_SECONDS * 1000);
document.documentElement.classList.add("running");
