// The live chart: lightweight-charts with the page's colours, words and digits.

import { byId } from "./dom.js";
import * as format from "./format.js";
import { HolesPrimitive } from "./live_holes.js";
import { openingOf } from "./buckets.js";
import { holeBetween } from "./candle_book.js";
import { colours, onTheme } from "./theme.js";
import { LENGTHS, indexFrom } from "./viewport.js";
import {
  CandlestickSeries, HistogramSeries, LineStyle, TickMarkType, createChart,
} from "./vendor/lightweight-charts.mjs";

/** @typedef {import("./candle_book.js").Candle} Candle */
/** @typedef {import("./live_address.js").PriceName} PriceName */
/** @typedef {import("lightweight-charts").UTCTimestamp} Timestamp */
/**
 * How candles are to be drawn.
 * @typedef {object} Picture
 * @property {string} interval
 * @property {import("./api.js").Gap[]} gaps too short to be missing candles
 * @property {import("./viewport.js").Window | null} window what is to be seen; null: what
 *   is seen stays
 */
/**
 * @typedef {object} ChartHandlers
 * @property {(time: number | null) => void} point the open time under the cross-hair
 * @property {(view: {before: number, after: number}) => void} move how many candles lie
 *   left and right of what is seen; below 0 there is empty space
 */

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
const COLOURS = /** @type {const} */ ([
  "surface", "line", "text", "muted", "edge", "rising", "falling", "rising-faint",
  "falling-faint", "rising-text", "falling-text", "on-rising", "on-falling", "outage", "cross",
]);
/** A long outage takes as much room as so many candles, and no more. */
const WIDEST_HOLE = 200;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const BAR_SPACING = 8;
const RIGHT_OFFSET = 6;

export class LiveChart {
  #box = byId("plot");
  #palette = colours(...COLOURS);
  #chart;
  #candles;
  #volume;
  #holes = new HolesPrimitive();
  #line;
  #digits = 2;
  /** @type {Candle[]} */
  #rows = [];
  /** @type {PriceName} */
  #watched = "close";
  #marked = -1;
  /** The open time of the newest candle that is drawn. */
  #drawn = -Infinity;
  /** The times of all places of the axis, empty ones too, ms. @type {number[]} */
  #places = [];
  #step = 60_000;
  /** @type {Omit<Picture, "window">} */
  #picture = { interval: "1m", gaps: [] };

