// Cells of a calendar in the page: links that tell what they hold, walked by arrow keys.

import { footOf, walk } from "./coverage_cells.js";
import { cellCounts, cellName } from "./coverage_words.js";
import { make } from "./dom.js";

/** @typedef {import("./coverage_cells.js").Cell} Cell */

/** What each cell in the page shows. @type {WeakMap<Element, {title: string, cell: Cell, hint: string}>} */
const shown = new WeakMap();

/** @param {Element} element */
export function contentOf(element) {
  return shown.get(element);
}

/**
 * A cell that can be opened.
 * @param {Cell} cell
 * @param {{size: "day" | "month", href: string, hint: string}} how
 */
export function cellLink(cell, { size, href, hint }) {
  const title = cellName(cell, size);
  const foot = footOf(cell);
  const link = make("a", {
    class: `cell ${cell.state}`, href, tabindex: "-1", role: "gridcell",
    "data-start": String(cell.start), "data-foot": foot ? String(foot) : null,
    "aria-label": `${title}: ${cellCounts(cell)}`,
  });
  shown.set(link, { title, cell, hint });
  return link;
}

/** A place without a candle. */
export function blank() {
  return make("i", { class: "cell none", role: "gridcell" });
}

/**
 * Let the arrow keys walk the cells in a box: one of them takes the focus.
 * @param {HTMLElement} box
 * @param {(time: number, steps: number) => number} row the same place some rows further
 */
export function walkable(box, row) {
  box.addEventListener("keydown", (event) => {
    const from = event.target instanceof Element ? event.target.closest("a.cell") : null;
    const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
    if (!from || !keys.includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const starts = linksIn(box).map(startOf).sort((a, b) => a - b);
    focusAt(box, walk(starts, startOf(from), event.key, row));
  });
  box.addEventListener("focusin", ({ target }) => {
    if (target instanceof Element && target.matches("a.cell")) reachable(box, target);
  });
}

/**
 * Fill a box anew; the focus stays at its cell, and the way in at the newest one.
 * @param {HTMLElement} box
 * @param {Node[]} children
 */
export function refill(box, children) {
  const focused = box.contains(document.activeElement) ? document.activeElement : null;
  const start = focused?.matches("a.cell") ? startOf(focused) : null;
  box.replaceChildren(...children);
  const links = linksIn(box);
  const newest = links.reduce((best, link) => (startOf(link) > startOf(best) ? link : best), links[0]);
  if (newest) reachable(box, newest);
  if (start !== null) focusAt(box, start);
}

/**
 * @param {HTMLElement} box
 * @param {number} start
 */
function focusAt(box, start) {
  const link = box.querySelector(`a.cell[data-start="${start}"]`);
  if (link instanceof HTMLElement) link.focus();
}

/**
 * @param {HTMLElement} box
 * @param {Element} chosen
 */
function reachable(box, chosen) {
  for (const link of box.querySelectorAll("a.cell[tabindex='0']")) link.setAttribute("tabindex", "-1");
  chosen.setAttribute("tabindex", "0");
}

/** @param {HTMLElement} box @returns {Element[]} */
function linksIn(box) {
  return [...box.querySelectorAll("a.cell")];
}

/** @param {Element} link */
function startOf(link) {
  return Number(link.getAttribute("data-start"));
}
