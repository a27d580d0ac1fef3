// Where in time somebody looks, and which answer shows it: at once the best that is
// there, and what is missing as soon as the hand rests.

import { windowOf } from "./address.js";
import { Views } from "./views.js";
import { ahead, covers, extentsOf, intervalFor, spanAround, windowFor } from "./zoom.js";

/** @typedef {import("./address.js").Wish} Wish */
/** @typedef {import("./viewport.js").Window} Window */
/** @typedef {import("./views.js").Answer} Answer */

/** A gesture that paused so long is over. */
const PAUSE_MS = 60;

export class Navigator {
  #views = new Views();
  /** @type {Answer | null} */
  #shown = null;
  /** The interval that was chosen by hand. @type {string | null} */
  #chosen = null;
  /** What is looked at since the last rest. @type {Window | null} */
  #rested = null;
  #timer = 0;
  /** All that are stored. @type {import("./api.js").Series[]} */
  series = [];

  /**
   * @param {() => number} pixels the picture's width
   * @param {() => void} rest a gesture is over: ask for what is missing
   */
  constructor(pixels, rest) {
    this.pixels = pixels;
    this.rest = rest;
  }

  /**
   * Ask for a wish. A window is asked for with something beside it.
   * @param {Wish} wish
   * @returns {Promise<Answer | null>} null where a newer question has called it off
   */
  ask(wish) {
    const question = this.#question(wish);
    // Where the page itself has picked the interval, nobody misses it.
    const quiet = this.#shown !== null && question.start !== null && question.interval !== this.#chosen;
    return this.#views.ask(question, quiet);
  }

  /** What was under way is not wanted any more, nor what a gesture was to ask for. */
  callOff() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#rested = null;
    this.#views.callOff();
  }

  /** @param {string | null} interval chosen by hand; null: the page chooses */
  choose(interval) {
    this.#chosen = interval;
  }

  /** @param {Answer} answer that is drawn now */
  show(answer) {
    this.#shown = answer;
  }

  /**
   * The window with an interval that was chosen for it.
   * @param {Window} window
   * @param {string} interval
   */
  fitting(window, interval) {
    const bounds = this.#shown?.body.bounds;
    return bounds ? windowFor(window, interval, bounds) : window;
  }

  /**
   * Somebody moved: the best answer that is there, and the wish for it.
   * @param {Window} window
   * @returns {{wish: Wish, answer: Answer | null} | null} no answer where none has a
   *   candle there; null where nothing is known yet
   */
  move(window) {
    const shown = this.#shown;
    if (!shown?.body.bounds) return null;
    const interval = this.#interval(window, shown);
    const answer = this.#views.best(shown.symbol, window, interval);
    this.#restSoon(answer, window);
    return { wish: wishOf(shown.symbol, interval, window), answer };
  }

  /**
   * The best answer that is there for a wish.
   * @param {Wish} wish
   */
  best({ symbol, interval, start, end }) {
    const window = windowOf({ start, end });
    return symbol && interval && window ? this.#views.best(symbol, window, interval) : null;
  }

  /**
   * Whether the shown answer shows a window as well as can be.
   * @param {Wish} wish
   */
  isSharp(wish) {
    const [shown, window] = [this.#shown, windowOf(wish)];
    if (!shown || shown.symbol !== wish.symbol) return false;
    return !window || (shown.interval === wish.interval && covers(shown.span, window));
  }

  /**
   * Fetch ahead what the next gesture may show.
   * @param {Window} window
   * @param {number} at the fraction of it where the hand is
   */
  lookAhead(window, at) {
    const shown = this.#shown;
    const scale = shown && this.#scale(shown);
    this.#rested = window;
    if (shown && scale) this.#views.lookAhead(shown.symbol, ahead(window, shown.interval, scale, at));
  }

  /** @param {Answer | null} answer @param {Window} window */
  #restSoon(answer, window) {
    const whole = answer && covers(answer.span, window);
    // A picture that has an edge in sight cannot wait for the end of a long gesture.
    if (this.#timer && !whole) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.rest();
    }, PAUSE_MS);
  }

  /**
   * Whether an answer that shows the wish is under way.
   * @param {Wish} wish
   */
  awaits({ symbol, interval, start, end }) {
    const window = windowOf({ start, end });
    return Boolean(symbol && interval && window && this.#views.awaits(symbol, window, interval));
  }

  /**
   * @param {Wish} wish
   * @returns {Wish}
   */
  #question(wish) {
    const window = windowOf(wish);
    if (!window || !wish.symbol) return wish;
    // What is shown already is asked for again as it was.
    if (this.#shown && this.isSharp(wish)) return this.#shown.question;
    const interval = wish.interval;
    if (!interval) return wish;
    return wishOf(wish.symbol, interval, spanAround(window, interval));
  }

  /** @param {Window} window @param {Answer} shown */
  #interval(window, shown) {
    const scale = this.#scale(shown);
    if (!scale) return shown.interval;
    const before = this.#rested;
    const closer = !before || window.end - window.start <= (before.end - before.start) * 1.001;
    return intervalFor(window, scale, { shown: shown.interval, chosen: this.#chosen, closer });
  }

  /** @param {Answer} shown */
  #scale({ symbol, body: { bounds, intervals } }) {
    return bounds && { intervals, bounds, pixels: this.pixels(), extents: extentsOf(this.series, symbol) };
  }
}

/**
 * @param {string} symbol
 * @param {string} interval
 * @param {Window} window
 * @returns {Wish}
 */
function wishOf(symbol, interval, { start, end }) {
  return { symbol, interval, range: null, start: String(Math.round(start)), end: String(Math.round(end)) };
}
