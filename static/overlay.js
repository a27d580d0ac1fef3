// What is drawn over Plotly's picture: outages, the last price, the cross-hair.

import { byId, makeSvg } from "./dom.js";
import * as format from "./format.js";
import { roundBelow } from "./viewport.js";

/** A hole narrower than this keeps a mark at the foot of the price pane. */
const NARROW = 5;

const GAP_WORDS = {
  exchange: "exchange outage",
  missing: "missing, still to be fetched",
  unknown: "missing, an outage of the exchange or not collected",
};

/**
 * @typedef {{gap: import("./api.js").Gap, left: number, right: number}} Band
 */

/** @param {import("./api.js").Gap} gap @param {import("./format.js").Zone} zone */
export function gapText(gap, zone) {
  const word = GAP_WORDS[gap.state];
  const candles = `${format.count(gap.candles)} ${gap.candles === 1 ? "candle" : "candles"}`;
  return `${word}, ${candles}, ${format.span(gap.start, gap.end, zone)}`;
}

export class Overlay {
  #svg = byId("overlay");
  #bands = makeSvg("g");
  #last = makeSvg("line", { class: "last-line" });
  #vertical = makeSvg("line", { class: "cross-line" });
  #horizontal = makeSvg("line", { class: "cross-line" });
  #lastTag = byId("last-tag");
  #priceTag = byId("cross-price");
  #timeTag = byId("cross-time");
  #volumeTag = byId("volume-tag");
  #tooltip = byId("gap-tooltip");
  /** @type {Band[]} */
  #placed = [];

