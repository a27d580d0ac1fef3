// The shaded price line: quarters of a second, each with its last price.

import { byId } from "./dom.js";
import * as format from "./format.js";
import { colours, currentTheme, onTheme } from "./theme.js";
import { AreaSeries, ColorType, createChart, LineStyle } from "./vendor/lightweight-charts.mjs";

const STEP_MS = 250;
/** Until so many points are there, all of them are shown; then the line runs. */
const FILLS_UNTIL = (120 * 1000) / STEP_MS;
const MOST_POINTS = 24_000;
/** Silence is drawn to scale up to this length; a night would leave an empty chart. */
const LONGEST_SILENCE = (120 * 1000) / STEP_MS;
/** From so many new points on, all are handed over at once: cheaper than one by one. */
const MANY_POINTS = 40;
const CLEAR = "rgba(0, 0, 0, 0)";

/** @typedef {import("lightweight-charts").AreaData<import("lightweight-charts").UTCTimestamp>} Point */
/** @typedef {import("lightweight-charts").WhitespaceData<import("lightweight-charts").UTCTimestamp>} Silence */

export class TradesChart {
  #stage = byId("trades-stage");
  #toNow = byId("to-now");
  #chart;
  #series;
  /** @type {(Point | Silence)[]} */
  #points = [];
  /** The first point that is not drawn as it is now. */
  #undrawn = 0;
  #redraw = false;
  #step = -Infinity;
  /** Of the symbol's prices; -1 before it is known. */
  #digits = -1;
  #above = false;
  /** Whether the visitor has moved the chart; then it stays as it was put. */
  #moved = false;
  /** @type {number | null} */
  #minimum = null;
  /** @type {import("lightweight-charts").IPriceLine | null} */
  #line = null;
  /** @type {import("./format.js").Zone} */
  #zone = "utc";

