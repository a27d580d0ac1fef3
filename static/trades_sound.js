// The sound's button, and honest words about what can be heard.

import { byId, remember, remembered, setText } from "./dom.js";
import { Harp } from "./trades_harp.js";

export class Sound {
  #button = byId("sound");
  #label = byId("sound-label");
  #word = byId("sound-word");
  #harp = new Harp(() => this.#show());
  /** Whether an alarm went by unheard because the browser blocks sound. */
  #unheard = false;

  constructor() {
    this.#button.addEventListener("click", () => this.toggle());
    if (remembered("sound") === "on") this.#resumeAtFirstGesture();
    this.#show();
  }

  /** Pluck. @returns {boolean} whether it can be heard */
  ring() {
    const heard = this.#harp.play();
    this.#unheard = !heard && this.#harp.state === "blocked";
    if (this.#unheard) this.#show();
    return heard;
  }

  async toggle() {
    if (this.#harp.state === "on") {
      remember("sound", "off");
      this.#harp.disable();
      return;
    }
    remember("sound", "on");
    // A short test, so that one hears what is coming, and how loud.
    if (await this.#harp.enable()) this.#harp.play();
  }

  /** What was chosen before holds again, as soon as the browser allows it. */
  #resumeAtFirstGesture() {
    const gestures = ["pointerdown", "keydown"];
    const listening = new AbortController();
    const begin = (/** @type {Event} */ event) => {
      listening.abort();
      // The button itself does its own part.
      if (event.target instanceof Node && this.#button.contains(event.target)) return;
      this.#harp.enable();
    };
    for (const name of gestures) {
      document.addEventListener(name, begin, { signal: listening.signal });
    }
    this.#harp.want();
  }

  #show() {
    const state = this.#harp.state;
    const on = state === "on";
    if (on) this.#unheard = false;
    this.#button.dataset.sound = state;
    this.#button.setAttribute("aria-pressed", String(on));
    this.#button.toggleAttribute("disabled", state === "none");
    setText(this.#label, on ? "Sound on" : "Enable sound");
    setText(this.#word, this.#words(state));
    this.#word.hidden = this.#word.textContent === "";
  }

  /** @param {import("./trades_harp.js").SoundState} state */
  #words(state) {
    if (state === "none") return "This browser plays no sound here.";
    if (state !== "blocked") return "";
    return this.#unheard
      ? "The alarm was not heard: the browser blocks sound until you click Enable sound."
      : "The browser blocks sound until you click Enable sound.";
  }
}
