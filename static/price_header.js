// The big symbol, its last price and the change over 24 hours; the page's title too.

import { byId, make, setText } from "./dom.js";
import * as format from "./format.js";

const FLASH_MS = 300;

export class PriceHeader {
  #symbol = byId("quote-symbol");
  #price = byId("quote-price");
  #change = byId("quote-change");
  #before = { symbol: "", price: "" };

  /** @param {string} symbol known before the view is */
  announce(symbol) {
    if (symbol === this.#before.symbol) return;
    this.#before = { symbol, price: "" };
    setText(this.#symbol, symbol);
    this.#price.replaceChildren(make("i", { class: "bone bone-price" }));
    this.#change.replaceChildren();
  }

  /** @param {import("./api.js").View} view */
  show(view) {
    const name = `${view.base_asset}/${view.quote_asset}`;
    setText(this.#symbol, name);
    const exact = view.last?.price ?? "";
    const price = exact ? format.price(exact, view.price_digits) : "\u2013";
    setText(this.#price, price);
    this.#showChange(view);
    const { symbol, price: old } = this.#before;
    if (symbol === view.symbol && old && exact && old !== exact) this.#flash(Number(exact) > Number(old));
    this.#before = { symbol: view.symbol, price: exact };
    document.title = exact ? `${price} ${name} ${view.interval} · klineboard` : `${name} · klineboard`;
  }

  /** @param {string} symbol nothing is known about it */
  showUnknown(symbol) {
    setText(this.#symbol, symbol);
    this.#price.replaceChildren();
    this.#change.replaceChildren();
    this.#before = { symbol: "", price: "" };
    document.title = `${symbol} · klineboard`;
  }

  /** @param {import("./api.js").View} view */
  #showChange({ last, price_digits: digits }) {
    const percent = last?.change_24h_percent;
    if (!last || percent === null || percent === undefined) return this.#change.replaceChildren();
    const value = Number(percent);
    this.#change.className = `quote-change ${format.direction(value)}`;
    const absolute = last.change_24h === null ? "" : format.price(last.change_24h, digits);
    this.#change.title = absolute ? `${absolute} in 24 hours` : "";
    this.#change.replaceChildren(
      make("span", {}, format.percent(value)), make("span", { class: "quote-period" }, "24h"));
  }

  /** @param {boolean} up */
  #flash(up) {
    const name = up ? "flash-up" : "flash-down";
    this.#price.classList.add(name);
    setTimeout(() => this.#price.classList.remove(name), FLASH_MS);
  }
}
