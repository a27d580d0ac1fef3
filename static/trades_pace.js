// How fast trades come, and who begins them, over the last seconds. Pure.

const WINDOW_MS = 10_000;
const SHARE_WINDOW_MS = 60_000;

/** @typedef {{at: number, count: number, bought: number, sold: number}} Second */

export class Pace {
  /** @type {Second[]} oldest first, one for each second in which trades came */
  #seconds = [];
  #since = 0;

  /** @param {number} now ms, of a clock that never goes back */
  start(now) {
    this.#seconds = [];
    this.#since = now;
  }

  /**
   * @param {number} now ms
   * @param {"buy" | "sell"} side
   * @param {number} value in the quote asset
   */
  add(now, side, value) {
    const at = Math.floor(now / 1000) * 1000;
    let last = this.#seconds.at(-1);
    if (last?.at !== at) {
      last = { at, count: 0, bought: 0, sold: 0 };
      this.#seconds.push(last);
      while (this.#seconds[0].at < now - SHARE_WINDOW_MS) this.#seconds.shift();
    }
    last.count += 1;
    if (side === "buy") last.bought += value;
    else last.sold += value;
  }

  /** @param {number} now @returns {number} trades a second, over ten seconds at most */
  rate(now) {
    const recent = this.#seconds.filter(({ at }) => at > now - WINDOW_MS);
    const count = recent.reduce((sum, second) => sum + second.count, 0);
    return count / (Math.min(Math.max(now - this.#since, 1000), WINDOW_MS) / 1000);
  }

  /** @param {number} now @returns {number | null} of the last minute's value, in percent */
  boughtShare(now) {
    let bought = 0;
    let all = 0;
    for (const second of this.#seconds) {
      if (second.at < now - SHARE_WINDOW_MS) continue;
      bought += second.bought;
      all += second.bought + second.sold;
    }
    return all > 0 ? (100 * bought) / all : null;
  }
}
