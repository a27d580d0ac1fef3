// Answers of /api/view: asked for, called off, kept, and fetched ahead.

import { queryOf } from "./address.js";
import { getJson } from "./api.js";
import { Spans, covers, opened } from "./zoom.js";

/** @typedef {import("./address.js").Wish} Wish */
/** @typedef {import("./api.js").View} View */
/** @typedef {import("./viewport.js").Window} Window */
/**
 * An answer, and the question to ask again with.
 * @typedef {import("./zoom.js").Entry<View> & {question: Wish}} Answer
 */

/** What is fetched ahead waits until the page has drawn. */
const IDLE_MS = 60;

export class Views {
  /** @type {Spans<View>} */
  #kept = new Spans();
  #asking = new AbortController();
  #looking = new AbortController();
  /** What is under way. @type {{symbol: string, interval: string, span: Window} | null} */
  #awaited = null;

  /**
   * Ask; an older question is called off, and so is what was fetched ahead.
   * @param {Wish} question
   * @param {boolean} quiet nobody wants to know that the interval is another one
   * @returns {Promise<Answer | null>} null where it was called off
   */
  async ask(question, quiet) {
    this.callOff();
    const { signal } = (this.#asking = new AbortController());
    this.#awaited = awaited(question);
    try {
      return await this.#fetch(question, signal, quiet);
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      if (!signal.aborted) this.#awaited = null;
    }
  }

  /** What is under way is out of date. */
  callOff() {
    this.#asking.abort();
    this.#looking.abort();
    this.#awaited = null;
  }

  /**
   * Whether the answer that is under way shows a window.
   * @param {string} symbol
   * @param {Window} window
   * @param {string} interval
   */
  awaits(symbol, window, interval) {
    const coming = this.#awaited;
    return coming?.symbol === symbol && coming.interval === interval && covers(coming.span, window);
  }

  /**
   * Fetch, one after the other, what is not there yet. The next question ends it.
   * @param {string} symbol
   * @param {{interval: string, window: Window, span: Window}[]} places
   */
  async lookAhead(symbol, places) {
    this.#looking.abort();
    const { signal } = (this.#looking = new AbortController());
    for (const { interval, window, span } of places) {
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      if (signal.aborted) return;
      if (this.#kept.has(symbol, window, interval)) continue;
      const question = { symbol, interval, range: null, start: String(span.start), end: String(span.end) };
      try {
        await this.#fetch(question, signal, true);
      } catch {
        return; // Nobody has asked for it; whoever does is told.
      }
    }
  }

  /**
   * @param {string} symbol
   * @param {Window} window
   * @param {string} interval
   */
  best(symbol, window, interval) {
    return /** @type {Answer | null} */ (this.#kept.best(symbol, window, interval));
  }

  /**
   * @param {Wish} question
   * @param {AbortSignal} signal
   * @param {boolean} quiet
   */
  async #fetch(question, signal, quiet) {
    const view = /** @type {View} */ (await getJson(`/api/view${queryOf(question)}`, signal));
    signal.throwIfAborted();
    if (quiet && view.requested_interval !== view.interval) view.requested_interval = view.note = null;
    const answer = { symbol: view.symbol, interval: view.interval, span: spanOf(view, question), body: view, question };
    if (view.view) this.#kept.keep(answer);
    return answer;
  }
}

/**
 * The stretch that an answer tells all about.
 * @param {View} view
 * @param {Wish} question
 * @returns {Window}
 */
function spanOf({ view, bounds }, { start, end }) {
  const asked = {
    start: Number(start) || (view?.start ?? 0),
    end: Number(end) || (view?.end ?? 0),
  };
  return opened(asked, bounds);
}

/** @param {Wish} question */
function awaited({ symbol, interval, start, end }) {
  if (!symbol || !interval || !start || !end) return null;
  return { symbol, interval, span: { start: Number(start), end: Number(end) } };
}
