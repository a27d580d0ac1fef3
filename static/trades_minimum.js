// The field for a minimum price: what is a number, and the word beside it.

import { byId, setText } from "./dom.js";
import * as format from "./format.js";

// Commas group by three, from the right; a point stands before the decimals.
const PRICE = /^(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?$/;
const SPACES = /[\s\u00a0\u2009\u202f]+/g;

/**
 * @param {string} text as typed
 * @returns {{value: number | null, exact: string, problem: string}} no value and no problem where nothing was typed
 */
export function parsePrice(text) {
  const typed = text.replace(SPACES, "");
  if (typed === "") return { value: null, exact: "", problem: "" };
  const value = PRICE.test(typed) ? Number(typed.replaceAll(",", "")) : NaN;
  if (!Number.isFinite(value)) return wrong(text, "is not a price");
  if (value <= 0) return wrong(text, "is not above zero");
  return { value, exact: plain(typed.replaceAll(",", "")), problem: "" };
}

export class MinimumField {
  #field = /** @type {HTMLInputElement} */ (byId("minimum"));
  #word = byId("minimum-word");
  #clear = byId("minimum-clear");
  #digits = 0;

  /** @param {(value: number | null, exact: string) => void} onChange told when typing is over */
  constructor(onChange) {
    const take = () => {
      const { value, exact, problem } = parsePrice(this.#field.value);
      this.#say(problem);
      if (!problem) this.show(exact);
      onChange(value, exact);
    };
    this.#field.addEventListener("change", take);
    // A word about half a number would be a nuisance.
    this.#field.addEventListener("input", () => {
      this.#clear.hidden = this.#field.value === "";
      this.#say("");
    });
    byId("minimum-form").addEventListener("submit", (event) => {
      event.preventDefault();
      take();
    });
    this.#clear.addEventListener("click", () => {
      this.#field.value = "";
      take();
      this.#field.focus();
    });
  }

  /**
   * @param {string} text a price, or what stood in the address for one
   * @returns {{value: number | null, exact: string}}
   */
  fill(text) {
    const { value, exact, problem } = parsePrice(text);
    this.#say(problem);
    if (problem) this.#field.value = text.trim();
    else this.show(exact);
    this.#clear.hidden = this.#field.value === "";
    return { value, exact };
  }

  /** @param {string} exact grouped, with the symbol's digits */
  show(exact) {
    this.#field.value = exact ? format.price(exact, this.#digits) : "";
    this.#clear.hidden = exact === "";
  }

  /** @param {number} digits of the symbol's prices */
  setDigits(digits) {
    if (digits === this.#digits) return;
    this.#digits = digits;
    const { exact, problem } = parsePrice(this.#field.value);
    if (!problem && document.activeElement !== this.#field) this.show(exact);
  }

  focus() {
    this.#field.focus();
    this.#field.select();
  }

  /** @param {string} problem */
  #say(problem) {
    setText(this.#word, problem);
    this.#word.hidden = problem === "";
    if (problem) this.#field.setAttribute("aria-invalid", "true");
    else this.#field.removeAttribute("aria-invalid");
  }
}

/**
 * @param {string} text
 * @param {string} what
 */
function wrong(text, what) {
  const named = text.trim().slice(0, 24);
  const problem = `\u201c${named}\u201d ${what}. Write it like 64,210.50.`;
  return { value: null, exact: "", problem };
}

/** "007.50" and ".5" as 7.5 and 0.5. @param {string} digits */
function plain(digits) {
  const [whole, fraction = ""] = digits.split(".");
  const kept = fraction.replace(/0+$/, "");
  return (whole.replace(/^0+(?=\d)/, "") || "0") + (kept && `.${kept}`);
}