  /** @param {ChartHandlers} on */
  constructor(on) {
    this.on = on;
    this.#chart = createChart(this.#box, { autoSize: true, ...BEHAVIOUR });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.#candles = this.#chart.addSeries(CandlestickSeries, {
      lastValueVisible: false, priceLineVisible: false, borderVisible: false,
    });
    this.#candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.2 } });
    this.#candles.attachPrimitive(this.#holes);
    this.#line = this.#candles.createPriceLine({
      price: 0, lineVisible: false, axisLabelVisible: false, lineStyle: LineStyle.Dashed, lineWidth: 1,
    });
    this.#paint();
    onTheme(() => {
      this.#palette = colours(...COLOURS);
      this.#paint();
      if (this.#rows.length) this.show(this.#rows, { ...this.#picture, window: null });
    });
    this.#chart.subscribeCrosshairMove(({ time, sourceEvent }) => {
      // The pointer takes over from the keys.
      if (sourceEvent) this.#marked = -1;
      on.point(time === undefined ? null : msOf(time));
    });
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.#tellView());
  }

  /** @param {PriceName} price @param {number} digits after the point */
  prepare(price, digits) {
    this.#watched = price;
    this.#digits = digits;
    this.#candles.applyOptions({
      priceFormat: { type: "price", precision: digits, minMove: Number((10 ** -digits).toFixed(digits)) },
    });
    this.#chart.applyOptions({
      localization: { priceFormatter: (/** @type {number} */ value) => this.#priceText(value) },
    });
    this.#drawLine();
  }

  /**
   * Draw all candles.
   * @param {Candle[]} rows
   * @param {Picture} picture
   */
  show(rows, { window, ...picture }) {
    const first = !this.#rows.length;
    if (picture.interval !== this.#picture.interval) this.#marked = -1;
    this.#keep(rows);
    this.#picture = picture;
    this.#step = LENGTHS[picture.interval];
    const { points, bands } = withHoles(rows);
    bands.push(...picture.gaps.map((gap) => bandOf(gap, picture.interval)));
    this.#places = points.map(({ time }) => msOf(time));
    this.#candles.setData(points);
    this.#volume.setData(rows.map((row) => this.#volumeOf(row)));
    this.#holes.show(bands);
    this.#drawLine();
    if (first) this.newest();
    else if (window) this.#see(window);
    this.#tellView();
  }

  /** Draw the newest candle and those that came since the last drawing. @param {Candle[]} rows */
  update(rows) {
    const since = rows.findLastIndex((row) => row.time <= this.#drawn);
    for (const row of rows.slice(Math.max(since, 0))) {
      this.#candles.update(pointOf(row));
      this.#volume.update(this.#volumeOf(row));
      if (row.time > (this.#places.at(-1) ?? -Infinity)) this.#places.push(row.time);
    }
    this.#keep(rows);
    this.#drawLine();
  }

  /** How wide the candles' pane is, in pixels. */
  get pixels() {
    return this.#chart.timeScale().width();
  }

  /** The stretch of time that is seen, ms. @returns {import("./viewport.js").Window | null} */
  get window() {
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    if (!range || !this.#places.length) return null;
    return { start: this.#timeAt(range.from), end: this.#timeAt(range.to) };
  }

  /** @param {import("./viewport.js").Window} window */
  #see({ start, end }) {
    const [from, to] = [this.#placeAt(start), this.#placeAt(end)];
    if (to > from) this.#chart.timeScale().setVisibleLogicalRange({ from, to });
  }

  /** A place shows its candle's middle. @param {number} place @returns {number} ms */
  #timeAt(place) {
    const last = this.#places.length - 1;
    const before = Math.min(Math.max(Math.floor(place), 0), last);
    const step = place > 0 && before < last ? this.#places[before + 1] - this.#places[before] : this.#step;
    return this.#places[before] + (place - before) * step + this.#step / 2;
  }

  /** @param {number} time ms */
  #placeAt(time) {
    const middle = time - this.#step / 2;
    const last = this.#places.length - 1;
    const before = Math.min(Math.max(indexFrom(this.#places, middle) - 1, 0), last);
    const step = middle > this.#places[0] && before < last
      ? this.#places[before + 1] - this.#places[before] : this.#step;
    return before + (middle - this.#places[before]) / step;
  }

  /** @param {Candle[]} rows */
  #keep(rows) {
    this.#rows = rows;
    this.#drawn = rows.at(-1)?.time ?? -Infinity;
  }

  clear() {
    this.#keep([]);
    this.#places = [];
    this.#marked = -1;
    this.#candles.setData([]);
    this.#volume.setData([]);
    this.#holes.show([]);
    this.#line.applyOptions({ lineVisible: false, axisLabelVisible: false });
  }

  /** The newest candles at their usual width. */
  newest() {
    this.#chart.timeScale().applyOptions({ barSpacing: BAR_SPACING, rightOffset: RIGHT_OFFSET });
    this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET, false);
    this.#candles.priceScale().applyOptions({ autoScale: true });
  }

  /** The candles that are seen. @returns {Candle[]} */
  get visible() {
    const range = this.#chart.timeScale().getVisibleRange();
    if (!range) return [];
    const [from, to] = [msOf(range.from), msOf(range.to)];
    return this.#rows.filter((row) => row.time >= from && row.time <= to);
  }

  /** Nothing lies before the first candle: it may not be scrolled away. @param {boolean} fixed */
  setBeginning(fixed) {
    this.#chart.timeScale().applyOptions({ fixLeftEdge: fixed });
  }

  /** @param {number} factor below 1 zooms in */
  zoom(factor) {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range) return;
    const length = Math.max((range.to - range.from) * factor, 5);
    // The newest candle stays in place while it is seen.
    const anchored = scale.scrollPosition() >= 0;
    const right = anchored ? range.to : (range.from + range.to + length) / 2;
    scale.setVisibleLogicalRange({ from: right - length, to: right });
  }

  /**
   * Walk the candles with the cross-hair.
   * @param {number} steps
   */
  walk(steps) {
    const count = this.#rows.length;
    if (!count) return;
    const from = this.#marked >= 0 ? this.#marked : steps < 0 ? count : count - 2;
    const index = Math.min(Math.max(from + steps, 0), count - 1);
    const row = this.#rows[index];
    this.#bringIntoView(index);
    this.#chart.setCrosshairPosition(row.close, timeOf(row.time), this.#candles);
    this.#marked = index;
    this.on.point(row.time);
  }

  unmark() {
    this.#marked = -1;
    this.#chart.clearCrosshairPosition();
    this.on.point(null);
  }

  /** Places of the axis count empty ones too. @param {number} index */
  #bringIntoView(index) {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const place = scale.timeToIndex(timeOf(this.#rows[index].time), true);
    if (!range || place === null) return;
    const length = range.to - range.from;
    if (place < range.from + 1) scale.setVisibleLogicalRange({ from: place - 2, to: place - 2 + length });
    else if (place > range.to - 1) scale.setVisibleLogicalRange({ from: place + 2 - length, to: place + 2 });
  }

  #tellView() {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range || !this.#rows.length) return;
    this.on.move({ before: range.from, after: -scale.scrollPosition() });
  }

  #drawLine() {
    const row = this.#rows.at(-1);
    if (!row) return;
    const rising = row.close >= row.open;
    const colour = this.#palette[rising ? "rising-text" : "falling-text"];
    this.#line.applyOptions({
      price: row[this.#watched], title: this.#watched, lineVisible: true, axisLabelVisible: true,
      color: colour, axisLabelColor: colour, axisLabelTextColor: this.#palette[rising ? "on-rising" : "on-falling"],
    });
  }

  #paint() {
    const palette = this.#palette;
    this.#holes.paint(palette.outage);
    this.#chart.applyOptions({
      layout: {
        background: { color: palette.surface }, textColor: palette.muted, fontFamily: FONT, fontSize: 11,
      },
      grid: { vertLines: { color: palette.line }, horzLines: { color: palette.line } },
      crosshair: {
        vertLine: { color: palette.edge, labelBackgroundColor: palette.cross },
        horzLine: { color: palette.edge, labelBackgroundColor: palette.cross },
      },
      rightPriceScale: { borderVisible: false, entireTextOnly: true },
      timeScale: { borderColor: palette.line },
    });
    this.#candles.applyOptions({
      upColor: palette.rising, wickUpColor: palette.rising,
      downColor: palette.falling, wickDownColor: palette.falling,
    });
  }

  /** @param {Candle} row */
  #volumeOf(row) {
    const color = this.#palette[row.close >= row.open ? "rising-faint" : "falling-faint"];
    return { time: timeOf(row.time), value: row.volume, color };
  }

  /** @param {number} value */
  #priceText(value) {
    return format.price(value.toFixed(this.#digits), this.#digits);
  }
}

