// The chart: Plotly's picture, what is drawn over it, and how it is moved.

import { byId } from "./dom.js";
import { COLOURS, axisRanges, buildFigure, geometryOf } from "./figure.js";
import * as format from "./format.js";
import { listenToGestures } from "./gestures.js";
import { clearLegend, showLegend, speakLegend } from "./legend.js";
import { Overlay } from "./overlay.js";
import { CONFIG, plotly } from "./plotly.js";
import { colours } from "./theme.js";
import { clampWindow, columnsOf, naturalWindow, nearestIndex, shifted, zoomed } from "./viewport.js";

/** @typedef {import("./api.js").View} View */
/** @typedef {import("./viewport.js").Window} Window */

export class Chart {
  #stage = byId("stage");
  #plot = byId("plot");
  #surface = byId("surface");
  #overlay = new Overlay();
  #palette = colours(...COLOURS);
  /** @type {View | null} */
  #view = null;
  /** @type {import("./viewport.js").Columns | null} */
  #columns = null;
  /** The stretch that was zoomed to; null shows everything and moves along. @type {Window | null} */
  #zoom = null;
  /** The candle under the cross-hair. @type {number | null} */
  #marked = null;
  /** @type {{x: number, y: number} | null} */
  #pointer = null;
  #frame = 0;
  /** Counts moves: one that comes while another is being drawn is drawn after it. */
  #moves = 0;
  #drawn = false;

  /** @param {{zone: import("./format.js").Zone, hollow: boolean}} options */
  constructor(options) {
    this.options = options;
    listenToGestures(this.#surface, {
      pan: (fraction) => this.pan(-fraction),
      zoom: (factor, at) => this.zoom(factor, at),
      point: (x, y) => this.#point(x, y),
      leave: () => this.unmark(),
      reset: () => this.reset(),
    });
    this.#surface.addEventListener("blur", () => speakLegend(false));
    const watcher = new ResizeObserver(() => this.redraw());
    watcher.observe(this.#stage);
    watcher.observe(byId("notices"));
  }

  get isZoomed() {
    return this.#zoom !== null;
  }

