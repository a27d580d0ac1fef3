// One WebSocket to the relay, which heals by itself.

import { serverNow } from "./clock.js";

/**
 * How things stand between this page and the exchange.
 * - `connecting`: the first try to reach the relay
 * - `live`: every event is passed on as it happens
 * - `late`: the relay is there, but its data lag or a seam is being filled
 * - `reconnecting`: the relay is not reached, or the relay does not reach the exchange
 * - `refused`: the relay has nothing of the kind; this is the end
 * @typedef {"connecting" | "live" | "late" | "reconnecting" | "refused"} StreamState
 */
/**
 * @typedef {object} Detail
 * @property {boolean} relay whether the relay is reached
 * @property {number | null} since since when the state holds, ms
 * @property {number | null} noTradesSince the market is halted or very quiet since, ms
 * @property {string} words the relay's own words, where it refused
 */
/**
 * @typedef {object} Handlers
 * @property {(message: any) => void} message a snapshot, a kline or a trade
 * @property {(state: StreamState, detail: Detail) => void} state
 */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A connection that lasted this long was a good one: the next pause is short again. */
const PROVEN_MS = 10_000;
const OPEN_WITHIN_MS = 10_000;
/** A socket may be dead without a word. Silence of this length is tested, see below. */
const FIRST_SILENCE_MS = 30_000;
const LONGEST_SILENCE_MS = 300_000;
/** After sleep, silence of this length is enough. */
const SUSPECT_MS = 4000;
const TICK_MS = 1000;
const JUMP_MS = 10_000;

const REFUSED = 1008;
const FULL = 1013;
const FULL_PAUSE_MS = 5000;

/**
 * The relay's address: the one that the settings name, else this page's own host.
 * @param {string} path "/klines?symbol=..."
 */