  constructor() {
    this.#svg.append(
      makeSvg("defs", {}, hatch("exchange"), hatch("missing")),
      this.#bands, this.#last, this.#vertical, this.#horizontal,
    );
  }

  clear() {
    this.#bands.replaceChildren();
    this.#placed = [];
    for (const line of [this.#last, this.#vertical, this.#horizontal]) show(line, false);
    for (const tag of [this.#lastTag, this.#volumeTag]) tag.hidden = true;
    this.hideCross();
  }

  /**
   * @param {import("./api.js").View} view
   * @param {import("./viewport.js").Columns} columns
   * @param {import("./figure.js").Geometry} place
   */
  draw(view, columns, place) {
    this.#drawBands(view, columns.step, place);
    this.#drawLast(view, columns, place);
    this.#hideLabelsBehindTag();
    this.#drawVolumeMark(columns, place);
  }

  /**
   * @param {import("./api.js").View} view
   * @param {number} step
   * @param {import("./figure.js").Geometry} place
   */
  #drawBands(view, step, place) {
    this.#placed = view.gaps
      // A candle is drawn around its open time, so a hole begins half a step earlier.
      .map((gap) => ({ gap, left: place.x(gap.start - step / 2), right: place.x(gap.end - step / 2) }))
      .filter((band) => band.right > place.left && band.left < place.right)
      .map(({ gap, left, right }) => ({
        gap, left: Math.max(left, place.left), right: Math.min(right, place.right),
      }));
    this.#bands.replaceChildren(...this.#placed.flatMap((band) => bandShapes(band, place)));
  }

  /**
   * @param {import("./api.js").View} view
   * @param {import("./viewport.js").Columns} columns
   * @param {import("./figure.js").Geometry} place
   */
  #drawLast(view, columns, place) {
    const { last } = view;
    const y = last ? place.y(Number(last.price)) : NaN;
    const inside = y >= place.top && y <= place.priceBottom;
    show(this.#last, inside);
    this.#lastTag.hidden = !inside;
    if (!last || !inside) return;
    line(this.#last, place.left, y, place.right, y);
    const index = columns.close.length - 1;
    const rises = columns.close[index] >= columns.open[index];
    this.#lastTag.className = `tag last-tag ${rises ? "rising" : "falling"}`;
    this.#lastTag.textContent = format.price(last.price, view.price_digits);
    move(this.#lastTag, place.right, y - 10);
  }

  /** A label of the axis that looks out from behind the last price is hard to read. */
  #hideLabelsBehindTag() {
    const tag = this.#lastTag.getBoundingClientRect();
    for (const label of byId("plot").querySelectorAll(".ytick text")) {
      const { top, bottom } = label.getBoundingClientRect();
      const behind = !this.#lastTag.hidden && bottom > tag.top && top < tag.bottom;
      label.classList.toggle("behind-tag", behind);
    }
  }

  /**
   * @param {import("./viewport.js").Columns} columns
   * @param {import("./figure.js").Geometry} place
   */
  #drawVolumeMark(columns, place) {
    const top = (place.bottom - place.volumeTop) / (place.bottom - place.volumeY(1));
    const mark = roundBelow(Math.max(top * 0.95, Number.MIN_VALUE));
    this.#volumeTag.hidden = !columns.times.length || !Number.isFinite(mark);
    this.#volumeTag.textContent = format.short(mark);
    move(this.#volumeTag, place.right, place.volumeY(mark) - 9);
  }

  /**
   * The cross-hair at a candle and a height; the tags name both.
   * @param {import("./figure.js").Geometry} place
   * @param {{x: number, y: number | null, price: string, time: string}} at
   */
  showCross(place, at) {
    line(this.#vertical, at.x, place.top, at.x, place.bottom);
    show(this.#vertical, true);
    const inPrices = at.y !== null && at.y >= place.top && at.y <= place.priceBottom;
    show(this.#horizontal, inPrices);
    this.#priceTag.hidden = !inPrices;
    if (inPrices && at.y !== null) {
      line(this.#horizontal, place.left, at.y, place.right, at.y);
      this.#priceTag.textContent = at.price;
      move(this.#priceTag, place.right, at.y - 10);
    }
    this.#timeTag.hidden = false;
    this.#timeTag.textContent = at.time;
    const half = this.#timeTag.offsetWidth / 2;
    const middle = Math.min(Math.max(at.x, place.left + half), place.right - half);
    move(this.#timeTag, middle - half, place.bottom + 4);
  }

  hideCross() {
    show(this.#vertical, false);
    show(this.#horizontal, false);
    this.#priceTag.hidden = true;
    this.#timeTag.hidden = true;
    this.#tooltip.hidden = true;
  }

  /**
   * Name the hole under the pointer, if there is one.
   * @param {number} x
   * @param {number} y
   * @param {import("./format.js").Zone} zone
   * @param {import("./figure.js").Geometry} place
   * @returns {boolean} whether there is
   */
  nameBand(x, y, zone, place) {
    const found = this.#placed.find(({ left, right }) => {
      const slack = Math.max(0, 8 - (right - left)) / 2;
      return x >= left - slack && x <= right + slack;
    });
    this.#tooltip.hidden = !found;
    if (!found) return false;
    this.#tooltip.textContent = gapText(found.gap, zone);
    this.#tooltip.dataset.state = found.gap.state;
    const { offsetWidth: width } = this.#tooltip;
    const roomRight = place.right - x > width + 20;
    const left = roomRight ? x + 14 : Math.max(place.left + 4, x - width - 14);
    move(this.#tooltip, left, Math.max(place.top + 4, y - 40));
    return true;
  }
}

/** @param {string} state */
function hatch(state) {
  return makeSvg(
    "pattern",
    { id: `hatch-${state}`, class: `hatch ${state}`, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    makeSvg("rect", { width: 7, height: 7, class: "hatch-ground" }),
    makeSvg("line", { x1: 0, y1: 0, x2: 0, y2: 7, class: "hatch-line" }),
  );
}

/**
 * @param {Band} band
 * @param {import("./figure.js").Geometry} place
 */
function bandShapes({ gap, left, right }, place) {
  const width = right - left;
  const wide = makeSvg("rect", {
    class: `band ${gap.state}`, "data-state": gap.state, x: left, y: place.top,
    width: Math.max(width, 1), height: place.bottom - place.top,
    fill: width >= NARROW ? `url(#hatch-${gap.state})` : "none",
  });
  if (width >= NARROW) return [wide];
  const middle = (left + right) / 2;
  const foot = place.priceBottom + 2;
  const mark = makeSvg("path", {
    class: `band-mark ${gap.state}`, "data-state": gap.state,
    d: `M${middle - 3.5} ${foot + 7}h7l-3.5-7z`,
  });
  return [mark];
}

/** @param {SVGElement} element @param {boolean} visible */
function show(element, visible) {
  element.classList.toggle("away", !visible);
}

/**
 * @param {SVGElement} element
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
function line(element, x1, y1, x2, y2) {
  const at = { x1, y1, x2, y2 };
  for (const [key, value] of Object.entries(at)) {
    element.setAttribute(key, (Math.round(value - 0.5) + 0.5).toFixed(1));
  }
}

/** @param {HTMLElement} element @param {number} x @param {number} y */
function move(element, x, y) {
  element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}
