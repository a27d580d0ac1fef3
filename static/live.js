// The live page: what was chosen is fetched, followed and shown.

import { serverNow } from "./clock.js";
import { byId, setText } from "./dom.js";
import * as format from "./format.js";
import { listenToKeys } from "./keyboard.js";
import { clearLegend, fieldsOf, showFields, speakLegend } from "./legend.js";
import { liveAddress, readLiveAddress } from "./live_address.js";
import { LiveChart } from "./live_chart.js";
import { LiveControls } from "./live_controls.js";
import { showEdge, showFooter } from "./live_footer.js";
import { LiveHeader } from "./live_header.js";
import { LiveScales } from "./live_scales.js";
import { LiveSession } from "./live_session.js";
import { LiveTable, textsOf } from "./live_table.js";
import { emptyWords, wordsOf } from "./live_words.js";
import { Markets } from "./markets.js";
import { showMessage, showNotices } from "./messages.js";
import { startTheme, toggleTheme } from "./theme.js";

/** @typedef {import("./live_address.js").Choice} Choice */

const STATE_MS = 1000;
/** Older candles are fetched before the oldest one is seen. */
const AHEAD = 60;

const panel = byId("chart-panel");
const stage = byId("stage");
const newest = byId("newest");

/** @type {LiveSession | null} */
let session = null;
/** @type {LiveScales | null} */
let scales = null;
let running = false;
/** What has to be drawn at the next frame. @type {import("./candle_book.js").Change} */
let pending = "nothing";
let frame = 0;
/** The open time under the cross-hair. @type {number | null} */
let marked = null;
let seen = { before: 0, after: 0 };
/** Whether somebody moved the chart: before that, no more is fetched than was asked for. */
let touched = false;

const address = readLiveAddress();
let { complaints } = address;
const header = new LiveHeader();
const chart = new LiveChart({ point, move });
const markets = new Markets(refresh);
const controls = new LiveControls(markets, address.choice, { start, stop });
const table = new LiveTable(() => {
  const { symbol, interval } = controls.choice;
  return { rows: chart.visible, market: market(symbol), interval: scales?.interval ?? interval };
});

/* Starting and stopping --------------------------------------------------------------- */

/** @param {Choice} choice */
function start(choice) {
  const url = liveAddress(choice);
  if (url !== `${location.pathname}${location.search}`) history.pushState(null, "", url);
  complaints = [];
  run(choice);
}

/** @param {Choice} choice */
function run(choice) {
  const before = session?.choice;
  if (running && before && onlyPriceDiffers(before, choice)) return watch(choice);
  leave();
  pending = "nothing";
  marked = null;
  touched = false;
  chart.clear();
  clearLegend();
  session = new LiveSession(choice, () => markets.isStored(choice.symbol, choice.interval), {
    candles: draw, state: showState,
  });
  scales = new LiveScales(session, chart, () => markets.extents(choice.symbol), redraw);
  setRunning(true);
  panel.dataset.loading = "first";
  announce(choice);
  header.clear();
  describe();
  session.start();
}

/** The same candles, another of their prices. @param {Choice} choice */
function watch(choice) {
  if (!session) return;
  session.choice = choice;
  announce(choice);
  header.clear();
  draw(session.book.rows.length ? "newest" : "nothing");
}

/** Follow nothing any more. */
function leave() {
  session?.stop();
  scales?.stop();
}

/** What is shown stays; nothing more comes. */
function stop() {
  session?.stop();
  setRunning(false);
  showState();
}

/** @param {boolean} on */
function setRunning(on) {
  running = on;
  controls.setRunning(on);
}

/** @param {Choice} choice */
function announce(choice) {
  const name = markets.name(choice.symbol);
  header.announce(name, choice);
  chart.prepare(choice.price, digitsOf(choice.symbol));
  stage.setAttribute("aria-label", `${name} ${choice.interval} candles, live; arrow keys walk them`);
  const charts = document.querySelector("a[data-page='/']");
  charts?.setAttribute("href", `/?${new URLSearchParams({ symbol: choice.symbol, interval: choice.interval })}`);
}

/** @param {Choice} before @param {Choice} after */
function onlyPriceDiffers(before, after) {
  return liveAddress({ ...before, price: after.price }) === liveAddress(after);
}