/** @type {import("lightweight-charts").DeepPartial<import("lightweight-charts").ChartOptions>} */
const BEHAVIOUR = {
  // The logo would need an inline style; the page's own footer names the maker and links.
  layout: { attributionLogo: false },
  crosshair: { mode: 0 },
  // A finger that moves down scrolls the page.
  handleScroll: { vertTouchDrag: false },
  kineticScroll: { touch: !matchMedia("(prefers-reduced-motion: reduce)").matches, mouse: false },
  localization: { timeFormatter: (/** @type {any} */ time) => format.dateTime(msOf(time), "utc") },
  timeScale: {
    timeVisible: true, secondsVisible: false, minBarSpacing: 0.2, borderVisible: true,
    tickMarkFormatter: (/** @type {any} */ time, /** @type {number} */ type) => tickText(msOf(time), type),
  },
};

/**
 * Candles with empty places where some are missing.
 * @param {Candle[]} rows
 */
function withHoles(rows) {
  /** @type {import("lightweight-charts").CandlestickData[]} */
  const points = [];
  /** @type {import("./live_holes.js").Band[]} */
  const bands = [];
  for (const [i, row] of rows.entries()) {
    const hole = i > 0 ? holeBetween(rows[i - 1], row) : null;
    if (hole) {
      const places = emptyPlaces(hole);
      bands.push({ first: places[0], last: places[places.length - 1] });
      points.push(...places.map((time) => /** @type {any} */ ({ time })));
    }
    points.push(pointOf(row));
  }
  return { points, bands };
}

/**
 * The candles that a gap lies in.
 * @param {import("./api.js").Gap} gap
 * @param {string} interval
 * @returns {import("./live_holes.js").Band}
 */
function bandOf({ start, end }, interval) {
  return { first: timeOf(openingOf(start, interval)), last: timeOf(openingOf(end - 1, interval)) };
}

/** @param {import("./candle_book.js").Hole} hole */
function emptyPlaces({ start, end, candles }) {
  const count = Math.min(candles, WIDEST_HOLE);
  return Array.from({ length: count }, (_, i) =>
    timeOf(start + Math.floor((i * (end - start)) / count)));
}

/** @param {Candle} row */
function pointOf({ time, open, high, low, close }) {
  return { time: timeOf(time), open, high, low, close };
}

/** @param {number} time ms */
function timeOf(time) {
  return /** @type {Timestamp} */ (time / 1000);
}

/** @param {unknown} time */
function msOf(time) {
  return Math.round(/** @type {number} */ (time) * 1000);
}

/**
 * @param {number} time ms
 * @param {number} type
 */
function tickText(time, type) {
  const at = new Date(time);
  if (type === TickMarkType.Year) return String(at.getUTCFullYear());
  if (type === TickMarkType.Month) return MONTHS[at.getUTCMonth()];
  if (type === TickMarkType.DayOfMonth) return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
  return format.clock(time, "utc");
}
