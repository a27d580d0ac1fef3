// A harp of a few strings, made with Web Audio: no file is fetched.

const SECONDS = 1.8;
const LOWEST_HERTZ = 261.63;
// C major, upwards: how much faster than the lowest string each one swings.
const STRINGS = [1, 5 / 4, 3 / 2, 2, 5 / 2];
const APART_SECONDS = 0.085;
const LOUDNESS = 0.4;
// How long a browser may take to let the sound begin before it counts as blocked.
const PATIENCE_MS = 700;

/** @typedef {"off" | "on" | "blocked" | "none"} SoundState none: this browser has no sound */

export class Harp {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioBuffer | null} */
  #string = null;
  #wanted = false;
  /** When the strings plucked last have all been heard, by the context's clock. */
  #busyUntil = 0;
  #impossible = false;
  #onChange;

  /** @param {() => void} onChange the state may be another one */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** @returns {SoundState} */
  get state() {
    if (this.#impossible) return "none";
    if (!this.#wanted) return "off";
    return this.#context?.state === "running" ? "on" : "blocked";
  }

  /** Sound is wanted, but nobody has clicked yet: a browser would refuse it now. */
  want() {
    this.#wanted = true;
    this.#onChange();
  }

  /**
   * Browsers allow sound after a click or a key only, so call it from one.
   * @returns {Promise<boolean>} whether sound can be heard now
   */
  async enable() {
    this.#wanted = true;
    const context = this.#open();
    if (context && context.state !== "running") await begun(context);
    this.#onChange();
    return this.state === "on";
  }

  disable() {
    this.#wanted = false;
    this.#context?.suspend();
    this.#onChange();
  }

  /**
   * Pluck all strings, one after the other. Crossings told at once, as after a lost
   * network, sound as one.
   * @returns {boolean} whether they sound
   */
  play() {
    if (this.state !== "on" || !this.#context) return false;
    const context = this.#context;
    if (context.currentTime < this.#busyUntil) return true;
    this.#busyUntil = context.currentTime + STRINGS.length * APART_SECONDS;
    this.#string ??= pluckedString(context.sampleRate);
    const start = context.currentTime + 0.02;
    STRINGS.forEach((ratio, i) => {
      const source = new AudioBufferSourceNode(context, {
        buffer: this.#string, playbackRate: ratio,
      });
      const gain = new GainNode(context, { gain: LOUDNESS });
      source.connect(gain).connect(context.destination);
      source.start(start + i * APART_SECONDS);
    });
    return true;
  }

  /** @returns {AudioContext | null} null where this browser has no sound */
  #open() {
    if (this.#context) return this.#context;
    try {
      this.#context = new AudioContext({ latencyHint: "interactive" });
    } catch {
      this.#impossible = true;
      return null;
    }
    this.#context.addEventListener("statechange", this.#onChange);
    return this.#context;
  }
}

/**
 * Resume, and wait until that is done; a blocked one waits for ever by itself.
 * @param {AudioContext} context
 */
function begun(context) {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  // Where it is refused, the context's state says so.
  return Promise.race([context.resume().catch(() => undefined), late]);
}

/**
 * The lowest string (Karplus and Strong, 1983): one swing of its shape goes round and
 * round, and each round is smoothed a little, so that high tones fade first. Plucked
 * with a finger near its middle, not struck with noise: that is a harp's softness.
 * @param {number} rate samples a second
 */
export function pluckedString(rate) {
  const length = Math.round(SECONDS * rate);
  // The mean of two neighbours delays by half a sample.
  const period = Math.round(rate / LOWEST_HERTZ - 0.5);
  const buffer = new AudioBuffer({ length, sampleRate: rate, numberOfChannels: 1 });
  const wave = buffer.getChannelData(0);
  const finger = Math.round(period * 0.4);
  for (let i = 0; i < length; i++) {
    if (i < period) {
      const bent = i < finger ? i / finger : (period - i) / (period - finger);
      wave[i] = bent - 0.5;
    } else {
      const before = i > period ? wave[i - period - 1] : 0;
      wave[i] = 0.998 * (0.5 * wave[i - period] + 0.5 * before);
    }
  }
  fade(wave, rate);
  return buffer;
}

/**
 * A soft beginning and an end in silence, so that neither clicks.
 * @param {Float32Array} wave
 * @param {number} rate
 */
function fade(wave, rate) {
  const rise = rate * 0.002;
  for (let i = 0; i < wave.length; i++) {
    const left = 1 - i / wave.length;
    wave[i] *= Math.min(1, i / rise) * left * left;
  }
}