  /** The window that is seen, ms. @returns {Window | null} */
  get window() {
    if (!this.#view || !this.#columns?.times.length) return null;
    return this.#zoom ?? naturalWindow(this.#columns, this.#view.view);
  }

  /**
   * Show a view. The zoom stays as it is if this is the same chart, or another symbol
   * at the same interval and range; so a refresh never moves what somebody looks at.
   * @param {View} view
   * @returns {Promise<void>} resolved when it is drawn
   */
  async show(view) {
    const before = this.#view;
    const same = before && before.interval === view.interval && before.range === view.range;
    if (!same) this.#zoom = null;
    if (!same || before.symbol !== view.symbol) this.#marked = null;
    this.#view = view;
    this.#columns = columnsOf(view);
    this.#keepZoomInside();
    await this.redraw();
  }

  /** Take the picture away; a message stands in its place. */
  clear() {
    this.#view = null;
    this.#columns = null;
    this.#marked = null;
    this.#overlay.clear();
    clearLegend();
    this.#stage.classList.add("no-picture");
    delete this.#stage.dataset.candles;
  }

  /** Draw all again: new data, another size, theme, zone or kind of candle. */
  async redraw() {
    const library = await plotly;
    const [view, columns, look] = [this.#view, this.#columns, this.#look()];
    if (!view || !columns || !look) return;
    const figure = buildFigure(view, columns, look);
    this.#stage.classList.remove("no-picture");
    await library.react(this.#plot, figure.data, figure.layout, CONFIG);
    this.#drawn = true;
    this.#drawOverlay();
  }

  /** Read the colours anew and draw. */
  retheme() {
    this.#palette = colours(...COLOURS);
    return this.redraw();
  }

  /** @param {number} fraction of the width; positive is later */
  pan(fraction) {
    const window = this.window;
    if (window) this.#moveTo(shifted(window, fraction));
  }

  /**
   * @param {number} factor below 1 zooms in
   * @param {number} [at] the fraction of the stage that stays in place
   */
  zoom(factor, at) {
    const [window, place] = [this.window, this.#place()];
    if (!window || !place) return;
    const fraction = at === undefined
      ? this.#markedFraction(place)
      : (at * this.#stage.clientWidth - place.left) / (place.right - place.left);
    this.#moveTo(zoomed(window, factor, Math.min(Math.max(fraction, 0), 1)));
  }

  reset() {
    this.#zoom = null;
    this.#moved();
  }

  /**
   * Walk the candles; the legend follows, and the window where it must.
   * @param {number} steps
   */
  walk(steps) {
    const times = this.#columns?.times;
    if (!times?.length) return;
    const from = this.#marked ?? (steps < 0 ? times.length : times.length - 2);
    this.#marked = Math.min(Math.max(from + steps, 0), times.length - 1);
    this.#pointer = null;
    speakLegend(true);
    this.#bringIntoView(times[this.#marked]);
    this.#drawOverlay();
  }

  unmark() {
    this.#marked = null;
    this.#pointer = null;
    this.#overlay.hideCross();
    this.#drawOverlay();
  }

  /**
   * The chart as a picture, with what stands over it.
   * @returns {Promise<string>} a data: address
   */
  async picture() {
    const library = await plotly;
    const [view, columns, look, place] = [this.#view, this.#columns, this.#look(), this.#place()];
    if (!view || !columns || !look || !place) throw new Error("nothing is drawn");
    const { data, layout } = buildFigure(view, columns, look);
    const name = `${view.base_asset}/${view.quote_asset} ${view.interval}`;
    const [first, last] = [columns.times[0], columns.times[columns.times.length - 1] + columns.step];
    const span = format.span(
      Math.max(look.window.start, first), Math.min(look.window.end, last), look.zone);
    const half = columns.step / 2;
    const decorated = {
      ...layout,
      title: { text: `${name} · ${span}`, x: 0, xanchor: "left", pad: { l: 12 }, font: { size: 14, color: look.palette.text } },
      margin: { ...layout.margin, t: 44 },
      shapes: view.gaps.map((gap) => ({
        type: "rect", xref: "x", yref: "paper", layer: "below", y0: 0, y1: 1, line: { width: 0 },
        x0: format.naive(gap.start - half, look.zone), x1: format.naive(gap.end - half, look.zone),
        fillcolor: look.palette.line,
      })),
    };
    const size = { width: look.size.width, height: look.size.height + 40 };
    return library.toImage({ data, layout: { ...decorated, ...size } }, { format: "png", scale: 2, ...size });
  }

  /** @returns {import("./figure.js").Look | null} */
  #look() {
    const window = this.window;
    const size = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
    if (!window || size.width < 40 || size.height < 40) return null;
    const { zone, hollow } = this.options;
    const notices = byId("notices").offsetHeight;
    const headroom = notices && notices + 10;
    return { window, zone, hollow, palette: this.#palette, size, headroom };
  }

  #place() {
    const look = this.#look();
    if (!look || !this.#view || !this.#columns) return null;
    return geometryOf(this.#view, this.#columns, look);
  }

  /** @param {Window} wish */
  #moveTo(wish) {
    if (!this.#view || !this.#columns) return;
    const natural = naturalWindow(this.#columns, this.#view.view);
    this.#zoom = clampWindow(wish, natural, this.#columns.step);
    this.#moved();
  }

  /** Draw a moved window at the next frame; many moves in one frame cost one drawing. */
  #moved() {
    this.#moves += 1;
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#drawMoved());
  }

  async #drawMoved() {
    const drawn = this.#moves;
    const [library, look] = [await plotly, this.#look()];
    if (look && this.#columns && this.#drawn) {
      await library.relayout(this.#plot, axisRanges(this.#columns, look));
    }
    this.#frame = 0;
    if (this.#pointer) this.#point(this.#pointer.x, this.#pointer.y);
    else this.#drawOverlay();
    if (this.#moves !== drawn) this.#frame = requestAnimationFrame(() => this.#drawMoved());
  }

  /** After new data, a window that lies outside of them would show nothing. */
  #keepZoomInside() {
    if (!this.#zoom || !this.#columns?.times.length || !this.#view) return;
    const natural = naturalWindow(this.#columns, this.#view.view);
    this.#zoom = clampWindow(this.#zoom, natural, this.#columns.step);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #point(x, y) {
    const [place, times] = [this.#place(), this.#columns?.times];
    if (!place || !times?.length) return;
    speakLegend(false);
    if (x > place.right || y > place.bottom) return this.unmark();
    this.#pointer = { x, y };
    this.#marked = nearestIndex(times, place.time(x));
    this.#drawOverlay();
  }

  #drawOverlay() {
    const [view, columns, place] = [this.#view, this.#columns, this.#place()];
    if (!view || !columns || !place) return;
    const { zone } = this.options;
    this.#overlay.draw(view, columns, place);
    const index = Math.min(this.#marked ?? Infinity, columns.times.length - 1);
    showLegend(view, index, zone);
    this.#describe(columns);
    if (this.#marked === null) return this.#overlay.hideCross();
    const pointer = this.#pointer;
    const y = pointer?.y ?? place.y(columns.close[index]);
    this.#overlay.showCross(place, {
      x: place.x(columns.times[index]), y,
      price: format.price(place.price(y).toFixed(view.price_digits), view.price_digits),
      time: format.dateTime(columns.times[index], zone),
    });
    if (pointer) this.#overlay.nameBand(pointer.x, pointer.y, zone, place);
  }

  /** Say in the document what the picture shows. @param {import("./viewport.js").Columns} columns */
  #describe(columns) {
    const window = this.window;
    if (!window) return;
    this.#stage.classList.toggle("zoomed", this.isZoomed);
    this.#stage.dataset.candles = String(columns.times.length);
    this.#stage.dataset.newest = new Date(columns.times[columns.times.length - 1]).toISOString();
    this.#stage.dataset.from = new Date(window.start).toISOString();
    this.#stage.dataset.to = new Date(window.end).toISOString();
  }

  /** @param {import("./figure.js").Geometry} place */
  #markedFraction(place) {
    if (this.#marked === null || !this.#columns) return 1;
    const x = place.x(this.#columns.times[this.#marked]);
    return (x - place.left) / (place.right - place.left);
  }

  /** @param {number} time ms */
  #bringIntoView(time) {
    const [window, columns] = [this.#zoom, this.#columns];
    if (!window || !columns) return;
    const margin = columns.step * 2;
    if (time < window.start + margin) {
      this.#moveTo({ start: time - margin, end: time - margin + (window.end - window.start) });
    } else if (time > window.end - margin) {
      this.#moveTo({ start: time + margin - (window.end - window.start), end: time + margin });
    }
  }
}