  constructor() {
    this.#chart = createChart(this.#stage, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11 },
      grid: { vertLines: { visible: false } },
      rightPriceScale: {
        borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.12, bottom: 0.1 },
      },
      timeScale: {
        // There is nothing before the first trade, and its label shall not be cut.
        fixLeftEdge: true,
        borderVisible: false, timeVisible: true, secondsVisible: true, rightOffsetPixels: 36,
        minBarSpacing: 0.05, allowBoldLabels: false,
        // Parts of a second would read as the same second twice.
        tickMarkFormatter: (/** @type {number} */ time) => time % 1 ? "" : this.#clock(time),
      },
      // A finger that goes down scrolls the page.
      handleScroll: { vertTouchDrag: false },
      localization: { timeFormatter: (/** @type {number} */ time) => this.#clock(time) },
    });
    this.#series = this.#chart.addSeries(AreaSeries, {
      lineWidth: 2, lastPriceAnimation: 0,
      autoscaleInfoProvider: (/** @type {() => any} */ original) => this.#withMinimum(original()),
    });
    this.#watch();
    this.#paint();
    onTheme(() => this.#paint());
  }

  /** @param {number} digits @param {import("./format.js").Zone} zone */
  setLook(digits, zone) {
    const rezoned = zone !== this.#zone;
    if (digits === this.#digits && !rezoned) return;
    this.#digits = digits;
    this.#zone = zone;
    this.#series.applyOptions({
      priceFormat: {
        type: "custom", minMove: 10 ** -digits,
        formatter: (/** @type {number} */ price) => format.price(price.toFixed(digits), digits),
      },
    });
    // Marks of the time axis are kept; new data make them anew.
    if (rezoned) this.#redraw = true;
  }

  /**
   * @param {number} price
   * @param {number} time ms
   * @param {boolean} afterHole whether trades before this one were missed
   */
  add(price, time, afterHole) {
    const step = Math.max(Math.floor(time / STEP_MS), this.#step);
    if (step === this.#step) {
      const newest = this.#points.length - 1;
      this.#points[newest] = { .../** @type {Point} */ (this.#points[newest]), value: price };
      this.#undrawn = Math.min(this.#undrawn, newest);
      return;
    }
    this.#addSilence(step);
    this.#step = step;
    if (this.#points.length > 2 * MOST_POINTS) this.#shorten(); // A hidden tab draws nothing.
    // No line is drawn through what nobody has seen.
    const hidden = afterHole ? { lineColor: CLEAR, topColor: CLEAR, bottomColor: CLEAR } : {};
    this.#points.push({ time: timeOf(step), value: price, ...hidden });
  }

  clear() {
    this.#points = [];
    this.#step = -Infinity;
    this.#moved = false;
    this.#redraw = true;
  }

  /** @param {number | null} minimum @param {string} exact */
  setMinimum(minimum, exact) {
    this.#minimum = minimum;
    if (this.#line) this.#series.removePriceLine(this.#line);
    this.#line = minimum === null ? null : this.#series.createPriceLine({
      price: minimum, lineStyle: LineStyle.Dashed, lineWidth: 1, axisLabelVisible: true,
      title: "minimum", ...this.#lineColours(),
    });
    this.#stage.dataset.minimum = exact;
  }

  /** @param {boolean} above */
  setAbove(above) {
    if (above === this.#above) return;
    this.#above = above;
    this.#paint();
  }

  /** Bring in what came since the last frame. */
  draw() {
    if (this.#points.length > MOST_POINTS) this.#shorten();
    if (this.#redraw || this.#points.length - this.#undrawn > MANY_POINTS) {
      this.#series.setData(this.#points);
    } else {
      for (const point of this.#points.slice(this.#undrawn)) this.#series.update(point);
    }
    if (!this.#moved && this.#points.length < FILLS_UNTIL) this.#chart.timeScale().fitContent();
    this.#stage.dataset.points = String(this.#points.length);
    this.#redraw = false;
    this.#undrawn = this.#points.length;
  }

  #watch() {
    const scale = this.#chart.timeScale();
    const moved = () => {
      this.#moved = true;
    };
    for (const name of ["wheel", "pointerdown"]) {
      this.#stage.addEventListener(name, moved, { passive: true });
    }
    scale.subscribeVisibleLogicalRangeChange(() => {
      this.#toNow.hidden = !this.#moved || scale.scrollPosition() > -5;
    });
    this.#toNow.addEventListener("click", () => this.#goToNow());
    this.#stage.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range || event.ctrlKey || event.metaKey || event.altKey) return;
    const width = range.to - range.from;
    const from = { ArrowLeft: -0.1, ArrowRight: 0.1, "+": 0.15, "=": 0.15, "-": -0.2 }[event.key];
    const to = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key] ?? 0;
    if (event.key === "End") this.#goToNow();
    else if (from === undefined) return;
    else {
      this.#moved = true;
      scale.setVisibleLogicalRange({ from: range.from + from * width, to: range.to + to * width });
    }
    event.preventDefault();
  }

  #goToNow() {
    this.#moved = false;
    if (this.#points.length < FILLS_UNTIL) this.#chart.timeScale().fitContent();
    else this.#chart.timeScale().scrollToRealTime();
    this.#stage.focus();
  }

  #shorten() {
    this.#points = this.#points.slice(-MOST_POINTS / 2);
    this.#redraw = true;
  }

  /** @param {number} step */
  #addSilence(step) {
    const silence = step - this.#step - 1;
    if (silence > LONGEST_SILENCE || !Number.isFinite(silence)) return;
    for (let i = 1; i <= silence; i++) this.#points.push({ time: timeOf(this.#step + i) });
  }

  /**
   * A minimum near the prices is in the picture; one far away would flatten the line.
   * @param {import("lightweight-charts").AutoscaleInfo | null} info
   */
  #withMinimum(info) {
    if (!info?.priceRange || this.#minimum === null) return info;
    const { minValue, maxValue } = info.priceRange;
    const reach = Math.max(2 * (maxValue - minValue), maxValue * 0.0005);
    if (this.#minimum < minValue - reach || this.#minimum > maxValue + reach) return info;
    return {
      ...info,
      priceRange: {
        minValue: Math.min(minValue, this.#minimum), maxValue: Math.max(maxValue, this.#minimum),
      },
    };
  }

  #paint() {
    const line = this.#above ? "rising" : "accent";
    const c = colours("surface", "muted", "line", "edge", line);
    const faint = (/** @type {number} */ share) => c[line].replace("rgb(", "rgba(").replace(")", `, ${share})`);
    this.#chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: CLEAR }, textColor: c.muted,
        fontFamily: getComputedStyle(document.body).fontFamily,
      },
      grid: { horzLines: { color: c.line } },
      crosshair: {
        vertLine: { color: c.edge, labelBackgroundColor: c.edge },
        horzLine: { color: c.edge, labelBackgroundColor: c.edge },
      },
    });
    const dark = currentTheme() === "dark";
    this.#series.applyOptions({
      lineColor: c[line], topColor: faint(dark ? 0.38 : 0.3), bottomColor: faint(0.02),
      priceLineColor: c[line],
    });
    this.#line?.applyOptions(this.#lineColours());
  }

  #lineColours() {
    const { edge, text, surface } = colours("edge", "text", "surface");
    return { color: edge, axisLabelColor: text, axisLabelTextColor: surface };
  }

  /** @param {number} seconds */
  #clock(seconds) {
    const time = Math.floor(seconds) * 1000;
    return new Date(format.wallClock(time, this.#zone)).toISOString().slice(11, 19);
  }
}

/** @param {number} step */
function timeOf(step) {
  return /** @type {import("lightweight-charts").UTCTimestamp} */ ((step * STEP_MS) / 1000);
}
