// The server's JSON: shapes, and one function that fetches them.

import { learnTime } from "./clock.js";

/**
 * Candles by column; prices and volumes are the exact stored digits.
 * @typedef {object} Candles
 * @property {number[]} open_time ms
 * @property {number[]} close_time ms
 * @property {string[]} open
 * @property {string[]} high
 * @property {string[]} low
 * @property {string[]} close
 * @property {string[]} volume
 * @property {string[]} quote_asset_volume
 * @property {number[]} number_of_trades
 * @property {string[]} taker_buy_base_asset_volume
 */
/**
 * A stretch without candles. From the first missing open time to the next present one.
 * `unknown`: nobody asked yet why.
 * @typedef {{start: number, end: number, state: "exchange" | "missing" | "unknown", candles: number}} Gap
 */
/**
 * @typedef {object} Run
 * @property {number} started_at
 * @property {number} finished_at
 * @property {string} status
 * @property {string | null} error
 * @property {number} rows_stored
 */
/**
 * @typedef {object} Coverage
 * @property {number | null} first_open_time
 * @property {number | null} last_open_time
 * @property {number | null} last_close_time
 * @property {number} stored
 * @property {number} missing
 * @property {number} never_existed
 * @property {number} expected
 * @property {number} version grows with every change of the stored candles
 */
/**
 * One chart, ready to be drawn.
 * @typedef {object} View
 * @property {string} symbol
 * @property {string} base_asset
 * @property {string} quote_asset
 * @property {string} interval
 * @property {string | null} requested_interval
 * @property {string} source_interval
 * @property {string | null} range
 * @property {string[]} intervals all that can be shown for this symbol
 * @property {string[]} stored_intervals
 * @property {string | null} note
 * @property {number} price_digits
 * @property {{data: import("./plotly.js").Trace[], layout: import("./plotly.js").Layout}} figure
 * @property {Candles} candles
 * @property {{start: number, end: number} | null} view null where nothing is stored
 * @property {{start: number, end: number} | null} bounds the symbol's oldest open time, and
 *   the end of its newest candle
 * @property {Gap[]} gaps
 * @property {{price: string, change_24h: string | null, change_24h_percent: string | null, close_time: number} | null} last
 * @property {Coverage} coverage
 * @property {Run | null} last_run
 * @property {string} state
 * @property {string | null} state_text
 * @property {{stored: number, expected: number} | null} progress
 */
/**
 * One line of the list of charts.
 * @typedef {object} Series
 * @property {string} symbol
 * @property {string} interval
 * @property {string} base_asset
 * @property {string} quote_asset
 * @property {number} price_digits
 * @property {number} rows
 * @property {number | null} first_open_time
 * @property {number | null} last_close_time
 * @property {string | null} last_price
 * @property {string | null} change_24h_percent
 * @property {number[]} spark
 * @property {string} state
 * @property {string | null} state_text
 */
/**
 * @typedef {object} SeriesAnswer
 * @property {string | null} origin
 * @property {{reached_at: number | null, failed_at: number | null, error: string | null}} exchange
 * @property {string | null} relay how it stands to the exchange; null where none runs
 * @property {Series[]} series
 */
/**
 * @typedef {object} MarketCap
 * @property {number} rank
 * @property {string} coin_id
 * @property {string} symbol
 * @property {string} name
 * @property {number | null} price_usd
 * @property {number | null} market_cap_usd
 * @property {number | null} change_24h_percent
 * @property {string | null} chart the stored symbol of this coin
 */
/**
 * @typedef {object} MarketCapsAnswer
 * @property {number | null} fetched_at
 * @property {string | null} error
 * @property {MarketCap[]} market_caps
 */

/** An answer that is not what was asked for, or none at all (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** @type {Map<string, {tag: string, body: unknown}>} */
const known = new Map();
const KNOWN_LIMIT = 60;

/**
 * Fetch JSON. An answer that has not changed is the very same object as before.
 * @template Body
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @param {{keep?: boolean}} [options] `keep` false: it is not asked for again
 * @returns {Promise<Body>}
 */
export async function getJson(path, signal, { keep: kept = true } = {}) {
  const response = await request(path, signal);
  if (!response.ok) throw await errorOf(response);
  const tag = response.headers.get("ETag");
  const before = known.get(path);
  if (tag && before?.tag === tag) return /** @type {Body} */ (before.body);
  const body = await response.json().catch((error) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "torn", "The server's answer broke off.");
  });
  learnTime(body.now);
  if (tag && kept) keep(path, tag, body);
  return body;
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
async function request(path, signal) {
  try {
    return await fetch(path, { cache: "no-cache", credentials: "same-origin", signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The dashboard's server does not answer.");
  }
}

/** @param {Response} response */
async function errorOf(response) {
  const body = await response.json().catch(() => null);
  const told = body?.error;
  return new ApiError(
    response.status,
    told?.code ?? "error",
    told?.message ?? `The server answered ${response.status}.`,
  );
}

/**
 * @param {string} path
 * @param {string} tag
 * @param {unknown} body
 */
function keep(path, tag, body) {
  known.delete(path);
  known.set(path, { tag, body });
  const oldest = known.keys().next().value;
  if (known.size > KNOWN_LIMIT && oldest !== undefined) known.delete(oldest);
}
