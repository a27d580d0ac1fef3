// The live chart at any scale: where one zooms out, coarser candles from the server,
// whose newest one is kept moving by the stream.

import { ApiError } from "./api.js";
import { coarserThan, nextOpening } from "./buckets.js";
import { Forming } from "./live_forming.js";
import { askRun, join } from "./live_runs.js";
import { LENGTHS } from "./viewport.js";
import { MOST_CANDLES, covers, intervalFor, spanAround } from "./zoom.js";

/** @typedef {import("./api.js").Gap} Gap */
/** @typedef {import("./candle_book.js").Candle} Candle */
/** @typedef {import("./candle_book.js").Change} Change */
/** @typedef {import("./live_session.js").LiveSession} LiveSession */
/** @typedef {import("./viewport.js").Window} Window */
/** @typedef {import("./live_runs.js").Run} Run */

/** A gesture that paused so long is over. */
const PAUSE_MS = 60;
/** The server has stored what closed, and made it exact. */
const EXACT_MS = 3000;
/** So much beside the window is loaded before it is seen, as a part of it. */
const AHEAD = 0.75;
/** The same of a window that is yet to be zoomed out to. */
const AHEAD_OUT = 1.5;
const KEPT = 6;

export class LiveScales {
  /** What is shown; null stands for the streamed candles themselves. @type {Run | null} */
  #run = null;
  /** The newest last. @type {Run[]} */
  #kept = [];
  /** @type {Forming | null} */
  #forming = null;
  /** The window at the last rest. @type {Window | null} */
  #rested = null;
  #asking = new AbortController();
  #stopped = new AbortController();
  #timer = 0;
  #held = false;
  /** What was asked for last: where the server has no such candles, once is enough. */
  #asked = "";
  #looked = "";
  #frame = 0;
  /** Whether more is under way. */
  loading = false;

  /**
   * @param {LiveSession} session
   * @param {{window: Window | null, pixels: number}} chart
   * @param {() => import("./zoom.js").Extent[]} extents of the symbol's stored series
   * @param {(window: Window | null) => void} show draw other candles; what is seen of
   *   time stays the window
   */
  constructor(session, chart, extents, show) {
    this.session = session;
    this.chart = chart;
    this.extents = extents;
    this.show = show;
    this.intervals = coarserThan(session.choice.interval);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#stopped.abort();
  }

  /** The interval of the candles that are shown. */
  get interval() {
    return this.#run?.interval ?? this.session.choice.interval;
  }

  /** The candles that are shown, without the one that is still open. */
  get book() {
    return this.#run?.book ?? this.session.book;
  }

  /** @returns {Gap[]} that are too short to be missing candles */
  get gaps() {
    return this.#run?.gaps ?? [];
  }

  get isStreamed() {
    return this.#run === null;
  }

  /** Whether the newest candle is among them. */
  get isNewest() {
    return this.#run === null || this.#isNewest(this.#run);
  }

  /** Whether nothing lies before the first candle. */
  get complete() {
    return this.#run ? this.#run.span.start === -Infinity : this.session.complete;
  }

  /** All that is shown. @returns {Candle[]} */
  get rows() {
    const run = this.#run;
    if (!run) return this.session.book.rows;
    const open = this.#isNewest(run) ? this.#forming?.candle : null;
    return open ? [...run.book.rows.slice(0, run.book.indexFrom(open.time)), open] : run.book.rows;
  }

  /**
   * What a change of the streamed candles is to the shown ones.
   * @param {Change} change
   * @returns {Change}
   */
  heard(change) {
    const run = this.#run;
    if (!run || change === "nothing") return change;
    if (!this.#isNewest(run)) return "nothing";
    this.#turnOver(run);
    return change;
  }

  /** The hand is on the chart: candles to its right would move it. @param {boolean} held */
  hold(held) {
    this.#held = held;
    if (!held) this.moved();
  }

  /** The window has moved; as soon as it rests, what suits it is fetched. */
  moved() {
    if (this.#held) this.#extend();
    else this.#frame ||= requestAnimationFrame(() => this.#change());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rest(), PAUSE_MS);
  }

  /** Other candles that suit the window better, and are there already, come at once. */
  #change() {
    this.#frame = 0;
    const window = this.chart.window;
    if (!window || this.#held || this.#stopped.signal.aborted) return;
    const interval = this.#intervalFor(window);
    const kept = interval === this.interval ? undefined : this.#find(interval, window);
    if (kept) this.#take(kept, window);
  }

  /** @param {string} interval @param {Window} window */
  #find(interval, window) {
    return this.#kept.findLast((each) => each.interval === interval && covers(each.span, window));
  }

  /** What is added on the left moves nothing, and need not wait for the hand. */
  async #extend() {
    const [run, window] = [this.#run, this.chart.window];
    if (!run || !window || this.loading || widened(window, AHEAD / 2).start >= run.span.start) return;
    this.loading = true;
    const { start } = run.span;
    const span = { start: start - MOST_CANDLES * LENGTHS[run.interval], end: start };
    const side = await this.#ask(run.interval, span, this.#stopped.signal).catch(() => null);
    this.loading = false;
    if (side?.interval !== run.interval) return;
    join(run, side);
    if (this.#run === run) this.show(null);
  }

  #rest() {
    const window = this.chart.window;
    if (!window || this.#held || !this.session.book.last || this.#stopped.signal.aborted) return;
    const interval = this.#intervalFor(window);
    this.#rested = window;
    const wanted = widened(window, AHEAD);
    if (interval === this.intervals[0] && this.#isStreaming(window)) {
      this.#take(null, window);
      this.#lookAhead(window);
      return;
    }
    const run = this.#run;
    if (run?.interval === interval && covers(run.span, wanted)) {
      this.#lookAhead(window);
      return;
    }
    const kept = this.#find(interval, window);
    if (kept && kept !== run) this.#take(kept, window);
    if (!kept || !covers(kept.span, wanted)) this.#load(window, interval);
  }

  /**
   * Fetch what zooming out will show.
   * @param {Window} window
   */
  async #lookAhead(window) {
    const wide = widened(window, AHEAD_OUT);
    const interval = this.#intervalFor(wide);
    if (interval === this.interval || this.loading || this.#find(interval, wide)) return;
    const asked = JSON.stringify([interval, spanAround(wide, interval)]);
    if (asked === this.#looked) return;
    this.#looked = asked;
    const run = await this.#ask(interval, spanAround(wide, interval), this.#stopped.signal).catch(() => null);
    if (run && run.interval !== this.interval) this.#keep(run);
  }

  /** Back to the streamed candles. */
  home() {
    this.#asking.abort();
    this.loading = false;
    this.#rested = null;
    this.#take(null, null);
  }

  /** @param {Window} window */
  #intervalFor(window) {
    const { trouble } = this.session;
    // What is not stored cannot be had in coarser candles.
    if (trouble && !trouble.passing) return this.intervals[0];
    const bounds = { start: -Infinity, end: this.#end };
    const before = this.#rested;
    const closer = !before || window.end - window.start <= (before.end - before.start) * 1.001;
    const scale = { intervals: this.intervals, bounds, pixels: this.chart.pixels, extents: this.extents() };
    return intervalFor(window, scale, { shown: this.interval, closer });
  }

  /** The end of the newest candle, ms. */
  get #end() {
    return (this.session.book.last?.closeTime ?? 0) + 1;
  }

  /** Whether the streamed candles that are there show a window. @param {Window} window */
  #isStreaming(window) {
    const { book, complete } = this.session;
    return complete || (book.first?.time ?? Infinity) < window.end;
  }

  /** @param {Run} run */
  #isNewest(run) {
    return run.span.end >= this.#end;
  }

