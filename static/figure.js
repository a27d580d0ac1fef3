// The server's Plotly figure, given colours, a window of time and an axis of prices.

import * as format from "./format.js";
import { fit } from "./viewport.js";

/** Names of the colours in style.css that the figure takes. */
export const COLOURS = /** @type {const} */ ([
  "surface", "line", "text", "muted", "rising", "falling", "rising-faint", "falling-faint",
]);

/** @typedef {Record<(typeof COLOURS)[number], string>} Palette */
/**
 * How a view is looked at.
 * @typedef {object} Look
 * @property {import("./viewport.js").Window} window
 * @property {import("./format.js").Zone} zone
 * @property {Palette} palette
 * @property {boolean} hollow
 * @property {{width: number, height: number}} size
 * @property {number} headroom pixels to leave free above the candles, for notices
 */
/**
 * Where things are, in pixels of the stage, for what is drawn over Plotly.
 * @typedef {object} Geometry
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} priceBottom
 * @property {number} volumeTop
 * @property {number} bottom
 * @property {(time: number) => number} x of an open time, ms
 * @property {(x: number) => number} time
 * @property {(price: number) => number} y
 * @property {(y: number) => number} price
 * @property {(volume: number) => number} volumeY
 */

const PRICE_PANE = 0.79;
const VOLUME_PANE = 0.18;
const ABOVE = 4;
const BELOW = 40;
/** However many notices there are, the candles keep most of their pane. */
const MOST_HEADROOM = 0.4;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";

const TICK_FORMATS = [
  { dtickrange: [null, 59_999], value: "%H:%M:%S\n%-d %b %Y" },
  { dtickrange: [60_000, 86_399_999], value: "%H:%M\n%-d %b %Y" },
  { dtickrange: [86_400_000, "M1"], value: "%-d %b\n%Y" },
  { dtickrange: ["M1", "M11"], value: "%b\n%Y" },
  { dtickrange: ["M12", null], value: "%Y" },
];

/**
 * @param {import("./api.js").View} view
 * @param {import("./viewport.js").Columns} columns
 * @param {Look} look
 */
export function buildFigure(view, columns, look) {
  return { data: traces(view, columns, look), layout: layout(view, columns, look) };
}

/**
 * The ranges of all axes for a window; enough for a zoom or a pan.
 * @param {import("./viewport.js").Columns} columns
 * @param {Look} look
 */
