// How somebody looks at a chart: zone, hollow candles, as a table, as a picture.

import { showCandleTable } from "./candle_table.js";
import { serverNow } from "./clock.js";
import { byId, remember, remembered } from "./dom.js";
import * as format from "./format.js";

/** @typedef {import("./chart.js").Chart} Chart */
/** @typedef {{zone: import("./format.js").Zone, hollow: boolean}} Options */

/** @returns {Options} as they were chosen last */
export function rememberedOptions() {
  return {
    zone: remembered("zone") === "local" ? "local" : "utc",
    hollow: remembered("hollow") === "yes",
  };
}

export class ChartLooks {
  isTable = false;

  /**
   * @param {Chart} chart
   * @param {Options} options that all parts of the page read
   * @param {{view: () => import("./api.js").View | null, zone: () => void}} page what is
   *   shown, and what to do when times are to be written anew
   */
  constructor(chart, options, page) {
    this.chart = chart;
    this.options = options;
    this.page = page;
    byId("zone-utc").addEventListener("click", () => this.setZone("utc"));
    byId("zone-local").addEventListener("click", () => this.setZone("local"));
    byId("hollow").addEventListener("click", () => this.#toggleHollow());
    byId("hollow").setAttribute("aria-pressed", String(options.hollow));
    byId("table-button").addEventListener("click", () => this.toggleTable());
    byId("png").addEventListener("click", () => this.#savePicture());
    this.#showZone();
  }

  /** @param {import("./format.js").Zone} zone */
  setZone(zone) {
    this.options.zone = zone;
    remember("zone", zone);
    this.#showZone();
    this.page.zone();
    this.chart.redraw();
    this.drawTable();
  }

  toggleTable() {
    this.isTable = !this.isTable;
    byId("table-button").setAttribute("aria-pressed", String(this.isTable));
    byId("candle-table").hidden = !this.isTable;
    byId("stage").classList.toggle("away", this.isTable);
    this.drawTable();
    if (this.isTable) byId("candle-table").focus();
    else this.chart.redraw();
  }

  /** The table shows the candles that the chart shows: those in the zoom, if there is one. */
  drawTable() {
    const view = this.page.view();
    if (!this.isTable || !view) return;
    showCandleTable(view, this.chart.isZoomed ? this.chart.window : null, this.options.zone);
  }

  #showZone() {
    byId("zone-utc").setAttribute("aria-pressed", String(this.options.zone === "utc"));
    byId("zone-local").setAttribute("aria-pressed", String(this.options.zone === "local"));
  }

  #toggleHollow() {
    this.options.hollow = !this.options.hollow;
    remember("hollow", this.options.hollow ? "yes" : "no");
    byId("hollow").setAttribute("aria-pressed", String(this.options.hollow));
    this.chart.redraw();
  }

  async #savePicture() {
    const view = this.page.view();
    if (!view) return;
    const link = document.createElement("a");
    link.href = await this.chart.picture();
    const last = view.candles.open_time.at(-1) ?? serverNow();
    link.download = `${view.symbol}_${view.interval}_${format.day(last, "utc")}.png`;
    link.click();
  }
}