/** @param {LiveSession} shown with a book that is not empty */
function showPrice(shown) {
  const { book, choice, newestEvent } = shown;
  header.show(book, choice.price, digitsOf(choice.symbol), newestEvent ?? serverNow());
}

/** The exchange's digits; where they are not known, as many as the prices show. @param {string} symbol */
function digitsOf(symbol) {
  const { exact, price_digits: digits } = markets.describe(symbol);
  if (exact || !session) return digits;
  const newestRows = session.book.rows.slice(-50);
  return Math.max(digits, ...newestRows.map(({ close }) => format.decimal(close).split(".")[1]?.length ?? 0));
}

/* Drawing ------------------------------------------------------------------------------ */

/** At most once a frame, and not while nobody can see it. @param {import("./candle_book.js").Change} change */
function draw(change) {
  if (change === "nothing") return;
  if (pending !== "all") pending = change;
  if (!frame) frame = requestAnimationFrame(drawNow);
}

function drawNow() {
  frame = 0;
  if (!session || pending === "nothing") return;
  const { rows } = session.book;
  const change = pending;
  pending = "nothing";
  if (!rows.length) return;
  if (panel.dataset.loading) announce(session.choice);
  delete panel.dataset.loading;
  const seenChange = scales?.heard(change) ?? change;
  if (seenChange === "newest") chart.update(scales?.rows ?? rows);
  else if (seenChange === "all") redraw(null);
  showPrice(session);
  drawLegend();
  showState();
  describe();
}

/** Draw all candles. @param {import("./viewport.js").Window | null} window to be seen; null: what is seen stays */
function redraw(window) {
  if (!scales?.rows.length) return;
  const { rows, interval, gaps } = scales;
  chart.show(rows, { interval, gaps, window });
  showScale();
  drawLegend();
  describe();
}

/** Say which candles are shown where they are not the streamed ones. */
function showScale() {
  const coarse = scales && !scales.isStreamed && session;
  byId("scale").hidden = !coarse;
  if (coarse) setText(byId("scale"), `${scales?.interval} candles, moved by ${session?.choice.interval}`);
}

/** @param {number | null} time */
function point(time) {
  marked = time;
  drawLegend();
}

function drawLegend() {
  const book = session?.book;
  if (!session || !book?.last) return;
  const shown = scales?.rows ?? book.rows;
  const candle = marked === null ? shown.at(-1) : shown.findLast((row) => row.time === marked);
  if (candle) return showFields(fieldsOf(textsOf(candle), market(session.choice.symbol), "utc"));
  const hole = marked === null ? null : (scales?.book ?? book).holeAt(marked);
  if (!hole) return;
  const { candles, start: from, end } = hole;
  const count = `${format.count(candles)} ${candles === 1 ? "candle is" : "candles are"} missing here`;
  showFields([[{ label: "", text: count, tone: "warn" }],
    [{ label: "", text: `${format.span(from, end, "utc")}: an outage of the exchange, or not collected` }]]);
}

/** @param {string} symbol */
function market(symbol) {
  return { ...markets.describe(symbol), price_digits: digitsOf(symbol) };
}

/** @param {{before: number, after: number}} view */
function move(view) {
  seen = view;
  newest.hidden = view.after < 2 && (scales?.isNewest ?? true);
  fetchEarlier();
  if (touched) scales?.moved();
  showBeginning();
}

function fetchEarlier() {
  if (running && touched && scales?.isStreamed && seen.before < AHEAD) session?.earlier();
}

/** What lies left of the chart: more, or nothing. */
function showBeginning() {
  showEdge(scales?.isStreamed === false ? scales : session, seen.before);
  chart.setBeginning(scales?.complete ?? false);
}

/** The newest candles, as they are streamed. */
function toNewest() {
  scales?.home();
  chart.newest();
}

/* Words -------------------------------------------------------------------------------- */

function refresh() {
  controls.show();
  if (session) announce(session.choice);
  showState();
}