export function streamAddress(path) {
  const { streamUrl, streamPort } = document.documentElement.dataset;
  if (streamUrl) return `${streamUrl.replace(/\/$/, "")}${path}`;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.hostname}:${streamPort}${path}`;
}

/**
 * How long to wait before the next try: doubled each time, and a different time in
 * each browser, so that a relay that comes back is not stormed.
 * @param {number} tries failed ones in a row
 * @param {number} [chance] 0 to 1
 */
export function pauseAfter(tries, chance = Math.random()) {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS);
  return Math.max(FIRST_PAUSE_MS, longest * (0.5 + chance / 2));
}

/**
 * Follow a path of the relay until it is closed or refused.
 * @param {string} path
 * @param {Handlers} handlers
 * @returns {{close: () => void}}
 */
export function follow(path, handlers) {
  const stream = new Stream(path, handlers);
  return { close: () => stream.close() };
}

class Stream {
  /** The socket whose messages count. @type {WebSocket | null} */
  #socket = null;
  /** One that is to take its place, and has not spoken yet. @type {WebSocket | null} */
  #next = null;
  #tries = 0;
  #retry = 0;
  #openTimer = 0;
  #heardAt = 0;
  #spokeAt = 0;
  #silence = FIRST_SILENCE_MS;
  #tickedAt = Date.now();
  #refusal = "";
  #listening = new AbortController();
  /** @type {{state: StreamState, detail: Detail} | null} */
  #told = null;

  /**
   * @param {string} path
   * @param {Handlers} handlers
   */
  constructor(path, handlers) {
    this.path = path;
    this.handlers = handlers;
    this.#listen();
    // Later, so that the caller holds what follow() returns before the first call.
    queueMicrotask(() => {
      if (this.#listening.signal.aborted) return;
      this.#tell("connecting", { relay: false });
      this.#open();
    });
  }

  close() {
    this.#listening.abort();
    clearTimeout(this.#retry);
    this.#dropNext();
    this.#drop();
  }

  #listen() {
    const { signal } = this.#listening;
    const wake = () => this.#wake();
    addEventListener("online", wake, { signal });
    addEventListener("pageshow", wake, { signal });
    document.addEventListener("visibilitychange", () => document.hidden || wake(), { signal });
    // A page with an open socket is not kept for the way back.
    addEventListener("pagehide", () => {
      this.#dropNext();
      this.#drop();
      this.#lost(0);
    }, { signal });
    const timer = setInterval(() => this.#tick(), TICK_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** A clock that jumped was asleep, and so was the network. */
  #tick() {
    const now = Date.now();
    const jumped = now - this.#tickedAt > JUMP_MS;
    this.#tickedAt = now;
    if (jumped) this.#wake();
    else if (now - this.#heardAt > this.#silence) this.#test();
  }

  #wake() {
    if (!this.#socket && !this.#next) this.#open();
    else if (Date.now() - this.#heardAt > SUSPECT_MS) this.#test();
  }

  /**
   * A silent market and a dead socket look alike from here. A second connection tells
   * them apart, and takes over if it speaks; for a silent market that is asked less
   * and less often.
   */
  #test() {
    if (!this.#socket || this.#next) return;
    this.#silence = Math.min(this.#silence * 2, LONGEST_SILENCE_MS);
    this.#open();
  }

  #open() {
    clearTimeout(this.#retry);
    this.#dropNext();
    const socket = new WebSocket(streamAddress(this.path));
    this.#next = socket;
    this.#openTimer = setTimeout(() => {
      this.#dropNext();
      this.#drop();
      this.#lost();
    }, OPEN_WITHIN_MS);
    socket.onmessage = (event) => this.#hear(socket, event.data);
    socket.onclose = (event) => this.#closed(socket, event);
  }

  /**
   * @param {WebSocket} socket
   * @param {string} text
   */
  #hear(socket, text) {
    const message = JSON.parse(text);
    if (message.type === "error") {
      this.#refusal = message.error?.message ?? "";
      return;
    }
    this.#heardAt = Date.now();
    if (socket === this.#next) this.#take(socket);
    if (message.type === "snapshot" || message.type === "status") this.#readState(message);
    if (message.type === "status") return;
    if (message.type !== "snapshot") this.#silence = FIRST_SILENCE_MS;
    this.handlers.message(message);
  }

  /** The new socket speaks: the old one goes. @param {WebSocket} socket */
  #take(socket) {
    clearTimeout(this.#openTimer);
    this.#drop();
    this.#next = null;
    this.#socket = socket;
    this.#spokeAt = Date.now();
  }

  /** @param {{state: StreamState, since?: number, no_trades_since?: number | null}} message */
  #readState({ state, since, no_trades_since: quiet }) {
    this.#tell(state, { relay: true, since: since ?? null, noTradesSince: quiet ?? null });
  }

  /**
   * @param {WebSocket} socket
   * @param {CloseEvent} event
   */
  #closed(socket, event) {
    if (socket === this.#next) {
      clearTimeout(this.#openTimer);
      this.#next = null;
      // Where the test fails, the silent one is given up too.
      this.#drop();
    } else if (socket === this.#socket) {
      this.#socket = null;
      if (this.#next) return;
    } else {
      return;
    }
    if (event.code === REFUSED) this.#end(this.#refusal || event.reason);
    else this.#lost(event.code === FULL ? FULL_PAUSE_MS : 0);
  }

  /** @param {string} words */
  #end(words) {
    this.close();
    this.#tell("refused", { relay: true, words });
  }

  /** @param {number} [leastPause] */
  #lost(leastPause = 0) {
    const proven = this.#spokeAt && Date.now() - this.#spokeAt > PROVEN_MS;
    this.#tries = proven ? 0 : this.#tries;
    this.#spokeAt = 0;
    this.#silence = FIRST_SILENCE_MS;
    const same = this.#told?.state === "reconnecting" && !this.#told.detail.relay;
    if (!same) this.#tell("reconnecting", { relay: false, since: serverNow() });
    clearTimeout(this.#retry);
    const pause = Math.max(pauseAfter(this.#tries), leastPause);
    this.#retry = setTimeout(() => this.#open(), pause);
    this.#tries += 1;
  }

  #drop() {
    if (this.#socket) silence(this.#socket);
    this.#socket = null;
  }

  #dropNext() {
    clearTimeout(this.#openTimer);
    if (this.#next) silence(this.#next);
    this.#next = null;
  }

  /**
   * @param {StreamState} state
   * @param {Partial<Detail>} detail
   */
  #tell(state, detail) {
    const whole = { relay: false, since: null, noTradesSince: null, words: "", ...detail };
    this.#told = { state, detail: whole };
    this.handlers.state(state, whole);
  }
}

/** Close a socket that nobody listens to any more. @param {WebSocket} socket */
function silence(socket) {
  socket.onmessage = null;
  socket.onclose = null;
  socket.close();
}
