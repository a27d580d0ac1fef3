// The trades page: wires the stream to the box, the price line, the tape and the sound.

import { getJson } from "./api.js";
import { serverNow } from "./clock.js";
import { byId, remember, remembered, setText } from "./dom.js";
import * as format from "./format.js";
import { poll } from "./poll.js";
import { startTheme, toggleTheme } from "./theme.js";
import { readWish, writeWish } from "./trades_address.js";
import { Alarm } from "./trades_alarm.js";
import { Box } from "./trades_box.js";
import { TradesChart } from "./trades_chart.js";
import { showAlarms, showFigures } from "./trades_figures.js";
import { listenToKeys } from "./trades_keys.js";
import { MinimumField } from "./trades_minimum.js";
import { Run } from "./trades_run.js";
import { decimals } from "./trades_sequence.js";
import { Sound } from "./trades_sound.js";
import { showState } from "./trades_state.js";
import { Tape } from "./trades_tape.js";

const TICK_MS = 1000;
const QUOTES = /^(.+?)(USDT|USDC|FDUSD|TUSD|BTC|ETH|BNB|EUR|TRY)$/;

const select = /** @type {HTMLSelectElement} */ (byId("symbol"));
const followed = [...select.options].map((option) => option.value);
const alarm = new Alarm();
const sound = new Sound();
const tape = new Tape();
const chart = new TradesChart();
const box = new Box((above) => chart.setAbove(above));
const field = new MinimumField((value, exact) => setMinimum(value, exact, true));
const run = new Run({ anew: clear, trade: take, changed: schedule });

/** Of what is stored, by symbol. @type {Map<string, import("./api.js").Series>} */
let known = new Map();
/** @type {import("./format.js").Zone} */
let zone = remembered("zone") === "local" ? "local" : "utc";
let symbol = "";
let minimum = "";
let digits = 2;
let crossings = 0;
let sounded = 0;
let everStarted = false;
let frame = 0;

// What comes ---------------------------------------------------------------------------

/**
 * Take a trade at once, for the sound must not wait for a picture: a hidden tab draws
 * none. All that is seen waits for the next frame, however many trades there are.
 * @param {import("./trades_sequence.js").Heard} trade
 * @param {boolean} judged
 */
function take(trade, judged) {
  const places = Math.max(decimals(trade.price), digits);
  if (places !== digits) setDigits(places);
  if (trade.missed) tape.add({ missed: trade.missed });
  tape.add(trade);
  chart.add(Number(trade.price), trade.time, trade.missed > 0);
  if (judged) judge(trade);
  schedule();
}

/** @param {import("./trades_tape.js").Trade} trade */
function judge(trade) {
  if (!alarm.judge(Number(trade.price))) return;
  crossings += 1;
  if (sound.ring()) sounded += 1;
  const words = `${nameOf(symbol)} is above ${format.price(minimum, digits)}: ${format.price(trade.price, digits)}`;
  setText(byId("announce"), words);
}

function clear() {
  tape.clear();
  chart.clear();
  alarm.rearm();
  schedule();
}

// What is wished -----------------------------------------------------------------------

/** Do what the address says. */
function obey() {
  const wish = readWish(remembered("symbol") ?? followed[0]);
  choose(wish.symbol, wish.minimum);
  if (wish.start) start();
  else run.stop();
}

/**
 * @param {string} chosen
 * @param {string | null} minimumText null for the one that was set here before
 */
function choose(chosen, minimumText) {
  if (chosen !== symbol) run.forget();
  symbol = chosen;
  if (![...select.options].some((option) => option.value === symbol)) select.add(new Option(symbol));
  select.value = symbol;
  setText(byId("name"), nameOf(symbol));
  setDigits(known.get(symbol)?.price_digits ?? 2);
  const text = minimumText ?? remembered(`minimum.${symbol}`) ?? "";
  const { value, exact } = field.fill(text);
  setMinimum(value, exact, false);
}

/**
 * @param {number | null} value
 * @param {string} exact
 * @param {boolean} chosen by the visitor just now
 */