function showState() {
  if (!session) return showWaiting();
  const { book, stream, heard, trouble } = session;
  const standing = {
    ...stream, heard, trouble, candles: book.rows.length, until: book.lastClosed?.closeTime ?? null,
  };
  const now = serverNow();
  const words = wordsOf(standing, now);
  header.showState(running ? words : null);
  const notices = complaints.map((text) => /** @type {import("./notices.js").Notice} */ ({ tone: "plain", text }));
  if (running && words.text && book.rows.length) {
    notices.push({ tone: words.tone === "good" ? "plain" : "warn", text: words.text });
  }
  if (running && trouble?.passing && book.rows.length) {
    notices.push({ tone: "bad", text: `${format.sentence(trouble.message)} Older candles are not shown; it is tried again by itself.` });
  }
  showNotices(notices);
  const empty = emptyWords(standing);
  showMessage(empty && { ...empty, links: waysOut() });
  if (empty) showNothing(stream.state === "refused");
  showFooter(session, running ? words : null, now);
  showBeginning();
  // No frame is drawn for a tab in the background; its title moves all the same.
  if (document.hidden && book.last) showPrice(session);
  if (!session.loading) fetchEarlier();
  stage.dataset.state = running ? words.word : "stopped";
}

/** @param {boolean} forGood nothing will come of it */
function showNothing(forGood) {
  delete panel.dataset.loading;
  header.showNothing();
  if (!forGood || !running) return;
  session?.stop();
  setRunning(false);
}

function showWaiting() {
  header.showNothing();
  header.showState(null);
  delete panel.dataset.loading;
  const { symbol, interval } = controls.choice;
  showMessage({
    title: "Choose what to follow", text: "Candles of the past come first, then every change as it happens.",
    links: [{ text: `Start ${markets.name(symbol)} ${interval}`, href: liveAddress(controls.choice) }],
  });
  showNotices(complaints.map((text) => ({ tone: "plain", text })));
  showFooter(null, null, serverNow());
}

/** Charts that can be followed instead. */
function waysOut() {
  const { candles, price } = controls.choice;
  return markets.symbols.slice(0, 6).map((symbol) => ({
    text: markets.name(symbol),
    href: liveAddress({ symbol, interval: markets.intervals(symbol)[0], candles, price }),
  }));
}

/** Say in the document what the picture shows. */
function describe() {
  const book = session?.book;
  const [first, last] = [book?.first, book?.last];
  stage.dataset.candles = String(book?.rows.length ?? 0);
  stage.dataset.interval = scales?.interval ?? "";
  stage.dataset.shown = String(scales?.rows.length ?? 0);
  stage.dataset.from = first ? new Date(first.time).toISOString() : "";
  stage.dataset.newest = last ? new Date(last.time).toISOString() : "";
  stage.dataset.close = last ? format.decimal(last.close) : "";
  stage.dataset.event = String(session?.newestEvent ?? "");
}

/* Wiring --------------------------------------------------------------------------------- */

newest.addEventListener("click", toNewest);
stage.addEventListener("blur", () => speakLegend(false));
for (const event of ["pointerdown", "wheel", "keydown"]) {
  panel.addEventListener(event, () => { touched = true; }, { capture: true, passive: true });
}

stage.addEventListener("pointerdown", () => scales?.hold(true), { capture: true });
for (const event of ["pointerup", "pointercancel"]) {
  addEventListener(event, () => scales?.hold(false), { capture: true });
}

listenToKeys({
  filter: () => controls.focus(),
  walk: (steps) => {
    touched = true;
    speakLegend(true);
    chart.walk(steps);
  },
  zoom: (factor) => {
    touched = true;
    chart.zoom(factor);
  },
  reset: toNewest,
  interval: (number) => controls.chooseInterval(number),
  theme: toggleTheme,
  escape: () => (table.shown ? table.toggle() : chart.unmark()),
});

addEventListener("popstate", () => {
  const { choice, complaints: found } = readLiveAddress();
  controls.set(choice);
  complaints = found;
  if (choice.symbol) return run(controls.choice);
  leave();
  session = scales = null;
  setRunning(false);
  chart.clear();
  clearLegend();
  showState();
});

startTheme();
setInterval(showState, STATE_MS);
setRunning(false);
header.announce(markets.name(controls.choice.symbol), controls.choice);
if (address.choice.symbol) {
  history.replaceState(null, "", liveAddress(controls.choice));
  run(controls.choice);
} else {
  showState();
}
document.documentElement.classList.add("running");
