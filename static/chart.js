// The chart: Plotly's picture, what is drawn over it, and how it is moved.

import { byId } from "./dom.js";
import { COLOURS, axisRanges, buildFigure, geometryOf } from "./figure.js";
import * as format from "./format.js";
import { listenToGestures } from "./gestures.js";
import { clearLegend, showLegend, speakLegend } from "./legend.js";
import { Overlay } from "./overlay.js";
import { CONFIG, plotly } from "./plotly.js";
import { colours } from "./theme.js";
import { LENGTHS, columnsOf, indexFrom, naturalWindow, nearestIndex, shifted, zoomed } from "./viewport.js";
import { LEAST_CANDLES, withinBounds } from "./zoom.js";

/** @typedef {import("./api.js").View} View */
/** @typedef {import("./viewport.js").Window} Window */
/**
 * @typedef {object} ChartHandlers
 * @property {(window: Window) => Promise<void> | "wait" | null} move a gesture leads to a
 *   window: the drawing of a better picture for it, null where the shown one only moves,
 *   "wait" where it stays as it is until there is one
 * @property {() => void} reset back to where the gestures began
 */

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
  /** The open time under the cross-hair, ms: it stays while pictures change. @type {number | null} */
  #marked = null;
  /** @type {{x: number, y: number} | null} */
  #pointer = null;
  #frame = 0;
  /** Counts moves: one that comes while another is being drawn is drawn after it. */
  #moves = 0;
  #drawn = false;

  /**
   * @param {{zone: import("./format.js").Zone, hollow: boolean}} options
   * @param {ChartHandlers} on
   */
  constructor(options, on) {
    this.options = options;
    this.on = on;
    listenToGestures(this.#surface, {
      pan: (fraction) => this.pan(-fraction),
      zoom: (factor, at) => this.zoom(factor, at),
      point: (x, y) => this.#point(x, y),
      leave: () => this.unmark(),
      reset: () => on.reset(),
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

  /** How wide the candles' pane is, in pixels. */
  get pixels() {
    const place = this.#place();
    return place ? place.right - place.left : this.#stage.clientWidth;
  }

  /** The fraction of the window where the hand is; the newest where it is nowhere. */
  get at() {
    const place = this.#place();
    return place ? Math.min(Math.max(this.#markedFraction(place), 0), 1) : 1;
  }

  /**
   * Show a view.
   * @param {View} view
   * @param {Window | null} [window] what is to be seen of it; null for all. Left out,
   *   what is seen stays: no answer moves what somebody looks at.
   * @returns {Promise<void>} resolved when it is drawn
   */
  async show(view, window = this.#zoom) {
    if (this.#view?.symbol !== view.symbol) this.#marked = null;
    this.#zoom = window;
    this.#view = view;
    this.#columns = columnsOf(view);
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

  /**
   * Walk the candles; the legend follows, and the window where it must. Beyond what is
   * loaded lies more: the window moves there, and the candles come.
   * @param {number} steps endless: to the first or the newest candle
   */
  walk(steps) {
    const [times, limits] = [this.#columns?.times, this.#limits()];
    if (!times?.length || !limits) return;
    this.#marked = this.#zoom && !Number.isFinite(steps)
      ? (steps < 0 ? limits.start : limits.newest) : this.#stepped(times, limits, steps);
    this.#pointer = null;
    speakLegend(true);
    this.#bringIntoView(this.#marked);
    this.#drawOverlay();
  }

  /**
   * The open time so many candles on; where none are loaded, they are counted.
   * @param {number[]} times
   * @param {Window & {newest: number}} limits
   * @param {number} steps
   */
  #stepped(times, limits, steps) {
    const [marked, step, last] = [this.#marked, this.#columns?.step ?? 0, times.length - 1];
    const inside = (/** @type {number} */ time) => Math.min(Math.max(time, limits.start), limits.newest);
    // The keys may be faster than the server.
    const ahead = marked !== null && (marked < times[0] || marked > times[last]);
    if (ahead && Number.isFinite(steps)) return inside(marked + steps * step);
    const seen = this.window ? indexFrom(times, this.window.end) : times.length;
    const to = (this.#markedIndex(times) ?? (steps < 0 ? seen : seen - 2)) + steps;
    if (times[to] !== undefined) return times[to];
    const edge = to < 0 ? 0 : last;
    return Number.isFinite(to) ? inside(times[edge] + (to - edge) * step) : times[edge];
  }

  /** @param {number[]} times @returns {number | null} */
  #markedIndex(times) {
    return this.#marked === null ? null : nearestIndex(times, this.#marked);
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
    const limits = this.#limits();
    if (!this.#view || !limits) return;
    const shortest = LENGTHS[this.#view.intervals[0]] ?? limits.step;
    this.#zoom = withinBounds(wish, limits, LEAST_CANDLES * shortest);
    this.#moved();
  }

  /** Where there are candles: all that are stored, and those of the relay. */
  #limits() {
    const [view, columns] = [this.#view, this.#columns];
    if (!view || !columns?.times.length) return null;
    const { times, step } = columns;
    const newest = times[times.length - 1];
    const bounds = view.bounds ?? { start: times[0], end: newest + step };
    return { start: Math.min(bounds.start, times[0]), end: Math.max(bounds.end, newest + step),
      newest: Math.max(bounds.end - step, newest), step };
  }

  /** Draw a moved window at the next frame; many moves in one frame cost one drawing. */
  #moved() {
    this.#moves += 1;
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#drawMoved());
  }

  async #drawMoved() {
    const drawn = this.#moves;
    const library = await plotly;
    const better = this.#zoom && this.on.move(this.#zoom);
    const look = this.#look();
    if (better === "wait") {
      // An empty chart helps nobody: the answer will draw what is there.
      this.#frame = 0;
      return;
    }
    if (better) await better;
    else if (look && this.#columns && this.#drawn) {
      await library.relayout(this.#plot, axisRanges(this.#columns, look));
    }
    this.#frame = 0;
    if (this.#pointer) this.#point(this.#pointer.x, this.#pointer.y);
    else this.#drawOverlay();
    if (this.#moves !== drawn) this.#frame = requestAnimationFrame(() => this.#drawMoved());
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
    this.#marked = times[nearestIndex(times, place.time(x))];
    this.#drawOverlay();
  }

  #drawOverlay() {
    const [view, columns, place] = [this.#view, this.#columns, this.#place()];
    if (!view || !columns || !place) return;
    const { zone } = this.options;
    this.#overlay.draw(view, columns, place);
    const index = this.#markedIndex(columns.times) ?? this.#newestSeen(columns.times);
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

  /** The legend tells of the newest candle in sight. @param {number[]} times */
  #newestSeen(times) {
    const end = this.window?.end ?? Infinity;
    return Math.max(indexFrom(times, end) - 1, 0);
  }

  /** Say in the document what the picture shows. @param {import("./viewport.js").Columns} columns */
  #describe(columns) {
    const window = this.window;
    if (!window) return;
    this.#stage.dataset.interval = this.#view?.interval ?? "";
    this.#stage.classList.toggle("zoomed", this.isZoomed);
    this.#stage.dataset.candles = String(columns.times.length);
    this.#stage.dataset.newest = new Date(columns.times[columns.times.length - 1]).toISOString();
    this.#stage.dataset.from = new Date(window.start).toISOString();
    this.#stage.dataset.to = new Date(window.end).toISOString();
  }

  /** @param {import("./figure.js").Geometry} place */
  #markedFraction(place) {
    if (this.#marked === null || !this.#columns) return 1;
    const x = place.x(this.#marked);
    return (x - place.left) / (place.right - place.left);
  }

  /** @param {number} time ms */
  #bringIntoView(time) {
    const [window, columns] = [this.window, this.#columns];
    if (!window || !columns) return;
    const margin = this.#zoom ? Math.min(columns.step * 2, (window.end - window.start) * 0.1) : 0;
    if (time < window.start + margin) {
      this.#moveTo({ start: time - margin, end: time - margin + (window.end - window.start) });
    } else if (time > window.end - margin) {
      this.#moveTo({ start: time + margin - (window.end - window.start), end: time + margin });
    }
  }
}