export function axisRanges(columns, look) {
  const { window, zone } = look;
  const fitted = fitLook(columns, look);
  return {
    "xaxis.range": [format.naive(window.start, zone), format.naive(window.end, zone)],
    "yaxis.range": [fitted.low, fitted.high],
    "yaxis2.range": [0, fitted.volume * 1.08],
  };
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./viewport.js").Columns} columns
 * @param {Look} look
 * @returns {Geometry}
 */
export function geometryOf(view, columns, look) {
  const { window, zone, size } = look;
  const box = margins(view, columns);
  const [left, right] = [box.l, Math.max(size.width - box.r, box.l + 1)];
  const [top, bottom] = [box.t, Math.max(size.height - box.b, box.t + 1)];
  const height = bottom - top;
  const priceHeight = height * PRICE_PANE;
  const { low, high, volume } = fitLook(columns, look);
  const from = format.wallClock(window.start, zone);
  const length = format.wallClock(window.end, zone) - from;
  const width = right - left;
  return {
    left, right, top, bottom,
    priceBottom: top + priceHeight,
    volumeTop: bottom - height * VOLUME_PANE,
    x: (time) => left + ((format.wallClock(time, zone) - from) / length) * width,
    time: (x) => window.start + ((x - left) / width) * (window.end - window.start),
    y: (price) => top + ((high - price) / (high - low)) * priceHeight,
    price: (y) => high - ((y - top) / priceHeight) * (high - low),
    volumeY: (value) => bottom - (value / (volume * 1.08)) * height * VOLUME_PANE,
  };
}

/**
 * What fits the window, lower by the headroom.
 * @param {import("./viewport.js").Columns} columns
 * @param {Look} look
 */
function fitLook(columns, { window, size, headroom }) {
  const fitted = fit(columns, window);
  const pane = Math.max(1, (size.height - ABOVE - BELOW) * PRICE_PANE);
  const part = Math.min(headroom / pane, MOST_HEADROOM);
  const extra = ((fitted.high - fitted.low) * part) / (1 - part);
  return { ...fitted, high: fitted.high + extra };
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./viewport.js").Columns} columns
 * @param {Look} look
 * @returns {import("./plotly.js").Trace[]}
 */
function traces(view, columns, { palette, hollow, zone }) {
  const [candles, volume] = view.figure.data;
  const x = zone === "utc" ? candles.x : columns.times.map((t) => format.naive(t, zone));
  const rises = columns.close.map((close, i) => close >= columns.open[i]);
  return [
    {
      ...candles, x, hoverinfo: "skip", showlegend: false, whiskerwidth: 0,
      increasing: {
        line: { color: palette.rising, width: 1 },
        fillcolor: hollow ? palette.surface : palette.rising,
      },
      decreasing: { line: { color: palette.falling, width: 1 }, fillcolor: palette.falling },
    },
    {
      ...volume, x, hoverinfo: "skip", showlegend: false,
      marker: {
        color: rises.map((up) => (up ? palette["rising-faint"] : palette["falling-faint"])),
        line: { width: 0 },
      },
    },
  ];
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./viewport.js").Columns} columns
 * @param {Look} look
 * @returns {import("./plotly.js").Layout}
 */
function layout(view, columns, look) {
  const { palette, size } = look;
  const ranges = axisRanges(columns, look);
  const axis = {
    fixedrange: true, zeroline: false, showline: false, autorange: false,
    gridcolor: palette.line, gridwidth: 1, automargin: false, title: { text: "" },
  };
  return {
    ...view.figure.layout,
    shapes: [], // The overlay draws the holes, hatched and in the chosen zone.
    width: size.width, height: size.height, autosize: false,
    paper_bgcolor: palette.surface, plot_bgcolor: palette.surface,
    font: { family: FONT, size: 11, color: palette.muted },
    margin: margins(view, columns), showlegend: false, hovermode: false, dragmode: false,
    bargap: 0.25,
    xaxis: {
      ...view.figure.layout.xaxis, ...axis, range: ranges["xaxis.range"], anchor: "y2",
      showgrid: true, ticks: "", nticks: Math.max(3, Math.floor(size.width / 110)),
      tickformatstops: TICK_FORMATS, ticklabeloverflow: "hide past div",
      rangeslider: { visible: false },
    },
    yaxis: {
      ...view.figure.layout.yaxis, ...axis, range: ranges["yaxis.range"], side: "right",
      domain: [1 - PRICE_PANE, 1], tickformat: `,.${view.price_digits}f`, ticks: "",
      nticks: Math.max(3, Math.floor((size.height * PRICE_PANE) / 56)), ticklabelstandoff: 6,
    },
    yaxis2: {
      ...view.figure.layout.yaxis2, ...axis, range: ranges["yaxis2.range"], side: "right",
      domain: [0, VOLUME_PANE], showgrid: false, showticklabels: false,
    },
  };
}

/**
 * @param {import("./api.js").View} view
 * @param {import("./viewport.js").Columns} columns
 */
function margins(view, columns) {
  // The widest label is the highest price; of the columns, not of the window, so that
  // the axis keeps its width while one zooms.
  const highest = columns.high.reduce((high, value) => Math.max(high, value), 0);
  const label = format.price(highest.toFixed(view.price_digits), view.price_digits);
  // On the left half a label's width, so that the first one is not cut off.
  return { l: 16, r: Math.ceil(label.length * 6.8) + 16, t: ABOVE, b: BELOW };
}