function setMinimum(value, exact, chosen) {
  if (value !== alarm.minimum) crossings = sounded = 0;
  alarm.setMinimum(value);
  minimum = exact;
  chart.setMinimum(value, exact);
  if (chosen) {
    remember(`minimum.${symbol}`, exact);
    writeWish({ symbol, minimum, start: run.running });
    if (run.running && run.last) judge(run.last);
  }
  schedule();
}

function start() {
  everStarted = true;
  run.start(symbol, serverNow());
  remember("symbol", symbol);
  writeWish({ symbol, minimum, start: true });
}

function stop() {
  run.stop();
  writeWish({ symbol, minimum, start: false });
}

/** @param {string} chosen */
function change(chosen) {
  const { running } = run;
  choose(chosen, null);
  writeWish({ symbol, minimum, start: running }, { step: true });
  if (running) start();
}

// What is shown ------------------------------------------------------------------------

function schedule() {
  frame ||= requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  tape.setLook(digits, zone);
  chart.setLook(digits, zone);
  tape.draw();
  chart.draw();
  const { last, before } = run;
  box.show({ last, before, minimum, above: alarm.above, digits });
  showAlarms(alarm.minimum !== null, crossings, sounded);
  tick();
}

/** What time alone changes. */
function tick() {
  const button = byId("start");
  setText(button, run.running ? "Stop" : "Start");
  button.classList.toggle("running", run.running);
  showFigures(run, performance.now());
  showState({
    state: run.state, detail: run.detail, name: nameOf(symbol), everStarted,
    hasTrades: run.last !== null, heardFor: run.silentFor, symbols: followed, zone,
  });
  const since = run.since === null ? "" : `Followed since ${format.dateTime(run.since, zone)}`;
  setText(byId("followed-since"), since);
  document.title = titleWords();
}

function titleWords() {
  const price = run.last ? `${alarm.above ? "\u2713 " : ""}${format.price(run.last.price, digits)} ` : "";
  return `${price}${nameOf(symbol)} trades \u00b7 klineboard`;
}

/** @param {number} places */
function setDigits(places) {
  digits = places;
  field.setDigits(places);
}

/** @param {import("./format.js").Zone} next */
function setZone(next) {
  zone = next;
  remember("zone", zone);
  byId("zone-utc").setAttribute("aria-pressed", String(zone === "utc"));
  byId("zone-local").setAttribute("aria-pressed", String(zone === "local"));
  schedule();
}

/** @param {string} name */
function nameOf(name) {
  const facts = known.get(name);
  if (facts) return `${facts.base_asset}/${facts.quote_asset}`;
  return name.replace(QUOTES, "$1/$2");
}

/** Digits, names and whether the market is a simulated one; the page works without. */
async function learn() {
  /** @type {import("./api.js").SeriesAnswer} */
  let answer;
  try {
    answer = await getJson("/api/series");
  } catch {
    return; // The database is away; asked again in a while.
  }
  // Without candles nothing is known of a symbol either.
  known = new Map(answer.series.filter((facts) => facts.rows).map((facts) => [facts.symbol, facts]));
  byId("simulated").hidden = answer.origin !== "simulated";
  const places = known.get(symbol)?.price_digits;
  if (places !== undefined && !run.last) setDigits(places);
  setText(byId("name"), nameOf(symbol));
  schedule();
}

startTheme();
setZone(zone);
obey();
addEventListener("popstate", obey);
select.addEventListener("change", () => change(select.value));
byId("start").addEventListener("click", () => (run.running ? stop() : start()));
byId("zone-utc").addEventListener("click", () => setZone("utc"));
byId("zone-local").addEventListener("click", () => setZone("local"));
listenToKeys({
  s: () => byId("start").click(),
  m: () => field.focus(),
  a: () => sound.toggle(),
  h: () => tape.toggleHold(),
  t: toggleTheme,
  u: () => setZone(zone === "utc" ? "local" : "utc"),
});
setInterval(tick, TICK_MS);
poll(learn, 60, 300);
document.documentElement.classList.add("running");