  /** @param {Run | null} run @param {Window | null} window */
  #take(run, window) {
    if (run === this.#run) return;
    this.#run = run;
    this.#forming = null;
    if (run && this.#isNewest(run)) this.#form(run);
    this.show(window);
  }

  /**
   * Fetch the candles around a window, then those on both sides of them.
   * @param {Window} window
   * @param {string} interval
   */
  async #load(window, interval) {
    const asked = JSON.stringify([interval, spanAround(window, interval)]);
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.#asking.abort();
    const { signal } = (this.#asking = new AbortController());
    this.loading = true;
    try {
      const run = await this.#ask(interval, spanAround(window, interval), signal);
      if (!run) return;
      for (const side of await this.#beside(run, window, signal)) join(run, side);
      if (signal.aborted || !run.book.rows.length) return;
      this.#keep(run);
      // Somebody may have taken hold of it meanwhile: it is shown when they let go.
      if (!this.#held) this.#take(run, this.chart.window ?? window);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error; // The candles that are shown stay.
      this.#asked = "";
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }

  /**
   * @param {Run} run
   * @param {Window} window
   * @param {AbortSignal} signal
   */
  async #beside(run, window, signal) {
    const { span, interval } = run;
    const length = MOST_CANDLES * LENGTHS[interval];
    const wanted = widened(window, AHEAD);
    const sides = [];
    if (span.start > wanted.start) {
      sides.push(this.#ask(interval, { start: span.start - length, end: span.start }, signal));
    }
    if (span.end < wanted.end) {
      sides.push(this.#ask(interval, { start: span.end, end: span.end + length }, signal));
    }
    return (await Promise.all(sides)).filter((side) => side?.interval === interval);
  }

  /**
   * @param {string} interval
   * @param {Window} span
   * @param {AbortSignal} signal
   */
  #ask(interval, span, signal) {
    return askRun(this.session.choice.symbol, interval, span, signal);
  }

  /** @param {Run} run */
  #keep(run) {
    this.#kept = [...this.#kept.filter((each) => each.interval !== run.interval), run].slice(-KEPT);
  }

  /* The open candle ------------------------------------------------------------------- */

  /** @param {Run} run */
  async #form(run) {
    const { session } = this;
    const forming = (this.#forming = new Forming(run.interval, session.book));
    if (forming.from === forming.opening) return;
    try {
      await forming.complete(session.choice.symbol, this.intervals, this.#stopped.signal);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
    }
    if (this.#forming === forming) this.show(this.#held ? null : this.chart.window);
  }

  /** The stream has gone on to the next candle: the one before is over. @param {Run} run */
  #turnOver(run) {
    const before = this.#forming;
    if (!before?.isOver) return;
    const over = before.candle;
    if (over) run.book.store([{ ...over, closed: true }]);
    this.#forming = new Forming(run.interval, this.session.book);
    setTimeout(() => this.#makeExact(run, before.opening), EXACT_MS);
  }

  /**
   * The server's sums are exact; ours are those of numbers.
   * @param {Run} run
   * @param {number} opening
   */
  async #makeExact(run, opening) {
    const span = { start: opening, end: nextOpening(opening, run.interval) };
    const stored = await this.#ask(run.interval, span, this.#stopped.signal).catch(() => null);
    if (stored?.interval !== run.interval) return;
    run.book.store(stored.book.rows.filter((row) => row.time === opening));
    if (this.#run === run) this.show(null);
  }
}

/** @param {Window} window @param {number} part */
function widened({ start, end }, part) {
  const more = (end - start) * part;
  return { start: start - more, end: end + more };
}
