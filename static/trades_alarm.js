// Whether the price is above the minimum, and when that is worth a sound. Pure.

// After a crossing the next one counts only when the price has really been away: a
// price that wavers around the minimum would ring without end.
const RETREAT = 0.0002;
const CALM_TRADES = 50;

export class Alarm {
  /** @type {number | null} */
  #minimum = null;
  #armed = true;
  #calm = 0;
  #above = false;

  get minimum() {
    return this.#minimum;
  }

  /** Whether the price judged last was above the minimum. */
  get above() {
    return this.#above;
  }

  /** Whether the next price above the minimum rings. */
  get armed() {
    return this.#armed;
  }

  /** The price at or below which it is armed again at once. */
  get retreat() {
    return this.#minimum === null ? null : this.#minimum * (1 - RETREAT);
  }

  /** A new minimum is armed. @param {number | null} minimum null for none */
  setMinimum(minimum) {
    if (minimum === this.#minimum) return;
    this.#minimum = minimum;
    this.rearm();
  }

  /** Forget the prices seen, as before the first one. */
  rearm() {
    this.#armed = true;
    this.#calm = 0;
    this.#above = false;
  }

  /**
   * @param {number} price of the newest trade
   * @returns {boolean} whether the minimum was crossed just now
   */
  judge(price) {
    if (this.#minimum === null || this.retreat === null) return false;
    this.#above = price > this.#minimum;
    if (this.#above) {
      const crossed = this.#armed;
      this.#armed = false;
      this.#calm = 0;
      return crossed;
    }
    this.#calm += 1;
    if (price <= this.retreat || this.#calm >= CALM_TRADES) this.#armed = true;
    return false;
  }
}
